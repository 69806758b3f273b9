//! A pipeline whose documents stay in memory.

use opentelemetry::{
    Context,
    trace::{FutureExt, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{XrayExporter, XrayIdGenerator, sink::MemorySink};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use serde_json::Value;

/// A tracer provider of the service `shop`, and what it sent.
#[derive(Debug)]
pub struct Recorder {
    /// Where the spans go.
    pub provider: SdkTracerProvider,
    sink: MemorySink,
}

impl Default for Recorder {
    fn default() -> Self {
        let sink = MemorySink::default();
        let exporter = XrayExporter::builder().with_sink(sink.clone()).build();
        let provider = SdkTracerProvider::builder()
            .with_id_generator(XrayIdGenerator::default())
            .with_resource(Resource::builder_empty().with_service_name("shop").build())
            .with_batch_exporter(exporter)
            .build();
        Self { provider, sink }
    }
}

impl Recorder {
    /// Runs `work` inside a span of a server, and hands back what it made.
    pub async fn serve<T>(&self, work: impl Future<Output = T>) -> T {
        let tracer = self.provider.tracer("e2e");
        let span = tracer.span_builder("GET /").with_kind(SpanKind::Server).start(&tracer);
        let cx = Context::new().with_span(span);
        let output = work.with_context(cx.clone()).await;
        cx.span().end();
        output
    }

    /// The documents of all spans that have ended and were not taken yet.
    #[must_use]
    pub fn documents(&self) -> Vec<Value> {
        self.provider.force_flush().unwrap();
        self.sink.take().iter().map(|document| serde_json::from_str(document).unwrap()).collect()
    }

    /// The subsegments that are calls of AWS, in the order of their start.
    #[must_use]
    pub fn aws_calls(&self) -> Vec<Value> {
        let mut calls = Vec::new();
        for document in self.documents() {
            collect_calls(document, &mut calls);
        }
        calls.sort_by(|one, other| {
            one["start_time"].as_f64().unwrap().total_cmp(&other["start_time"].as_f64().unwrap())
        });
        calls
    }
}

fn collect_calls(mut node: Value, calls: &mut Vec<Value>) {
    if let Value::Array(subsegments) = node["subsegments"].take() {
        subsegments.into_iter().for_each(|subsegment| collect_calls(subsegment, calls));
    }
    if node["namespace"] == "aws" {
        calls.push(node);
    }
}
