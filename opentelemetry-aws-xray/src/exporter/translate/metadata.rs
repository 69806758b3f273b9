//! Metadata: everything that has no field of its own (docs/mapping.md).

use std::borrow::Cow;

use opentelemetry::{
    Value as Otel,
    trace::{Status, TraceState},
};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    encode::Body,
    segment::{MetadataEntry, Value},
};

use super::{
    super::attributes::{Attributes, Leftover, Name},
    Options,
    budget::Budget,
    cause::Cause,
    entries::{Entries, entry, tell_apart},
    event_metadata,
    holes::{Holes, Rule},
    http, links, name, special,
    texts::Texts,
    values::{self, attribute_map, is_empty},
};
use crate::redact;

/// The namespace of attributes and of what the span says of itself.
pub(super) const DEFAULT: &str = "default";

/// The prefix of resource attributes.
pub(super) const RESOURCE_PREFIX: &str = "otel.resource.";
/// Keys that are ours. An attribute of that name is kept under another.
pub(super) const RESERVED_PREFIX: &str = "otel.";

/// How many attributes the SDK dropped, of the span or of a link.
pub(super) const DROPPED_ATTRIBUTES: &str = "otel.dropped_attributes_count";

/// What of a span stands in its document already, and need not be said again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'t> {
    pub(super) name: &'t str,
    pub(super) cause: Option<&'t Cause<'t>>,
    /// The links stand in another document of the span, as many as X-Ray takes.
    pub(super) links_elsewhere: bool,
}

/// Writes the metadata: all that is left over.
#[inline]
pub(super) fn metadata<'a>(
    span: &'a SpanData,
    told: Told<'_>,
    options: &'a Options,
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    (texts, list, holes): (&mut Texts, &mut Vec<MetadataEntry<'a>>, &mut Holes),
    body: &mut Body<'_>,
) {
    let is_settled = !attributes.has_ours()
        && span.events.events.is_empty()
        && budget.text_chars == usize::MAX
        && options.metadata.is_default()
        && !options.redaction.has_metadata_rules();
    if is_settled {
        let mut entries = Entries::Written(body.default_metadata(), 0);
        fill(&mut entries, span, told, options, attributes, budget, (texts, holes));
        return entries.close();
    }
    let moved =
        fill(&mut Entries::Listed(list), span, told, options, attributes, budget, (&mut *texts, holes));
    // As long as keys are those that were denied.
    let renamed = options.metadata.finish(list, &options.redaction);
    if moved || renamed || budget.text_chars < usize::MAX {
        tell_apart(list);
    }
    body.metadata(list);
}

/// Fills metadata, and answers whether keys may have become the same.
#[inline]
fn fill<'a>(
    entries: &mut Entries<'_, 'a>,
    span: &'a SpanData,
    told: Told<'_>,
    options: &Options,
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    (texts, holes): (&mut Texts, &mut Holes),
) -> bool {
    let mut moved = false;
    let mut left_out = 0;
    let of_the_connection = http::of_the_connection(span, attributes);
    attributes.take_leftovers(|Leftover { attribute, name, index, is_unread }| {
        if is_empty(&attribute.value) {
            return true;
        }
        if entries.len() >= budget.entries {
            left_out += 1;
        } else if name == Name::Plain || name == Name::Url && matches!(attribute.value, Otel::String(_)) {
            let key = cut_key(Cow::Borrowed(attribute.key.as_str()), budget, texts);
            let (rule, place) = match &attribute.value {
                // Those of requests are seldom the same.
                Otel::String(url) if name == Name::Url => {
                    let url = texts.cut(redact::url(url.as_str()), budget.text_chars).0;
                    (Rule::Url, entries.push_text(key, url))
                }
                Otel::String(text) => {
                    let text = texts.cut(Cow::Borrowed(text.as_str()), budget.text_chars).0;
                    (Rule::Text, entries.push_text(key, text))
                }
                other => {
                    let value = values::value(other, budget, texts);
                    (Rule::Integer, entries.push_value(key, value, texts))
                }
            };
            if is_unread || of_the_connection.contains(&Some(index)) {
                holes.note(Some((index, &attribute.value)), rule, usize::MAX, place);
            }
        } else {
            moved |= special::add(attribute, name == Name::Secret, options, budget, texts, entries);
        }
        true
    });
    span_itself(span, told, budget, texts, entries);
    left_out += links::spill(span, told.links_elsewhere, budget, entries);
    left_out +=
        event_metadata::events(span, told.cause, name::is_aws_api(attributes), budget, texts, entries);
    texts.count_cuts(left_out);
    if texts.cuts() > 0 {
        // The last stage, so that this is all of it.
        entries.push(entry("otel.cut", Value::U64(texts.cuts())));
    }
    moved
}

#[inline]
pub(super) fn cut_key<'a>(key: Cow<'a, str>, budget: &Budget, texts: &mut Texts) -> Cow<'a, str> {
    texts.cut(key, budget.text_chars.max(MIN_KEY_CHARS)).0
}

/// Keys are cut too when there is no room, but to no less than this.
const MIN_KEY_CHARS: usize = 128;

/// What the span says of itself that has no field: its name if the document has another, its scope, its trace state, the
/// message of its status, and what the SDK dropped.
#[inline]
fn span_itself<'a>(
    span: &'a SpanData,
    told: Told<'_>,
    budget: &Budget,
    texts: &mut Texts,
    entries: &mut Entries<'_, 'a>,
) {
    let mut text = |key, text: Cow<'a, str>| {
        if !text.is_empty() {
            entries.push_text(Cow::Borrowed(key), texts.cut(text, budget.text_chars).0);
        }
    };
    if told.name != span.name {
        let name = name::own_name(span);
        if told.name != name {
            text("otel.span.name", name);
        }
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
    if let Status::Error { description } = &span.status {
        let description = redact::text(description);
        if !is_told(&description, told.cause) {
            text("otel.status.description", description);
        }
    }
    let scope = span.instrumentation_scope.attributes().collect::<Vec<_>>();
    if !scope.is_empty() {
        let scope = attribute_map(scope.into_iter(), redact::named, budget, texts);
        entries.push(entry("otel.scope.attributes", Value::Map(scope)));
    }
    for (key, count) in [
        (DROPPED_ATTRIBUTES, span.dropped_attributes_count),
        ("otel.dropped_events_count", span.events.dropped_count),
        ("otel.dropped_links_count", span.links.dropped_count),
    ] {
        if count > 0 {
            entries.push(entry(key, Value::U64(count.into())));
        }
    }
}

fn is_told(description: &str, cause: Option<&Cause<'_>>) -> bool {
    let Some(cause) = cause else { return false };
    cause.exceptions.iter().any(|thrown| thrown.exception.message == description)
}
