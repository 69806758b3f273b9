//! The size of the answer, from what old instrumentation said of messages (docs/mapping.md).

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanEvents;

use super::super::attributes::{Attributes, Slot};

/// Bytes of the message that was received: of the span itself, else of its first such event.
pub(super) fn size(events: &SpanEvents, attributes: &Attributes<'_, '_>) -> Option<u64> {
    if attributes.text(Slot::MessageType) == Some(RECEIVED) {
        return attributes.integer(Slot::MessagingPayloadSize)?.try_into().ok();
    }
    let message = events.iter().find(|event| event.name == "message" && is_received(&event.attributes))?;
    SIZES.iter().find_map(|name| {
        let is_size = |attribute: &&KeyValue| attribute.key.as_str() == *name;
        match message.attributes.iter().rev().find(is_size)?.value {
            Value::I64(size) => u64::try_from(size).ok(),
            _ => None,
        }
    })
}

/// What conventions called it, the later ones first.
const SIZES: [&str; 3] =
    ["messaging.message_payload_size_bytes", "message.compressed_size", "message.uncompressed_size"];

const RECEIVED: &str = "RECEIVED";

fn is_received(attributes: &[KeyValue]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.key.as_str() == "message.type" && attribute.value == Value::from(RECEIVED))
}
