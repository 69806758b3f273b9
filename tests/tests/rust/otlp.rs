//! OTLP as the payload says all that segments say: what is translated after the journey is what would have been translated
//! before it.

use std::sync::{Arc, Mutex};

use e2e::{PATIENCE, trace};
use opentelemetry::{
    KeyValue,
    trace::{Span, SpanKind, Status, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{
    XrayExporter, XrayIdGenerator,
    config::{Payload, Transport},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use xray_local::{Snapshot, XrayLocal};

/// Keeps what it is given.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

fn spans(traces: usize) -> Vec<SpanData> {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder()
        .with_id_generator(XrayIdGenerator::default())
        .with_simple_exporter(kept.clone())
        .build();
    let tracer = provider.tracer("e2e");
    (0..traces).for_each(|_| trace(&tracer, 4));
    let mut failed = tracer.span_builder("GET /orders/{id}").with_kind(SpanKind::Client).start(&tracer);
    failed.set_attribute(KeyValue::new("url.full", "https://user:secret@example.com/?token=secret"));
    failed.set_attribute(KeyValue::new("session.token", "secret"));
    failed.set_attribute(KeyValue::new("order.lines", 3));
    failed.record_error(&std::io::Error::other("no route to https://user:secret@example.com/"));
    failed.set_status(Status::error("no route"));
    failed.end();
    kept.0.lock().unwrap().clone()
}

async fn received(
    payload: Payload,
    transport: Transport,
    spans: Vec<SpanData>,
    documents: usize,
) -> Snapshot {
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let builder = XrayExporter::builder().with_daemon_address(xray.addr().to_string());
    // Which spans share a document is decided request by request.
    let mut exporter = builder.with_payload(payload).with_transport(transport).with_nesting(false).build();
    exporter.set_resource(&Resource::builder().with_service_name("shop").build());
    let given = spans.len() as u64;
    exporter.export(spans).await.unwrap();
    exporter.force_flush().unwrap();
    assert_eq!((exporter.stats().spans_sent, exporter.stats().cut), (given, 0), "{:?}", exporter.stats());
    let enough = |received: &Snapshot| nodes(received).len() >= documents;
    tokio::time::timeout(PATIENCE, xray.wait_until(enough)).await.unwrap()
}

/// What was received, node by node, without the order in which it came.
fn nodes(received: &Snapshot) -> Vec<String> {
    let documents = received.traces.iter().flat_map(|trace| &trace.documents);
    let mut nodes: Vec<_> =
        documents.flat_map(|document| &document.nodes).map(|node| format!("{node:?}")).collect();
    nodes.sort();
    nodes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_otlp_on_the_way_is_what_was_segments() {
    let spans = spans(20);
    // The last span begins its trace with a call, and becomes two.
    let expected = spans.len() + 1;
    let segments = received(Payload::Segments, Transport::Udp, spans.clone(), expected).await;
    for transport in [Transport::Udp, Transport::Tcp] {
        let otlp = received(Payload::Otlp, transport, spans.clone(), expected).await;
        assert_eq!((otlp.stats.otlp_spans, otlp.stats.rejected), (81, 0), "{transport:?}");
        assert!(otlp.stats.datagrams < segments.stats.datagrams);
        assert_eq!(nodes(&otlp), nodes(&segments), "{transport:?}");
        let all = format!("{otlp:?}");
        assert!(all.contains("no route to https://example.com/"), "{transport:?}");
        assert!(!all.contains("secret@"), "a secret got through");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_endpoint_refuses_is_told_with_its_reason() {
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let exporter = XrayExporter::builder()
        .with_daemon_address(xray.addr().to_string())
        .with_payload(Payload::Otlp)
        .with_transport(Transport::Tcp)
        .with_on_rejected(move |rejected| list.lock().unwrap().push(rejected.message.to_string()))
        .build();
    let mut spans = spans(1);
    // The one limit that no request of a single span can keep to.
    spans.truncate(1);
    spans[0].end_time = spans[0].start_time + std::time::Duration::from_secs(100_000);
    exporter.export(spans).await.unwrap();
    exporter.force_flush().unwrap();
    assert_eq!(exporter.stats().spans_dropped(), 1, "{:?}", exporter.stats());
    assert!(told.lock().unwrap()[0].contains("24 hours"), "{told:?}");
}
