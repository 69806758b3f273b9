//! What comes in over UDP and HTTP, as a client sees it.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::{net::UdpSocket, time::Duration};

use serde_json::{Value, json};
use xray_local::{Limits, Snapshot, StartError, XrayLocal};

/// Longer than anything here takes; a test that hangs should fail.
const PATIENCE: Duration = Duration::from_secs(20);

const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";

async fn start() -> XrayLocal {
    XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap()
}

async fn wait(xray: &XrayLocal, enough: impl FnMut(&Snapshot) -> bool) -> Snapshot {
    tokio::time::timeout(PATIENCE, xray.wait_until(enough)).await.unwrap()
}

fn send(xray: &XrayLocal, datagram: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(datagram.as_bytes(), xray.addr()).unwrap();
}

fn trace_id(number: usize) -> String {
    format!("1-5759e988-{number:024x}")
}

fn segment(trace: usize, id: u64, name: &str) -> Value {
    json!({
        "name": name, "id": format!("{id:016x}"), "trace_id": trace_id(trace),
        "start_time": 1_465_510_280.25, "end_time": 1_465_510_280.75,
    })
}

async fn get(xray: &XrayLocal, path: &str) -> Value {
    let response = reqwest::get(format!("{}{path}", xray.url())).await.unwrap();
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

async fn put(xray: &XrayLocal, body: String) -> reqwest::Response {
    reqwest::Client::new().post(format!("{}/TraceSegments", xray.url())).body(body).send().await.unwrap()
}

async fn put_documents(xray: &XrayLocal, documents: &[Value]) -> Value {
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    let response = put(xray, json!({ "TraceSegmentDocuments": texts }).to_string()).await;
    assert_eq!(response.status(), 200);
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_datagram_becomes_a_trace() {
    let xray = start().await;
    send(&xray, &format!("{HEADER}{}", segment(1, 1, "shop")));
    let received = wait(&xray, |received| !received.traces.is_empty()).await;
    assert_eq!(received.traces[0].id.to_string(), trace_id(1));
    assert_eq!(received.traces[0].documents[0].nodes[0].duration_nanos(), Some(500_000_000));

    let traces = get(&xray, "/api/traces").await;
    assert_eq!(traces["traces"][0]["name"], "shop");
    assert_eq!(traces["traces"][0]["duration"], 0.5);
    let trace = get(&xray, &format!("/api/traces/{}", trace_id(1))).await;
    assert_eq!(trace["documents"][0], segment(1, 1, "shop"));
    assert_eq!(xray.shutdown().await.stats.accepted, 1);
}

#[tokio::test]
async fn what_is_refused_is_listed_with_its_reason() {
    let xray = start().await;
    send(&xray, "no header");
    send(&xray, &format!("{HEADER}{}", json!({"name": "a", "id": "1"})));
    let received = wait(&xray, |received| received.rejected.len() == 2).await;
    assert!(received.traces.is_empty());
    assert!(received.rejected[1].rejection.reason.contains("no newline"));
    assert_eq!(get(&xray, "/api/rejected").await["rejected"][0]["id"], "1");
}

#[tokio::test]
async fn a_call_answers_for_each_document() {
    let xray = start().await;
    let subsegment = json!({
        "name": "s", "id": "000000000000000a", "type": "subsegment", "trace_id": trace_id(1), "start_time": 1, "end_time": 2,
    });
    let mut wrong_trace = segment(1, 3, "t");
    wrong_trace["trace_id"] = json!("5759e988bd862e3fe1be46a994272793");
    let answer =
        put_documents(&xray, &[segment(1, 1, "shop"), segment(1, 2, "*"), wrong_trace, subsegment]).await;
    let codes: Vec<&str> = answer["UnprocessedTraceSegments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unprocessed| unprocessed["ErrorCode"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["InvalidName", "InvalidTraceId", "MissingParentId"]);
    assert_eq!(answer["UnprocessedTraceSegments"][0]["Id"], "0000000000000002");
    assert_eq!(xray.stats().accepted, 1);
}

#[tokio::test]
async fn calls_of_another_shape_are_refused_as_aws_does() {
    let xray = start().await;
    let too_many = json!({ "TraceSegmentDocuments": vec!["{}"; 51] }).to_string();
    for (body, status) in [
        ("rubbish".to_owned(), 400),
        ("{}".to_owned(), 400),
        (too_many, 400),
        (format!("\"{}\"", "x".repeat(7 << 20)), 413),
    ] {
        let response = put(&xray, body).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-amzn-errortype"], "InvalidRequestException");
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(body["message"].is_string());
    }
    assert_eq!(xray.stats().accepted + xray.stats().rejected, 0);
}

#[tokio::test]
async fn other_operations_are_answered_as_aws_does() {
    let xray = start().await;
    let record =
        json!({"TelemetryRecords": [{"Timestamp": 1_465_510_280, "SegmentsSentCount": 7}], "Hostname": "h"});
    for (path, body, status) in [
        ("/TelemetryRecords", record.clone(), 200),
        ("/TelemetryRecords", json!({}), 400),
        ("/TelemetryRecords", json!({"TelemetryRecords": [{}]}), 400),
        ("/TelemetryRecords", json!({"TelemetryRecords": [], "Hostname": "x".repeat(70_000)}), 413),
        ("/CreateGroup", json!({}), 404),
    ] {
        let client = reqwest::Client::new();
        let response =
            client.post(format!("{}{path}", xray.url())).body(body.to_string()).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
    let mut kept = get(&xray, "/api/telemetry").await["telemetry"].take();
    assert!(kept[0]["received"].take().is_number());
    kept[0].as_object_mut().unwrap().remove("received");
    assert_eq!(kept, json!([record]));
}

#[tokio::test]
async fn the_last_word_holds_but_progress_never_undoes_an_end() {
    let xray = start().await;
    let mut in_progress = segment(1, 1, "early");
    in_progress.as_object_mut().unwrap().remove("end_time");
    in_progress["in_progress"] = json!(true);
    put_documents(&xray, &[in_progress.clone(), segment(1, 1, "late"), in_progress]).await;
    let trace = get(&xray, &format!("/api/traces/{}", trace_id(1))).await;
    assert_eq!(trace["documents"], json!([segment(1, 1, "late")]));
    assert_eq!(xray.stats().repeated, 2);
}

#[tokio::test]
async fn the_oldest_trace_makes_room() {
    let mut limits = Limits::default();
    limits.traces = 3;
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").with_limits(limits).start().await.unwrap();
    let documents: Vec<Value> = (1..=5).map(|trace| segment(trace, 1, "shop")).collect();
    put_documents(&xray, &documents).await;
    let held: Vec<String> = xray.snapshot().traces.iter().map(|trace| trace.id.to_string()).collect();
    assert_eq!(held, [trace_id(5), trace_id(4), trace_id(3)]);
    assert_eq!(xray.stats().evicted, 2);

    xray.clear();
    assert_eq!((xray.stats().traces, xray.stats().bytes, xray.stats().accepted), (0, 0, 0));
}

#[tokio::test]
async fn a_trace_that_grows_too_large_is_refused_the_rest() {
    let mut limits = Limits::default();
    limits.trace_bytes = 5_000;
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").with_limits(limits).start().await.unwrap();
    let documents: Vec<Value> = (1..=20).map(|id| segment(1, id, "shop")).collect();
    let answer = put_documents(&xray, &documents).await;
    let refused = answer["UnprocessedTraceSegments"].as_array().unwrap();
    assert_eq!(refused[0]["Message"], "trace size exceeded");
    assert_eq!(xray.stats().accepted as usize + refused.len(), 20);
    assert!(xray.stats().bytes <= 5_000);
}

#[tokio::test]
async fn what_takes_the_place_of_a_document_is_not_weighed_beside_it() {
    let mut limits = Limits::default();
    limits.trace_bytes = 20_000;
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").with_limits(limits).start().await.unwrap();
    let mut whole = segment(1, 1, "shop");
    whole["metadata"] = json!({ "default": { "text": "x".repeat(12_000) } });
    let mut in_progress = whole.clone();
    in_progress.as_object_mut().unwrap().remove("end_time");
    in_progress["in_progress"] = json!(true);
    let documents: Vec<Value> = [in_progress, whole.clone()].into_iter().chain(vec![whole; 5]).collect();
    assert_eq!(put_documents(&xray, &documents).await["UnprocessedTraceSegments"], json!([]));
    assert!(xray.stats().bytes > 10_000, "two of them would be too much");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let xray = start().await;
    let error = XrayLocal::builder().with_addr(xray.addr().to_string()).start().await.unwrap_err();
    assert!(matches!(error, StartError::InUse { address, .. } if address == xray.addr()), "{error}");
    let error = XrayLocal::builder().with_addr("nonsense").start().await.unwrap_err();
    assert!(error.to_string().contains("\"nonsense\""), "{error}");
}

#[tokio::test]
async fn a_port_is_free_again_after_shutdown() {
    let xray = start().await;
    let address = xray.addr().to_string();
    xray.shutdown().await;
    XrayLocal::builder().with_addr(address).start().await.unwrap();
}
