//! HotROD from an HTTP request to the trace that arrives over UDP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails with the test")]

use std::collections::BTreeMap;

use e2e::{Family, Outcome, Stage};
use xray_local::{Node, Outcome as Ending};
use xray_wire::{Sampled, TraceHeader, segment::Kind};

/// What X-Ray has to show for a successful order.
const SERVICES: [(&str, usize); 4] = [("customer", 1), ("driver", 1), ("frontend", 1), ("route", 10)];

/// A service may note the end of its response a moment after its caller has read it, by another thread.
const MAX_END_BEHIND_CALLER_NANOS: u64 = 1_000_000;

fn assert_all_sent(outcome: &Outcome) {
    let Outcome { summary, received } = outcome;
    assert_eq!((summary.spans_sent(), summary.spans_dropped()), (summary.spans_received(), 0));
    assert_eq!(received.rejected, []);
}

fn assert_within(child: &Node, parent: &Node) {
    let slack = if child.kind == Kind::Segment { MAX_END_BEHIND_CALLER_NANOS } else { 0 };
    let (child_end, parent_end) = (child.end_time.unwrap(), parent.end_time.unwrap());
    assert!(child.start_time <= child_end, "{child:#?}");
    assert!(child.start_time >= parent.start_time, "{child:#?} begins before {parent:#?}");
    assert!(child_end.as_nanos() <= parent_end.as_nanos() + slack, "{child:#?} ends after {parent:#?}");
}

#[tokio::test]
async fn one_order_is_one_trace_of_four_services() {
    let stage = Stage::start().await;
    let answer = stage.order("392", None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["x-amzn-trace-id"], format!("Root={}", answer.trace_id()));

    let outcome = stage.finish().await;
    assert_all_sent(&outcome);
    let [trace] = outcome.received.traces.as_slice() else { panic!("{:?}", outcome.received.traces) };
    assert_eq!(trace.id.to_string(), answer.trace_id());
    let family = Family::of(trace);
    assert_eq!(family.nodes().count() as u64, outcome.summary.spans_received());
    assert_eq!(family.services(), BTreeMap::from(SERVICES));

    let roots = family.roots();
    let [(root, None)] = roots.as_slice() else { panic!("expected one root, but found {roots:#?}") };
    assert_eq!((root.name.as_str(), root.kind), ("frontend", Kind::Segment));
    assert!(root.url.as_ref().unwrap().ends_with("/dispatch?customer=392"), "{root:#?}");
    for (child, parent) in family.pairs() {
        assert_within(child, parent);
        if child.kind == Kind::Segment {
            assert_eq!((parent.kind, parent.name.as_str()), (Kind::Subsegment, child.name.as_str()));
            assert_eq!((parent.status, parent.method.as_deref()), (Some(200), Some("GET")));
        }
    }
    for segment in family.nodes().filter(|node| node.kind == Kind::Segment) {
        assert_eq!((segment.status, segment.method.as_deref()), (Some(200), Some("GET")), "{segment:#?}");
        assert_eq!(segment.outcome, Ending::Ok);
    }
    let names: Vec<_> = family.nodes().map(|node| node.name.as_str()).collect();
    for (name, times) in [("customers@mysql", 1), ("find the fastest driver", 1), ("calculate the route", 10)]
    {
        assert_eq!(names.iter().filter(|found| **found == name).count(), times, "{name} in {names:?}");
    }
}

#[tokio::test]
async fn the_status_says_who_is_at_fault() {
    for (customer, status, ending) in
        [("392", 200, Ending::Ok), ("404", 404, Ending::Error), ("nobody", 400, Ending::Error)]
    {
        let stage = Stage::start().await;
        assert_eq!(stage.order(customer, None).await.status, status);
        let outcome = stage.finish().await;
        assert_all_sent(&outcome);
        let family = Family::of(&outcome.received.traces[0]);
        let (root, _) = family.roots()[0];
        assert_eq!((root.status, root.outcome), (Some(status), ending), "{customer}");
    }
}

#[tokio::test]
async fn a_callers_trace_is_continued() {
    const ROOT: &str = "1-67891233-abcdef012345678912345678";
    for (header, parent) in [
        ("Root=1-67891233-abcdef012345678912345678", None),
        ("Root=1-67891233-abcdef012345678912345678;Sampled=?", None),
        (
            "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1",
            Some("463ac35c9f6413ad"),
        ),
        (
            "Root=1-67891233-abcdef012345678912345678; Parent=463ac35c9f6413ad; Sampled=1",
            Some("463ac35c9f6413ad"),
        ),
        // As an Application Load Balancer writes it.
        ("Self=1-67891234-12456789abcdef012345678;Root=1-67891233-abcdef012345678912345678", None),
    ] {
        let stage = Stage::start().await;
        let answer = stage.order("123", Some(header.as_bytes())).await;
        assert_eq!((answer.status, answer.trace_id()), (200, ROOT), "{header}");
        let echoed = TraceHeader::parse(answer.headers["x-amzn-trace-id"].as_bytes());
        assert_eq!(echoed.root.unwrap().to_string(), ROOT, "{header}");
        let is_asked = header.ends_with("Sampled=?");
        assert_eq!(echoed.sampled, if is_asked { Sampled::Yes } else { Sampled::Unstated }, "{header}");

        let outcome = stage.finish().await;
        assert_all_sent(&outcome);
        assert_eq!(outcome.received.traces.len(), 1, "{header}");
        let family = Family::of(&outcome.received.traces[0]);
        assert_eq!(family.services(), BTreeMap::from(SERVICES), "{header}");
        let roots = family.roots();
        assert_eq!(roots.len(), 1, "{header}: {roots:#?}");
        let (root, above) = roots[0];
        assert_eq!(root.name, "frontend");
        assert_eq!(above.map(|id| id.to_string()).as_deref(), parent, "{header}");
    }
}

#[tokio::test]
async fn what_the_caller_does_not_want_is_not_sent() {
    let stage = Stage::start().await;
    for header in [
        "Root=1-67891233-abcdef012345678912345678;Sampled=0",
        "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=0",
        // What the Python X-Ray SDK writes when it does not sample.
        "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
    ] {
        assert_eq!(stage.order("731", Some(header.as_bytes())).await.status, 200, "{header}");
    }
    let Outcome { summary, received } = stage.finish().await;
    assert_eq!((summary.spans_received(), received.stats.datagrams), (0, 0));
}

#[tokio::test]
async fn garbage_in_the_header_costs_nothing_but_the_header() {
    let garbage: [&[u8]; 10] = [
        b"",
        b";;;;",
        b"Root",
        b"Root=;Parent=;Sampled=",
        b"Root=1-zzzzzzzz-abcdef012345678912345678",
        b"Root=1-00000000-000000000000000000000000;Parent=0000000000000000",
        b"Root=2-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1",
        b"\xff\xfe\x80 Root=\xf0\x9f\x92\xa9",
        "Root=1-67891233-abcdef01234567891234567\u{e9}".as_bytes(),
        &[b'='; 8_000],
    ];
    let stage = Stage::start().await;
    for header in garbage {
        assert_eq!(stage.order("567", Some(header)).await.status, 200, "{header:?}");
    }
    let outcome = stage.finish().await;
    assert_all_sent(&outcome);
    assert_eq!(outcome.received.traces.len(), garbage.len());
    for trace in &outcome.received.traces {
        assert_eq!(Family::of(trace).services(), BTreeMap::from(SERVICES));
    }
}
