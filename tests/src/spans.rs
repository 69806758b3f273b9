//! Spans by the hundred.

use std::collections::HashSet;

use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanContext, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::Xray;
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};
use xray_wire::SegmentId;

/// Starts traces of so many spans each, a server span and its children, and ends them in one go, trace by trace,
/// the children first. Hands back the ids of all spans.
#[must_use]
pub fn end_at_once(xray: &Xray, traces: usize, spans_each: usize) -> HashSet<SegmentId> {
    let tracer = xray.tracer_provider().tracer("e2e");
    let mut started: Vec<_> = (0..traces).map(|_| start_trace(&tracer, spans_each)).collect();
    for (root, children) in &mut started {
        children.iter_mut().for_each(Span::end);
        root.span().end();
    }
    let ids = started.iter().flat_map(|(root, children)| {
        let children = children.iter().map(|child| id(child.span_context()));
        children.chain([id(root.span().span_context())])
    });
    ids.collect()
}

/// Makes one trace of so many spans, a server span and its children.
pub fn trace(tracer: &SdkTracer, spans: usize) {
    let (root, mut children) = start_trace(tracer, spans);
    children.iter_mut().for_each(Span::end);
    root.span().end();
}

fn start_trace(tracer: &SdkTracer, spans: usize) -> (Context, Vec<SdkSpan>) {
    let root = tracer
        .span_builder("GET /orders/{id}")
        .with_kind(SpanKind::Server)
        .with_attributes([
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.path", "/orders/7"),
            KeyValue::new("http.response.status_code", 200),
        ])
        .start(tracer);
    let context = Context::new().with_span(root);
    let query = tracer.span_builder("SELECT orders").with_kind(SpanKind::Client).with_attributes([
        KeyValue::new("db.system.name", "postgresql"),
        KeyValue::new("db.query.text", "SELECT * FROM orders WHERE id = $1"),
    ]);
    let children = (1..spans).map(|_| query.clone().start_with_context(tracer, &context)).collect();
    (context, children)
}

fn id(context: &SpanContext) -> SegmentId {
    SegmentId::from_bytes(context.span_id().to_bytes()).unwrap()
}
