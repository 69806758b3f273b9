//! The daemon's TCP road against a server on loopback that does what it is told.

use std::net::TcpListener;

use super::{
    test_server::{Act, Server},
    *,
};
use crate::{
    clock::{Clock, SystemClock},
    exporter::DropReason,
    post::{CallErrorKind, Post, PostRequest},
    sink::{Documents, Report, SegmentSink},
};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_request_says_what_aws_clients_say() {
    let server = Server::start(vec![]);
    let request =
        PostRequest { path: "/x", content_type: "text/plain", content_encoding: Some("gzip"), body: b"body" };
    let daemon = daemon(&server.endpoint(), Some("AWS_ECS_FARGATE"), 8);
    assert_eq!(daemon.post(&request, PATIENCE).unwrap().status, 200);
    let [request] = &server.received()[..] else { panic!("{:?}", server.received()) };
    let head = request.head.to_ascii_lowercase();
    assert_eq!((head.lines().next(), &request.body[..]), (Some("post /x http/1.1"), &b"body"[..]));
    let version = env!("CARGO_PKG_VERSION");
    for expected in [
        "content-type: text/plain",
        "content-encoding: gzip",
        &format!(
            "user-agent: opentelemetry-aws-xray/{version} exec-env/aws_ecs_fargate os/{}-",
            std::env::consts::OS
        ),
        "x-amzn-xray-timestamp: 1",
    ] {
        assert!(head.lines().any(|line| line.starts_with(expected)), "{expected}\n{head}");
    }
    let stamp = head.lines().find_map(|line| line.strip_prefix("x-amzn-xray-timestamp: ")).unwrap();
    assert_eq!(stamp.split_once('.').unwrap().1.len(), 9);
}

#[test]
fn what_no_header_can_hold_is_left_out_of_it() {
    for env in [None, Some(""), Some("a\r\nb"), Some("é"), Some("a b")] {
        assert!(user_agent(env).contains(" exec-env/UNKNOWN OS/"), "{env:?}");
    }
}

/// A sink to a server, with numbers of its own; documents by the ids of their segments.
fn send(sink: &mut AcknowledgedSink, report: &Report, ids: std::ops::RangeInclusive<u64>) {
    let mut documents = Documents::default();
    for id in ids {
        let json = format!("{{\"trace_id\":\"1-00000001-{:024x}\",\"name\":\"x\",\"id\":\"{id:016x}\"}}", 1);
        documents.push(1, |out| out.extend_from_slice(json.as_bytes()));
    }
    sink.send(&documents, report);
}

#[test]
fn documents_go_by_the_fifty_over_kept_connections() {
    let server = Server::start(vec![]);
    let (mut sink, report) =
        (sink(Payload::Segments, &server.endpoint(), None, Rejections::default()), Report::default());
    for from in [0, 60, 120] {
        send(&mut sink, &report, from + 1..=from + 60);
        sink.force_flush(PATIENCE, &report);
    }
    let stats = report.stats();
    assert_eq!((stats.spans_sent, stats.spans_held), (180, 0));
    let received = server.received();
    assert_eq!(received.len(), 6);
    assert!(received.iter().all(|request| request.head.starts_with("POST /TraceSegments ")));
    let connections = received.iter().map(|request| request.connection).max().unwrap() + 1;
    assert!(connections <= 3, "{connections} connections");
}

#[test]
fn what_x_ray_refuses_is_not_counted_as_sent() {
    let acts = vec![
        Act::TakeBut("0000000000000002"),
        Act::Answer("404 Not Found", "", r#"{"message":"no"}"#.into()),
        Act::Close,
        Act::Answer("503 Busy", "", String::new()),
    ];
    let server = Server::start(acts);
    let (mut sink, report) =
        (sink(Payload::Segments, &server.endpoint(), None, Rejections::default()), Report::default());
    for (ids, sent, rejected) in [(1..=3, 2, 1), (4..=5, 2, 3), (6..=6, 3, 3)] {
        send(&mut sink, &report, ids);
        sink.force_flush(PATIENCE, &report);
        let stats = report.stats();
        assert_eq!(
            (stats.spans_sent, stats.dropped(DropReason::Rejected), stats.spans_held),
            (sent, rejected, 0)
        );
    }
}

/// Who is switched off, or behind a firewall, does not refuse: nothing comes back. So it is with a queue of connections that is full.
#[cfg(target_os = "linux")]
#[test]
fn who_does_not_answer_a_connection_is_away() {
    use std::{io, net::TcpStream};

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(500));
    let failed = std::iter::from_fn(|| Some(connect().err())).take(100_000).flatten().next();
    assert_eq!(failed.map(|error| error.kind()), Some(io::ErrorKind::TimedOut));

    let endpoint = Endpoint { host: "127.0.0.1".into(), port: address.port() };
    let request =
        PostRequest { path: "/x", content_type: "text/plain", content_encoding: None, body: b"body" };
    let error = daemon(&endpoint, None, 1).post(&request, PATIENCE).unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable, "{}", error.message);
}

#[test]
fn a_daemon_that_comes_late_gets_everything() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Endpoint { host: "127.0.0.1".into(), port: address.port() };
    let (mut sink, report) =
        (sink(Payload::Segments, &endpoint, None, Rejections::default()), Report::default());
    send(&mut sink, &report, 1..=100);
    let before = SystemClock.now();
    sink.force_flush(PATIENCE, &report);
    assert!(SystemClock.now() - before < PATIENCE / 3, "a flush does not wait for who is away");
    assert_eq!((report.stats().spans_held, report.stats().spans_dropped()), (100, 0));
    let _server = Server::listen(TcpListener::bind(address).unwrap(), vec![]);
    sink.force_flush(PATIENCE, &report);
    let stats = report.stats();
    assert_eq!((stats.spans_sent, stats.spans_held, stats.spans_dropped()), (100, 0, 0));
}
