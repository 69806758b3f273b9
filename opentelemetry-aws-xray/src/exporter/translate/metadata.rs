//! Metadata: everything that has no field of its own (docs/mapping.md).

use std::{borrow::Cow, collections::HashSet};

use opentelemetry::{
    Array, KeyValue, Value as Otel,
    trace::{Event, Status, TraceState},
};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::segment::{Cause, Exception, Exceptions, MetadataEntry, Value};

use super::{
    super::attributes::Attributes, budget::Budget, cause, handed, json, links, name, texts::Texts, timestamp,
};
use crate::redact;

/// The namespace of attributes and of what the span says of itself.
pub(super) const DEFAULT: &str = "default";
/// The namespace of events that are not exceptions.
const EVENTS: &str = "events";

/// The prefix of resource attributes.
pub(super) const RESOURCE_PREFIX: &str = "otel.resource.";
/// Keys that are ours. An attribute of that name is kept under [`ATTRIBUTE_PREFIX`].
const RESERVED_PREFIX: &str = "otel.";
const ATTRIBUTE_PREFIX: &str = "attribute.";

/// What of a span stands in its document already, and need not be said again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'t> {
    pub(super) name: &'t str,
    pub(super) cause: Option<&'t Cause<'t>>,
    /// The links stand in another document of the span, whole.
    pub(super) links_elsewhere: bool,
}

/// Fills metadata with what is left over.
pub(super) fn metadata<'a>(
    span: &'a SpanData,
    told: Told<'_>,
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Vec<MetadataEntry<'a>>,
) {
    let mut moved = budget.text_chars < usize::MAX;
    let mut left_out = 0;
    attributes.take_leftovers(|attribute, is_secret| {
        if is_empty(&attribute.value) {
            return true;
        }
        if entries.len() >= budget.entries {
            left_out += 1;
            return true;
        }
        let key = attribute.key.as_str();
        if let Some(namespace) = key.strip_prefix(OBJECT_PREFIX)
            && json_object(namespace, &attribute.value, budget, entries)
        {
            moved = true;
            return true;
        }
        let value = named_value(key, is_secret, &attribute.value, budget, texts);
        if let Some((namespace, key)) = handed::metadata_place(key, DEFAULT) {
            let is_taken = |entry: &&MetadataEntry<'_>| entry.namespace == namespace && entry.key == key;
            if !key.starts_with(RESERVED_PREFIX) && entries.iter().find(is_taken).is_none() {
                let (key, _) = texts.cut(Cow::Borrowed(key), budget.text_chars.max(MIN_KEY_CHARS));
                let (namespace, _) = texts.cut(namespace, budget.text_chars.max(MIN_KEY_CHARS));
                entries.push(MetadataEntry { namespace, key, value });
                moved = true;
                return true;
            }
        }
        let key = if key.starts_with(RESERVED_PREFIX) {
            moved = true;
            Cow::Owned(format!("{ATTRIBUTE_PREFIX}{key}"))
        } else {
            Cow::Borrowed(key)
        };
        let (key, _) = texts.cut(key, budget.text_chars.max(MIN_KEY_CHARS));
        entries.push(entry(key, value));
        true
    });
    span_itself(span, told, budget, texts, entries);
    if !told.links_elsewhere {
        left_out += links::spill(span, budget, entries);
    }
    left_out += events(span, told.cause, name::is_aws_api(attributes), budget, texts, entries);
    if moved {
        tell_apart(entries);
    }
    texts.count_cuts(left_out);
    if texts.cuts() > 0 {
        // The last stage, so that this is all of it.
        entries.push(entry("otel.cut", Value::U64(texts.cuts())));
    }
}

/// An attribute of this name, then a namespace, holds a JSON object: all of that namespace.
const OBJECT_PREFIX: &str = "aws.xray.metadata.";

/// Takes the members of such an object over; false if it is none, or too large for the document.
fn json_object<'a>(
    namespace: &'a str,
    value: &'a Otel,
    budget: &Budget,
    entries: &mut Vec<MetadataEntry<'a>>,
) -> bool {
    let Otel::String(text) = value else { return false };
    let is_named = !namespace.is_empty() && !handed::is_reserved(namespace);
    if !is_named || text.as_str().len() > budget.text_chars {
        return false;
    }
    let Some(members) = json::object(text.as_str()) else { return false };
    if members.len() > budget.entries.saturating_sub(entries.len()) {
        return false;
    }
    entries.extend(members.into_iter().map(|(key, value)| {
        let is_ours = namespace == DEFAULT && key.starts_with(RESERVED_PREFIX);
        let key = if is_ours { Cow::Owned(format!("{ATTRIBUTE_PREFIX}{key}")) } else { key };
        MetadataEntry { namespace: Cow::Borrowed(namespace), key, value }
    }));
    true
}

/// Gives keys that were cut, moved or handed over another name where they have become the same.
pub(super) fn tell_apart(entries: &mut [MetadataEntry<'_>]) {
    let mut seen = HashSet::with_capacity(entries.len());
    for entry in entries {
        let mut n = 1;
        let original = entry.key.clone();
        while !seen.insert((entry.namespace.clone(), entry.key.clone())) {
            n += 1;
            entry.key = Cow::Owned(format!("{original}#{n}"));
        }
    }
}

/// Keys are cut too when there is no room, but to no less than this.
const MIN_KEY_CHARS: usize = 128;

fn entry<'a>(key: impl Into<Cow<'a, str>>, value: Value<'a>) -> MetadataEntry<'a> {
    MetadataEntry { namespace: Cow::Borrowed(DEFAULT), key: key.into(), value }
}

/// What the span says of itself that has no field: its name if the document has another, its scope, its trace state, the
/// message of its status, and what the SDK dropped.
fn span_itself<'a>(
    span: &'a SpanData,
    told: Told<'_>,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Vec<MetadataEntry<'a>>,
) {
    let mut text = |key, text: Cow<'a, str>| {
        if !text.is_empty() {
            entries.push(entry(key, Value::Str(texts.cut(text, budget.text_chars).0)));
        }
    };
    if told.name != span.name {
        text("otel.span.name", Cow::Borrowed(&*span.name));
    }
    let scope = &span.instrumentation_scope;
    for (key, value) in [
        ("otel.scope.name", Some(scope.name())),
        ("otel.scope.version", scope.version()),
        ("otel.scope.schema_url", scope.schema_url()),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text(key, Cow::Borrowed(value));
        }
    }
    if *span.span_context.trace_state() != TraceState::NONE {
        text("otel.trace_state", Cow::Owned(span.span_context.trace_state().header()));
    }
    if let Status::Error { description } = &span.status
        && !is_told(description, told.cause)
    {
        text("otel.status.description", redact::text(description));
    }
    let scope = span.instrumentation_scope.attributes().collect::<Vec<_>>();
    if !scope.is_empty() {
        let scope = attribute_map(scope.into_iter(), budget, texts);
        entries.push(entry("otel.scope.attributes", Value::Map(scope)));
    }
    for (key, count) in [
        ("otel.dropped_attributes_count", span.dropped_attributes_count),
        ("otel.dropped_events_count", span.events.dropped_count),
        ("otel.dropped_links_count", span.links.dropped_count),
    ] {
        if count > 0 {
            entries.push(entry(key, Value::U64(count.into())));
        }
    }
}

fn is_told(description: &str, cause: Option<&Cause<'_>>) -> bool {
    let Some(Cause::Exceptions(Exceptions { exceptions, .. })) = cause else { return false };
    exceptions.iter().any(|exception| exception.message == redact::text(description))
}

/// Events, keyed by their position. Exceptions are among them only if they say more than the cause does. The answer is
/// how many there was no room for.
fn events<'a>(
    span: &'a SpanData,
    cause: Option<&Cause<'_>>,
    is_aws_api: bool,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Vec<MetadataEntry<'a>>,
) -> usize {
    let mut told = match cause {
        Some(Cause::Exceptions(cause)) => cause.exceptions.as_slice(),
        _ => &[],
    };
    let mut left_out = 0;
    for (position, event) in span.events.events.iter().enumerate() {
        let exception = if cause::is_exception(event, is_aws_api) { next_recorded(&mut told) } else { None };
        if let Some(exception) = exception
            && cause::is_plainly_named(event)
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

/// The next exception that an event recorded: those that its stack trace named as its causes follow it, each linked from
/// the one before.
fn next_recorded<'e, 'a>(told: &mut &'e [Exception<'a>]) -> Option<&'e Exception<'a>> {
    let (recorded, mut rest) = told.split_first()?;
    let mut last = recorded;
    while let Some((next, after)) = rest.split_first()
        && last.cause.is_some()
        && last.cause == next.id
    {
        (last, rest) = (next, after);
    }
    *told = rest;
    Some(recorded)
}

fn event_value<'a>(
    event: &'a Event,
    exception: Option<&Exception<'_>>,
    budget: &Budget,
    texts: &mut Texts,
) -> Value<'a> {
    let name = texts.cut(Cow::Borrowed(&*event.name), budget.text_chars).0;
    let mut fields = vec![
        (Cow::Borrowed("name"), Value::Str(name)),
        (Cow::Borrowed("time"), Value::Time(timestamp::timestamp(event.timestamp))),
    ];
    let is_told =
        |attribute: &&KeyValue| exception.is_some_and(|exception| cause::is_told(attribute, exception));
    let untold = event.attributes.iter().filter(|attribute| !is_told(attribute));
    let attributes = attribute_map(untold, budget, texts);
    if !attributes.is_empty() {
        fields.push((Cow::Borrowed("attributes"), Value::Map(attributes)));
    }
    Value::Map(fields)
}

/// Attributes of an event or link as an object, the last value of each key.
pub(super) fn attribute_map<'a>(
    attributes: impl DoubleEndedIterator<Item = &'a KeyValue>,
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
        let value = named_value(name, redact::is_secret_name(name), &attribute.value, budget, texts);
        map.push((key, value));
    }
    map.reverse();
    map
}

/// An attribute's value as JSON, unless its name says that it is a secret.
fn named_value<'a>(
    key: &str,
    is_secret: bool,
    value: &'a Otel,
    budget: &Budget,
    texts: &mut Texts,
) -> Value<'a> {
    match value {
        _ if is_secret => Value::Str(Cow::Borrowed(redact::REDACTED)),
        Otel::String(text) => Value::Str(texts.cut(redact::named(key, text.as_str()), budget.text_chars).0),
        _ => self::value(value, budget, texts),
    }
}

/// An attribute's value as JSON.
pub(super) fn value<'a>(value: &'a Otel, budget: &Budget, texts: &mut Texts) -> Value<'a> {
    match value {
        Otel::Bool(value) => Value::Bool(*value),
        Otel::I64(value) => Value::I64(*value),
        Otel::F64(value) => Value::F64(*value),
        Otel::String(value) => text(value.as_str(), budget, texts),
        Otel::Array(array) => {
            let mut list = texts.spare_list();
            let most = budget.entries;
            let length = match array {
                Array::Bool(values) => fill(&mut list, values, most, |value| Value::Bool(*value)),
                Array::I64(values) => fill(&mut list, values, most, |value| Value::I64(*value)),
                Array::F64(values) => fill(&mut list, values, most, |value| Value::F64(*value)),
                Array::String(values) => {
                    fill(&mut list, values, most, |value| text(value.as_str(), budget, texts))
                }
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

fn text<'a>(text: &'a str, budget: &Budget, texts: &mut Texts) -> Value<'a> {
    Value::Str(texts.cut(Cow::Borrowed(text), budget.text_chars).0)
}

/// Whether a value says nothing.
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
