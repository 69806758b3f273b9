//! Spans in, documents out, through the whole exporter and a sink in memory.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value as Otel,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use proptest::prelude::*;
use serde_json::{Value, json};
use xray_wire::validate::validate;

use super::*;
use crate::sink::{MemorySink, Report, SegmentSink};

mod alike;
mod annotations;
mod blocks;
mod causes;
mod metadata;
mod names;
mod room;
mod roots;
mod secrets;

const TRACE: u128 = 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793;

/// A finished span, root of its trace, with id 1.
pub(crate) fn span(kind: SpanKind, name: &str, attributes: Vec<KeyValue>) -> SpanData {
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(TRACE),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: kind,
        name: name.to_owned().into(),
        start_time: UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789),
        end_time: UNIX_EPOCH + Duration::new(1_700_000_001, 1),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn child(id: u64, parent: u64, kind: SpanKind, name: &str, attributes: Vec<KeyValue>) -> SpanData {
    let mut span = span(kind, name, attributes);
    span.span_context = with_id(&span.span_context, id);
    span.parent_span_id = SpanId::from(parent);
    span
}

fn with_id(context: &SpanContext, id: u64) -> SpanContext {
    SpanContext::new(
        context.trace_id(),
        SpanId::from(id),
        context.trace_flags(),
        false,
        TraceState::default(),
    )
}

fn event(name: &str, attributes: Vec<KeyValue>) -> Event {
    Event::new(name.to_owned(), UNIX_EPOCH + Duration::new(1_700_000_000, 500_000_000), attributes, 0)
}

fn exception(kind: &str, message: &str) -> Event {
    let attribute = |key, text: &str| KeyValue::new(key, text.to_owned());
    event("exception", vec![attribute("exception.type", kind), attribute("exception.message", message)])
}

fn resource() -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "orders (prod)"),
            KeyValue::new("service.version", "1.2.3"),
            KeyValue::new("telemetry.sdk.name", "opentelemetry"),
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.version", "0.33.1"),
        ])
        .build()
}

/// Exports batches with a builder's settings and checks that every document is valid and every span accounted for.
fn exported_with(
    builder: XrayExporterBuilder,
    sink: &MemorySink,
    batches: impl IntoIterator<Item = Vec<SpanData>>,
) -> (Vec<Value>, ExporterStats) {
    let mut exporter = builder.with_sink(sink.clone()).build();
    exporter.set_resource(&resource());
    for batch in batches {
        futures_executor::block_on(exporter.export(batch)).unwrap();
    }
    let stats = exporter.stats();
    assert_eq!(stats.spans_in, accounted(&stats), "{stats:?}");
    let documents = sink.take();
    let valid = documents.iter().map(|document| {
        assert_eq!(validate(document.as_bytes()), Ok(()), "{document:.2000}");
        assert!(document.len() <= sink.max_document_bytes(), "{}", document.len());
        serde_json::from_str(document).unwrap()
    });
    (valid.collect(), stats)
}

fn exported(batch: Vec<SpanData>) -> Vec<Value> {
    exported_with(XrayExporter::builder(), &MemorySink::default(), [batch]).0
}

fn document(span: SpanData) -> Value {
    let mut documents = exported(vec![span]);
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

#[test]
fn times_are_exact_in_the_text() {
    let sink = MemorySink::default();
    let exporter = XrayExporter::builder().with_sink(sink.clone()).build();
    futures_executor::block_on(exporter.export(vec![span(SpanKind::Server, "x", vec![])])).unwrap();
    let text = sink.take().remove(0);
    assert!(text.contains("\"start_time\":1700000000.123456789,\"end_time\":1700000001.000000001"), "{text}");
}

#[test]
fn a_span_that_goes_on_is_in_progress() {
    let span =
        |going: bool| child(2, 1, SpanKind::Internal, "x", vec![KeyValue::new("aws.xray.inprogress", going)]);
    let on = document(span(true));
    assert_eq!(
        (&on["in_progress"], &on["end_time"], &on["metadata"]),
        (&json!(true), &json!(null), &json!(null))
    );
    assert_eq!(document(span(false))["in_progress"], Value::Null);
}

#[test]
fn rival_12_odd_times_are_clamped() {
    let mut early = span(SpanKind::Server, "x", vec![]);
    early.start_time = UNIX_EPOCH - Duration::from_secs(1);
    early.end_time = SystemTime::UNIX_EPOCH - Duration::from_secs(9);
    let document = document(early);
    assert_eq!((document["start_time"].as_f64(), document["end_time"].as_f64()), (Some(0.0), Some(0.0)));
}

#[test]
fn rival_21_the_spans_of_a_batch_are_nested() {
    let batch = vec![
        child(3, 2, SpanKind::Client, "call", vec![]),
        child(2, 1, SpanKind::Internal, "work", vec![]),
        child(9, 8, SpanKind::Internal, "late", vec![]),
        span(SpanKind::Server, "root", vec![]),
        // A server span of the same process is a segment of its own.
        child(4, 3, SpanKind::Server, "in process", vec![]),
    ];
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [batch.clone()]);
    assert_eq!((documents.len(), stats.documents_sent, stats.spans_sent), (3, 3, 5));
    let root = documents.iter().find(|document| document["id"] == "0000000000000001").unwrap();
    let work = &root["subsegments"][0];
    assert_eq!(
        (&work["id"], &work["type"], &work["trace_id"]),
        (&json!("0000000000000002"), &Value::Null, &Value::Null)
    );
    assert_eq!(work["subsegments"][0]["id"], "0000000000000003");
    let late = documents.iter().find(|document| document["id"] == "0000000000000009").unwrap();
    assert_eq!((&late["type"], &late["parent_id"]), (&json!("subsegment"), &json!("0000000000000008")));

    let builder = XrayExporter::builder().with_nesting(false);
    assert_eq!(exported_with(builder, &MemorySink::default(), [batch]).0.len(), 5);
}

#[test]
fn rival_26_spans_that_are_not_sampled_are_not_exported() {
    let mut span = span(SpanKind::Server, "x", vec![]);
    span.span_context = SpanContext::new(
        TraceId::from(TRACE),
        SpanId::from(1),
        TraceFlags::default(),
        false,
        TraceState::default(),
    );
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [vec![span]]);
    assert_eq!((documents.len(), stats.dropped(DropReason::NotSampled)), (0, 1));
}

#[test]
fn ids_that_name_nothing_are_counted() {
    let mut span = span(SpanKind::Server, "x", vec![]);
    span.span_context = SpanContext::new(
        TraceId::INVALID,
        SpanId::from(1),
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    );
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [vec![span]]);
    assert_eq!((documents.len(), stats.dropped(DropReason::InvalidId)), (0, 1));
}

#[test]
fn after_shutdown_spans_are_counted() {
    let exporter = XrayExporter::builder().with_sink(MemorySink::default()).build();
    exporter.shutdown().unwrap();
    assert!(exporter.shutdown().is_err());
    assert!(futures_executor::block_on(exporter.export(vec![span(SpanKind::Server, "x", vec![])])).is_err());
    assert_eq!(exporter.stats().dropped(DropReason::ShutDown), 1);
}

#[derive(Debug)]
struct Broken;

impl SegmentSink for Broken {
    fn max_document_bytes(&self) -> usize {
        60_000
    }
    fn send(&mut self, _: &crate::sink::Documents, _: &Report) {
        panic!("broken");
    }
    fn shutdown(&mut self, _: Duration, _: &Report) {}
}

#[test]
fn a_panic_costs_one_batch() {
    let exporter = XrayExporter::builder().with_sink(Broken).build();
    for expected in [1, 2] {
        assert!(
            futures_executor::block_on(exporter.export(vec![span(SpanKind::Server, "x", vec![])])).is_err()
        );
        assert_eq!(exporter.stats().dropped(DropReason::Internal), expected);
    }
}

prop_compose! {
    fn text()(text in prop_oneof![
        "\\PC{0,20}",
        Just(String::new()),
        "[\u{0}-\u{1f}\"\\\\é東🦀]{0,300}",
        (1usize..40_000, "[a\u{1}é]").prop_map(|(times, unit)| unit.repeat(times)),
    ]) -> String { text }
}

prop_compose! {
    fn attribute()(
        key in prop_oneof![
            prop::sample::select(vec![
                "http.request.method", "url.full", "url.path", "server.address", "server.port", "http.status_code",
                "client.address", "user_agent.original", "rpc.system", "db.name", "error.type", "order.id", "",
                "otel.span.name", "http.response.header.content-length", "aws.span.kind", "peer.service",
            ]).prop_map(str::to_owned),
            text(),
        ],
        value in prop_oneof![
            any::<bool>().prop_map(Otel::Bool),
            any::<i64>().prop_map(Otel::I64),
            any::<f64>().prop_map(Otel::F64),
            text().prop_map(|text| Otel::String(text.into())),
            prop::collection::vec(text(), 0..4)
                .prop_map(|texts| Otel::Array(Array::String(texts.into_iter().map(StringValue::from).collect()))),
            prop::collection::vec(any::<i64>(), 0..4_000).prop_map(|list| Otel::Array(Array::I64(list))),
        ],
    ) -> KeyValue { KeyValue::new(key, value) }
}

prop_compose! {
    fn hostile_span()(
        ids in (0u64..12, 0u64..12),
        kind in prop::sample::select(vec![
            SpanKind::Server, SpanKind::Client, SpanKind::Internal, SpanKind::Producer, SpanKind::Consumer,
        ]),
        name in text(),
        attributes in prop::collection::vec(attribute(), 0..12),
        events in prop::collection::vec((any::<bool>(), text(), text(), prop::collection::vec(attribute(), 0..3)), 0..4),
        links in 0u64..30,
        flags in any::<(bool, bool)>(),
        times in any::<(i32, i32)>(),
        status in prop_oneof![Just(Status::Unset), Just(Status::Ok), text().prop_map(Status::error)],
    ) -> SpanData {
        let mut span = child(ids.0, ids.1, kind, &name, attributes);
        let time = |seconds: i32| {
            let distance = Duration::from_secs(u64::from(seconds.unsigned_abs()));
            if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
        };
        (span.start_time, span.end_time) = (time(times.0), time(times.1));
        span.parent_span_is_remote = flags.0;
        span.status = status;
        for (is_exception, kind, message, attributes) in events {
            let mut event = if is_exception { exception(&kind, &message) } else { event(&kind, vec![]) };
            event.attributes.extend(attributes);
            span.events.events.push(event);
        }
        for n in 0..links {
            span.links.links.push(Link::new(with_id(&span.span_context, n), vec![KeyValue::new("n", "x")], 0));
        }
        span
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spans_in_are_sent_or_dropped_and_documents_are_valid(
        batches in prop::collection::vec(prop::collection::vec(hostile_span(), 0..12), 1..3),
        max_bytes in prop::sample::select(vec![9_186usize, 64_000]),
        nesting: bool,
    ) {
        let invalid: u64 = batches.iter().flatten().filter(|span| span.span_context.span_id() == SpanId::INVALID).count() as u64;
        let builder = XrayExporter::builder().with_nesting(nesting).with_indexed_attributes(["order.id", "error.type"]);
        let (_, stats) = exported_with(builder, &MemorySink::new(max_bytes), batches);
        prop_assert_eq!(stats.spans_dropped(), invalid, "{:?}", stats);
    }
}
