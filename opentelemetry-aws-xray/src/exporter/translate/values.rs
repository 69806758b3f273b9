//! Values of attributes as those of metadata.

use std::{borrow::Cow, collections::HashSet};

use opentelemetry::{Array, KeyValue, Value as Otel};
use xray_wire::segment::Value;

use super::{budget::Budget, texts::Texts};
use crate::redact;

/// Attributes of an event, a link or a scope as an object, the last value of each key.
pub(super) fn attribute_map<'a>(
    attributes: impl DoubleEndedIterator<Item = &'a KeyValue>,
    clean: redact::Clean,
    budget: &Budget,
    texts: &mut Texts,
) -> Vec<(Cow<'a, str>, Value<'a>)> {
    let mut seen = HashSet::new();
    let mut map: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
    for attribute in attributes.rev() {
        let key = texts.cut(Cow::Borrowed(attribute.key.as_str()), budget.text_chars).0;
        if is_empty(&attribute.value) || !seen.insert(key.clone()) {
            continue;
        }
        if map.len() >= budget.entries {
            texts.count_cut();
            continue;
        }
        let name = attribute.key.as_str();
        let value = match &attribute.value {
            _ if redact::is_secret_name(name) => Value::Str(Cow::Borrowed(redact::REDACTED)),
            value => clean_value(value, |text| clean(name, text), budget, texts),
        };
        map.push((key, value));
    }
    map.reverse();
    map
}

/// An attribute's value as JSON, unless its name says that it is a secret.
pub(super) fn named_value<'a>(
    key: &str,
    is_secret: bool,
    value: &'a Otel,
    budget: &Budget,
    texts: &mut Texts,
) -> Value<'a> {
    match value {
        _ if is_secret => Value::Str(Cow::Borrowed(redact::REDACTED)),
        _ => clean_value(value, |text| redact::named(key, text), budget, texts),
    }
}

/// An attribute's value as JSON.
#[inline]
pub(super) fn value<'a>(value: &'a Otel, budget: &Budget, texts: &mut Texts) -> Value<'a> {
    clean_value(value, Cow::Borrowed, budget, texts)
}

/// The same with each text as `clean` leaves it.
#[inline]
fn clean_value<'a>(
    value: &'a Otel,
    clean: impl Fn(&'a str) -> Cow<'a, str>,
    budget: &Budget,
    texts: &mut Texts,
) -> Value<'a> {
    let text = |text: &'a str, texts: &mut Texts| Value::Str(texts.cut(clean(text), budget.text_chars).0);
    match value {
        Otel::Bool(value) => Value::Bool(*value),
        Otel::I64(value) => Value::I64(*value),
        Otel::F64(value) => Value::F64(*value),
        Otel::String(value) => text(value.as_str(), texts),
        Otel::Array(array) => {
            let mut list = texts.spare_list();
            let most = budget.entries;
            let length = match array {
                Array::Bool(values) => fill(&mut list, values, most, |value| Value::Bool(*value)),
                Array::I64(values) => fill(&mut list, values, most, |value| Value::I64(*value)),
                Array::F64(values) => fill(&mut list, values, most, |value| Value::F64(*value)),
                Array::String(values) => fill(&mut list, values, most, |value| text(value.as_str(), texts)),
                // A kind of list that this version of the API does not have.
                other => fill(&mut list, std::slice::from_ref(other), most, |other| {
                    Value::Str(Cow::Owned(other.to_string()))
                }),
            };
            if list.len() < length {
                texts.count_cut();
            }
            Value::List(list)
        }
        // A kind of value that this version of the API does not have.
        other => Value::Str(Cow::Owned(other.to_string())),
    }
}

/// Fills a list with so many values, and answers how many there are.
fn fill<'a, T>(
    list: &mut Vec<Value<'a>>,
    values: &'a [T],
    most: usize,
    value: impl FnMut(&'a T) -> Value<'a>,
) -> usize {
    list.extend(values.iter().take(most).map(value));
    values.len()
}

/// Whether a value says nothing.
#[inline]
pub(super) fn is_empty(value: &Otel) -> bool {
    match value {
        Otel::String(text) => text.as_str().is_empty(),
        Otel::Array(Array::Bool(values)) => values.is_empty(),
        Otel::Array(Array::I64(values)) => values.is_empty(),
        Otel::Array(Array::F64(values)) => values.is_empty(),
        Otel::Array(Array::String(values)) => values.is_empty(),
        _ => false,
    }
}
