//! What nothing else told.

use super::*;

#[test]
fn rival_19_what_nobody_mapped_is_metadata() {
    let document = document(child(
        2,
        1,
        SpanKind::Internal,
        "x",
        vec![
            KeyValue::new("order.id", 7),
            KeyValue::new("order.total", 1.5),
            KeyValue::new("otel.span.name", "mine"),
        ],
    ));
    assert_eq!(
        document["metadata"]["default"],
        json!({ "order.id": 7, "order.total": 1.5, "attribute.otel.span.name": "mine" })
    );
}

#[test]
fn rival_20_links_events_scope_and_trace_state_are_kept() {
    let mut span = child(2, 1, SpanKind::Internal, "x", vec![]);
    span.span_context = SpanContext::new(
        TraceId::from(TRACE),
        SpanId::from(2),
        TraceFlags::SAMPLED,
        false,
        TraceState::from_key_value([("vendor", "value")]).unwrap(),
    );
    span.instrumentation_scope = InstrumentationScope::builder("scope").with_version("1").build();
    span.events.events.push(event("cache miss", vec![KeyValue::new("key", "k")]));
    span.dropped_attributes_count = 3;
    for n in 1..=25_u64 {
        let linked = SpanContext::new(
            TraceId::from(TRACE + 1),
            SpanId::from(n),
            TraceFlags::SAMPLED,
            true,
            TraceState::default(),
        );
        span.links.links.push(Link::new(linked, vec![KeyValue::new("n", 1)], 0));
    }
    let document = document(span);
    assert_eq!(document["links"].as_array().unwrap().len(), 20);
    assert_eq!(document["links"][0]["attributes"], json!({ "n": 1 }));
    let default = &document["metadata"]["default"];
    assert_eq!(default["otel.links"].as_array().unwrap().len(), 5);
    assert_eq!(default["otel.trace_state"], "vendor=value");
    assert_eq!((&default["otel.scope.name"], &default["otel.scope.version"]), (&json!("scope"), &json!("1")));
    assert_eq!(default["otel.dropped_attributes_count"], 3);
    assert_eq!(
        document["metadata"]["events"],
        json!({ "0": { "name": "cache miss", "time": 1_700_000_000.5, "attributes": { "key": "k" } } })
    );
}

#[test]
fn what_came_from_x_ray_goes_back_as_it_was() {
    let mut span = child(
        2,
        1,
        SpanKind::Client,
        "x",
        vec![
            KeyValue::new("aws.xray.cause.working_directory", "/srv"),
            KeyValue::new("aws.xray.cause.paths", Otel::Array(Array::String(vec!["/lib".into()]))),
            KeyValue::new(
                "aws.xray.precursor_ids",
                Otel::Array(Array::String(vec!["00000000000000aa".into()])),
            ),
            KeyValue::new("aws.xray.retries", 3),
        ],
    );
    let mut exception = exception("E", "m");
    exception.attributes.extend([
        KeyValue::new("aws.xray.exception.id", "00000000000000bb"),
        KeyValue::new("aws.xray.exception.cause", "00000000000000cc"),
        KeyValue::new("aws.xray.exception.remote", false),
        KeyValue::new("aws.xray.exception.truncated", 4),
        KeyValue::new("aws.xray.exception.skipped", 5),
    ]);
    span.events.events.push(exception);
    let document = document(span);
    assert_eq!(
        document["cause"],
        json!({
            "working_directory": "/srv",
            "paths": ["/lib"],
            "exceptions": [{
                "id": "00000000000000bb", "type": "E", "message": "m", "truncated": 4, "skipped": 5, "cause": "00000000000000cc",
            }],
        })
    );
    assert_eq!(document["precursor_ids"], json!(["00000000000000aa"]));
    assert_eq!(document["aws"], json!({ "retries": 3 }));
    assert_eq!(document["metadata"], Value::Null);
}
