//! A span of OTLP as the SDK would have handed it to the exporter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::{
    InstrumentationScope, SpanId, TraceFlags, TraceId,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_proto::tonic::trace::v1::{Span, Status as ProtoStatus, span, status::StatusCode};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::value;

/// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`.
const IS_REMOTE: u32 = 0x200;

/// `None` if the span has no ids.
pub(super) fn span(span: Span, scope: &InstrumentationScope) -> Option<SpanData> {
    let kind = kind(span.kind());
    let context = context(&span.trace_id, &span.span_id, &span.trace_state)?;
    // Who sends no flags leaves it open. The parent of a server is in another process then.
    let parent_span_is_remote = span.flags & IS_REMOTE != 0
        || (span.flags >> 8 == 0 && matches!(kind, SpanKind::Server | SpanKind::Consumer));
    let mut events = SpanEvents::default();
    events.dropped_count = span.dropped_events_count;
    events.events = span.events.into_iter().map(event).collect();
    let mut links = SpanLinks::default();
    links.dropped_count = span.dropped_links_count;
    links.links = span.links.into_iter().filter_map(link).collect();
    Some(SpanData {
        span_context: context,
        parent_span_id: span.parent_span_id.try_into().map_or(SpanId::INVALID, SpanId::from_bytes),
        parent_span_is_remote,
        span_kind: kind,
        name: span.name.into(),
        start_time: time(span.start_time_unix_nano),
        end_time: time(span.end_time_unix_nano),
        attributes: value::attributes(span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events,
        links,
        status: status(span.status),
        instrumentation_scope: scope.clone(),
    })
}

/// Whatever the flags say, what comes as a trace is to be shown as one.
fn context(trace_id: &[u8], span_id: &[u8], state: &str) -> Option<SpanContext> {
    let trace_id = TraceId::from_bytes(trace_id.try_into().ok()?);
    let span_id = SpanId::from_bytes(span_id.try_into().ok()?);
    let state = state.parse().unwrap_or(TraceState::NONE);
    let context = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, false, state);
    context.is_valid().then_some(context)
}

fn event(event: span::Event) -> Event {
    let attributes = value::attributes(event.attributes);
    Event::new(event.name, time(event.time_unix_nano), attributes, event.dropped_attributes_count)
}

fn link(link: span::Link) -> Option<Link> {
    let context = context(&link.trace_id, &link.span_id, &link.trace_state)?;
    Some(Link::new(context, value::attributes(link.attributes), link.dropped_attributes_count))
}

fn kind(kind: span::SpanKind) -> SpanKind {
    match kind {
        span::SpanKind::Server => SpanKind::Server,
        span::SpanKind::Client => SpanKind::Client,
        span::SpanKind::Producer => SpanKind::Producer,
        span::SpanKind::Consumer => SpanKind::Consumer,
        span::SpanKind::Internal | span::SpanKind::Unspecified => SpanKind::Internal,
    }
}

fn status(status: Option<ProtoStatus>) -> Status {
    let Some(status) = status else { return Status::Unset };
    match status.code() {
        StatusCode::Ok => Status::Ok,
        StatusCode::Error => Status::error(status.message),
        StatusCode::Unset => Status::Unset,
    }
}

fn time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}
