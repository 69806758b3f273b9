//! Events as metadata (docs/mapping.md).

use std::borrow::Cow;

use opentelemetry::{KeyValue, trace::Event};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::segment::{MetadataEntry, Value};

use super::{
    super::stack::Thrown,
    budget::Budget,
    cause::{self, Cause},
    entries::Entries,
    texts::Texts,
    timestamp,
    values::attribute_map,
};
use crate::redact;

/// The namespace of events that are not exceptions.
const EVENTS: &str = "events";

/// Events, keyed by their position. Exceptions are among them only if they say more than the cause does. The answer is
/// how many there was no room for.
pub(super) fn events<'a>(
    span: &'a SpanData,
    cause: Option<&Cause<'_>>,
    is_aws_api: bool,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Entries<'_, 'a>,
) -> usize {
    let told = cause.map_or(&[][..], |cause| &cause.exceptions);
    let mut recorded = told.iter().filter(|thrown| thrown.is_recorded);
    let mut left_out = 0;
    for (position, event) in span.events.events.iter().enumerate() {
        let exception = if cause::is_exception(event, is_aws_api) { recorded.next() } else { None };
        if let Some(exception) = exception
            && cause::is_plainly_named(event)
            && event.dropped_attributes_count == 0
            && event.attributes.iter().all(|attribute| cause::is_told(attribute, exception))
        {
            continue;
        }
        if entries.len() >= budget.entries {
            left_out += 1;
            continue;
        }
        entries.push(MetadataEntry {
            namespace: Cow::Borrowed(EVENTS),
            key: Cow::Owned(position.to_string()),
            value: event_value(event, exception, budget, texts),
        });
    }
    left_out
}

fn event_value<'a>(
    event: &'a Event,
    exception: Option<&Thrown<'_>>,
    budget: &Budget,
    texts: &mut Texts,
) -> Value<'a> {
    // With `tracing`, it is the message of a line.
    let name = texts.cut(redact::text(&event.name), budget.text_chars).0;
    let mut fields = vec![
        (Cow::Borrowed("name"), Value::Str(name)),
        (Cow::Borrowed("time"), Value::Time(timestamp::timestamp(event.timestamp))),
    ];
    let is_told =
        |attribute: &&KeyValue| exception.is_some_and(|exception| cause::is_told(attribute, exception));
    let untold = event.attributes.iter().filter(|attribute| !is_told(attribute));
    let attributes = attribute_map(untold, redact::logged, budget, texts);
    if !attributes.is_empty() {
        fields.push((Cow::Borrowed("attributes"), Value::Map(attributes)));
    }
    if event.dropped_attributes_count > 0 {
        let dropped = Value::U64(event.dropped_attributes_count.into());
        fields.push((Cow::Borrowed("dropped_attributes_count"), dropped));
    }
    Value::Map(fields)
}
