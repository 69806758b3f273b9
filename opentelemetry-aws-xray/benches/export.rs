//! What a span costs from `SpanData` to finished text, next to `opentelemetry-aws`.
//!
//! Both exporters write into memory that is thrown away. The time includes dropping the spans, which the SDK hands over.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{
    convert::Infallible,
    hint::black_box,
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Event, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_aws::xray_exporter::{SegmentDocument, SegmentDocumentExporter, SegmentTranslator};
use opentelemetry_aws_xray::{
    XrayExporter,
    sink::{Documents, MemorySink, Report, SegmentSink},
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

/// Requests differ in what was asked and by whom.
fn server(trace: u64) -> SpanData {
    const PATHS: [&str; 5] = ["/users/42", "/users/7", "/users/1001", "/users/99187", "/users/500"];
    const CLIENTS: [&str; 4] = ["203.0.113.9", "203.0.113.117", "198.51.100.23", "192.0.2.1"];
    const AGENTS: [&str; 3] = ["curl/8.5.0", "okhttp/4.12.0", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"];
    let at = trace as usize;
    span(
        trace,
        trace * 100 + 1,
        0x5399_5c3f,
        SpanKind::Server,
        "GET /users",
        vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.scheme", "https"),
            KeyValue::new("url.path", PATHS[at % PATHS.len()]),
            KeyValue::new("server.address", "api.example.com"),
            KeyValue::new("client.address", CLIENTS[at % CLIENTS.len()]),
            KeyValue::new("user_agent.original", AGENTS[at % AGENTS.len()]),
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

fn aws_call(trace: u64) -> SpanData {
    span(
        trace,
        trace * 100 + 2,
        trace * 100 + 1,
        SpanKind::Client,
        "DynamoDB.GetItem",
        vec![
            KeyValue::new("rpc.system", "aws-api"),
            KeyValue::new("rpc.service", "DynamoDB"),
            KeyValue::new("rpc.method", "GetItem"),
            KeyValue::new("aws.request_id", "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG"),
            KeyValue::new("cloud.region", "eu-central-1"),
            KeyValue::new("aws.dynamodb.table_names", Value::Array(Array::String(vec!["users".into()]))),
            KeyValue::new("http.response.status_code", 200),
        ],
    )
}

/// Every attribute an annotation.
fn annotated(trace: u64) -> SpanData {
    const KEYS: [&str; 20] = [
        "order.id",
        "order.total",
        "order.items",
        "order.coupon",
        "order.currency",
        "customer.id",
        "customer.tier",
        "customer.country",
        "customer.language",
        "customer.since",
        "stock.reserved",
        "stock.warehouse",
        "stock.backorder",
        "stock.distance",
        "payment.method",
        "payment.attempts",
        "payment.provider",
        "payment.risk",
        "shipping.method",
        "shipping.weight",
    ];
    let value = |n: usize| {
        if n.is_multiple_of(2) { Value::from("a value of usual length") } else { Value::I64(n as i64) }
    };
    let attributes = KEYS.iter().enumerate().map(|(n, key)| KeyValue::new(*key, value(n))).collect();
    span(trace, trace * 100 + 3, trace * 100 + 1, SpanKind::Internal, "place order", attributes)
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
    let spans = BATCH as u64;
    let batches: [(&str, Vec<SpanData>); 6] = [
        ("small HTTP server span", (1..=spans).map(server).collect()),
        ("database client span", (1..=spans).map(|n| database(n, n)).collect()),
        ("exception with 40 frames", (1..=spans).map(failed).collect()),
        ("AWS SDK client span", (1..=spans).map(aws_call).collect()),
        ("20-span trace", (1..=spans / 20).flat_map(trace_of_20).collect()),
        (ANNOTATED, (1..=spans).map(annotated).collect()),
    ];
    for (what, batch) in &batches {
        compare(c, what, batch);
    }
}

/// The case in which both crates index all attributes.
const ANNOTATED: &str = "20 annotations";

fn ours(sink: impl SegmentSink + 'static, what: &str) -> XrayExporter {
    let mut exporter =
        XrayExporter::builder().with_sink(sink).with_index_all_attributes(what == ANNOTATED).build();
    exporter.set_resource(&resource());
    exporter
}

fn rival(what: &str) -> impl SpanExporter {
    let mut translator = SegmentTranslator::new();
    if what == ANNOTATED {
        translator = translator.index_all_attrs();
    }
    let exporter = opentelemetry_aws::xray_exporter::XrayExporter::new(RivalDiscard(Mutex::default()));
    let mut exporter = exporter.with_translator(translator);
    exporter.set_resource(&resource());
    exporter
}

/// The same batch through both crates.
fn compare(c: &mut Criterion, what: &str, batch: &[SpanData]) {
    let (ours, rival) = (ours(Discard, what), rival(what));
    let mut group = c.benchmark_group(what);
    group.throughput(Throughput::Elements(batch.len() as u64));
    // Once before counting: room is made on the first batch.
    futures_executor::block_on(ours.export(batch.to_vec())).unwrap_or_default();
    let again = batch.to_vec();
    let counted = allocation_counter::measure(|| {
        futures_executor::block_on(ours.export(again)).unwrap_or_default();
    });
    println!("{what}/this crate: {} allocations for {} spans", counted.count_total, batch.len());
    group.bench_function("this crate", |b| {
        b.iter_batched(
            || batch.to_vec(),
            |batch| futures_executor::block_on(ours.export(batch)),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("opentelemetry-aws", |b| {
        b.iter_batched(
            || batch.to_vec(),
            |batch| futures_executor::block_on(rival.export(batch)),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("serde_json, from values that are ready", |b| {
        let documents = documents(what, batch);
        let mut text = Vec::new();
        b.iter(|| {
            for document in &documents {
                text.clear();
                serde_json::to_writer(&mut text, document).unwrap_or_default();
                black_box(&text);
            }
        });
    });
    group.bench_function("dropping the spans", |b| {
        b.iter_batched(|| batch.to_vec(), drop, BatchSize::SmallInput);
    });
    group.finish();
    println!("{:?}", ours.stats());
}

/// The documents of a batch as values in memory, which another serializer only has to write.
fn documents(what: &str, batch: &[SpanData]) -> Vec<serde_json::Value> {
    let sink = MemorySink::default();
    futures_executor::block_on(ours(sink.clone(), what).export(batch.to_vec())).unwrap_or_default();
    sink.take().iter().filter_map(|document| serde_json::from_str(document).ok()).collect()
}

/// Spans of whole traces to the socket of a daemon that takes what comes.
fn to_the_wire(c: &mut Criterion) {
    let Ok((address, _draining)) = Draining::start() else { return println!("no socket to send to") };
    let mut exporter = XrayExporter::builder().with_daemon_address(address.to_string()).build();
    exporter.set_resource(&resource());
    let batch: Vec<_> = (1..=BATCH as u64 / 20).flat_map(trace_of_20).collect();
    let mut group = c.benchmark_group("20-span trace to a loopback socket");
    group.throughput(Throughput::Elements(batch.len() as u64));
    group.bench_function("this crate", |b| {
        b.iter_batched(
            || batch.clone(),
            |batch| futures_executor::block_on(exporter.export(batch)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
    work_and_waiting(&exporter, &batch);
    println!("{:?}", exporter.stats());
}

/// Prints what of the time is work: the rest is waiting, for the receiver's buffer, which is on purpose, and for a processor, which
/// is the other load's doing.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "criterion measures no time of processors")]
fn work_and_waiting(exporter: &XrayExporter, batch: &[SpanData]) {
    use std::time::Instant;

    use rustix::time::{ClockId, clock_gettime};

    const ROUNDS: u32 = 2_000;
    let work = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let (mut total, mut worked) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let batch = batch.to_vec();
        let (start, work_before) = (Instant::now(), work());
        futures_executor::block_on(exporter.export(batch)).unwrap_or_default();
        worked += work() - work_before;
        total += start.elapsed();
    }
    let a_span = |time: Duration| time.as_nanos() / (u128::from(ROUNDS) * batch.len() as u128);
    println!("{} ns a span, of them {} ns work of this thread", a_span(total), a_span(worked));
}

#[cfg(not(target_os = "linux"))]
fn work_and_waiting(_: &XrayExporter, _: &[SpanData]) {}

/// Receives and forgets datagrams until it is dropped.
struct Draining(Arc<AtomicBool>);

impl Draining {
    fn start() -> io::Result<(SocketAddr, Self)> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let address = socket.local_addr()?;
        let done = Arc::new(AtomicBool::new(false));
        let is_done = done.clone();
        std::thread::spawn(move || {
            let mut datagram = vec![0; 65_536];
            while !is_done.load(Ordering::Relaxed) {
                let _ = socket.recv(&mut datagram);
            }
        });
        Ok((address, Self(done)))
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

criterion_group!(benches, export, to_the_wire);
criterion_main!(benches);
