//! Texts out of what a metadata service answered.

use serde_json::Value;

/// The document, if it is an object.
pub(super) fn object(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

/// The text of a field, or a number's digits.
pub(super) fn text(document: &Value, key: &str) -> Option<String> {
    match document.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
