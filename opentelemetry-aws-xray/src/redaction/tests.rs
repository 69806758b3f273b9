//! What leaves a span, and what stays.

use opentelemetry::{
    InstrumentationScope, KeyValue, StringValue, Value,
    trace::{Event, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter},
};
use serde_json::{Value as Json, json};

use super::*;
use crate::{XrayExporter, exporter::tests::span, in_progress::IN_PROGRESS, sink::MemorySink};

/// The document of a span.
fn document(redaction: Redaction, change: impl FnOnce(&mut SpanData)) -> Json {
    let mut span = span(SpanKind::Internal, "work", vec![]);
    change(&mut span);
    let sink = MemorySink::default();
    let mut exporter = XrayExporter::builder().with_sink(sink.clone()).with_redaction(redaction).build();
    exporter.set_resource(
        &Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "shop"),
                KeyValue::new("host.name", "jane-laptop"),
            ])
            .build(),
    );
    futures_executor::block_on(exporter.export(vec![span])).unwrap();
    assert_eq!(exporter.stats().cut, 0);
    serde_json::from_str(&sink.take()[0]).unwrap()
}

fn keys(redaction: Redaction, names: &[&'static str]) -> Vec<String> {
    let document = document(redaction, |span| {
        span.attributes = names.iter().map(|name| KeyValue::new(*name, "x")).collect();
    });
    let metadata = document["metadata"]["default"].as_object().unwrap();
    metadata.keys().filter(|key| !key.starts_with("otel.")).cloned().collect()
}

#[test]
fn attributes_are_denied_and_allowed_by_pattern() {
    const NAMES: [&str; 5] = ["card.number", "order.id", "order.note", "http.route", "tail_sampling.reason"];
    let nothing = || Redaction::default();
    for (redaction, expected) in [
        (nothing(), &NAMES[..]),
        (
            nothing().with_denied(["card.*"]),
            &["http.route", "order.id", "order.note", "tail_sampling.reason"],
        ),
        (nothing().with_allowed(["order.*"]), &["order.id", "order.note", "tail_sampling.reason"]),
        (nothing().with_allowed(["order.*"]).with_denied(["*.note"]), &["order.id", "tail_sampling.reason"]),
        (
            nothing().with_denied_metadata("def*", "order.*"),
            &["card.number", "http.route", "tail_sampling.reason"],
        ),
        (nothing().with_denied_metadata("events", "*"), &NAMES[..]),
        // It is ours.
        (nothing().with_allowed(["card.*"]), &["card.number", "tail_sampling.reason"]),
        (nothing().with_allowed(["card.*"]).with_denied(["tail_sampling.*"]), &["card.number"]),
    ] {
        let shown = format!("{redaction:?}");
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(keys(redaction, &NAMES), expected, "{shown}");
    }
}

#[test]
fn what_means_something_to_x_ray_needs_no_permission_and_can_be_denied() {
    let request = |span: &mut SpanData| {
        span.span_kind = SpanKind::Server;
        span.attributes =
            vec![KeyValue::new("url.full", "http://x/"), KeyValue::new("http.request.method", "GET")];
    };
    let allowed = document(Redaction::default().with_allowed(["order.*"]), request);
    assert_eq!(allowed["http"]["request"], json!({"method": "GET", "url": "http://x/"}));
    let denied = document(Redaction::default().with_denied(["url.*"]), request);
    assert_eq!(denied["http"]["request"], json!({"method": "GET"}));
}

#[test]
fn what_handlers_hand_over_is_known_by_its_key() {
    let document = document(Redaction::default().with_denied(["card.*"]), |span| {
        span.attributes = vec![
            KeyValue::new("aws.xray.annotation.card.number", "1"),
            KeyValue::new("aws.xray.annotation.order.id", "2"),
            KeyValue::new("aws.xray.metadatum.stock.card.number", "3"),
        ];
    });
    assert_eq!(document["annotations"], json!({"order.id": "2"}));
    assert_eq!(document["metadata"].get("stock"), None);
}

#[test]
fn a_rule_sees_every_text() {
    let rule = |key: &str, text: &str| match key {
        "omitted" => Verdict::Omit,
        _ => Verdict::Replace(text.replace("jane", "?")),
    };
    let document = document(Redaction::default().with_rule(rule), |span| {
        span.name = "mail jane".into();
        span.status = Status::error("no jane");
        span.attributes = vec![
            KeyValue::new("omitted", "x"),
            KeyValue::new("list", Value::Array(vec![StringValue::from("jane"), "b".into()].into())),
            KeyValue::new("number", 7),
            KeyValue::new("enduser.id", "jane"),
        ];
        span.events.events =
            vec![Event::new("jane came", span.start_time, vec![KeyValue::new("who", "jane")], 0)];
        span.instrumentation_scope =
            InstrumentationScope::builder("lib").with_attributes([KeyValue::new("by", "jane")]).build();
    });
    assert!(!document.to_string().contains("jane"), "{document}");
    assert_eq!(document["user"], "?");
    assert_eq!(document["metadata"]["default"]["list"], json!(["?", "b"]));
    assert_eq!(document["metadata"]["default"]["number"], 7);
    assert_eq!(document["metadata"]["default"]["otel.scope.name"], "lib");
    assert_eq!(document["metadata"]["default"].get("omitted"), None);
}

#[test]
fn a_rule_sees_what_others_say_of_themselves() {
    let scope = || {
        InstrumentationScope::builder("jane's")
            .with_version("of jane")
            .with_schema_url("https://jane/")
            .build()
    };
    for (verdict, expected) in [
        (Verdict::Keep, ["jane's", "of jane", "https://jane/", "vendor=jane"].map(Some)),
        (Verdict::Omit, [None; 4]),
        (Verdict::Replace("a=b".into()), [Some("a=b"); 4]),
        // No trace state is of this form.
        (Verdict::Replace("?".into()), [Some("?"), Some("?"), Some("?"), None]),
    ] {
        let shown = format!("{verdict:?}");
        let rule =
            move |_: &str, text: &str| if text.contains("jane") { verdict.clone() } else { Verdict::Keep };
        let document = document(Redaction::default().with_rule(rule), |span| {
            let context = &span.span_context;
            let state = TraceState::from_key_value([("vendor", "jane")]).unwrap();
            let (flags, is_remote) = (context.trace_flags(), context.is_remote());
            span.span_context =
                SpanContext::new(context.trace_id(), context.span_id(), flags, is_remote, state);
            span.instrumentation_scope = scope();
        });
        let told = &document["metadata"]["default"];
        let found = ["scope.name", "scope.version", "scope.schema_url", "trace_state"]
            .map(|key| told[format!("otel.{key}")].as_str());
        assert_eq!(found, expected, "{shown}");
    }
}

#[test]
fn the_resource_is_denied_by_its_full_name() {
    let denied = document(Redaction::default().with_denied(["otel.resource.host.*"]), |_| {});
    assert_eq!(denied["metadata"]["default"].get("otel.resource.host.name"), None);
    assert_eq!(denied["metadata"]["default"]["otel.resource.service.name"], "shop");
    let denied = document(Redaction::default().with_denied_metadata("*", "otel.resource.*"), |_| {});
    assert_eq!(denied["name"], "shop");
    assert!(!denied.to_string().contains("otel.resource"), "{denied}");
}

#[test]
fn sql_and_clients_in_their_blocks() {
    let queried = document(Redaction::default().with_masked_sql(true), |span| {
        span.name = "SELECT 'x'".into();
        span.attributes = vec![
            KeyValue::new("db.system", "mysql"),
            KeyValue::new("db.statement", "SELECT 'x'"),
            KeyValue::new("db.query.parameter.0", 4711),
        ];
    });
    assert_eq!(queried["sql"]["sanitized_query"], "SELECT ?");
    assert_eq!(queried["sql"]["url"], "SELECT ?");
    assert!(!queried.to_string().contains("4711"), "{queried}");
    let address = |kind| {
        document(Redaction::default().with_anonymous_clients(true), |span| {
            span.span_kind = kind;
            span.attributes = vec![
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("client.address", "203.0.113.7"),
                KeyValue::new("network.peer.address", "10.1.2.3"),
            ];
        })
    };
    let served = address(SpanKind::Server);
    assert_eq!(served["http"]["request"]["client_ip"], "203.0.113.0");
    assert_eq!(served["metadata"]["default"]["network.peer.address"], "10.1.2.0");
    assert!(address(SpanKind::Internal).to_string().contains("10.1.2.3"));
}

#[test]
fn queries_in_events_are_masked_too() {
    let document = document(Redaction::default().with_masked_sql(true), |span| {
        span.attributes = vec![KeyValue::new("db.system", "postgresql")];
        let attributes = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(key, text)| KeyValue::new(*key, *text)).collect::<Vec<_>>()
        };
        let time = span.start_time;
        span.events.events = vec![
            // As sqlx logs a long query, and a short one.
            Event::new(
                "query",
                time,
                attributes(&[("summary", "SELECT 'joan' …"), ("db.statement", "\n\nSELECT 'joan'")]),
                0,
            ),
            Event::new("query", time, attributes(&[("db.statement", ""), ("summary", "SELECT 'joan'")]), 0),
            Event::new(
                "SELECT 'joan'",
                time,
                attributes(&[("db.query.text", "SELECT 'joan'"), ("db.query.parameter.0", "joan")]),
                0,
            ),
            Event::new("get", time, attributes(&[("db.system", "redis"), ("db.statement", "GET joan")]), 0),
            Event::new("summary", time, attributes(&[("summary", "it's what it is")]), 0),
        ];
    });
    let events = &document["metadata"]["events"];
    assert!(!document.to_string().contains("joan"), "{document}");
    assert_eq!(events["0"]["attributes"]["summary"], "SELECT ? …");
    assert_eq!(events["2"]["name"], "SELECT ?");
    assert_eq!(events["4"]["attributes"]["summary"], "it's what it is");
}

#[test]
fn what_handlers_hand_over_is_masked_by_its_key() {
    let redaction = Redaction::default().with_masked_sql(true).with_anonymous_clients(true);
    let document = document(redaction, |span| {
        span.span_kind = SpanKind::Server;
        span.attributes = vec![
            KeyValue::new("aws.xray.annotation.client.address", "203.0.113.7"),
            KeyValue::new("aws.xray.metadatum.db.db.statement", "SELECT 'jane'"),
        ];
    });
    assert_eq!(document["annotations"], json!({"client.address": "203.0.113.0"}));
    assert_eq!(document["metadata"]["db"]["db.statement"], "SELECT ?");
}

#[test]
fn a_span_goes_on_whatever_is_denied() {
    let document = document(Redaction::default().with_denied(["aws.*", "*"]), |span| {
        span.attributes = vec![KeyValue::new(IN_PROGRESS, true)];
    });
    assert_eq!((&document["in_progress"], &document["end_time"]), (&json!(true), &Json::Null));
    assert!(!document.to_string().contains(IN_PROGRESS), "{document}");
}

#[test]
fn a_rule_that_panics_costs_a_batch() {
    let redaction = Redaction::default().with_rule(|_, _| panic!("a fault of the user's"));
    let sink = MemorySink::default();
    let mut exporter = XrayExporter::builder().with_sink(sink.clone()).with_redaction(redaction).build();
    exporter.set_resource(&Resource::builder_empty().with_service_name("shop").build());
    let batch = vec![span(SpanKind::Server, "work", vec![])];
    assert!(futures_executor::block_on(exporter.export(batch)).is_err());
    assert_eq!(exporter.stats().dropped(crate::DropReason::Internal), 1);
    assert!(sink.take().is_empty());
}
