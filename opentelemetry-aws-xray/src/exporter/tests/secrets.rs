//! Secrets on all roads by which a span leaves: `hunter2` must be in no document.

use super::*;
use crate::{Redaction, Verdict, config::Payload, in_progress::IN_PROGRESS};

/// What could be cut from a document is cut from this one: with so much beside it, a secret's text meets each budget.
fn ballast() -> KeyValue {
    KeyValue::new("ballast", "x".repeat(70_000))
}

/// The documents of a span, as segments and as OTLP, alone and beside what has no room.
fn documents(
    builder: impl Fn() -> XrayExporterBuilder,
    span: &SpanData,
    resource: &[KeyValue],
) -> Vec<Vec<u8>> {
    let mut documents = Vec::new();
    let payloads = [
        Payload::Segments,
        #[cfg(feature = "otlp")]
        Payload::Otlp,
    ];
    for payload in payloads {
        for ballast in [None, Some(ballast())] {
            let sink = MemorySink::default();
            let mut exporter = builder().with_sink(sink.clone()).with_payload(payload).build();
            exporter.set_resource(&Resource::builder_empty().with_attributes(resource.to_vec()).build());
            let mut span = span.clone();
            span.attributes.extend(ballast);
            futures_executor::block_on(exporter.export(vec![span])).unwrap();
            assert_eq!(exporter.stats().spans_sent, 1, "{:?}", exporter.stats());
            documents.extend(sink.take().into_iter().map(decoded));
        }
    }
    documents
}

/// OTLP in datagrams is base64.
fn decoded(document: String) -> Vec<u8> {
    #[cfg(feature = "otlp")]
    if let Some(text) = document.strip_prefix("T1S") {
        use base64::Engine;
        return base64::prelude::BASE64_STANDARD.decode(text).unwrap();
    }
    document.into_bytes()
}

fn tells(documents: &[Vec<u8>], what: &str) -> bool {
    documents.iter().any(|document| document.windows(what.len()).any(|window| window == what.as_bytes()))
}

fn texts(texts: &[&str]) -> Otel {
    Otel::Array(Array::String(texts.iter().map(|text| StringValue::from((*text).to_owned())).collect()))
}

#[test]
fn no_secret_of_an_attribute_leaves() {
    const URL: &str = "https://u:hunter2@h/";
    let long = format!(r#"{{"password":"hunter2","x":"{}"}}"#, "y".repeat(9_000));
    for (name, value) in [
        ("db.password", "hunter2".into()),
        ("http.request.header.x-api-key", texts(&["hunter2"])),
        ("url.full", URL.into()),
        ("exception.message", URL.into()),
        ("exception.stacktrace", texts(&[URL])),
        ("error", URL.into()),
        ("error.message", URL.into()),
        ("error.chain", texts(&["no answer", URL])),
        ("failure.chain", texts(&[URL])),
        ("message", URL.into()),
        ("uri", "/callback?access_token=hunter2".into()),
        ("url", URL.into()),
        ("order.callback_url", "//u:hunter2@h/".into()),
        ("http.request.header.referer", texts(&["https://h/?access_token=hunter2"])),
        ("http.response.header.location", texts(&["https://h/#id_token=hunter2"])),
        ("url.full", "https://h/?u=https%3A%2F%2Fb%2F%3FX-Amz-Signature%3Dhunter2%26a%3D1".into()),
        ("aws.xray.annotation.uri", "/callback?access_token=hunter2".into()),
        ("aws.xray.annotation.url.full", URL.into()),
        ("aws.xray.annotation.db.connection_string", "host=h password=hunter2".into()),
        ("aws.xray.metadatum.ns.db.connection_string", "host=h password=hunter2".into()),
        ("aws.xray.metadata.ns", r#"{"password":"hunter2"}"#.into()),
        ("aws.xray.metadata.ns", long.into()),
        ("aws.xray.metadata.ns", r#"{"session_token":"hunter2","n":1e999}"#.into()),
        ("aws.xray.metadata.ns", r#"[{"session_token":"hunter2"}]"#.into()),
        ("aws.xray.metadata.AWS.ns", r#"{"password":"hunter2"}"#.into()),
    ] {
        let span = span(SpanKind::Server, "x", vec![KeyValue::new(name, value)]);
        let shown = format!("{:.200}", format!("{:?}", span.attributes));
        let resource: Vec<_> =
            span.attributes.iter().filter(|_| !name.starts_with("aws.")).cloned().collect();
        let indexed = || XrayExporter::builder().with_index_all_attributes(true);
        for documents in [
            documents(XrayExporter::builder, &span, &[]),
            documents(indexed, &span, &[]),
            documents(indexed, &self::span(SpanKind::Server, "x", vec![]), &resource),
        ] {
            assert!(!tells(&documents, "hunter2"), "{shown}");
        }
    }
}

#[test]
fn no_secret_of_a_message_leaves() {
    const MESSAGE: &str = "GET https://u:hunter2@h/ failed";
    let failed = |attributes: &[(&'static str, Otel)]| {
        let attributes = attributes.iter().map(|(name, value)| KeyValue::new(*name, value.clone())).collect();
        event("exception", attributes)
    };
    let many = vec![failed(&[("exception.message", MESSAGE.into())]); 70];
    for (what, events) in [
        ("sources", vec![failed(&[("exception.stacktrace", texts(&[MESSAGE, MESSAGE]))])]),
        (
            "causes",
            vec![failed(&[("exception.stacktrace", format!("x\nCaused by:\n    0: {MESSAGE}\n").into())])],
        ),
        ("no frames", vec![failed(&[("exception.stacktrace", MESSAGE.into())])]),
        ("beyond the budget", many),
        (
            "an AWS call",
            vec![event(
                "HTTP request failure",
                vec![
                    KeyValue::new("aws.http.error_message", MESSAGE),
                    KeyValue::new("http.response.status_code", 500),
                ],
            )],
        ),
    ] {
        for language in ["rust", "java"] {
            let mut span = span(SpanKind::Client, "x", vec![KeyValue::new("rpc.system", "aws-api")]);
            span.events.events = events.clone();
            span.status = Status::error(MESSAGE);
            let resource = [KeyValue::new("telemetry.sdk.language", language)];
            let documents = documents(XrayExporter::builder, &span, &resource);
            assert!(!tells(&documents, "hunter2"), "{what}");
        }
    }
}

/// What reqwest says of a call that failed.
const FAILURE: &str = "error sending request for url (https://h/v1?access_token=hunter2)";

#[test]
fn no_secret_of_a_name_leaves() {
    let sql = vec![KeyValue::new("db.system.name", "postgresql")];
    for (kind, attributes) in [
        (SpanKind::Server, vec![]),
        (SpanKind::Internal, vec![]),
        (SpanKind::Client, vec![]),
        (SpanKind::Client, vec![KeyValue::new("peer.service", "shop")]),
        (SpanKind::Client, sql),
        (SpanKind::Server, vec![KeyValue::new(IN_PROGRESS, true)]),
    ] {
        for parent in [0, 1] {
            let mut span = child(2, parent, kind.clone(), FAILURE, attributes.clone());
            span.events.events = vec![event(FAILURE, vec![])];
            let with_events = || XrayExporter::builder().with_event_subsegments(9);
            let documents = documents(with_events, &span, &[]);
            assert!(!tells(&documents, "hunter2"), "{kind:?}, {attributes:?}");
            assert!(documents.iter().all(|document| tells(std::slice::from_ref(document), "REDACTED")));
        }
    }
}

#[test]
fn no_secret_of_a_name_leaves_in_a_copy() {
    let span = |id, secret: &str| {
        let attributes = vec![KeyValue::new("uri", format!("/callback?access_token={secret}"))];
        child(id, 1, SpanKind::Internal, FAILURE, attributes)
    };
    let batch = [2, 3, 4, 5].map(|id| span(id, if id > 4 { "hunter2" } else { "" }));
    let (documents, _) = exported_with(XrayExporter::builder(), &MemorySink::default(), [batch.into()]);
    assert_eq!(documents.len(), 4);
    for document in documents {
        assert!(!document.to_string().contains("hunter2"), "{document}");
        assert_eq!(document["name"], "error sending request for url https://h/v1access_token=REDACTED");
        let told = &document["metadata"]["default"];
        assert_eq!(
            told["otel.span.name"],
            "error sending request for url (https://h/v1?access_token=REDACTED"
        );
        assert_eq!(told["uri"], "/callback?access_token=REDACTED");
    }
}

#[test]
fn no_secret_of_an_event_leaves() {
    // As tracing-opentelemetry records `error!(failure = &failure as &dyn Error, "the call failed: {failure}")`.
    let mut span = span(SpanKind::Server, "x", vec![]);
    let attributes = vec![
        KeyValue::new("exception.message", FAILURE),
        KeyValue::new("exception.stacktrace", texts(&[FAILURE])),
        KeyValue::new("failure", FAILURE),
        KeyValue::new("failure.chain", texts(&[FAILURE])),
    ];
    span.events.events = vec![
        event(&format!("the call failed: {FAILURE}"), attributes),
        event("asked", vec![KeyValue::new("request", "GET https://u:hunter2@h/"), KeyValue::new("n", 7)]),
    ];
    let documents = documents(XrayExporter::builder, &span, &[]);
    assert!(!tells(&documents, "hunter2"));
    assert!(tells(
        &documents,
        "the call failed: error sending request for url (https://h/v1?access_token=REDACTED"
    ));
    assert!(tells(&documents, "GET https://h/"));
}

#[test]
fn names_of_secrets_are_no_secrets() {
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf";
    let attributes = vec![
        KeyValue::new("aws.secretsmanager.secret.id", "billing/key"),
        KeyValue::new("aws.secretsmanager.secret.arn", arn),
        KeyValue::new("aws.secretsmanager.secret.value", "hunter2"),
    ];
    let span = child(2, 1, SpanKind::Client, "x", attributes);
    let documents = documents(XrayExporter::builder, &span, &[]);
    assert!(!tells(&documents, "hunter2"));
    for document in documents.chunks(1) {
        assert!(tells(document, arn) && tells(document, "billing/key"));
    }
}

#[test]
fn a_rule_is_asked_of_what_others_say_of_themselves() {
    let mut span = span(SpanKind::Server, "x", vec![]);
    let context = |context: &SpanContext| {
        let state = TraceState::from_key_value([("vendor", "hunter2@h")]).unwrap();
        SpanContext::new(context.trace_id(), context.span_id(), context.trace_flags(), true, state)
    };
    span.span_context = context(&span.span_context);
    span.links.links.push(Link::new(context(&with_id(&span.span_context, 9)), vec![], 0));
    let scope = InstrumentationScope::builder("hunter2@h").with_version("hunter2@h");
    span.instrumentation_scope = scope.with_schema_url("hunter2@h").build();
    let rule = |_: &str, text: &str| if text.contains('@') { Verdict::Omit } else { Verdict::Keep };
    let with_rule = || XrayExporter::builder().with_redaction(Redaction::default().with_rule(rule));
    assert!(tells(&documents(XrayExporter::builder, &span, &[]), "hunter2"));
    assert!(!tells(&documents(with_rule, &span, &[]), "hunter2"));
}

#[test]
fn what_is_denied_stays_wherever_it_lands() {
    let metadata = |namespace: &str, key: &str| Redaction::default().with_denied_metadata(namespace, key);
    let denied = |patterns: [&str; 2]| Redaction::default().with_denied(patterns);
    for (what, redaction, attributes) in [
        ("members", metadata("ns", "card"), vec![("aws.xray.metadata.ns", r#"{"card":"hunter2"}"#)]),
        (
            "members that can't be read",
            metadata("ns", "card"),
            vec![("aws.xray.metadata.ns", r#"{"card":"hunter2","n":1e999}"#)],
        ),
        (
            "the second of a name",
            metadata("default", "card"),
            vec![("aws.xray.metadatum..card", "hunter2"), ("card", "hunter2")],
        ),
        (
            "handed over beside a member",
            metadata("ns", "card"),
            vec![("aws.xray.metadata.ns", r#"{"card":1}"#), ("aws.xray.metadatum.ns.card", "hunter2")],
        ),
        (
            "prefixes",
            denied(["annotation.card", "metadata.*"]),
            vec![("annotation.card", "hunter2"), ("metadata.card", "hunter2")],
        ),
        (
            "keys behind prefixes",
            denied(["card", "x"]),
            vec![("annotation.card", "hunter2"), ("metadata.card", "hunter2")],
        ),
    ] {
        let attributes = attributes.into_iter().map(|(name, text)| KeyValue::new(name, text)).collect();
        let span = span(SpanKind::Server, "x", attributes);
        let builder =
            || XrayExporter::builder().with_attribute_prefixes(true).with_redaction(redaction.clone());
        for ballast in [None, Some(ballast())] {
            let mut span = span.clone();
            span.attributes.extend(ballast);
            let (documents, _) = exported_with(builder(), &MemorySink::default(), [vec![span]]);
            assert!(!documents[0].to_string().contains("hunter2"), "{what}");
        }
    }
}

#[test]
fn members_of_json_are_cut_one_by_one() {
    let object = json!({"password": "hunter2", "kept": 1, "long": "y".repeat(9_000), "list": vec![0; 600]});
    let attributes = vec![KeyValue::new("aws.xray.metadata.ns", object.to_string()), ballast()];
    let batch = vec![span(SpanKind::Server, "x", attributes)];
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [batch]);
    let members = &documents[0]["metadata"]["ns"];
    assert_eq!((&members["password"], &members["kept"]), (&json!("REDACTED"), &json!(1)));
    assert_eq!(members["long"].as_str().unwrap().len(), 8_192);
    assert!(members["list"].as_array().unwrap().len() < 600);
    assert!(stats.cut >= 3, "{stats:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_object_is_too_large(depth in 1_usize..30, width in 1_usize..6, leaf in "[a-z]{0,9}") {
        let mut object = json!(leaf);
        for _ in 0..depth {
            let wider = json!({"key": vec![object.clone(); width], "again": object});
            if wider.to_string().len() > 20_000 {
                break;
            }
            object = wider;
        }
        let attributes = vec![
            KeyValue::new("aws.xray.metadata.one", json!({"a": object}).to_string()),
            KeyValue::new("aws.xray.metadata.two", json!({"a": object}).to_string()),
        ];
        let batch = vec![span(SpanKind::Server, "x", attributes)];
        let (documents, _) = exported_with(XrayExporter::builder(), &MemorySink::new(9_186), [batch]);
        prop_assert_eq!(documents.len(), 1);
    }
}

#[test]
fn what_is_named_as_a_secret_stays_home() {
    let attributes = vec![
        KeyValue::new("db.password", "hunter2"),
        KeyValue::new(
            "http.request.header.authorization",
            Otel::Array(Array::String(vec!["Bearer hunter2".into()])),
        ),
        KeyValue::new("url.query", "a=1&token=hunter2"),
        KeyValue::new("url.full", "https://example.com/?X-Amz-Signature=hunter2"),
        KeyValue::new("gen_ai.usage.input_tokens", 7),
    ];
    let mut span = child(2, 1, SpanKind::Client, "x", attributes.clone());
    span.events.events.push(event("login", attributes.clone()));
    span.links.links.push(Link::new(with_id(&span.span_context, 9), attributes, 0));
    let document = document(span);
    assert!(!document.to_string().contains("hunter2"), "{document}");
    assert_eq!(document["metadata"]["default"]["db.password"], "REDACTED");
    assert_eq!(document["metadata"]["default"]["gen_ai.usage.input_tokens"], 7);
    assert_eq!(document["http"]["request"]["url"], "https://example.com/?X-Amz-Signature=REDACTED");
}

#[test]
fn secrets_in_urls_stay_home() {
    let url = format!("https://user:hunter2@example.com/{}", "x".repeat(300));
    for url in ["https://user:hunter2@example.com/", &url] {
        let document =
            document(child(2, 1, SpanKind::Client, "x", vec![KeyValue::new("url.full", url.to_owned())]));
        assert!(!document.to_string().contains("hunter2"), "{document}");
    }
}
