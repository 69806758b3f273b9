//! What a span costs from `SpanData` to finished text, next to `opentelemetry-aws`.
//!
//! Both exporters write into memory that is thrown away. The time includes dropping the spans, which the SDK hands over.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{
    convert::Infallible,
    hint::black_box,
    sync::Mutex,
    time::{Duration, UNIX_EPOCH},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Event, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_aws::xray_exporter::{SegmentDocument, SegmentDocumentExporter};
use opentelemetry_aws_xray::{
    XrayExporter,
    sink::{Documents, Report, SegmentSink},
};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter, SpanLinks},
};

/// As many spans as the batch processor exports at once.
const BATCH: usize = 512;

/// Counts a document as sent and forgets it.
#[derive(Debug)]
struct Discard;

impl SegmentSink for Discard {
    fn max_document_bytes(&self) -> usize {
        64_000
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        for document in documents.iter() {
            black_box(document.json);
            report.sent(document);
        }
    }

    fn shutdown(&mut self, _timeout: Duration, _report: &Report) {}
}

/// The same for the other crate: each document is written into a buffer that is used again.
#[derive(Debug)]
struct RivalDiscard(Mutex<Vec<u8>>);

impl SegmentDocumentExporter for RivalDiscard {
    type Error = Infallible;

    async fn export_segment_documents(&self, batch: Vec<SegmentDocument<'_>>) -> Result<(), Infallible> {
        let mut buffer = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for document in batch {
            buffer.clear();
            document.to_writer(&mut *buffer);
            black_box(&*buffer);
        }
        Ok(())
    }
}

fn span(
    trace: u64,
    id: u64,
    parent: u64,
    kind: SpanKind,
    name: &'static str,
    attributes: Vec<KeyValue>,
) -> SpanData {
    let trace_id = TraceId::from((u128::from(today()) << 96) | u128::from(trace));
    SpanData {
        span_context: SpanContext::new(
            trace_id,
            SpanId::from(id),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: kind == SpanKind::Server,
        span_kind: kind,
        name: name.into(),
        start_time: UNIX_EPOCH + Duration::new(1_761_607_680, 123_456_789),
        end_time: UNIX_EPOCH + Duration::new(1_761_607_680, 223_456_789),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

/// Epoch seconds, since the other crate drops spans whose trace id is older than a month.
#[allow(clippy::disallowed_methods, reason = "the other crate asks for it")]
fn today() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn server(trace: u64) -> SpanData {
    span(
        trace,
        trace * 100 + 1,
        0x5399_5c3f,
        SpanKind::Server,
        "GET /users",
        vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.scheme", "https"),
            KeyValue::new("url.path", "/users/42"),
            KeyValue::new("server.address", "api.example.com"),
            KeyValue::new("client.address", "203.0.113.9"),
            KeyValue::new("user_agent.original", "curl/8.5.0"),
            KeyValue::new("http.route", "/users/:id"),
            KeyValue::new("http.response.status_code", 200),
        ],
    )
}

fn database(trace: u64, id: u64) -> SpanData {
    span(
        trace,
        id,
        trace * 100 + 1,
        SpanKind::Client,
        "SELECT users",
        vec![
            KeyValue::new("db.system", "postgresql"),
            KeyValue::new("db.name", "shop"),
            KeyValue::new("db.statement", "SELECT id, name, email FROM users WHERE id = $1"),
            KeyValue::new("db.operation", "SELECT"),
            KeyValue::new("server.address", "db.example.com"),
            KeyValue::new("server.port", 5432),
        ],
    )
}

fn failed(trace: u64) -> SpanData {
    let mut stack = String::new();
    for frame in 0..40 {
        stack += &format!(
            "  {frame}: shop::module_{frame}::handler::{{{{closure}}}}\n             at ./src/module_{frame}.rs:{}:9\n",
            frame + 100
        );
    }
    let mut span = server(trace);
    span.status = Status::error("boom");
    span.events.events.push(Event::new(
        "exception",
        span.end_time,
        vec![
            KeyValue::new("exception.type", "shop::Error"),
            KeyValue::new("exception.message", "the warehouse did not answer"),
            KeyValue::new("exception.stacktrace", stack),
        ],
        0,
    ));
    span
}

/// A request that made nineteen calls.
fn trace_of_20(trace: u64) -> impl Iterator<Item = SpanData> {
    (2..21).map(move |id| database(trace, trace * 100 + id)).chain([server(trace)])
}

fn resource() -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "checkout"),
            KeyValue::new("service.version", "1.2.3"),
            KeyValue::new("telemetry.sdk.name", "opentelemetry"),
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.version", "0.33.1"),
        ])
        .build()
}

fn export(c: &mut Criterion) {
    let mut ours = XrayExporter::builder().with_sink(Discard).build();
    ours.set_resource(&resource());
    let mut rival = opentelemetry_aws::xray_exporter::XrayExporter::new(RivalDiscard(Mutex::default()));
    rival.set_resource(&resource());

    let spans = BATCH as u64;
    let batches: [(&str, Vec<SpanData>); 4] = [
        ("small HTTP server span", (1..=spans).map(server).collect()),
        ("database client span", (1..=spans).map(|n| database(n, n)).collect()),
        ("exception with 40 frames", (1..=spans).map(failed).collect()),
        ("20-span trace", (1..=spans / 20).flat_map(trace_of_20).collect()),
    ];
    for (what, batch) in batches {
        let mut group = c.benchmark_group(what);
        group.throughput(Throughput::Elements(batch.len() as u64));
        // Once before counting: room is made on the first batch.
        futures_executor::block_on(ours.export(batch.clone())).unwrap_or_default();
        let again = batch.clone();
        let counted = allocation_counter::measure(|| {
            futures_executor::block_on(ours.export(again)).unwrap_or_default();
        });
        println!("{what}/this crate: {} allocations for {} spans", counted.count_total, batch.len());
        group.bench_function("this crate", |b| {
            b.iter_batched(
                || batch.clone(),
                |batch| futures_executor::block_on(ours.export(batch)),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("opentelemetry-aws", |b| {
            b.iter_batched(
                || batch.clone(),
                |batch| futures_executor::block_on(rival.export(batch)),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("dropping the spans", |b| {
            b.iter_batched(|| batch.clone(), drop, BatchSize::SmallInput);
        });
        group.finish();
    }
    println!("{:?}", ours.stats());
}

criterion_group!(benches, export);
criterion_main!(benches);
