//! Whether parts of two spans are told in the same words.

use std::ptr;

use opentelemetry::{Array, InstrumentationScope, Value};

/// Whether two scopes are told in the same way, of those without attributes.
#[inline]
pub(super) fn is_same_scope(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    let is_same = |one: Option<&str>, other: Option<&str>| match (one, other) {
        (Some(one), Some(other)) => is_same_text(one, other),
        (None, None) => true,
        _ => false,
    };
    is_same_text(one.name(), other.name())
        && is_same(one.version(), other.version())
        && is_same(one.schema_url(), other.schema_url())
}

/// Whether two values are written in the same way. Zero and its negative, which are equal, are not.
#[inline]
pub(super) fn is_same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => is_same_text(one.as_str(), other.as_str()),
        (Value::I64(one), Value::I64(other)) => one == other,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::F64(one), Value::F64(other)) => one.to_bits() == other.to_bits(),
        (Value::Array(Array::String(one)), Value::Array(Array::String(other))) => one == other,
        (Value::Array(Array::I64(one)), Value::Array(Array::I64(other))) => one == other,
        (Value::Array(Array::Bool(one)), Value::Array(Array::Bool(other))) => one == other,
        _ => false,
    }
}

/// Whether two texts are equal. Constants are the same place in memory.
#[inline]
pub(super) fn is_same_text(one: &str, other: &str) -> bool {
    ptr::eq(one, other) || one == other
}
