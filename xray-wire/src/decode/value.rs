//! Annotations, metadata, links: what users and services put in freely.

use alloc::vec::Vec;

use super::{SkipReason, json::Json, reader::Reader};
use crate::segment::{Annotation, AnnotationValue, Link, MetadataEntry, Value};

/// Annotations hold text, numbers and truth values; what else is there is skipped.
pub(super) fn annotations<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Vec<Annotation<'a>> {
    let mut annotations = Vec::new();
    reader.fields(json, |reader, key, json| {
        let value = match json {
            Json::Str(text) => AnnotationValue::Str(text.clone()),
            Json::Bool(value) => AnnotationValue::Bool(value),
            Json::Number(text) => match number(text) {
                Value::I64(value) => AnnotationValue::I64(value),
                Value::U64(_) | Value::F64(_) => match text.parse::<f64>() {
                    Ok(value) if value.is_finite() => AnnotationValue::F64(value),
                    _ => return reader.skip(SkipReason::OutOfRange),
                },
                _ => return reader.skip(SkipReason::Malformed),
            },
            Json::TooDeep => return reader.skip(SkipReason::TooDeep),
            Json::Null | Json::Array(_) | Json::Object(_) => return reader.skip(SkipReason::WrongType),
        };
        annotations.push(Annotation { key: key.clone(), value });
    });
    annotations
}

/// Metadata is namespaces of keys of anything. A `null` inside a namespace is a value as any other.
pub(super) fn metadata<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Vec<MetadataEntry<'a>> {
    let mut metadata = Vec::new();
    reader.fields(json, |reader, namespace, json| {
        let Some(members) = reader.object(json) else { return };
        reader.members(members, |reader, key, json| {
            let value = value(reader, json);
            metadata.extend(value.map(|value| MetadataEntry {
                namespace: namespace.clone(),
                key: key.clone(),
                value,
            }));
        });
    });
    metadata
}

/// One of `links`; nothing without both ids.
pub(super) fn link<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<Link<'a>> {
    reader.object(json)?;
    let trace_id = reader.required(json, "trace_id", Reader::trace_id);
    let id = reader.required(json, "id", Reader::segment_id);
    let (Some(trace_id), Some(id)) = (trace_id, id) else {
        reader.skip(SkipReason::Unusable);
        return None;
    };
    let mut link = Link { trace_id, id, attributes: Vec::new() };
    reader.fields(json, |reader, key, json| match &**key {
        "trace_id" | "id" => {}
        "attributes" => {
            reader.fields(json, |reader, key, json| {
                let value = value(reader, json);
                link.attributes.extend(value.map(|value| (key.clone(), value)));
            });
        }
        _ => reader.skip(SkipReason::Unknown),
    });
    Some(link)
}

/// Any JSON; what is nested too deeply is left out of what is around it.
///
/// Recurses no deeper than [`MAX_DECODE_DEPTH`](crate::limits::MAX_DECODE_DEPTH).
pub(super) fn value<'a>(reader: &mut Reader, json: Json<'_, 'a>) -> Option<Value<'a>> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(text) => number(text),
        Json::Str(text) => Value::Str(text.clone()),
        Json::TooDeep => {
            reader.skip(SkipReason::TooDeep);
            return None;
        }
        Json::Array(items) => {
            let mut list = Vec::new();
            for (index, json) in items.enumerate() {
                let mark = reader.path.enter_index(index);
                list.extend(value(reader, json));
                reader.path.leave(mark);
            }
            Value::List(list)
        }
        Json::Object(members) => {
            let mut map = Vec::new();
            reader.members(members, |reader, key, json| {
                map.extend(value(reader, json).map(|value| (key.clone(), value)));
            });
            Value::Map(map)
        }
    })
}

/// A whole number that fits stays one; any other is the nearest decimal number of 64 bits.
fn number<'a>(text: &str) -> Value<'a> {
    if let Ok(value) = text.parse() {
        return Value::I64(value);
    }
    if let Ok(value) = text.parse() {
        return Value::U64(value);
    }
    // JSON's numbers are a part of those that `parse` takes.
    text.parse().map_or(Value::Null, Value::F64)
}
