//! The limits of X-Ray's OTLP endpoint (X-Ray developer guide, "OpenTelemetry Protocol endpoint").

use std::borrow::Cow;

use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span};
use prost::Message;

/// Spans of a request.
const MAX_SPANS: usize = 10_000;
/// Bytes of a resource, and of a scope as well: 16 KB, read generously.
const MAX_RESOURCE_BYTES: usize = 16 * 1024;
/// Bytes of a span: 200 KB, read generously.
const MAX_SPAN_BYTES: usize = 200 * 1024;
/// Nanoseconds from the earliest to the latest time in a request: 24 hours.
const MAX_SPREAD: u64 = 24 * 60 * 60 * 1_000_000_000;

/// Whether X-Ray would take a request, apart from how old it is: recordings shall be looked at too.
///
/// # Errors
/// The limit that it breaks.
pub(super) fn judge(request: &ExportTraceServiceRequest) -> Result<(), Cow<'static, str>> {
    let count = spans(request).count();
    if count > MAX_SPANS {
        return Err(format!("expected at most {MAX_SPANS} spans, but found {count}").into());
    }
    let scopes = || request.resource_spans.iter().flat_map(|one| &one.scope_spans);
    let resources = request.resource_spans.iter().filter_map(|one| one.resource.as_ref());
    at_most(MAX_RESOURCE_BYTES, "a resource", resources.map(Message::encoded_len))?;
    let scopes = scopes().filter_map(|one| one.scope.as_ref());
    at_most(MAX_RESOURCE_BYTES, "a scope", scopes.map(Message::encoded_len))?;
    at_most(MAX_SPAN_BYTES, "a span", spans(request).map(Message::encoded_len))?;
    let first = spans(request).map(|span| span.start_time_unix_nano).min().unwrap_or_default();
    let last = spans(request).map(|span| span.end_time_unix_nano).max().unwrap_or_default();
    if last.saturating_sub(first) > MAX_SPREAD {
        return Err("expected times that are at most 24 hours apart".into());
    }
    Ok(())
}

/// The spans of a request.
pub(super) fn spans(request: &ExportTraceServiceRequest) -> impl Iterator<Item = &Span> {
    request.resource_spans.iter().flat_map(|one| &one.scope_spans).flat_map(|scope| &scope.spans)
}

fn at_most(max: usize, what: &str, lengths: impl Iterator<Item = usize>) -> Result<(), Cow<'static, str>> {
    match lengths.max() {
        Some(length) if length > max => {
            Err(format!("expected {what} of at most {max} bytes, but found one of {length}").into())
        }
        _ => Ok(()),
    }
}
