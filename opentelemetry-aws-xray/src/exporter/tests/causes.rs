//! Exceptions that name each other, and those that are larger than their document.

use super::*;

/// The recorded exceptions, as they come back from X-Ray: an id each, and that of the cause.
fn recorded(message: &str, id: &str, cause: Option<&str>, stack_trace: Option<&str>) -> Event {
    let mut event = exception("E", message);
    let named = [
        ("aws.xray.exception.id", Some(id)),
        ("aws.xray.exception.cause", cause),
        ("exception.stacktrace", stack_trace),
    ];
    let text = |(key, text): (&'static str, Option<&str>)| Some(KeyValue::new(key, text?.to_owned()));
    event.attributes.extend(named.into_iter().filter_map(text));
    event
}

#[test]
fn exceptions_that_link_to_each_other_are_each_told_once() {
    const FRAMES: &str = "E: c\n\tat shop::pay(src/pay.rs:12)\n";
    let mut span = child(2, 1, SpanKind::Internal, "x", vec![]);
    span.events.events = vec![
        recorded("a", "00000000000000a1", Some("00000000000000a2"), None),
        recorded("b", "00000000000000a2", None, Some("nothing that is a frame")),
        recorded("c", "00000000000000a3", None, Some(FRAMES)),
    ];
    let document = document(span);
    let exceptions = document["cause"]["exceptions"].as_array().unwrap();
    assert_eq!(exceptions.len(), 3);
    assert_eq!(exceptions[2]["stack"][0]["label"], "shop::pay");
    let events = document["metadata"]["events"].as_object().unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events["1"]["attributes"], json!({ "exception.stacktrace": "nothing that is a frame" }));
}

#[test]
fn a_link_that_the_stack_trace_replaces_is_kept() {
    let mut span = child(2, 1, SpanKind::Internal, "x", vec![]);
    let trace = "E: a\n\tat shop::pay(src/pay.rs:12)\nCaused by: F: f\n\tat shop::ask(src/ask.rs:3)\n";
    span.events.events = vec![recorded("a", "00000000000000a1", Some("00000000000000a2"), Some(trace))];
    let document = document(span);
    let exceptions = document["cause"]["exceptions"].as_array().unwrap();
    assert_eq!(exceptions[0]["cause"], exceptions[1]["id"]);
    assert_eq!(
        document["metadata"]["events"]["0"]["attributes"],
        json!({ "aws.xray.exception.cause": "00000000000000a2" })
    );
}

#[test]
fn a_long_text_of_a_cause_is_cut_like_any_other() {
    let long = "x".repeat(72_000);
    let text = |key: &'static str, text: String| KeyValue::new(key, text);
    let trace = |trace: String| exception_with(text("exception.stacktrace", trace));
    let sources = Otel::Array(Array::String(vec!["short".into(), long.clone().into()]));
    for (what, event) in [
        ("AWS error", {
            let code = KeyValue::new("http.response.status_code", 503);
            event("HTTP request failure", vec![code, text("aws.http.error_message", long.clone())])
        }),
        ("source", exception_with(KeyValue::new("exception.stacktrace", sources))),
        ("message of a cause", trace(format!("E: e\n\tat a(A:1)\nCaused by: F: {long}\n\tat b(B:2)\n"))),
        ("type of a cause", trace(format!("E: e\n\tat a(A:1)\nCaused by: {long}: f\n\tat b(B:2)\n"))),
        ("label", trace(format!("E: e\n\tat {long}(A:1)\n"))),
        ("path", trace(format!("E: e\n\tat a({long}:1)\n"))),
        ("label of Rust", trace(format!("   0: {long}\n             at ./src/pay.rs:12:9\n"))),
        ("path of Rust", trace(format!("   0: shop::pay\n             at {long}:12:9\n"))),
    ] {
        let mut attributes: Vec<_> = (0..40).map(|n| KeyValue::new(format!("order.{n}"), n)).collect();
        attributes.push(KeyValue::new("rpc.system", "aws-api"));
        let mut span = child(2, 1, SpanKind::Client, "x", attributes);
        span.events.events.push(event);
        let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [vec![span]]);
        assert_eq!((stats.spans_sent, stats.cut), (1, 1), "{what}");
        let default = documents[0]["metadata"]["default"].as_object().unwrap();
        assert!((0..40).all(|n| default.contains_key(&format!("order.{n}"))), "{what}");
        let cause = documents[0]["cause"].to_string();
        assert!(cause.len() > 8_192 && cause.len() < 9_000, "{what}: {}", cause.len());
    }
}

fn exception_with(attribute: KeyValue) -> Event {
    let mut event = exception("E", "e");
    event.attributes.push(attribute);
    event
}

#[test]
fn rival_04_an_exception_without_an_error_status_is_a_cause_without_fault() {
    let mut span = span(SpanKind::Server, "x", vec![]);
    span.events.events.push(exception("io::Error", "pipe broke"));
    let document = document(span);
    assert_eq!(document["fault"], Value::Null);
    let exception = &document["cause"]["exceptions"][0];
    assert_eq!((&exception["type"], &exception["message"]), (&json!("io::Error"), &json!("pipe broke")));
    assert_eq!(exception["id"].as_str().unwrap().len(), 16);
}

#[test]
fn rival_15_the_message_of_a_status_is_a_cause() {
    let mut span = span(SpanKind::Server, "x", vec![KeyValue::new("error.type", "DbError")]);
    span.status = Status::error("db is down");
    let document = document(span);
    assert_eq!(document["fault"], true);
    let exception = &document["cause"]["exceptions"][0];
    assert_eq!((&exception["type"], &exception["message"]), (&json!("DbError"), &json!("db is down")));
}

#[test]
fn a_status_message_beside_an_exception_is_kept() {
    let mut span = span(SpanKind::Server, "x", vec![]);
    span.status = Status::error("could not serve");
    span.events.events.push(exception("E", "because"));
    let document = document(span);
    assert_eq!(document["metadata"]["default"]["otel.status.description"], "could not serve");
}

#[test]
fn what_an_exception_says_beside_the_cause_is_kept() {
    let mut span = child(2, 1, SpanKind::Internal, "x", vec![]);
    let mut exception = exception("E", "m");
    exception.attributes.push(KeyValue::new("exception.stacktrace", "at line 1"));
    span.events.events.push(exception);
    let document = document(span);
    assert_eq!(document["cause"]["exceptions"][0]["message"], "m");
    assert_eq!(
        document["metadata"]["events"]["0"]["attributes"],
        json!({ "exception.stacktrace": "at line 1" })
    );
}

#[test]
fn a_rust_backtrace_becomes_frames() {
    let mut span = child(2, 1, SpanKind::Internal, "x", vec![]);
    let mut exception = exception("E", "m");
    let trace = "   0: shop::pay::{{closure}}\n             at ./src/pay.rs:12:9\n   1: shop::main\n             at ./src/main.rs:3:5\n";
    exception.attributes.push(KeyValue::new("exception.stacktrace", trace));
    span.events.events.push(exception);
    let document = document(span);
    assert_eq!(
        document["cause"]["exceptions"][0]["stack"],
        json!([
            { "path": "./src/pay.rs", "line": 12, "label": "shop::pay::{{closure}}" },
            { "path": "./src/main.rs", "line": 3, "label": "shop::main" },
        ])
    );
    assert_eq!(document["metadata"], Value::Null);
}

#[test]
fn the_sources_of_an_error_are_its_causes() {
    let mut span = child(2, 1, SpanKind::Internal, "x", vec![]);
    let mut outer = exception("E", "outer");
    let sources = Otel::Array(Array::String(vec!["middle".into(), "inner".into()]));
    outer.attributes.push(KeyValue::new("exception.stacktrace", sources));
    span.events.events.push(outer);
    let document = document(span);
    let exceptions = document["cause"]["exceptions"].as_array().unwrap();
    let told: Vec<_> = exceptions.iter().map(|exception| exception["message"].as_str().unwrap()).collect();
    assert_eq!(told, ["outer", "middle", "inner"]);
    assert_eq!(exceptions[0]["cause"], exceptions[1]["id"]);
    assert_eq!(exceptions[1]["cause"], exceptions[2]["id"]);
    assert_eq!(document["metadata"], Value::Null);
}

#[test]
fn an_aws_http_failure_is_a_cause() {
    let mut span = child(2, 1, SpanKind::Client, "x", vec![KeyValue::new("rpc.system", "aws-api")]);
    let attributes = vec![
        KeyValue::new("http.response.status_code", 503),
        KeyValue::new("aws.http.error_message", "slow down"),
    ];
    span.events.events.push(event("HTTP request failure", attributes));
    let document = document(span);
    let exception = &document["cause"]["exceptions"][0];
    assert_eq!(exception["type"], "aws.http.error.event");
    assert_eq!(exception["message"], "503@1700000000.500000@slow down");
    assert_eq!((&exception["remote"], &document["metadata"]["events"]), (&json!(true), &Value::Null));
}
