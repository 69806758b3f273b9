//! Our OTLP, read by OpenTelemetry for Python.

use std::net::UdpSocket;

use e2e::{PATIENCE, end_at_once};
use opentelemetry_aws_xray::{Xray, config::Payload};
use serde_json::{Value, json};

use crate::{needs::Python, program::run};

pub(crate) async fn datagrams_hold_requests_that_it_decodes(python: Python) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let xray = Xray::builder()
        .with_service_name("shop")
        .with_daemon_address(socket.local_addr().unwrap().to_string())
        .with_exporter(|exporter| exporter.with_payload(Payload::Otlp))
        .build();
    let ids = end_at_once(&xray, 10, 5);
    xray.shutdown().unwrap();

    let documents = (0..xray.stats().documents_sent).map(|_| {
        let mut datagram = [0; 1 << 16];
        let length = socket.recv(&mut datagram).unwrap();
        let (header, document) = std::str::from_utf8(&datagram[..length]).unwrap().split_once('\n').unwrap();
        assert_eq!(header, r#"{"format":"json","version":1}"#);
        document.strip_prefix("T1S").unwrap().to_owned()
    });
    let documents: Vec<_> = documents.collect();
    let requests = run(python.script("otlp_requests.py"), &json!(documents)).await;

    let each = |value: &Value, key: &str| value[key].as_array().unwrap().clone();
    let resources: Vec<_> =
        requests.as_array().unwrap().iter().flat_map(|one| each(one, "resourceSpans")).collect();
    assert!(resources.iter().all(|one| one["resource"].to_string().contains("shop")));
    let scopes = resources.iter().flat_map(|one| each(one, "scopeSpans"));
    let spans: Vec<_> = scopes.flat_map(|one| each(&one, "spans")).collect();
    assert_eq!(spans.len(), ids.len());
    assert_eq!(spans.iter().filter(|span| span["kind"] == "SPAN_KIND_SERVER").count(), 10);
    let query = spans.iter().find(|span| span["name"] == "SELECT orders").unwrap();
    let text = json!({"key": "db.system.name", "value": {"stringValue": "postgresql"}});
    assert_eq!(query["attributes"][0], text);
}
