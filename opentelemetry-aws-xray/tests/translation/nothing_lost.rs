//! Whatever a span holds is found in its documents, or it is counted that something was cut.

use std::collections::HashSet;

use opentelemetry::{
    Array, KeyValue, Value as Otel,
    trace::{SpanContext, Status},
};
use opentelemetry_aws_xray::{XrayExporter, sink::MemorySink};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use serde_json::Value;

use crate::hostile::{self, Random};

const SPANS: u64 = 3_000;

#[test]
fn what_goes_in_comes_out_or_is_counted() {
    let seed = 1;
    println!("{SPANS} spans, seed {seed}");
    let mut random = Random::new(seed);
    let sink = MemorySink::default();
    let exporter = XrayExporter::builder()
        .with_sink(sink.clone())
        .with_indexed_attributes(["order.id", "order-id"])
        .build();
    let (mut whole, mut before) = (0, 0);
    for n in 0..SPANS {
        let span = without_secrets(hostile::span(&mut random));
        futures_executor::block_on(exporter.export(vec![span.clone()])).unwrap();
        let stats = exporter.stats();
        let documents: Vec<Value> =
            sink.take().iter().map(|document| serde_json::from_str(document).unwrap()).collect();
        if std::mem::replace(&mut before, stats.cut) == stats.cut && !documents.is_empty() {
            whole += 1;
            let lost = Found::of(&documents).lost(&span);
            assert!(lost.is_empty(), "span {n} lost {lost:#?}\n{span:#?}\n{}", Value::Array(documents));
        }
    }
    assert!(whole > SPANS / 2, "expected most spans to go uncut, but found {whole}");
}

/// The span without what is left out on purpose: user information in addresses, and values with telling names.
fn without_secrets(mut span: SpanData) -> SpanData {
    let clean = |attributes: &mut Vec<KeyValue>| attributes.retain(is_no_secret);
    clean(&mut span.attributes);
    span.events.events.iter_mut().for_each(|event| clean(&mut event.attributes));
    span.links.links.iter_mut().for_each(|link| clean(&mut link.attributes));
    span
}

fn is_no_secret(attribute: &KeyValue) -> bool {
    match &attribute.value {
        Otel::String(text) if text.as_str().contains('@') => false,
        _ => !attribute.key.as_str().contains("password"),
    }
}

/// All that the documents say.
#[derive(Debug, Default)]
struct Found {
    texts: String,
    numbers: HashSet<String>,
    bools: HashSet<bool>,
    /// `trace id:id`, as `otel.links` has them.
    links: HashSet<String>,
}

impl Found {
    fn of(documents: &[Value]) -> Self {
        let mut found = Self::default();
        documents.iter().for_each(|document| found.add(document));
        found
    }

    fn add(&mut self, json: &Value) {
        match json {
            Value::Null => {}
            Value::Bool(value) => drop(self.bools.insert(*value)),
            Value::Number(number) => {
                self.numbers.insert(number.to_string());
            }
            Value::String(text) => self.texts.extend([text, "\u{10ffff}"]),
            Value::Array(values) => values.iter().for_each(|value| self.add(value)),
            Value::Object(members) => {
                // An object with both ids and no time is a link.
                if let (Some(Value::String(trace)), Some(Value::String(id)), None) =
                    (members.get("trace_id"), members.get("id"), members.get("start_time"))
                {
                    self.links.insert(format!("{trace}:{id}"));
                }
                members.values().for_each(|value| self.add(value));
            }
        }
    }

    /// What the documents do not say of a span.
    fn lost(&self, span: &SpanData) -> Vec<String> {
        let mut lost = Vec::new();
        let mut expect = |what: String, found: bool| {
            if !found {
                lost.push(what);
            }
        };
        expect("span name".into(), self.has_text(&span.name));
        let scope = &span.instrumentation_scope;
        expect("scope name".into(), self.texts.contains(scope.name()));
        expect("scope version".into(), self.texts.contains(scope.version().unwrap_or_default()));
        expect("trace state".into(), self.texts.contains(&span.span_context.trace_state().header()));
        if let Status::Error { description } = &span.status {
            expect("status".into(), self.has_text(description));
        }
        for attribute in last_values(&span.attributes) {
            expect(format!("attribute {attribute:?}"), is_implied(attribute) || self.has(&attribute.value));
        }
        let attributes: Vec<_> = scope.attributes().cloned().collect();
        for attribute in last_values(&attributes).into_iter().filter(|attribute| is_no_secret(attribute)) {
            expect(
                format!("scope attribute {attribute:?}"),
                is_implied(attribute) || self.has(&attribute.value),
            );
        }
        for event in &span.events.events {
            // That these stand under `cause` says their names.
            let is_told_by_cause = matches!(&*event.name, "exception" | "HTTP request failure");
            expect(format!("event {}", event.name), is_told_by_cause || self.has_text(&event.name));
            for attribute in last_values(&event.attributes) {
                expect(
                    format!("attribute of event {attribute:?}"),
                    self.has(&attribute.value) || self.has_frames(attribute),
                );
            }
            expect(
                format!("dropped attributes of {event:?}"),
                self.has_count(event.dropped_attributes_count),
            );
        }
        for link in span.links.links.iter().filter(|link| link.span_context.is_valid()) {
            expect(format!("link {link:?}"), self.has_link(&link.span_context));
            expect(format!("dropped attributes of {link:?}"), self.has_count(link.dropped_attributes_count));
            for attribute in last_values(&link.attributes) {
                expect(format!("attribute of link {attribute:?}"), self.has(&attribute.value));
            }
        }
        lost
    }

    /// A text as it was, or, where it quotes a URL, without the password that stands in it.
    fn has_text(&self, text: &str) -> bool {
        let without_password =
            ["user:password@", "u:p@"].iter().fold(text.to_owned(), |text, user| text.replace(user, ""));
        self.texts.contains(text) || self.texts.contains(&without_password)
    }

    fn has_link(&self, to: &SpanContext) -> bool {
        let trace = to.trace_id().to_string();
        let link = format!("1-{}-{}:{}", &trace[..8], &trace[8..], to.span_id());
        self.links.contains(&link) || self.texts.contains(&link)
    }

    /// A stack trace's frames instead of its text.
    fn has_frames(&self, attribute: &KeyValue) -> bool {
        attribute.key.as_str() == "exception.stacktrace"
            && [("shop::pay", "src/pay.rs"), ("because", "a")].iter().any(|(one, other)| {
                attribute.value.as_str().contains(one)
                    && self.texts.contains(one)
                    && self.texts.contains(other)
            })
    }

    fn has_count(&self, dropped: u32) -> bool {
        dropped == 0 || self.has_number(&dropped.to_string())
    }

    fn has(&self, value: &Otel) -> bool {
        match value {
            Otel::Bool(value) => self.bools.contains(value),
            Otel::I64(number) => self.has_number(&number.to_string()),
            Otel::F64(number) => self.has_float(*number),
            Otel::String(text) => self.has_text(text.as_str()) || self.numbers.contains(text.as_str()),
            Otel::Array(Array::Bool(values)) => values.iter().all(|value| self.bools.contains(value)),
            Otel::Array(Array::I64(values)) => {
                values.iter().all(|number| self.has_number(&number.to_string()))
            }
            Otel::Array(Array::F64(values)) => values.iter().all(|number| self.has_float(*number)),
            Otel::Array(Array::String(texts)) => {
                texts.iter().all(|text| self.has_text(text.as_str()) || self.numbers.contains(text.as_str()))
            }
            other => panic!("expected a kind of value that is known, but found {other:?}"),
        }
    }

    fn has_number(&self, number: &str) -> bool {
        self.numbers.contains(number) || self.texts.contains(number)
    }

    fn has_float(&self, number: f64) -> bool {
        let text = match number {
            _ if number.is_nan() => "NaN",
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ => return self.numbers.iter().any(|found| found.parse() == Ok(number)),
        };
        self.texts.contains(text)
    }
}

/// The last value of each key, which is the one that counts.
fn last_values(attributes: &[KeyValue]) -> Vec<&KeyValue> {
    let mut seen = HashSet::new();
    attributes.iter().rev().filter(|attribute| seen.insert(attribute.key.as_str())).collect()
}

/// Values that a document says without repeating them, and those that it leaves out: see "What is not told" in
/// `docs/mapping.md`.
fn is_implied(attribute: &KeyValue) -> bool {
    match (attribute.key.as_str(), &attribute.value) {
        // What is named like a secret stays home.
        (key, _) if key.contains("password") => true,
        // `in_progress`, or an end.
        ("aws.xray.inprogress", _) => true,
        // The members of the object, not its text.
        (key, Otel::String(json)) if key.starts_with("aws.xray.metadata.") => {
            serde_json::from_str::<Value>(json.as_str()).is_ok_and(|json| json.is_object())
        }
        // The annotations of these keys.
        ("aws.xray.annotations", Otel::Array(Array::String(_))) => true,
        // `http.request.method_original` says which.
        ("http.request.method", Otel::String(method)) => method.as_str() == "_OTHER",
        // The port of the scheme, and what is no port.
        ("server.port" | "net.host.port" | "net.peer.port" | "network.peer.port", value) => {
            value.as_str().parse().is_ok_and(|port: i64| matches!(port, 80 | 443))
        }
        _ => false,
    }
}
