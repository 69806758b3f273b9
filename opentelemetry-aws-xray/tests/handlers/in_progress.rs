//! Segments in progress, through a socket.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{net::UdpSocket, time::Duration};

use opentelemetry::{
    Context, SpanId, TraceId,
    trace::{Span, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{
    InProgressProcessor, InProgressStats, InProgressStatsHandle, XrayExporter, XrayIdGenerator,
    sink::{Document, Documents, Report, SegmentSink},
};
use opentelemetry_sdk::{
    error::OTelSdkError,
    trace::{Sampler, SdkTracerProvider},
};
use serde_json::Value;
use tracing::Dispatch;
use tracing_subscriber::{layer::SubscriberExt, registry};

/// Longer than any test, so that only a flush shows what runs.
const NEVER: Duration = Duration::from_secs(3_600);

/// A pipeline into a socket.
struct Pipeline {
    provider: SdkTracerProvider,
    stats: InProgressStatsHandle,
    daemon: UdpSocket,
}

impl Pipeline {
    fn new(delay: Duration) -> Self {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let exporter = || {
            let address = daemon.local_addr().unwrap().to_string();
            XrayExporter::builder().with_daemon_address(address).build()
        };
        let processor = InProgressProcessor::new(exporter(), delay);
        let stats = processor.stats_handle();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_batch_exporter(exporter())
            .with_sampler(Sampler::parent_based(Sampler::AlwaysOn))
            .with_id_generator(XrayIdGenerator::default())
            .build();
        Self { provider, stats, daemon }
    }

    /// The next document, which may be on its way.
    fn receive(&self) -> Value {
        let mut datagram = [0; 65_536];
        let length = self.daemon.recv(&mut datagram).unwrap();
        let text = std::str::from_utf8(&datagram[..length]).unwrap();
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    }

    /// What has come by now, after a flush.
    fn flushed(&self) -> Vec<Value> {
        self.provider.force_flush().unwrap();
        self.daemon.set_nonblocking(true).unwrap();
        let mut documents = Vec::new();
        while self.daemon.peek(&mut [0; 1]).is_ok() {
            documents.push(self.receive());
        }
        self.daemon.set_nonblocking(false).unwrap();
        documents
    }

    fn stats(&self) -> InProgressStats {
        self.stats.now()
    }
}

fn start(pipeline: &Pipeline, kind: SpanKind, parent: &Context) -> opentelemetry_sdk::trace::Span {
    let tracer = pipeline.provider.tracer("test");
    tracer.span_builder("request").with_kind(kind).start_with_context(&tracer, parent)
}

fn remote_parent(flags: TraceFlags) -> Context {
    let parent = SpanContext::new(TraceId::from(7), SpanId::from(9), flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(parent)
}

#[test]
fn a_long_request_is_seen_before_it_ends_and_is_then_complete() {
    let pipeline = Pipeline::new(Duration::from_millis(1));
    let mut request = start(&pipeline, SpanKind::Server, &Context::new());
    let before = pipeline.receive();
    request.end();
    let after = pipeline.flushed();
    assert_eq!((&before["in_progress"], &before["end_time"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(before["id"], request.span_context().span_id().to_string());
    let [after] = after.as_slice() else { panic!("one complete segment: {after:?}") };
    assert!(after["end_time"].is_number() && after["in_progress"].is_null(), "{after}");
    for field in ["id", "trace_id", "name", "start_time"] {
        assert_eq!(before[field], after[field], "{field}");
    }
}

/// Holds what it gets until it is flushed, as a road with answers does.
#[derive(Debug, Default)]
struct Holding {
    held: Vec<(Vec<u8>, u32)>,
}

impl SegmentSink for Holding {
    fn max_document_bytes(&self) -> usize {
        65_536
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        for document in documents.iter() {
            report.held(document);
            self.held.push((document.json.to_vec(), document.spans));
        }
    }

    fn force_flush(&mut self, _timeout: Duration, report: &Report) {
        for (json, spans) in self.held.drain(..) {
            report.held_sent(Document { json: &json, spans });
        }
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        self.force_flush(timeout, report);
    }
}

#[test]
fn a_flush_sends_what_the_sink_holds() {
    let exporter = XrayExporter::builder().with_sink(Holding::default()).build();
    let processor = InProgressProcessor::new(exporter, NEVER);
    let stats = processor.stats_handle();
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    let _request = provider.tracer("test").start("request");
    provider.force_flush().unwrap();
    let stats = stats.now().exporter;
    assert_eq!((stats.spans_in, stats.spans_sent, stats.spans_held), (1, 1, 0), "{stats:?}");
}

#[test]
fn only_what_becomes_a_segment_is_shown() {
    let pipeline = Pipeline::new(NEVER);
    let sampled = remote_parent(TraceFlags::SAMPLED);
    let not_sampled = remote_parent(TraceFlags::NOT_SAMPLED);
    let local = Context::new().with_span(start(&pipeline, SpanKind::Server, &Context::new()));
    assert_eq!(pipeline.flushed().len(), 1, "the parent itself");
    for (parent, context, kind, shown) in [
        ("none", &Context::new(), SpanKind::Internal, 1),
        ("none", &Context::new(), SpanKind::Consumer, 1),
        // One document: the service, and in it the call.
        ("none", &Context::new(), SpanKind::Client, 1),
        ("remote", &sampled, SpanKind::Server, 1),
        ("remote", &sampled, SpanKind::Internal, 1),
        ("remote, not sampled", &not_sampled, SpanKind::Server, 0),
        ("local", &local, SpanKind::Server, 1),
        ("local", &local, SpanKind::Consumer, 1),
        ("local", &local, SpanKind::Internal, 0),
        ("local", &local, SpanKind::Client, 0),
    ] {
        let span = start(&pipeline, kind.clone(), context);
        let documents = pipeline.flushed();
        assert_eq!(documents.len(), shown, "{kind:?}, parent {parent}");
        assert!(documents.iter().all(|document| document["in_progress"] == true), "{documents:?}");
        assert_eq!(pipeline.flushed().len(), 0, "once only: {kind:?}, parent {parent}");
        drop(span);
        pipeline.flushed();
    }
}

#[test]
fn a_request_that_ends_first_is_sent_only_once() {
    let pipeline = Pipeline::new(NEVER);
    start(&pipeline, SpanKind::Server, &Context::new()).end();
    let documents = pipeline.flushed();
    assert_eq!(documents.len(), 1);
    assert!(documents[0]["in_progress"].is_null());
    let stats = pipeline.stats();
    assert_eq!((stats.started, stats.ended_first, stats.exporter.spans_in), (1, 1, 0));
}

#[test]
fn a_span_of_tracing_is_seen_too() {
    let pipeline = Pipeline::new(NEVER);
    let layer = tracing_opentelemetry::layer().with_tracer(pipeline.provider.tracer("test"));
    tracing::dispatcher::with_default(&Dispatch::new(registry().with(layer)), || {
        let span = tracing::info_span!("import", otel.kind = "consumer", batch = 7);
        let before = span.in_scope(|| pipeline.flushed());
        drop(span);
        let after = pipeline.flushed();
        assert_eq!((before.len(), after.len()), (1, 1));
        assert_eq!((&before[0]["in_progress"], &after[0]["in_progress"]), (&Value::Bool(true), &Value::Null));
        assert_eq!(before[0]["id"], after[0]["id"]);
        assert_eq!(before[0]["metadata"]["default"]["batch"], 7);
    });
}

#[test]
fn nothing_is_left_of_ten_thousand_requests() {
    const REQUESTS: usize = 10_000;
    let pipeline = Pipeline::new(NEVER);
    for _ in 0..REQUESTS {
        start(&pipeline, SpanKind::Server, &Context::new()).end();
    }
    let stats = pipeline.stats();
    assert_eq!((stats.waiting, stats.ended_first, stats.not_shown), (0, REQUESTS as u64, 0));

    let open: Vec<_> = (0..REQUESTS).map(|_| start(&pipeline, SpanKind::Server, &Context::new())).collect();
    let stats = pipeline.stats();
    assert_eq!(stats.waiting, InProgressProcessor::MAX_WAITING as u64);
    assert_eq!(stats.not_shown, (REQUESTS - InProgressProcessor::MAX_WAITING) as u64);
    drop(open);
    let stats = pipeline.stats();
    assert_eq!(stats.waiting, 0);
    assert_eq!(stats.started, stats.ended_first + stats.not_shown);
}

#[test]
fn shutdown_shows_what_it_interrupts() {
    let pipeline = Pipeline::new(NEVER);
    let request = start(&pipeline, SpanKind::Server, &Context::new());
    pipeline.provider.shutdown().unwrap();
    assert_eq!(pipeline.receive()["in_progress"], true);
    assert!(matches!(pipeline.provider.shutdown(), Err(OTelSdkError::AlreadyShutdown)));
    drop(request);
    let stats = pipeline.stats();
    assert_eq!((stats.started, stats.waiting, stats.exporter.spans_sent), (1, 0, 1));
}
