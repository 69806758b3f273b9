//! Requests in any order, without a provider.

use std::time::UNIX_EPOCH;

use opentelemetry::{
    InstrumentationScope, KeyValue, TraceId,
    trace::{SpanKind, Status, TraceFlags, TraceState},
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use proptest::prelude::*;

use super::*;
use crate::tail_sampling::KeepReason;

fn context(trace: u128, id: u64) -> SpanContext {
    let trace = TraceId::from(trace);
    SpanContext::new(trace, SpanId::from(id), TraceFlags::NOT_SAMPLED, false, TraceState::NONE)
}

fn span(trace: u128, id: u64, parent: Option<u64>, fails: bool) -> SpanData {
    SpanData {
        span_context: context(trace, id),
        parent_span_id: parent.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "span".into(),
        start_time: UNIX_EPOCH,
        end_time: UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if fails { Status::error("") } else { Status::Unset },
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A pending request with id 1 and three spans that have ended, 2 to 4.
fn one_request(policy: TailSampling) -> (Pending, Vec<SpanData>) {
    let (mut pending, mut kept) = (Pending::new(policy), Vec::new());
    pending.start(&context(1, 1), None, at(0), &mut kept);
    for id in 2..=4 {
        pending.start(&context(1, id), Some(&context(1, 1)), at(0), &mut kept);
        pending.end(span(1, id, Some(1), false), at(0), &mut kept);
    }
    (pending, kept)
}

#[test]
fn each_setting_is_a_reason() {
    use KeepReason::{Error, Fault, Rate, Slow, Throttle};
    let ended = |route: &str, status: i64, millis| SpanData {
        end_time: UNIX_EPOCH + Duration::from_millis(millis),
        attributes: vec![
            KeyValue::new("http.response.status_code", status),
            KeyValue::new("http.route", route.to_owned()),
        ],
        ..span(1, 1, None, false)
    };
    let failures = TailSampling::new().faults().errors().throttles();
    let slow = TailSampling::new()
        .slower_than_on("/reports/*", at(30))
        .slower_than_on("/poll", Duration::MAX)
        .slower_than(at(1));
    let throttles = TailSampling::new().throttles();
    for (policy, route, status, millis, expected) in [
        (&failures, "/", 200, 5_000, None),
        (&failures, "/", 503, 0, Some(Fault)),
        (&failures, "/", 404, 0, Some(Error)),
        (&failures, "/", 429, 0, Some(Throttle)),
        (&throttles, "/", 404, 0, None),
        (&throttles, "/", 429, 0, Some(Throttle)),
        (&slow, "/", 500, 999, None),
        (&slow, "/", 200, 1_000, Some(Slow)),
        (&slow, "/reports/7", 200, 29_999, None),
        (&slow, "/reports/7", 200, 30_000, Some(Slow)),
        (&slow, "/poll", 200, 1_000_000, None),
        (&TailSampling::new().rate(1.0), "/", 200, 0, Some(Rate)),
        (&TailSampling::new().rate(f64::NAN), "/", 200, 0, None),
        (&TailSampling::new(), "/", 500, 0, None),
    ] {
        assert_eq!(policy.judge(&ended(route, status, millis)), expected, "{route} {status} {millis}");
    }
}

#[test]
fn the_rate_takes_what_samplers_leave() {
    use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

    let policy = TailSampling::new().rate(0.25);
    let sampler = Sampler::TraceIdRatioBased(0.25);
    let (mut both, mut kept) = (0, 0);
    for n in 0..1_000_u64 {
        let trace = TraceId::from(u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let sampled = sampler.should_sample(None, trace, "", &SpanKind::Server, &[], &[]).decision;
        let is_kept = policy.judge_unfinished(trace, at(0)).is_some();
        kept += u32::from(is_kept);
        both += u32::from(is_kept && sampled == SamplingDecision::RecordAndSample);
    }
    assert!((200..300).contains(&kept) && both == 0, "{kept} {both}");
}

#[test]
fn a_request_that_does_not_end_is_decided_by_its_age() {
    for (policy, seconds, kept_then, let_go_then, kept_at_end) in [
        (TailSampling::new().faults(), 59, 0, 0, 4),
        (TailSampling::new().faults(), 60, 0, 3, 1),
        (TailSampling::new().faults().slower_than(at(10)), 60, 3, 0, 4),
        (TailSampling::new().faults().timeout(at(5)), 5, 0, 3, 1),
    ] {
        let (mut pending, mut kept) = one_request(policy);
        pending.start(&context(2, 1), None, at(seconds), &mut kept);
        assert_eq!((kept.len(), pending.stats.spans_let_go_early), (kept_then, let_go_then));
        // What it says at its end still counts for the rest.
        pending.end(span(1, 1, None, true), at(seconds), &mut kept);
        assert_eq!(kept.len(), kept_at_end);
        let end = kept.last().unwrap();
        assert_eq!(end.span_context.span_id(), SpanId::from(1));
    }
}

/// Enough requests that begin and end well for those before them to be forgotten.
fn many_others(pending: &mut Pending, kept: &mut Vec<SpanData>) {
    for trace in 1_000..1_000 + 2 * MAX_RECENT as u128 {
        pending.start(&context(trace, 1), None, at(61), kept);
        pending.end(span(trace, 1, None, false), at(61), kept);
    }
}

#[test]
fn a_request_that_grew_old_is_still_one_request() {
    let faults = || TailSampling::new().faults();
    let slow = || faults().slower_than(at(10));
    for (policy, call_fails, root_fails, kept_at_end, let_go_early, reason) in [
        (faults(), true, false, 0, 3, None),
        (faults(), false, true, 2, 3, Some("fault")),
        (slow(), false, false, 5, 0, Some("slow")),
        (slow(), false, true, 5, 0, Some("fault")),
    ] {
        let (mut pending, mut kept) = one_request(policy);
        pending.start(&context(1, 5), Some(&context(1, 1)), at(1), &mut kept);
        many_others(&mut pending, &mut kept);
        pending.end(span(1, 5, Some(1), call_fails), at(61), &mut kept);
        many_others(&mut pending, &mut kept);
        let root = SpanData { end_time: UNIX_EPOCH + at(70), ..span(1, 1, None, root_fails) };
        pending.end(root, at(70), &mut kept);
        let stats = pending.stats();
        assert_eq!((kept.len(), stats.spans_let_go_early), (kept_at_end, let_go_early), "{reason:?}");
        let told = kept.last().and_then(|root| Some(root.attributes.first()?.value.to_string()));
        assert_eq!(told.as_deref(), reason);
        let requests_kept: u64 = KeepReason::ALL.iter().map(|reason| stats.requests_kept(*reason)).sum();
        assert_eq!(requests_kept, u64::from(reason.is_some()));
    }
}

#[test]
fn a_request_is_slow_for_its_age_only_where_every_route_has_a_threshold() {
    let reports = TailSampling::new().slower_than_on("/reports/*", at(10));
    assert_eq!(reports.judge_unfinished(TraceId::from(1), at(1_000)), None);
    let all = reports.slower_than(at(1));
    assert_eq!(all.judge_unfinished(TraceId::from(1), at(9)), None);
    assert_eq!(all.judge_unfinished(TraceId::from(1), at(10)), Some(KeepReason::Slow));
}

#[test]
fn a_root_of_which_no_request_is_known_says_why_it_is_kept() {
    let (mut pending, mut kept) = (Pending::new(TailSampling::new().faults()), Vec::new());
    pending.end(span(1, 1, None, true), at(0), &mut kept);
    pending.end(span(1, 2, None, false), at(0), &mut kept);
    pending.end(span(1, 3, Some(2), false), at(0), &mut kept);
    pending.end(span(2, 4, Some(9), true), at(0), &mut kept);
    let reasons: Vec<usize> = kept.iter().map(|span| span.attributes.len()).collect();
    assert_eq!(reasons, [1, 1, 0], "two roots, what is below them, and not the call that failed by itself");
    assert_eq!(pending.stats().requests_kept(KeepReason::Fault), 1);
}

#[test]
fn with_too_much_held_the_oldest_gives_way() {
    let bytes = weight(&span(1, 2, Some(1), false));
    for (policy, gone) in [
        (TailSampling::new().faults().max_spans(3), 0),
        (TailSampling::new().faults().max_spans(2), 3),
        (TailSampling::new().faults().max_spans(0), 3),
        (TailSampling::new().faults().max_bytes(3 * bytes), 0),
        (TailSampling::new().faults().max_bytes(3 * bytes - 1), 3),
    ] {
        let (mut pending, mut kept) = one_request(policy);
        assert_eq!(pending.stats.spans_let_go_early, gone);
        pending.end(span(1, 1, None, true), at(0), &mut kept);
        assert_eq!(kept.len() as u64, 4 - gone, "the rest is kept");
        assert_eq!((pending.stats.spans_held, pending.stats.bytes_held), (0, 0));
    }
}

#[test]
fn spans_beyond_what_can_be_counted_go_alone_and_those_that_grew_old_make_room() {
    let mut kept = Vec::new();
    let mut pending = Pending::new(TailSampling::new().faults());
    pending.max_members = 4;
    for id in 1..=6 {
        pending.start(&context(id.into(), id), None, at(0), &mut kept);
    }
    assert_eq!((pending.members.len(), pending.requests.len()), (4, 4));
    pending.end(span(6, 6, None, true), at(0), &mut kept);
    assert_eq!(kept.len(), 1);
    pending.start(&context(7, 7), None, at(61), &mut kept);
    assert_eq!((pending.members.len(), pending.requests.len()), (1, 1));
}

#[test]
fn with_too_many_spans_the_oldest_requests_forget_those_that_have_ended() {
    let mut kept = Vec::new();
    let mut pending = Pending::new(TailSampling::new().faults());
    pending.max_members = 8;
    for trace in 1..=2 {
        pending.start(&context(trace, 1), None, at(0), &mut kept);
        for id in 2..=4 {
            pending.start(&context(trace, id), Some(&context(trace, 1)), at(0), &mut kept);
            pending.end(span(trace, id, Some(1), false), at(0), &mut kept);
        }
    }
    pending.start(&context(3, 1), None, at(0), &mut kept);
    assert_eq!((pending.members.len(), pending.members.ended(), pending.requests.len()), (6, 3, 3));
    for trace in 1..=2 {
        pending.start(&context(trace, 5), Some(&context(trace, 2)), at(0), &mut kept);
        pending.end(span(trace, 5, Some(2), false), at(0), &mut kept);
        pending.end(span(trace, 1, None, true), at(0), &mut kept);
    }
    let of =
        |trace: u128| kept.iter().filter(|span| span.span_context.trace_id() == TraceId::from(trace)).count();
    assert_eq!((of(1), of(2)), (4, 5), "what is held is kept; what started below a forgotten one went alone");
    assert_eq!((pending.members.len(), pending.members.ended()), (1, 0));
}

#[derive(Debug, Clone)]
enum Step {
    Start { trace: u128, id: u64, parent: Option<u64> },
    End { trace: u128, id: u64, parent: Option<u64>, fails: bool },
    Wait { seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ids = || (1..4_u128, 1..8_u64, prop::option::weighted(0.7, 1..8_u64));
    let step = prop_oneof![
        4 => ids().prop_map(|(trace, id, parent)| Step::Start { trace, id, parent }),
        4 => (ids(), prop::bool::weighted(0.2))
            .prop_map(|((trace, id, parent), fails)| Step::End { trace, id, parent, fails }),
        1 => (0..40_u64).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn whatever_happens_is_bounded_and_every_span_is_told(
        steps in steps(),
        max_spans in 0..6_usize,
        max_bytes in 0..3_000_usize,
        max_members in 1..8_usize,
        rate in prop_oneof![Just(0.0), Just(0.5)],
    ) {
        let policy = TailSampling::new().faults().slower_than(at(30)).rate(rate);
        let mut pending = Pending::new(policy.max_spans(max_spans).max_bytes(max_bytes));
        pending.max_members = max_members;
        let (mut kept, mut now, mut ended) = (Vec::new(), at(0), 0);
        for step in steps {
            match step {
                Step::Start { trace, id, parent } => {
                    let parent = parent.map(|parent| context(trace, parent));
                    pending.start(&context(trace, id), parent.as_ref(), now, &mut kept);
                }
                Step::End { trace, id, parent, fails } => {
                    ended += 1;
                    pending.end(span(trace, id, parent, fails), now, &mut kept);
                }
                Step::Wait { seconds } => now += at(seconds),
            }
            let stats = pending.stats();
            let held: usize = pending.requests.values().map(|request| request.held.len()).sum();
            prop_assert_eq!(stats.spans_in, ended);
            prop_assert_eq!(kept.len() as u64, stats.spans_kept);
            prop_assert_eq!(held as u64, stats.spans_held);
            prop_assert_eq!(ended, stats.spans_kept + stats.spans_let_go + stats.spans_let_go_early + stats.spans_held);
            let open: usize = pending.requests.values().map(|request| request.open).sum();
            prop_assert_eq!(open + pending.members.ended(), pending.members.len());
            prop_assert!(held <= max_spans && stats.bytes_held <= max_bytes as u64);
            prop_assert!(pending.members.len() <= max_members && pending.requests.len() <= max_members);
        }
        pending.decide_all(now, &mut kept);
        let stats = pending.stats();
        prop_assert_eq!((stats.spans_held, stats.bytes_held), (0, 0));
        prop_assert_eq!(ended, kept.len() as u64 + stats.spans_let_go + stats.spans_let_go_early);
    }

    /// A tree of spans, each started by one before it, open or not, that end in any order: all have the fate of the first.
    #[test]
    fn no_order_of_starts_and_ends_parts_a_request(
        children in prop::collection::vec(any::<(prop::sample::Index, Option<prop::sample::Index>)>(), 0..20),
        order in any::<u64>(),
        fails in any::<bool>(),
    ) {
        let (mut pending, mut kept) = (Pending::new(TailSampling::new().faults()), Vec::new());
        pending.start(&context(1, 1), None, at(0), &mut kept);
        let mut started = vec![context(1, 1)];
        let mut open = vec![span(1, 1, None, fails)];
        for (id, (parent, end)) in (2..).zip(&children) {
            let parent = parent.get(&started).clone();
            pending.start(&context(1, id), Some(&parent), at(0), &mut kept);
            started.push(context(1, id));
            open.push(span(1, id, Some(u64::from_be_bytes(parent.span_id().to_bytes())), false));
            if let Some(end) = end {
                pending.end(open.swap_remove(end.index(open.len())), at(0), &mut kept);
            }
        }
        open.sort_by_key(|span| {
            let id = u64::from_be_bytes(span.span_context.span_id().to_bytes());
            (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ order).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        });
        for span in open {
            pending.end(span, at(0), &mut kept);
        }
        prop_assert_eq!(kept.len(), if fails { started.len() } else { 0 });
        prop_assert!(pending.members.len() == 0 && pending.requests.is_empty() && pending.holding.is_empty());
    }
}
