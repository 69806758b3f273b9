//! Attributes, scopes and resources of OTLP as the SDK has them.

use std::fmt::Write;

use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope as ProtoScope, KeyValue as ProtoKeyValue, any_value},
    resource::v1::Resource as ProtoResource,
};
use opentelemetry_sdk::Resource;

pub(super) fn resource(resource: Option<ProtoResource>, schema_url: &str) -> Resource {
    let attributes = attributes(resource.unwrap_or_default().attributes);
    let builder = Resource::builder_empty();
    match schema_url {
        "" => builder.with_attributes(attributes).build(),
        url => builder.with_schema_url(attributes, url.to_owned()).build(),
    }
}

pub(super) fn scope(scope: Option<ProtoScope>, schema_url: String) -> InstrumentationScope {
    let scope = scope.unwrap_or_default();
    let mut builder = InstrumentationScope::builder(scope.name).with_attributes(attributes(scope.attributes));
    if !scope.version.is_empty() {
        builder = builder.with_version(scope.version);
    }
    if !schema_url.is_empty() {
        builder = builder.with_schema_url(schema_url);
    }
    builder.build()
}

/// Attributes, apart from those without a value.
pub(super) fn attributes(attributes: Vec<ProtoKeyValue>) -> Vec<KeyValue> {
    let attribute = |ProtoKeyValue { key, value, .. }| Some(KeyValue::new(key, self::value(value?.value?)));
    attributes.into_iter().filter_map(attribute).collect()
}

/// A value. What the SDK has no kind for (maps, bytes, lists of different kinds) becomes text.
fn value(value: any_value::Value) -> Value {
    match value {
        any_value::Value::StringValue(text) => Value::String(text.into()),
        any_value::Value::BoolValue(value) => Value::Bool(value),
        any_value::Value::IntValue(value) => Value::I64(value),
        any_value::Value::DoubleValue(value) => Value::F64(value),
        any_value::Value::ArrayValue(list) => Value::Array(array(&list.values)),
        other => Value::String(text(&other).into()),
    }
}

fn array(values: &[AnyValue]) -> Array {
    use any_value::Value as Proto;
    let kinds = || values.iter().map(|value| value.value.as_ref());
    let all = |is: fn(&Proto) -> bool| kinds().all(|value| value.is_some_and(is));
    if all(|value| matches!(value, Proto::BoolValue(_))) {
        let values =
            kinds().filter_map(|value| if let Some(Proto::BoolValue(v)) = value { Some(*v) } else { None });
        return Array::Bool(values.collect());
    }
    if all(|value| matches!(value, Proto::IntValue(_))) {
        let values =
            kinds().filter_map(|value| if let Some(Proto::IntValue(v)) = value { Some(*v) } else { None });
        return Array::I64(values.collect());
    }
    if all(|value| matches!(value, Proto::DoubleValue(_))) {
        let values =
            kinds().filter_map(|value| if let Some(Proto::DoubleValue(v)) = value { Some(*v) } else { None });
        return Array::F64(values.collect());
    }
    Array::String(kinds().map(|value| StringValue::from(value.map(text).unwrap_or_default())).collect())
}

/// A value as text: maps and lists in the manner of JSON, bytes in hexadecimal.
fn text(value: &any_value::Value) -> String {
    let any = |value: &AnyValue| value.value.as_ref().map_or_else(|| "null".to_owned(), text);
    match value {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::BoolValue(value) => value.to_string(),
        any_value::Value::IntValue(value) => value.to_string(),
        any_value::Value::DoubleValue(value) => value.to_string(),
        any_value::Value::ArrayValue(list) => {
            format!("[{}]", list.values.iter().map(any).collect::<Vec<_>>().join(","))
        }
        any_value::Value::KvlistValue(map) => {
            let entry = |entry: &ProtoKeyValue| {
                format!("{}:{}", entry.key, entry.value.as_ref().map(any).unwrap_or_default())
            };
            format!("{{{}}}", map.values.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        any_value::Value::BytesValue(bytes) => bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        }),
        // An index into a table that traces do not have.
        any_value::Value::StringValueStrindex(_) => String::new(),
    }
}
