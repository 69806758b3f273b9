//! The `cause` block (specification of the mapping, "Cause").

use std::borrow::Cow;

use opentelemetry::{
    KeyValue, Value,
    trace::{Event, SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    SegmentId,
    segment::{Cause, Exception, Exceptions},
};

use super::{
    super::attributes::{Attributes, Slot},
    budget::Budget,
    texts::Texts,
};

/// Why the span failed: its exception events, whatever its status; else the message of its error status.
pub(super) fn cause<'a>(
    span: &'a SpanData,
    id: SegmentId,
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    texts: &mut Texts,
    mut exceptions: Vec<Exception<'a>>,
) -> Result<Cause<'a>, Vec<Exception<'a>>> {
    let remote = matches!(span.span_kind, SpanKind::Client | SpanKind::Producer);
    let events = span.events.events.iter().filter(|event| is_exception(event));
    for event in events.take(budget.exceptions) {
        let field = |name| event_text(event, name).unwrap_or_default();
        let message = texts.cut(Cow::Borrowed(field("exception.message")), budget.text_chars).0;
        let kind = texts.cut(Cow::Borrowed(field("exception.type")), budget.text_chars).0;
        exceptions.push(Exception { remote, ..exception(exception_id(id, exceptions.len()), kind, message) });
    }
    if exceptions.is_empty()
        && let Some(message) = status_message(span, attributes)
    {
        let kind = texts
            .cut(Cow::Borrowed(attributes.text(Slot::ErrorType).unwrap_or_default()), budget.text_chars)
            .0;
        let message = texts.cut(Cow::Borrowed(message), budget.text_chars).0;
        exceptions.push(exception(exception_id(id, 0), kind, message));
    }
    if exceptions.is_empty() {
        return Err(exceptions);
    }
    Ok(Cause::Exceptions(Exceptions { exceptions, ..Exceptions::default() }))
}

/// The message of an error status, or what HTTP said instead of one.
fn status_message<'a>(span: &'a SpanData, attributes: &mut Attributes<'a, '_>) -> Option<&'a str> {
    let Status::Error { description } = &span.status else { return None };
    if !description.is_empty() {
        return Some(description);
    }
    let text = attributes.text(Slot::HttpStatusText)?;
    attributes.consume(Slot::HttpStatusText);
    Some(text)
}

fn exception<'a>(id: SegmentId, kind: Cow<'a, str>, message: Cow<'a, str>) -> Exception<'a> {
    Exception {
        id: Some(id),
        kind,
        message,
        remote: false,
        truncated: 0,
        skipped: 0,
        cause: None,
        stack: Vec::new(),
    }
}

/// Whether an event is an exception, which is told under `cause` and not among the events.
pub(super) fn is_exception(event: &Event) -> bool {
    event.name == "exception"
}

/// Whether an attribute of an exception event is told under `cause`.
pub(super) fn is_told(attribute: &KeyValue) -> bool {
    matches!(attribute.value, Value::String(_))
        && matches!(attribute.key.as_str(), "exception.type" | "exception.message")
}

/// The last value of a text attribute of an event.
fn event_text<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.attributes.iter().rev().find_map(|attribute| match &attribute.value {
        Value::String(text) if attribute.key.as_str() == name => Some(text.as_str()),
        _ => None,
    })
}

/// An id for the n-th exception of a document. It is derived, not drawn, so that the same span gives the same document
/// each time, and sending it twice does no harm.
fn exception_id(id: SegmentId, n: usize) -> SegmentId {
    /// Spreads neighbouring numbers over all bits (the finalizer of `SplitMix64`).
    fn mix(mut bits: u64) -> u64 {
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
    let bits =
        mix(u64::from_be_bytes(id.to_bytes())
            .wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(n as u64 + 1)));
    SegmentId::from_bytes(bits.to_be_bytes()).unwrap_or(id)
}
