//! `xray-local` under whatever may come over the wire.

use std::net::UdpSocket;

use e2e::PATIENCE;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use xray_local::{Snapshot, XrayLocal};

const HEADER: &[u8] = b"{\"format\":\"json\",\"version\":1}\n";

const DOCUMENT: &[u8] = br#"{"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1465510280.1,"end_time":1465510280.4,"http":{"request":{"method":"GET","url":"http://shop/"},"response":{"status":200}},"annotations":{"a":1},"subsegments":[{"name":"db","id":"53995c3f42cd8ad9","start_time":1465510280.2,"end_time":1465510280.3,"cause":{"exceptions":[{"id":"53995c3f42cd8ada","message":"<script>"}]}}]}"#;

/// Sent before the answer to them is awaited: what even the smallest socket buffer holds.
const AT_ONCE: usize = 16;

struct Target {
    xray: XrayLocal,
    socket: UdpSocket,
}

impl Target {
    async fn start() -> Self {
        let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(xray.addr()).unwrap();
        Self { xray, socket }
    }

    /// Sends datagrams and waits until each was accepted or rejected.
    async fn send(&self, datagrams: &[Vec<u8>]) -> Snapshot {
        for some in datagrams.chunks(AT_ONCE) {
            let before = judged(&self.xray.snapshot());
            for datagram in some {
                self.socket.send(datagram).unwrap();
            }
            let expected = before + some.len() as u64;
            let all = self.xray.wait_until(|received| judged(received) == expected);
            tokio::time::timeout(PATIENCE, all).await.unwrap();
        }
        self.xray.snapshot()
    }

    async fn get(&self, path: &str) -> String {
        let client = Client::builder().no_proxy().build().unwrap();
        let response = client.get(format!("{}{path}", self.xray.url())).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }
}

fn judged(received: &Snapshot) -> u64 {
    received.stats.accepted + received.stats.rejected
}

fn datagram(document: &[u8]) -> Vec<u8> {
    [HEADER, document].concat()
}

/// A document in whose place nothing else may suffer; each has a trace of its own.
fn good(number: usize) -> Vec<u8> {
    datagram(&changed(|document| {
        document["trace_id"] = json!(format!("1-5759e988-{number:024x}"));
    }))
}

/// [`DOCUMENT`] with a change.
fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document = serde_json::from_slice(DOCUMENT).unwrap();
    change(&mut document);
    document.to_string().into_bytes()
}

/// Sends each of these with a good document behind it: it is listed, and the good ones are all there.
async fn assert_listed(hostile: &[(Vec<u8>, &str, &str)]) {
    let target = Target::start().await;
    let bad = hostile.iter().map(|(datagram, ..)| datagram.clone());
    let datagrams: Vec<_> = bad.enumerate().flat_map(|(number, bad)| [bad, good(number + 1)]).collect();
    let received = target.send(&datagrams).await;

    assert_eq!(received.traces.len(), hostile.len());
    let listed: Value = serde_json::from_str(&target.get("/api/rejected").await).unwrap();
    let listed = listed["rejected"].as_array().unwrap();
    assert_eq!(listed.len(), hostile.len());
    for (rejected, (datagram, field, reason)) in listed.iter().rev().zip(hostile) {
        let what = String::from_utf8_lossy(&datagram[..datagram.len().min(120)]);
        assert_eq!(rejected["field"], *field, "{what}: {rejected:#}");
        assert!(rejected["reason"].as_str().unwrap().contains(reason), "{what}: {rejected:#}");
        assert_eq!(rejected["source"], "udp");
    }
}

#[tokio::test]
async fn datagrams_that_are_none_are_listed() {
    assert_listed(&[
        (b"\n".to_vec(), "", "expected the header line to be a JSON object"),
        (b"\0".repeat(100), "", "found no newline"),
        (DOCUMENT.to_vec(), "", "found no newline"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "", "to be a JSON object"),
        ([b"{\"format\":\"xml\",\"version\":1}\n", DOCUMENT].concat(), "", "\"format\":\"json\""),
        ([b"{\"format\":\"json\",\"version\":2}\n", DOCUMENT].concat(), "", "\"version\":1"),
        (HEADER.to_vec(), "", "found nothing"),
        (datagram(b"\xff\xfe\xfd"), "", "expected UTF-8"),
        (datagram(b"null"), "", "expected an object"),
        (datagram(b"[]"), "", "expected an object"),
        (datagram(b"{}{}"), "", "not JSON"),
        (datagram(b"{\"name\":"), "", "not JSON"),
        (datagram(&[DOCUMENT, b"\n", DOCUMENT].concat()), "", "not JSON"),
        (datagram(&b"[".repeat(65_000)), "", "not JSON"),
        (datagram(&b" ".repeat(65_000)), "", "not JSON"),
    ])
    .await;
}

#[tokio::test]
async fn a_bottomless_document_is_listed() {
    let deep = [b"{\"metadata\":".repeat(5_000), b"1".to_vec(), b"}".repeat(5_000)].concat();
    let target = Target::start().await;
    let received = target.send(&[datagram(&deep), good(1)]).await;
    assert_eq!((received.traces.len(), received.rejected.len()), (1, 1));
    let rejection = &received.rejected[0].rejection;
    assert!(rejection.field.ends_with(".metadata") && rejection.field.len() < 1_000, "{rejection}");
    assert!(rejection.reason.contains("arrays and objects inside each other"), "{rejection}");
}

#[tokio::test]
async fn documents_are_listed_with_the_field_that_is_wrong() {
    let cases: [(&str, Value, &str); 14] = [
        ("/name", json!(""), "name"),
        ("/name", json!("*".repeat(10)), "name"),
        ("/name", json!("a".repeat(201)), "name"),
        ("/id", json!("53995c3f42cd8adg"), "id"),
        ("/trace_id", json!("1-5759e988"), "trace_id"),
        ("/start_time", json!("soon"), "start_time"),
        ("/start_time", json!(-1), "start_time"),
        ("/end_time", json!(1), "end_time"),
        ("/http/response/status", json!("OK"), "http.response.status"),
        ("/annotations", json!([1, 2]), "annotations"),
        ("/annotations/a", json!({ "b": 1 }), "annotations.a"),
        ("/subsegments", json!({}), "subsegments"),
        ("/subsegments/0/name", Value::Null, "subsegments[0].name"),
        ("/subsegments/0/id", json!("53995c3f42cd8ad8"), "subsegments[0].id"),
    ];
    let hostile = cases.map(|(pointer, value, field)| {
        let document = changed(|document| *document.pointer_mut(pointer).unwrap() = value);
        (datagram(&document), field, "expected")
    });
    assert_listed(&hostile).await;
}

#[tokio::test]
async fn a_document_with_any_byte_wrong_is_survived() {
    let cut = (0..DOCUMENT.len()).map(|length| datagram(&DOCUMENT[..length]));
    let changed = (0..DOCUMENT.len()).flat_map(|position| {
        [b'\0', b'"', b'}', b'9', 0xff].map(|byte| {
            let mut document = DOCUMENT.to_vec();
            document[position] = byte;
            datagram(&document)
        })
    });
    let datagrams: Vec<_> = cut.chain(changed).collect();
    let target = Target::start().await;
    let received = target.send(&datagrams).await;
    assert_eq!(judged(&received), datagrams.len() as u64);
    assert!(received.stats.rejected >= DOCUMENT.len() as u64, "{:?}", received.stats);

    // The pages can show what came of it.
    for page in ["/", "/map", "/rejected", "/trace/1-5759e988-bd862e3fe1be46a994272793"] {
        let html = target.get(page).await;
        assert!(!html.contains("<script>"), "{page} shows text from a document as markup");
    }
}

#[tokio::test]
async fn odd_requests_are_answered() {
    let target = Target::start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    for (path, status) in [
        ("/trace/garbage", StatusCode::NOT_FOUND),
        ("/trace/%00%ff", StatusCode::BAD_REQUEST),
        ("/api/traces/%3Cscript%3E", StatusCode::NOT_FOUND),
        ("/api/traces?min_ms=many&status=purple&annotation=%3D%3D", StatusCode::OK),
        ("/?min_ms=-1e999&text=%25%00", StatusCode::OK),
        ("/nowhere/../../etc/passwd", StatusCode::NOT_FOUND),
    ] {
        let response = client.get(format!("{}{path}", target.xray.url())).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
}
