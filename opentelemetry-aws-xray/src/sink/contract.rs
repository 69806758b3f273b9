//! What every sink has to keep to, whatever its receiver does: each document is sent, held or dropped for a reason, and the
//! receiver holds exactly what was called sent.

use std::{net::UdpSocket, time::Duration};

use xray_wire::{Endpoint, pack};

use super::{DaemonSink, Documents, MemorySink, Report, SegmentSink};
use crate::exporter::{DropReason, ExporterStats};

/// A sink and what stands at its other end.
struct Row {
    what: &'static str,
    sink: Box<dyn SegmentSink>,
    /// The documents that came since the last time.
    received: Box<dyn FnMut() -> Vec<String>>,
    /// The reasons for which documents may be dropped.
    reasons: &'static [DropReason],
}

#[test]
fn every_sink_keeps_the_contract() {
    for row in rows() {
        sink_contract(row);
    }
}

fn rows() -> Vec<Row> {
    let roads: &[fn() -> Vec<Row>] = &[
        || vec![memory(), udp(), udp_to_nobody()],
        #[cfg(feature = "daemon-tcp")]
        tcp::rows,
        #[cfg(all(feature = "daemon-tcp", feature = "otlp"))]
        || vec![tcp::otlp_row()],
        #[cfg(all(feature = "aws", feature = "daemon-tcp"))]
        tcp::direct_rows,
    ];
    roads.iter().flat_map(|rows| rows()).collect()
}

/// The one body of the test.
fn sink_contract(Row { what, mut sink, mut received, reasons }: Row) {
    let report = Report::default();
    let (mut given, mut arrived) = (0, Vec::new());
    let most = sink.max_document_bytes();
    let mut number = 0;
    for sizes in [&[0; 60][..], &[most, 300, most / 2], &[], &[1_000; 20]] {
        let mut documents = Documents::default();
        for size in sizes {
            number += 1;
            documents.push(number, |out| out.extend_from_slice(document(number, *size).as_bytes()));
            given += u64::from(number);
        }
        // One of them without time to wait for anybody.
        match sizes.len() {
            3 => sink.send_within(&documents, Duration::ZERO, &report),
            _ => sink.send(&documents, &report),
        }
        assert_adds_up(what, &report.stats(), given);
        sink.force_flush(Duration::from_secs(10), &report);
        assert_adds_up(what, &report.stats(), given);
        arrived.extend(received());
    }
    sink.shutdown(Duration::from_secs(10), &report);
    arrived.extend(received());

    let stats = report.stats();
    assert_adds_up(what, &stats, given);
    assert_eq!(stats.spans_held, 0, "{what}: held after shutdown: {stats:?}");
    for reason in DropReason::ALL.into_iter().filter(|reason| stats.dropped(*reason) > 0) {
        assert!(reasons.contains(&reason), "{what}: dropped for {reason}: {stats:?}");
    }
    // What came twice, after an answer that was lost, counts once.
    arrived.sort();
    arrived.dedup();
    let spans: u64 = arrived.iter().map(|document| spans(document)).sum();
    let found = (arrived.len() as u64, spans, arrived.iter().map(String::len).sum::<usize>() as u64);
    assert_eq!(found, (stats.documents_sent, stats.spans_sent, stats.bytes_sent), "{what}: {stats:?}");
}

fn assert_adds_up(what: &str, stats: &ExporterStats, given: u64) {
    assert_eq!(stats.spans_sent + stats.spans_held + stats.spans_dropped(), given, "{what}: {stats:?}");
}

/// A document of that size, and at least as large as it has to be, that stands for so many spans.
fn document(number: u32, size: usize) -> String {
    let head = format!("{{\"trace_id\":\"1-{:08x}-{:024x}\",\"name\":\"", number % 7, 1);
    let tail = format!("\",\"id\":\"{number:016x}\"}}");
    let padding = size.saturating_sub(head.len() + tail.len());
    format!("{head}{}{tail}", "x".repeat(padding))
}

fn spans(document: &str) -> u64 {
    let (_, id) = xray_wire::peek::ids(document.as_bytes()).unwrap();
    u64::from_be_bytes(id.to_bytes())
}

fn memory() -> Row {
    let sink = MemorySink::default();
    let kept = sink.clone();
    Row { what: "memory", sink: Box::new(sink), received: Box::new(move || kept.take()), reasons: &[] }
}

fn udp() -> Row {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let endpoint = Endpoint { host: "127.0.0.1".into(), port: socket.local_addr().unwrap().port() };
    let received = move || {
        let mut buffer = vec![0; 70_000];
        let datagrams =
            std::iter::from_fn(|| socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()));
        let document = |datagram: Vec<u8>| datagram.strip_prefix(pack::DATAGRAM_HEADER).unwrap().to_vec();
        datagrams.map(|datagram| String::from_utf8(document(datagram)).unwrap()).collect()
    };
    Row { what: "UDP", sink: Box::new(DaemonSink::new(endpoint)), received: Box::new(received), reasons: &[] }
}

fn udp_to_nobody() -> Row {
    Row {
        what: "UDP to nobody",
        sink: Box::new(DaemonSink::new(nobody())),
        received: Box::new(Vec::new),
        reasons: &[DropReason::Unreachable],
    }
}

/// A port that nobody listens at, over UDP or TCP.
fn nobody() -> Endpoint {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Endpoint { host: "127.0.0.1".into(), port }
}

#[cfg(feature = "daemon-tcp")]
mod tcp {
    use super::{DropReason, Endpoint, Row, SegmentSink, nobody};
    use crate::sink::{
        acknowledged::Rejections,
        daemon_tcp::{
            self,
            test_server::{Act, Server},
        },
    };

    pub(super) fn rows() -> Vec<Row> {
        vec![
            row("TCP", sink, vec![], &[]),
            row("TCP on a bad day", sink, bad_day(), &[DropReason::Rejected, DropReason::Unanswered]),
            row("TCP without permission", sink, forbidden(), &[DropReason::NoCredentials]),
            Row {
                what: "TCP to nobody",
                sink: sink(&nobody()),
                received: Box::new(Vec::new),
                reasons: &[DropReason::Unreachable],
            },
        ]
    }

    /// Straight to X-Ray, to the same server.
    #[cfg(feature = "aws")]
    pub(super) fn direct_rows() -> Vec<Row> {
        let expired = Act::Answer("403 Forbidden", "x-amzn-errortype: ExpiredToken\r\n", "{}".into());
        vec![
            row("direct", direct, vec![], &[]),
            row("direct on a bad day", direct, bad_day(), &[DropReason::Rejected, DropReason::Unanswered]),
            row("direct without permission", direct, forbidden(), &[DropReason::NoCredentials]),
            row("direct with old credentials", direct, vec![expired; 100], &[DropReason::NoCredentials]),
            Row {
                what: "direct to nobody",
                sink: direct(&nobody()),
                received: Box::new(Vec::new),
                reasons: &[DropReason::Unreachable],
            },
        ]
    }

    fn bad_day() -> Vec<Act> {
        vec![
            Act::Close,
            Act::Answer("503 Busy", "", String::new()),
            Act::TakeBut("0000000000000003"),
            Act::Answer("400 Bad", "x-amzn-errortype: ThrottlingException\r\n", String::new()),
            Act::Answer("400 Bad", "", "{}".into()),
            Act::Answer("200 OK", "", "<html>".into()),
        ]
    }

    fn forbidden() -> Vec<Act> {
        vec![Act::Answer("403 Forbidden", "", "{}".into()); 100]
    }

    fn row(
        what: &'static str,
        sink: fn(&Endpoint) -> Box<dyn SegmentSink>,
        acts: Vec<Act>,
        reasons: &'static [DropReason],
    ) -> Row {
        let server = Server::start(acts);
        let mut told = 0;
        let sink = sink(&server.endpoint());
        let received = move || {
            let taken = server.taken();
            let new = taken[told..].to_vec();
            told = taken.len();
            new
        };
        Row { what, sink, received: Box::new(received), reasons }
    }

    /// A document is a whole call, whatever it holds.
    #[cfg(feature = "otlp")]
    pub(super) fn otlp_row() -> Row {
        use std::io::Read;

        let taken = Act::Answer("200 OK", "content-type: application/x-protobuf\r\n", String::new());
        let bad = [Act::Close, Act::Answer("503 Busy", "", String::new())];
        let server = Server::start(bad.into_iter().chain(vec![taken; 200]).collect());
        let sink =
            daemon_tcp::sink(crate::config::Payload::Otlp, &server.endpoint(), None, Rejections::default());
        let mut told = 0;
        let received = move || {
            let requests = server.received();
            let new = &requests[told..];
            told = requests.len();
            let text = |body: &[u8]| {
                let mut text = String::new();
                flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap();
                text
            };
            new.iter().map(|request| text(&request.body)).collect()
        };
        Row { what: "OTLP over TCP", sink: Box::new(sink), received: Box::new(received), reasons: &[] }
    }

    fn sink(endpoint: &Endpoint) -> Box<dyn SegmentSink> {
        Box::new(daemon_tcp::sink(crate::config::Payload::Segments, endpoint, None, Rejections::default()))
    }

    #[cfg(feature = "aws")]
    fn direct(endpoint: &Endpoint) -> Box<dyn SegmentSink> {
        use crate::aws::{Direct, DirectSink, test_config};

        let url = format!("http://{}:{}", endpoint.host, endpoint.port);
        Box::new(DirectSink::new(Direct::new().with_sdk_config(test_config()).with_endpoint(url)))
    }
}
