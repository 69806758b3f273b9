//! OTLP over HTTP and in datagrams, as a client sees it.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::{io::Write, net::UdpSocket, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use xray_local::{Snapshot, XrayLocal};

/// Longer than anything here takes; a test that hangs should fail.
const PATIENCE: Duration = Duration::from_secs(20);

const PROTOBUF: &str = "application/x-protobuf";

async fn start() -> XrayLocal {
    XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap()
}

async fn wait(xray: &XrayLocal, enough: impl FnMut(&Snapshot) -> bool) -> Snapshot {
    tokio::time::timeout(PATIENCE, xray.wait_until(enough)).await.unwrap()
}

fn text(key: &str, text: impl Into<String>) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(text.into())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn span(id: u64) -> Span {
    Span {
        trace_id: 7_u128.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: "GET /orders".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_800_000_000_000_000_000,
        end_time_unix_nano: 1_800_000_000_500_000_000,
        attributes: vec![text("http.request.method", "GET")],
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let resource = Resource { attributes: vec![text("service.name", "shop")], ..Resource::default() };
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

async fn post(xray: &XrayLocal, content_type: &str, encoding: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let client = reqwest::Client::new().post(format!("{}/v1/traces", xray.url()));
    let client = client.header("content-type", content_type).header("content-encoding", encoding);
    let response = client.body(body).send().await.unwrap();
    assert!(response.status() == 415 || response.headers()["content-type"] == content_type);
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn assert_shown(received: &Snapshot) {
    let node = &received.traces[0].documents[0].nodes[0];
    assert_eq!((node.name.as_str(), node.method.as_deref()), ("shop", Some("GET")));
    assert_eq!((node.duration_nanos(), received.stats.otlp_spans), (Some(500_000_000), 1));
}

#[tokio::test]
async fn a_request_becomes_a_trace_however_it_is_written() {
    let request = request(vec![span(1)]);
    for (content_type, encoding, body) in [
        (PROTOBUF, "identity", request.encode_to_vec()),
        (PROTOBUF, "gzip", gzip(&request.encode_to_vec())),
        ("application/json", "identity", serde_json::to_vec(&request).unwrap()),
        ("application/json", "gzip", gzip(&serde_json::to_vec(&request).unwrap())),
    ] {
        let xray = start().await;
        let (status, _) = post(&xray, content_type, encoding, body).await;
        assert_eq!(status, 200, "{content_type} {encoding}");
        assert_shown(&xray.snapshot());
    }
}

#[tokio::test]
async fn a_datagram_of_sampled_spans_becomes_a_trace_and_others_are_counted() {
    let xray = start().await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let request = BASE64_STANDARD.encode(request(vec![span(1)]).encode_to_vec());
    let send = |document: String| {
        let datagram = format!("{{\"format\":\"json\",\"version\":1}}\n{document}");
        socket.send_to(datagram.as_bytes(), xray.addr()).unwrap();
    };
    send(format!("T1S{request}"));
    assert_shown(&wait(&xray, |received| !received.traces.is_empty()).await);
    send(format!("T1U{request}"));
    let received = wait(&xray, |received| received.stats.otlp_unsampled == 1).await;
    assert_eq!((received.traces.len(), received.stats.otlp_spans), (1, 2));
    send("T1S?".to_owned());
    let received = wait(&xray, |received| !received.rejected.is_empty()).await;
    assert_eq!(received.rejected[0].rejection.reason, "OTLP: expected base64 behind T1S or T1U");
}

#[tokio::test]
async fn what_the_endpoint_would_refuse_is_refused_with_a_reason() {
    let large = |length: usize| Span { attributes: vec![text("a", "x".repeat(length))], ..span(1) };
    let later = Span { end_time_unix_nano: 1_800_090_000_000_000_000, ..span(1) };
    for (reason, body) in [
        ("expected an ExportTraceServiceRequest", b"\xff".to_vec()),
        (
            "at most 10000 spans, but found 10001",
            request(vec![Span { attributes: Vec::new(), ..span(1) }; 10_001]).encode_to_vec(),
        ),
        ("a span of at most 204800 bytes", request(vec![large(205_000)]).encode_to_vec()),
        ("at most 5 MiB", request(vec![large(100_000); 60]).encode_to_vec()),
        ("at most 24 hours apart", request(vec![later]).encode_to_vec()),
    ] {
        let xray = start().await;
        let (status, answer) = post(&xray, PROTOBUF, "gzip", gzip(&body)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(status, 400, "{reason}");
        assert!(answer.contains(reason), "{reason}: {answer}");
        let received = xray.snapshot();
        assert!(received.rejected[0].rejection.reason.contains(reason), "{reason}");
        assert!(received.traces.is_empty(), "{reason}");
    }
    let xray = start().await;
    assert_eq!(post(&xray, "text/plain", "identity", Vec::new()).await.0, 415);
}

#[tokio::test]
async fn a_span_without_ids_is_rejected_and_harms_no_other() {
    let xray = start().await;
    let nameless = Span { span_id: Vec::new(), ..span(2) };
    let (status, answer) =
        post(&xray, PROTOBUF, "identity", request(vec![nameless, span(1)]).encode_to_vec()).await;
    let answer = ExportTraceServiceResponse::decode(&*answer).unwrap();
    assert_eq!((status, answer.partial_success.unwrap().rejected_spans), (200, 1));
    assert_eq!(xray.snapshot().traces[0].documents.len(), 1);
}
