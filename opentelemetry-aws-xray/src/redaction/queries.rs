//! Queries and their parameters, wherever a span tells them.

use std::borrow::Cow;

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::sql::{MASK, masked};
use crate::annotate::own_key;

/// Masks what a span, its events and its links say of queries. What an event does not say of the database, its span does.
pub(super) fn mask_span(span: &mut SpanData) {
    let system = system(&span.attributes);
    let system = system.as_deref();
    mask(&mut span.attributes, system, &mut span.name);
    for event in &mut span.events.events {
        let own = self::system(&event.attributes);
        mask(&mut event.attributes, own.as_deref().or(system), &mut event.name);
    }
    for link in &mut span.links.links {
        let own = self::system(&link.attributes);
        mask(&mut link.attributes, own.as_deref().or(system), &mut Cow::Borrowed(""));
    }
}

fn mask(attributes: &mut [KeyValue], system: Option<&str>, name: &mut Cow<'static, str>) {
    let has_statement = attributes.iter().any(|attribute| own_key(attribute.key.as_str()) == "db.statement");
    for KeyValue { key, value, .. } in attributes {
        match own_key(key.as_str()) {
            "db.query.text" | "db.statement" => mask_query(value, system, name),
            // sqlx logs the beginning of a query so, and all of one that is short.
            "summary" if has_statement => mask_query(value, system, name),
            key if key.starts_with("db.query.parameter.") || key.starts_with("db.operation.parameter.") => {
                *value = Value::from(MASK);
            }
            _ => {}
        }
    }
}

/// Masks a query, and the name of the span or event if it is the query.
fn mask_query(value: &mut Value, system: Option<&str>, name: &mut Cow<'static, str>) {
    let query = value.as_str();
    let masked = masked(&query, system);
    if *name == query {
        *name = masked.clone().into();
    }
    *value = Value::from(masked);
}

/// The database that attributes name.
fn system(attributes: &[KeyValue]) -> Option<String> {
    let text_of = |name| {
        let attribute = attributes.iter().rev().find(|attribute| attribute.key.as_str() == name)?;
        match &attribute.value {
            Value::String(text) => Some(text.as_str().to_owned()),
            _ => None,
        }
    };
    text_of("db.system.name").or_else(|| text_of("db.system"))
}
