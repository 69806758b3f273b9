//! How a redaction goes over spans, before anything else reads them.

use std::borrow::Cow;

use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value, trace::Status};
use opentelemetry_sdk::{Resource, trace::SpanData};

use super::{Redaction, Rule, Verdict, client, queries};
use crate::{
    annotate::own_key,
    exporter::{is_known, matches, name_before_adoption},
    in_progress::IN_PROGRESS,
    redact::REDACTED,
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
        span.links.links.iter_mut().for_each(|link| self.attributes(&mut link.attributes));
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
        let Some(Rule(rule)) = &self.rule else { return Some(value) };
        match value {
            Value::String(text) => match rule(key, text.as_str()) {
                Verdict::Keep => Some(Value::String(text)),
                Verdict::Omit => None,
                Verdict::Replace(text) => Some(Value::from(text)),
            },
            Value::Array(Array::String(texts)) => {
                let judged = |text: StringValue| match rule(key, text.as_str()) {
                    Verdict::Keep => Some(text),
                    Verdict::Omit => None,
                    Verdict::Replace(text) => Some(text.into()),
                };
                Some(Value::Array(Array::String(texts.into_iter().filter_map(judged).collect())))
            }
            other => Some(other),
        }
    }

    fn name(&self, key: &str, name: &mut Cow<'static, str>) {
        let Some(Rule(rule)) = &self.rule else { return };
        match rule(key, name) {
            Verdict::Keep => {}
            Verdict::Omit => *name = Cow::Borrowed(REDACTED),
            Verdict::Replace(text) => *name = Cow::Owned(text),
        }
    }

    fn scope(&self, scope: &mut InstrumentationScope) {
        let mut attributes: Vec<_> = scope.attributes().cloned().collect();
        if attributes.is_empty() {
            return;
        }
        self.attributes(&mut attributes);
        let mut builder = InstrumentationScope::builder(scope.name().to_owned()).with_attributes(attributes);
        if let Some(version) = scope.version() {
            builder = builder.with_version(version.to_owned());
        }
        if let Some(schema_url) = scope.schema_url() {
            builder = builder.with_schema_url(schema_url.to_owned());
        }
        *scope = builder.build();
    }
}

fn fits(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}
