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
    derive::derived_id,
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
        exceptions
            .push(Exception { remote, ..exception(derived_id(id, exceptions.len() + 1), kind, message) });
    }
    if exceptions.is_empty()
        && let Some(message) = status_message(span, attributes)
    {
        let kind = texts
            .cut(Cow::Borrowed(attributes.text(Slot::ErrorType).unwrap_or_default()), budget.text_chars)
            .0;
        let message = texts.cut(Cow::Borrowed(message), budget.text_chars).0;
        exceptions.push(exception(derived_id(id, 1), kind, message));
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
