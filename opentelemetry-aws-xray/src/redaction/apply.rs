//! How a redaction goes over spans, before anything else reads them.

use std::{borrow::Cow, str::FromStr};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, StringValue, Value,
    trace::{SpanContext, Status, TraceState},
};
use opentelemetry_sdk::{Resource, trace::SpanData};

use super::{Redaction, Rule, Verdict, client, queries};
use crate::{
    annotate::own_key,
    exporter::{is_known, matches, name_before_adoption},
    in_progress::IN_PROGRESS,
    redact::REDACTED,
    tail_sampling::KEEP_REASON,
};

impl Redaction {
    /// Takes out of spans what shall stay.
    pub(crate) fn spans(&self, batch: &mut [SpanData]) {
        if self.looks_at_spans() {
            batch.iter_mut().for_each(|span| self.span(span));
        }
    }

    /// The resource without what shall stay.
    pub(crate) fn resource<'r>(&self, resource: &'r Resource) -> Cow<'r, Resource> {
        if self.denied.is_empty() && self.rule.is_none() {
            return Cow::Borrowed(resource);
        }
        let attributes = resource.iter().filter_map(|(key, value)| {
            let name = format!("otel.resource.{key}");
            let is_denied = fits(&self.denied, &name);
            let value = self.value(&name, value.clone()).filter(|_| !is_denied)?;
            Some(KeyValue::new(key.clone(), value))
        });
        Cow::Owned(Resource::builder_empty().with_attributes(attributes.collect::<Vec<_>>()).build())
    }

    /// Whether any metadata is to be left out.
    pub(crate) fn has_metadata_rules(&self) -> bool {
        !self.denied_metadata.is_empty()
    }

    /// Whether an entry of metadata may leave.
    pub(crate) fn lets_through_metadata(&self, namespace: &str, key: &str) -> bool {
        let is_denied =
            |(namespaces, keys): &(String, String)| matches(namespaces, namespace) && matches(keys, key);
        !self.denied_metadata.iter().any(is_denied)
    }

    fn looks_at_spans(&self) -> bool {
        let Self {
            allowed,
            denied,
            denied_metadata: _,
            masked_sql,
            anonymous_clients,
            rule,
            adopts_prefixes: _,
        } = self;
        !allowed.is_empty() || !denied.is_empty() || *masked_sql || *anonymous_clients || rule.is_some()
    }

    fn span(&self, span: &mut SpanData) {
        if self.masked_sql {
            queries::mask_span(span);
        }
        if self.anonymous_clients {
            client::anonymise_span(span);
        }
        self.attributes(&mut span.attributes);
        for event in &mut span.events.events {
            self.attributes(&mut event.attributes);
            self.name("otel.event.name", &mut event.name);
        }
        for link in &mut span.links.links {
            self.attributes(&mut link.attributes);
            self.trace_state(&mut link.span_context);
        }
        self.trace_state(&mut span.span_context);
        self.scope(&mut span.instrumentation_scope);
        self.name("otel.span.name", &mut span.name);
        if let Status::Error { description } = &mut span.status {
            self.name("otel.status.description", description);
        }
    }

    fn attributes(&self, attributes: &mut Vec<KeyValue>) {
        attributes.retain(|attribute| self.lets_through(attribute.key.as_str()));
        if self.rule.is_none() {
            return;
        }
        attributes.retain_mut(|attribute| {
            // A value that costs nothing stands in its place meanwhile.
            let value = std::mem::replace(&mut attribute.value, Value::Bool(false));
            let Some(value) = self.value(own_key(attribute.key.as_str()), value) else { return false };
            attribute.value = value;
            true
        });
    }

    fn lets_through(&self, name: &str) -> bool {
        // It says that a span has not ended, and is never told as an attribute.
        if name == IN_PROGRESS {
            return true;
        }
        if self.fits(&self.denied, name) {
            return false;
        }
        self.allowed.is_empty()
            || self.fits(&self.allowed, name)
            || is_known(name)
            || name == KEEP_REASON
            || name.starts_with("exception.")
            || name.starts_with("aws.xray.exception.")
    }

    /// Whether an attribute fits any of the patterns, by its name or by the key that its user gave.
    fn fits(&self, patterns: &[String], name: &str) -> bool {
        let before = || if self.adopts_prefixes { name_before_adoption(name) } else { None };
        !patterns.is_empty()
            && (fits(patterns, name)
                || fits(patterns, own_key(name))
                || before().is_some_and(|before| fits(patterns, &before)))
    }

    /// The value as the user's own rule leaves it.
    fn value(&self, key: &str, value: Value) -> Option<Value> {
        match value {
            Value::String(text) => self.item(key, text).map(Value::String),
            Value::Array(Array::String(texts)) => {
                let texts = texts.into_iter().filter_map(|text| self.item(key, text));
                Some(Value::Array(Array::String(texts.collect())))
            }
            other => Some(other),
        }
    }

    fn item(&self, key: &str, text: StringValue) -> Option<StringValue> {
        match self.text(key, text.as_str())? {
            Cow::Borrowed(_) => Some(text),
            Cow::Owned(replaced) => Some(replaced.into()),
        }
    }

    fn name(&self, key: &str, name: &mut Cow<'static, str>) {
        match self.text(key, name) {
            Some(Cow::Borrowed(_)) => {}
            None => *name = Cow::Borrowed(REDACTED),
            Some(Cow::Owned(text)) => *name = Cow::Owned(text),
        }
    }

    /// The text as the user's own rule leaves it.
    fn text<'t>(&self, key: &str, text: &'t str) -> Option<Cow<'t, str>> {
        let Some(Rule(rule)) = &self.rule else { return Some(Cow::Borrowed(text)) };
        match rule(key, text) {
            Verdict::Keep => Some(Cow::Borrowed(text)),
            Verdict::Omit => None,
            Verdict::Replace(text) => Some(Cow::Owned(text)),
        }
    }

    /// What callers sent along. What stands in its place and is no trace state is left out.
    fn trace_state(&self, context: &mut SpanContext) {
        if self.rule.is_none() || *context.trace_state() == TraceState::NONE {
            return;
        }
        let header = context.trace_state().header();
        let state = match self.text("otel.trace_state", &header) {
            Some(Cow::Borrowed(_)) => return,
            None => TraceState::NONE,
            Some(Cow::Owned(text)) => TraceState::from_str(&text).unwrap_or_default(),
        };
        let (flags, is_remote) = (context.trace_flags(), context.is_remote());
        *context = SpanContext::new(context.trace_id(), context.span_id(), flags, is_remote, state);
    }

    fn scope(&self, scope: &mut InstrumentationScope) {
        let mut attributes: Vec<_> = scope.attributes().cloned().collect();
        if attributes.is_empty() && self.rule.is_none() {
            return;
        }
        self.attributes(&mut attributes);
        let text = |key: &str, text: Option<&str>| {
            let text = text.filter(|text| !text.is_empty())?;
            self.text(key, text).map(Cow::into_owned)
        };
        let name = text("otel.scope.name", Some(scope.name())).unwrap_or_default();
        let mut builder = InstrumentationScope::builder(name).with_attributes(attributes);
        if let Some(version) = text("otel.scope.version", scope.version()) {
            builder = builder.with_version(version);
        }
        if let Some(schema_url) = text("otel.scope.schema_url", scope.schema_url()) {
            builder = builder.with_schema_url(schema_url);
        }
        *scope = builder.build();
    }
}

fn fits(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}
