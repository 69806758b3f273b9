//! About how many bytes a span takes in memory.

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// About how many bytes a span takes. Texts that are part of the program count as if they were the span's own.
pub(super) fn weight(span: &SpanData) -> usize {
    let events =
        span.events.iter().map(|event| size_of_val(event) + event.name.len() + attributes(&event.attributes));
    let links = span.links.iter().map(|link| size_of_val(link) + attributes(&link.attributes));
    size_of::<SpanData>()
        + span.name.len()
        + attributes(&span.attributes)
        + events.sum::<usize>()
        + links.sum::<usize>()
}

fn attributes(all: &[KeyValue]) -> usize {
    all.iter()
        .map(|KeyValue { key, value, .. }| size_of::<KeyValue>() + key.as_str().len() + text(value))
        .sum()
}

/// What a value takes besides its own size.
fn text(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => {
            texts.iter().map(|text| size_of_val(text) + text.as_str().len()).sum()
        }
        Value::Array(Array::Bool(values)) => size_of_val(values.as_slice()),
        Value::Array(Array::I64(values)) => size_of_val(values.as_slice()),
        Value::Array(Array::F64(values)) => size_of_val(values.as_slice()),
        _ => 0,
    }
}
