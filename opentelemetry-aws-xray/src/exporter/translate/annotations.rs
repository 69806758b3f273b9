//! Annotations: attributes that the user wants to search by (specification of the mapping, "Annotations").

use std::borrow::Cow;

use opentelemetry::Value;
use xray_wire::{
    limits::MAX_ANNOTATION_VALUE_CHARS,
    sanitize,
    segment::{Annotation, AnnotationValue},
};

use super::{super::attributes::Attributes, budget::Budget, texts::Texts};

/// Moves the attributes that are to be indexed into annotations. Lists and numbers that are not finite stay for
/// metadata, and so does what comes after the last place or would repeat a key.
pub(super) fn annotations<'a>(
    indexed: &[String],
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    texts: &mut Texts,
    annotations: &mut Vec<Annotation<'a>>,
) {
    if indexed.is_empty() {
        return;
    }
    attributes.take_leftovers(|attribute| {
        if !indexed.iter().any(|key| key == attribute.key.as_str()) {
            return false;
        }
        let key = sanitize::annotation_key(attribute.key.as_str());
        if annotations.len() >= budget.annotations
            || key.is_empty()
            || annotations.iter().any(|other| other.key == key)
        {
            return false;
        }
        let (value, whole) = match &attribute.value {
            Value::Bool(value) => (AnnotationValue::Bool(*value), true),
            Value::I64(value) => (AnnotationValue::I64(*value), true),
            Value::F64(value) if value.is_finite() => (AnnotationValue::F64(*value), true),
            Value::String(text) if !text.as_str().is_empty() => {
                let limit = MAX_ANNOTATION_VALUE_CHARS.min(budget.text_chars);
                let (text, whole) = texts.cut(Cow::Borrowed(text.as_str()), limit);
                (AnnotationValue::Str(text), whole)
            }
            _ => return false,
        };
        annotations.push(Annotation { key, value });
        whole
    });
}
