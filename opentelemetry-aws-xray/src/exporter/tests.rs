//! Spans in, documents out, through the whole exporter and a sink in memory.

mod secrets;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value as Otel,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use proptest::prelude::*;
use serde_json::{Value, json};
use xray_wire::validate::validate;

use super::*;
use crate::sink::{MemorySink, Report, SegmentSink};

mod alike;
mod causes;
mod room;

const TRACE: u128 = 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793;

/// A finished span, root of its trace, with id 1.
pub(crate) fn span(kind: SpanKind, name: &str, attributes: Vec<KeyValue>) -> SpanData {
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(TRACE),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: kind,
        name: name.to_owned().into(),
        start_time: UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789),
        end_time: UNIX_EPOCH + Duration::new(1_700_000_001, 1),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn child(id: u64, parent: u64, kind: SpanKind, name: &str, attributes: Vec<KeyValue>) -> SpanData {
    let mut span = span(kind, name, attributes);
    span.span_context = with_id(&span.span_context, id);
    span.parent_span_id = SpanId::from(parent);
    span
}

fn with_id(context: &SpanContext, id: u64) -> SpanContext {
    SpanContext::new(
        context.trace_id(),
        SpanId::from(id),
        context.trace_flags(),
        false,
        TraceState::default(),
    )
}

fn event(name: &str, attributes: Vec<KeyValue>) -> Event {
    Event::new(name.to_owned(), UNIX_EPOCH + Duration::new(1_700_000_000, 500_000_000), attributes, 0)
}

fn exception(kind: &str, message: &str) -> Event {
    let attribute = |key, text: &str| KeyValue::new(key, text.to_owned());
    event("exception", vec![attribute("exception.type", kind), attribute("exception.message", message)])
}

fn resource() -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "orders (prod)"),
            KeyValue::new("service.version", "1.2.3"),
            KeyValue::new("telemetry.sdk.name", "opentelemetry"),
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.version", "0.33.1"),
        ])
        .build()
}

/// Exports batches with a builder's settings and checks that every document is valid and every span accounted for.
fn exported_with(
    builder: XrayExporterBuilder,
    sink: &MemorySink,
    batches: impl IntoIterator<Item = Vec<SpanData>>,
) -> (Vec<Value>, ExporterStats) {
    let mut exporter = builder.with_sink(sink.clone()).build();
    exporter.set_resource(&resource());
    for batch in batches {
        futures_executor::block_on(exporter.export(batch)).unwrap();
    }
    let stats = exporter.stats();
    assert_eq!(stats.spans_in, accounted(&stats), "{stats:?}");
    let documents = sink.take();
    let valid = documents.iter().map(|document| {
        assert_eq!(validate(document.as_bytes()), Ok(()), "{document:.2000}");
        assert!(document.len() <= sink.max_document_bytes(), "{}", document.len());
        serde_json::from_str(document).unwrap()
    });
    (valid.collect(), stats)
}

fn exported(batch: Vec<SpanData>) -> Vec<Value> {
    exported_with(XrayExporter::builder(), &MemorySink::default(), [batch]).0
}

fn document(span: SpanData) -> Value {
    let mut documents = exported(vec![span]);
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

#[test]
fn a_server_span_is_a_segment_with_everything_it_knows() {
    let mut server = span(
        SpanKind::Server,
        "GET /users/{id}",
        vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.scheme", "https"),
            KeyValue::new("url.path", "/users/7"),
            KeyValue::new("url.query", "full=1"),
            KeyValue::new("server.address", "example.com"),
            KeyValue::new("server.port", 8443),
            KeyValue::new("client.address", "203.0.113.9"),
            KeyValue::new("network.peer.address", "10.0.0.1"),
            KeyValue::new("user_agent.original", "curl/8"),
            KeyValue::new("http.route", "/users/{id}"),
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("http.response.body.size", 512),
        ],
    );
    server.parent_span_id = SpanId::from(0x5399_5c3f_42cd_8ad8);
    server.parent_span_is_remote = true;
    assert_eq!(
        document(server),
        json!({
            "trace_id": "1-5759e988-bd862e3fe1be46a994272793",
            "parent_id": "53995c3f42cd8ad8",
            "name": "orders prod",
            "id": "0000000000000001",
            "start_time": 1_700_000_000.123_456_7,
            "end_time": 1_700_000_001.0,
            "http": {
                "request": {
                    "method": "GET",
                    "url": "https://example.com:8443/users/7?full=1",
                    "user_agent": "curl/8",
                    "client_ip": "203.0.113.9",
                    "x_forwarded_for": true,
                },
                "response": { "status": 200, "content_length": 512 },
            },
            "aws": {
                "xray": { "sdk": "opentelemetry for rust", "sdk_version": "0.33.1", "auto_instrumentation": false },
            },
            "service": { "version": "1.2.3" },
            "metadata": { "default": {
                "http.route": "/users/{id}",
                "network.peer.address": "10.0.0.1",
                "otel.span.name": "GET /users/{id}",
                "otel.resource.service.name": "orders (prod)",
                "otel.resource.service.version": "1.2.3",
                "otel.resource.telemetry.sdk.name": "opentelemetry",
                "otel.resource.telemetry.sdk.language": "rust",
                "otel.resource.telemetry.sdk.version": "0.33.1",
            } },
        })
    );
}

#[test]
fn times_are_exact_in_the_text() {
    let sink = MemorySink::default();
    let exporter = XrayExporter::builder().with_sink(sink.clone()).build();
    futures_executor::block_on(exporter.export(vec![span(SpanKind::Server, "x", vec![])])).unwrap();
    let text = sink.take().remove(0);
    assert!(text.contains("\"start_time\":1700000000.123456789,\"end_time\":1700000001.000000001"), "{text}");
}

#[test]
fn rival_01_a_root_of_any_kind_is_a_segment() {
    for kind in
        [SpanKind::Internal, SpanKind::Consumer, SpanKind::Client, SpanKind::Producer, SpanKind::Server]
    {
        let what = format!("{kind:?}");
        let root = document(span(kind, "nightly job", vec![]));
        assert_eq!((&root["type"], &root["namespace"]), (&Value::Null, &Value::Null), "{what}");
        assert_eq!(root["name"], "orders prod", "{what}");
    }
}

#[test]
fn segments_and_subsegments() {
    let aws_api = || vec![KeyValue::new("rpc.system", "aws-api")];
    // (kind, parent is remote, attributes, type, namespace)
    for (kind, remote, attributes, expected_type, namespace) in [
        (SpanKind::Server, true, vec![], None, None),
        (SpanKind::Server, false, vec![], None, None),
        (SpanKind::Internal, true, vec![], None, None),
        (SpanKind::Internal, false, vec![], Some("subsegment"), None),
        (SpanKind::Client, false, vec![], Some("subsegment"), Some("remote")),
        (SpanKind::Client, false, aws_api(), Some("subsegment"), Some("aws")),
        (SpanKind::Producer, false, vec![], Some("subsegment"), Some("remote")),
        (SpanKind::Consumer, true, vec![], None, None),
        (SpanKind::Consumer, false, vec![], None, None),
        (SpanKind::Consumer, false, aws_api(), Some("subsegment"), Some("aws")),
    ] {
        let what = format!("{kind:?} remote={remote} {attributes:?}");
        let mut child = child(2, 9, kind, "work", attributes);
        child.parent_span_is_remote = remote;
        let document = document(child);
        assert_eq!(document["type"].as_str(), expected_type, "{what}");
        assert_eq!(document["namespace"].as_str(), namespace, "{what}");
        assert_eq!(document["parent_id"], "0000000000000009", "{what}");
    }
}

#[test]
fn a_root_that_is_a_call_is_the_service_and_the_call() {
    let mut call = span(
        SpanKind::Client,
        "GET",
        vec![
            KeyValue::new("url.full", "https://api.example.com/"),
            KeyValue::new("http.response.status_code", 503),
            KeyValue::new("order.id", 7),
            KeyValue::new("aws.remote.operation", "GetOrder"),
        ],
    );
    call.status = Status::error("no answer");
    let linked = with_id(&call.span_context, 77);
    call.links.links.push(Link::new(linked, vec![], 0));
    let builder = || XrayExporter::builder().with_indexed_attributes(["order.id", "aws.remote.operation"]);
    let (documents, stats) = exported_with(builder(), &MemorySink::default(), [vec![call.clone()]]);
    assert_eq!((documents.len(), stats.spans_in, stats.spans_sent), (1, 1, 1));
    let service = &documents[0];
    let inner = &service["subsegments"][0];
    assert_eq!(
        (&service["name"], &service["type"], &service["parent_id"]),
        (&json!("orders prod"), &json!(null), &json!(null))
    );
    assert_eq!((&service["http"], &service["fault"]), (&json!(null), &json!(true)));
    assert_eq!(service["annotations"], json!({ "order.id": 7 }));
    assert!(service["metadata"]["default"].get("otel.span.name").is_none());
    assert_eq!(service["metadata"]["default"]["otel.resource.service.version"], "1.2.3");
    assert_eq!((&inner["id"], &inner["namespace"]), (&json!("0000000000000001"), &json!("remote")));
    assert_eq!(inner["http"]["response"]["status"], 503);
    assert_eq!(inner["links"][0]["id"], "000000000000004d");
    assert_ne!(service["id"], inner["id"]);
    let exception = |document: &Value| document["cause"]["exceptions"][0]["id"].clone();
    assert_ne!(exception(service), exception(inner));

    // The same each time.
    let (again, _) = exported_with(builder(), &MemorySink::default(), [vec![call.clone()]]);
    assert_eq!(again, documents);

    let (whole, _) =
        exported_with(builder().with_split_local_roots(false), &MemorySink::default(), [vec![call]]);
    assert_eq!((&whole[0]["id"], &whole[0]["namespace"]), (&json!("0000000000000001"), &json!(null)));
}

#[test]
fn which_roots_are_split() {
    let local_root = || vec![KeyValue::new("aws.span.kind", "LOCAL_ROOT")];
    let not_root = || vec![KeyValue::new("aws.span.kind", "CLIENT")];
    // (kind, parent, parent is remote, attributes, split)
    for (kind, parent, remote, attributes, split) in [
        (SpanKind::Client, 0, false, vec![], true),
        (SpanKind::Client, 0, false, not_root(), true),
        (SpanKind::Client, 9, true, vec![], true),
        (SpanKind::Client, 9, true, not_root(), false),
        (SpanKind::Client, 9, false, vec![], false),
        (SpanKind::Client, 9, false, local_root(), true),
        (SpanKind::Producer, 9, true, vec![], true),
        (SpanKind::Consumer, 9, true, vec![], false),
        (SpanKind::Consumer, 9, true, local_root(), true),
        (SpanKind::Server, 9, true, local_root(), false),
        (SpanKind::Internal, 0, false, local_root(), false),
    ] {
        let what = format!("{kind:?} {parent} {remote} {attributes:?}");
        let mut span = child(2, parent, kind, "x", attributes);
        span.parent_span_is_remote = remote;
        let document = document(span);
        assert_eq!(document.get("subsegments").is_some(), split, "{what}");
        if split {
            assert_eq!(
                (&document["type"], &document["name"]),
                (&json!(null), &json!("orders prod")),
                "{what}"
            );
            assert_eq!(document["parent_id"].is_string(), parent > 0, "{what}");
        }
    }
}

#[test]
fn sql_databases_have_a_block() {
    let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
    let stable = vec![
        text("db.system.name", "postgresql"),
        text("db.namespace", "shop"),
        text("db.query.text", "SELECT * FROM orders WHERE id = $1"),
        text("db.query.summary", "SELECT orders"),
        text("db.operation.name", "SELECT"),
        text("server.address", "db1"),
        KeyValue::new("server.port", 5432),
    ];
    let stable = document(child(2, 1, SpanKind::Client, "query", stable));
    assert_eq!(
        stable["sql"],
        json!({
            "connection_string": "db1:5432/shop",
            "url": "SELECT orders",
            "sanitized_query": "SELECT * FROM orders WHERE id = $1",
            "database_type": "postgresql",
        })
    );
    assert_eq!(stable["name"], "shop@db1");
    assert_eq!(
        stable["metadata"]["default"],
        json!({ "db.operation.name": "SELECT", "otel.span.name": "query" })
    );

    let old = vec![
        text("db.system", "mysql"),
        text("db.name", "shop"),
        text("db.statement", "SELECT 1"),
        text("db.user", "app"),
        text("db.connection_string", "mysql://app:hunter2@db1:3306"),
    ];
    let old = document(child(2, 1, SpanKind::Client, "query", old));
    assert_eq!(
        old["sql"],
        json!({
            "connection_string": "mysql://db1:3306/shop",
            "url": "query",
            "sanitized_query": "SELECT 1",
            "database_type": "mysql",
            "user": "app",
        })
    );

    let redis = vec![text("db.system", "redis"), text("db.statement", "GET x")];
    let redis = document(child(2, 1, SpanKind::Client, "GET", redis));
    assert_eq!(redis["sql"], Value::Null);
    assert_eq!(redis["metadata"]["default"]["db.statement"], "GET x");
}

#[test]
fn aws_calls_have_a_block() {
    let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
    let tables = |names: &[&'static str]| {
        let names = names.iter().map(|name| StringValue::from(*name)).collect();
        KeyValue::new("aws.dynamodb.table_names", Otel::Array(Array::String(names)))
    };
    // (attributes, block)
    for (attributes, expected) in [
        (
            vec![
                text("rpc.system", "aws-api"),
                text("rpc.service", "DynamoDB"),
                text("rpc.method", "DynamoDB/GetItem"),
                text("aws.request_id", "R1"),
                text("cloud.region", "eu-west-1"),
                tables(&["orders"]),
                KeyValue::new("http.request.resend_count", 2),
            ],
            json!({ "operation": "GetItem", "request_id": "R1", "region": "eu-west-1", "table_name": "orders", "retries": 2 }),
        ),
        (vec![tables(&["a", "b"])], json!({ "table_names": ["a", "b"] })),
        (vec![tables(&[]), text("aws.table_name", "t")], json!({ "table_name": "t" })),
        (vec![text("aws.queue_url", "https://q")], json!({ "queue_url": "https://q" })),
        (
            vec![text("messaging.destination.name", "https://sqs.eu-west-1.amazonaws.com/1/q")],
            json!({ "queue_url": "https://sqs.eu-west-1.amazonaws.com/1/q" }),
        ),
        (vec![text("messaging.destination.name", "orders")], Value::Null),
        (vec![text("aws.xray.sampling_rule", "r")], json!({ "xray": { "sampling_rule_name": "r" } })),
    ] {
        let what = format!("{attributes:?}");
        assert_eq!(document(child(2, 1, SpanKind::Client, "x", attributes))["aws"], expected, "{what}");
    }
}

#[test]
fn who_asked_is_the_user_unless_that_is_turned_off() {
    let attributes = || vec![KeyValue::new("enduser.id", "ann"), KeyValue::new("user.id", "7")];
    let on = document(child(2, 1, SpanKind::Internal, "x", attributes()));
    assert_eq!((&on["user"], &on["metadata"]["default"]), (&json!("ann"), &json!({ "user.id": "7" })));
    let builder = XrayExporter::builder().with_user(false);
    let (off, _) = exported_with(
        builder,
        &MemorySink::default(),
        [vec![child(2, 1, SpanKind::Internal, "x", attributes())]],
    );
    assert_eq!(
        (&off[0]["user"], &off[0]["metadata"]["default"]["enduser.id"]),
        (&json!(null), &json!("ann"))
    );
}

#[test]
fn a_span_that_goes_on_is_in_progress() {
    let span =
        |going: bool| child(2, 1, SpanKind::Internal, "x", vec![KeyValue::new("aws.xray.inprogress", going)]);
    let on = document(span(true));
    assert_eq!(
        (&on["in_progress"], &on["end_time"], &on["metadata"]),
        (&json!(true), &json!(null), &json!(null))
    );
    assert_eq!(document(span(false))["in_progress"], Value::Null);
}

#[test]
fn the_place_is_told_in_segments() {
    let exporter_for = |attributes: Vec<KeyValue>| {
        let sink = MemorySink::default();
        let mut exporter = XrayExporter::builder().with_sink(sink.clone()).build();
        exporter.set_resource(&Resource::builder_empty().with_attributes(attributes).build());
        futures_executor::block_on(exporter.export(vec![span(SpanKind::Server, "x", vec![])])).unwrap();
        let document = sink.take().remove(0);
        assert_eq!(validate(document.as_bytes()), Ok(()), "{document}");
        serde_json::from_str::<Value>(&document).unwrap()
    };
    let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
    let xray = json!({ "sdk": "opentelemetry", "auto_instrumentation": false });
    // (resource, origin, aws)
    for (attributes, origin, expected) in [
        (vec![], Value::Null, json!({ "xray": xray })),
        (vec![text("cloud.provider", "gcp"), text("host.id", "i-1")], Value::Null, Value::Null),
        (
            vec![text("cloud.platform", "aws_ec2"), text("host.id", "i-1"), text("host.type", "m7g.large")],
            json!("AWS::EC2::Instance"),
            json!({ "ec2": { "instance_id": "i-1", "instance_size": "m7g.large" }, "xray": xray }),
        ),
        (vec![text("host.id", "4711")], Value::Null, json!({ "xray": xray })),
        (
            vec![
                text("cloud.platform", "aws_ecs"),
                text("aws.ecs.launchtype", "fargate"),
                text("aws.ecs.task.arn", "arn:task"),
                text(
                    "aws.log.group.arns",
                    "arn:aws:logs:eu-west-1:1:log-group:/ecs/a:*&arn:aws:logs:eu-west-1:1:log-group:b",
                ),
            ],
            json!("AWS::ECS::Fargate"),
            json!({
                "ecs": { "task_arn": "arn:task", "launch_type": "fargate" },
                "cloudwatch_logs": [
                    { "log_group": "/ecs/a", "arn": "arn:aws:logs:eu-west-1:1:log-group:/ecs/a:*" },
                    { "log_group": "b", "arn": "arn:aws:logs:eu-west-1:1:log-group:b" },
                ],
                "xray": xray,
            }),
        ),
        (
            vec![text("k8s.cluster.name", "c"), text("k8s.pod.name", "p"), text("cloud.account.id", "1")],
            Value::Null,
            json!({ "account_id": "1", "eks": { "cluster_name": "c", "pod": "p" }, "xray": xray }),
        ),
        (
            vec![
                text("cloud.platform", "aws_elastic_beanstalk"),
                text("service.namespace", "env"),
                text("service.instance.id", "23"),
            ],
            json!("AWS::ElasticBeanstalk::Environment"),
            json!({ "elastic_beanstalk": { "environment_name": "env", "deployment_id": 23 }, "xray": xray }),
        ),
    ] {
        let what = format!("{attributes:?}");
        let document = exporter_for(attributes);
        assert_eq!((&document["origin"], &document["aws"]), (&origin, &expected), "{what}");
    }
}

#[test]
fn a_caller_who_named_no_span_is_no_parent() {
    let mut server = span(SpanKind::Server, "x", vec![]);
    server.parent_span_id = crate::propagator::synthetic_parent(TraceId::from(TRACE));
    server.parent_span_is_remote = true;
    assert_eq!(document(server)["parent_id"], Value::Null);
}

#[test]
fn rival_02_any_name_will_do() {
    for (name, expected) in [
        ("GET /users/{id}", "GET /users/id"),
        ("SELECT * FROM t", "SELECT  FROM t"),
        ("load<T>", "loadT"),
        ("", "span"),
        ("(){}*?<>,!'\";[]$^|~", "span"),
    ] {
        let document = document(child(2, 9, SpanKind::Internal, name, vec![]));
        assert_eq!(document["name"], expected, "{name:?}");
        let kept = document["metadata"]["default"]["otel.span.name"].as_str();
        assert_eq!(kept.unwrap_or_default(), name);
    }
    let long = "x".repeat(300);
    let document = document(child(2, 9, SpanKind::Internal, &long, vec![]));
    assert_eq!(document["name"].as_str().unwrap().len(), 200);
    assert_eq!(document["metadata"]["default"]["otel.span.name"], long);
}

#[test]
fn rival_03_long_texts_are_cut_and_counted() {
    let long = format!("https://example.com/{}", "ü".repeat(300));
    let attributes = vec![
        KeyValue::new("url.full", long.clone()),
        KeyValue::new("user_agent.original", "a".repeat(251)),
        KeyValue::new("http.request.method", "M".repeat(1_000)),
    ];
    let sink = MemorySink::default();
    let (documents, stats) = exported_with(
        XrayExporter::builder(),
        &sink,
        [vec![child(2, 1, SpanKind::Client, "GET", attributes)]],
    );
    let request = &documents[0]["http"]["request"];
    for field in ["url", "user_agent", "method"] {
        assert_eq!(request[field].as_str().unwrap().chars().count(), 250, "{field}");
    }
    assert_eq!(documents[0]["metadata"]["default"]["url.full"], long);
    assert_eq!(documents[0]["metadata"]["default"]["otel.cut"], 3);
    assert_eq!((stats.cut, stats.spans_sent), (3, 1));
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
fn rival_09_one_huge_span_harms_no_other() {
    let mut batch: Vec<_> = (2..11).map(|id| child(id, 1, SpanKind::Internal, "small", vec![])).collect();
    batch.push(span(SpanKind::Server, "huge", vec![KeyValue::new("payload", "\u{1}".repeat(1_000_000))]));
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::new(64_000), [batch]);
    assert_eq!((stats.spans_in, stats.spans_sent), (10, 10));
    assert!(stats.cut >= 1);
    let nested: usize = documents.iter().map(|d| 1 + d["subsegments"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(nested, 10);
}

#[test]
fn spans_of_any_size_arrive() {
    for bytes in [1_000, 60_000, 70_000, 1_000_000, 10_000_000] {
        let text = |key: &'static str| KeyValue::new(key, "x".repeat(bytes / 4));
        let mut large = span(SpanKind::Server, "large", vec![text("gen_ai.prompt"), text("gen_ai.answer")]);
        large.events.events.push(exception(&"E".repeat(bytes / 8), &"m".repeat(bytes / 8)));
        large.events.events.push(event("chunk", vec![text("body")]));
        let (documents, stats) =
            exported_with(XrayExporter::builder(), &MemorySink::new(64_000), [vec![large]]);
        assert_eq!((documents.len(), stats.spans_sent), (1, 1), "{bytes}");
        let told = documents[0]["metadata"]["default"]["otel.cut"].as_u64().unwrap_or_default();
        assert_eq!((told, told > 0), (stats.cut, bytes > 60_000), "{bytes}");
    }
}

#[test]
fn rival_12_odd_times_are_clamped() {
    let mut early = span(SpanKind::Server, "x", vec![]);
    early.start_time = UNIX_EPOCH - Duration::from_secs(1);
    early.end_time = SystemTime::UNIX_EPOCH - Duration::from_secs(9);
    let document = document(early);
    assert_eq!((document["start_time"].as_f64(), document["end_time"].as_f64()), (Some(0.0), Some(0.0)));
}

#[test]
fn rival_14_flags() {
    let http = |status: i64| vec![KeyValue::new("http.response.status_code", status)];
    let old = |status: &str| vec![KeyValue::new("http.status_code", status.to_owned())];
    let grpc = |status: i64| vec![KeyValue::new("rpc.grpc.status_code", status)];
    let code = |name: &str| vec![KeyValue::new("error.type", name.to_owned())];
    let error = || Status::error("");
    // (attributes, status, error, throttle, fault)
    for (attributes, status, expected) in [
        (http(404), Status::Unset, [true, false, false]),
        (http(429), Status::Unset, [true, true, false]),
        (http(503), Status::Unset, [false, false, true]),
        (http(404), error(), [true, false, false]),
        (http(200), error(), [false, false, true]),
        (http(200), Status::Unset, [false, false, false]),
        (old("500"), Status::Unset, [false, false, true]),
        (grpc(5), Status::Unset, [true, false, false]),
        (grpc(8), Status::Unset, [true, true, false]),
        (grpc(13), Status::Unset, [false, false, true]),
        (grpc(0), error(), [false, false, true]),
        (vec![KeyValue::new("rpc.response.status_code", "NOT_FOUND")], error(), [true, false, false]),
        (code("ThrottlingException"), error(), [false, true, true]),
        (vec![], error(), [false, false, true]),
        (vec![], Status::Ok, [false, false, false]),
    ] {
        let what = format!("{attributes:?} {status:?}");
        let mut span = span(SpanKind::Server, "x", attributes);
        span.status = status;
        let document = document(span);
        let flags = ["error", "throttle", "fault"].map(|flag| document[flag] == json!(true));
        assert_eq!(flags, expected, "{what}");
    }
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
fn rival_16_a_client_span_is_named_by_its_host() {
    let call = child(
        2,
        1,
        SpanKind::Client,
        "GET",
        vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("server.address", "api.example.com"),
            KeyValue::new("server.port", 443),
            KeyValue::new("url.scheme", "https"),
            KeyValue::new("url.path", "/v1/charges"),
            KeyValue::new("network.peer.address", "203.0.113.1"),
        ],
    );
    let document = document(call);
    assert_eq!(document["name"], "api.example.com");
    assert_eq!(document["http"]["request"]["url"], "https://api.example.com/v1/charges");
    assert_eq!(document["http"]["request"]["client_ip"], Value::Null);
    assert_eq!(document["sql"], Value::Null);
}

#[test]
fn names_by_what_is_called() {
    let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
    // (kind, attributes, name)
    for (kind, attributes, expected) in [
        (SpanKind::Client, vec![text("peer.service", "billing")], "billing"),
        (SpanKind::Client, vec![text("service.peer.name", "billing")], "billing"),
        (SpanKind::Client, vec![text("db.namespace", "shop"), text("server.address", "db1")], "shop@db1"),
        (
            SpanKind::Client,
            vec![text("db.name", "shop"), text("db.connection_string", "jdbc:mysql://u:p@h:3306/x")],
            "shop@h",
        ),
        (SpanKind::Client, vec![text("db.system", "redis")], "redis"),
        (SpanKind::Client, vec![text("rpc.system", "aws-api"), text("rpc.service", "S3")], "S3"),
        (SpanKind::Client, vec![text("rpc.method", "pkg.Users/Find")], "pkg.Users"),
        (SpanKind::Producer, vec![text("messaging.destination.name", "orders")], "orders"),
        (SpanKind::Client, vec![text("http.host", "example.com:80")], "example.com:80"),
        (SpanKind::Client, vec![text("aws.remote.service", "AWS::S3"), text("rpc.system", "aws-api")], "S3"),
        (SpanKind::Server, vec![text("peer.service", "caller")], "orders prod"),
        (SpanKind::Server, vec![text("aws.local.service", "local")], "local"),
        (SpanKind::Internal, vec![], "work"),
    ] {
        let what = format!("{attributes:?}");
        let document = document(child(2, 9, kind, "work", attributes));
        assert_eq!(document["name"], expected, "{what}");
    }
}

#[test]
fn rival_17_blocks_are_for_what_they_say() {
    let rpc = child(2, 1, SpanKind::Client, "x", vec![KeyValue::new("rpc.method", "Charge")]);
    let document = document(rpc);
    assert_eq!(document["aws"], Value::Null);
    assert_eq!(document["metadata"]["default"]["rpc.method"], "Charge");
}

#[test]
fn rival_18_annotations_are_one_to_a_key() {
    let attributes = vec![
        KeyValue::new("order-id", "a"),
        KeyValue::new("order/id", "b"),
        KeyValue::new("ratio", f64::NAN),
        KeyValue::new("count", 3),
        KeyValue::new("tags", Otel::Array(Array::String(vec![StringValue::from("x")]))),
    ];
    let keys = ["order-id", "order/id", "ratio", "count", "tags"];
    let builder = XrayExporter::builder().with_indexed_attributes(keys);
    let (documents, _) = exported_with(
        builder,
        &MemorySink::default(),
        [vec![child(2, 1, SpanKind::Internal, "x", attributes)]],
    );
    assert_eq!(documents[0]["annotations"], json!({ "order_id": "a", "count": 3 }));
    assert_eq!(
        documents[0]["metadata"]["default"],
        json!({ "order/id": "b", "ratio": "NaN", "tags": ["x"] })
    );
}

#[test]
fn annotations_by_pattern_alias_span_and_all() {
    let attributes = || {
        vec![
            KeyValue::new("order.id", 7),
            KeyValue::new("order.kind", "gift"),
            KeyValue::new("tenant", "acme"),
            KeyValue::new("other", true),
            KeyValue::new("api_key", "hunter2"),
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("aws.xray.annotations", Otel::Array(Array::String(vec!["other".into()]))),
        ]
    };
    // (builder, annotations)
    for (builder, expected) in [
        (XrayExporter::builder(), json!({ "other": true })),
        (
            XrayExporter::builder().with_indexed_attributes(["order.*", "http.response.status_code"]),
            json!({ "order.id": 7, "order.kind": "gift", "http.response.status_code": 200, "other": true }),
        ),
        (
            XrayExporter::builder().with_annotation_alias("tenant", "customer"),
            json!({ "customer": "acme", "other": true }),
        ),
        (
            XrayExporter::builder().with_index_all_attributes(true),
            json!({ "order.id": 7, "order.kind": "gift", "tenant": "acme", "other": true }),
        ),
    ] {
        let what = format!("{builder:?}");
        let span = child(2, 1, SpanKind::Internal, "x", attributes());
        let (documents, _) = exported_with(builder, &MemorySink::default(), [vec![span]]);
        assert_eq!(documents[0]["annotations"], expected, "{what}");
        assert_eq!(documents[0]["metadata"]["default"]["api_key"], "REDACTED", "{what}");
        assert_eq!(documents[0]["http"]["response"]["status"], 200, "{what}");
    }
    let builder = XrayExporter::builder().with_indexed_attributes(["otel.resource.service.version"]);
    let (documents, _) =
        exported_with(builder, &MemorySink::default(), [vec![span(SpanKind::Server, "x", vec![])]]);
    assert_eq!(documents[0]["annotations"], json!({ "otel.resource.service.version": "1.2.3" }));
}

#[test]
fn what_handlers_hand_over_goes_where_they_say() {
    let span = child(
        2,
        1,
        SpanKind::Internal,
        "x",
        vec![
            KeyValue::new("aws.xray.annotation.order.id", 7),
            KeyValue::new("aws.xray.metadatum.stock.reserved", 3),
            KeyValue::new("aws.xray.metadatum..note", "fragile"),
            KeyValue::new("note", "mine"),
            KeyValue::new("aws.xray.metadatum..note", "fragile"),
        ],
    );
    let document = document(span);
    assert_eq!(document["annotations"], json!({ "order.id": 7 }));
    assert_eq!(document["metadata"]["stock"], json!({ "reserved": 3 }));
    assert_eq!(
        document["metadata"]["default"],
        json!({ "note": "mine", "aws.xray.metadatum..note": "fragile" })
    );
}

#[test]
fn annotations_beyond_the_fiftieth_are_metadata() {
    let attributes: Vec<_> = (0..60).map(|n| KeyValue::new(format!("key{n}"), n)).collect();
    let builder = XrayExporter::builder().with_indexed_attributes((0..60).map(|n| format!("key{n}")));
    let (documents, _) = exported_with(
        builder,
        &MemorySink::default(),
        [vec![child(2, 1, SpanKind::Internal, "x", attributes)]],
    );
    assert_eq!(documents[0]["annotations"].as_object().unwrap().len(), 50);
    let metadata = documents[0]["metadata"]["default"].as_object().unwrap();
    // And how many there were.
    assert_eq!((metadata.len(), &metadata["otel.cut"]), (11, &json!(10)));
}

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

#[test]
fn rival_21_the_spans_of_a_batch_are_nested() {
    let batch = vec![
        child(3, 2, SpanKind::Client, "call", vec![]),
        child(2, 1, SpanKind::Internal, "work", vec![]),
        child(9, 8, SpanKind::Internal, "late", vec![]),
        span(SpanKind::Server, "root", vec![]),
        // A server span of the same process is a segment of its own.
        child(4, 3, SpanKind::Server, "in process", vec![]),
    ];
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [batch.clone()]);
    assert_eq!((documents.len(), stats.documents_sent, stats.spans_sent), (3, 3, 5));
    let root = documents.iter().find(|document| document["id"] == "0000000000000001").unwrap();
    let work = &root["subsegments"][0];
    assert_eq!(
        (&work["id"], &work["type"], &work["trace_id"]),
        (&json!("0000000000000002"), &Value::Null, &Value::Null)
    );
    assert_eq!(work["subsegments"][0]["id"], "0000000000000003");
    let late = documents.iter().find(|document| document["id"] == "0000000000000009").unwrap();
    assert_eq!((&late["type"], &late["parent_id"]), (&json!("subsegment"), &json!("0000000000000008")));

    let builder = XrayExporter::builder().with_nesting(false);
    assert_eq!(exported_with(builder, &MemorySink::default(), [batch]).0.len(), 5);
}

#[test]
fn rival_26_spans_that_are_not_sampled_are_not_exported() {
    let mut span = span(SpanKind::Server, "x", vec![]);
    span.span_context = SpanContext::new(
        TraceId::from(TRACE),
        SpanId::from(1),
        TraceFlags::default(),
        false,
        TraceState::default(),
    );
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [vec![span]]);
    assert_eq!((documents.len(), stats.dropped(DropReason::NotSampled)), (0, 1));
}

#[test]
fn ids_that_name_nothing_are_counted() {
    let mut span = span(SpanKind::Server, "x", vec![]);
    span.span_context = SpanContext::new(
        TraceId::INVALID,
        SpanId::from(1),
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    );
    let (documents, stats) = exported_with(XrayExporter::builder(), &MemorySink::default(), [vec![span]]);
    assert_eq!((documents.len(), stats.dropped(DropReason::InvalidId)), (0, 1));
}

#[test]
fn after_shutdown_spans_are_counted() {
    let exporter = XrayExporter::builder().with_sink(MemorySink::default()).build();
    exporter.shutdown().unwrap();
    assert!(exporter.shutdown().is_err());
    assert!(futures_executor::block_on(exporter.export(vec![span(SpanKind::Server, "x", vec![])])).is_err());
    assert_eq!(exporter.stats().dropped(DropReason::ShutDown), 1);
}

#[derive(Debug)]
struct Broken;

impl SegmentSink for Broken {
    fn max_document_bytes(&self) -> usize {
        60_000
    }
    fn send(&mut self, _: &crate::sink::Documents, _: &Report) {
        panic!("broken");
    }
    fn shutdown(&mut self, _: Duration, _: &Report) {}
}

#[test]
fn a_panic_costs_one_batch() {
    let exporter = XrayExporter::builder().with_sink(Broken).build();
    for expected in [1, 2] {
        assert!(
            futures_executor::block_on(exporter.export(vec![span(SpanKind::Server, "x", vec![])])).is_err()
        );
        assert_eq!(exporter.stats().dropped(DropReason::Internal), expected);
    }
}

prop_compose! {
    fn text()(text in prop_oneof![
        "\\PC{0,20}",
        Just(String::new()),
        "[\u{0}-\u{1f}\"\\\\é東🦀]{0,300}",
        (1usize..40_000, "[a\u{1}é]").prop_map(|(times, unit)| unit.repeat(times)),
    ]) -> String { text }
}

prop_compose! {
    fn attribute()(
        key in prop_oneof![
            prop::sample::select(vec![
                "http.request.method", "url.full", "url.path", "server.address", "server.port", "http.status_code",
                "client.address", "user_agent.original", "rpc.system", "db.name", "error.type", "order.id", "",
                "otel.span.name", "http.response.header.content-length", "aws.span.kind", "peer.service",
            ]).prop_map(str::to_owned),
            text(),
        ],
        value in prop_oneof![
            any::<bool>().prop_map(Otel::Bool),
            any::<i64>().prop_map(Otel::I64),
            any::<f64>().prop_map(Otel::F64),
            text().prop_map(|text| Otel::String(text.into())),
            prop::collection::vec(text(), 0..4)
                .prop_map(|texts| Otel::Array(Array::String(texts.into_iter().map(StringValue::from).collect()))),
            prop::collection::vec(any::<i64>(), 0..4_000).prop_map(|list| Otel::Array(Array::I64(list))),
        ],
    ) -> KeyValue { KeyValue::new(key, value) }
}

prop_compose! {
    fn hostile_span()(
        ids in (0u64..12, 0u64..12),
        kind in prop::sample::select(vec![
            SpanKind::Server, SpanKind::Client, SpanKind::Internal, SpanKind::Producer, SpanKind::Consumer,
        ]),
        name in text(),
        attributes in prop::collection::vec(attribute(), 0..12),
        events in prop::collection::vec((any::<bool>(), text(), text(), prop::collection::vec(attribute(), 0..3)), 0..4),
        links in 0u64..30,
        flags in any::<(bool, bool)>(),
        times in any::<(i32, i32)>(),
        status in prop_oneof![Just(Status::Unset), Just(Status::Ok), text().prop_map(Status::error)],
    ) -> SpanData {
        let mut span = child(ids.0, ids.1, kind, &name, attributes);
        let time = |seconds: i32| {
            let distance = Duration::from_secs(u64::from(seconds.unsigned_abs()));
            if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
        };
        (span.start_time, span.end_time) = (time(times.0), time(times.1));
        span.parent_span_is_remote = flags.0;
        span.status = status;
        for (is_exception, kind, message, attributes) in events {
            let mut event = if is_exception { exception(&kind, &message) } else { event(&kind, vec![]) };
            event.attributes.extend(attributes);
            span.events.events.push(event);
        }
        for n in 0..links {
            span.links.links.push(Link::new(with_id(&span.span_context, n), vec![KeyValue::new("n", "x")], 0));
        }
        span
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spans_in_are_sent_or_dropped_and_documents_are_valid(
        batches in prop::collection::vec(prop::collection::vec(hostile_span(), 0..12), 1..3),
        max_bytes in prop::sample::select(vec![9_186usize, 64_000]),
        nesting: bool,
    ) {
        let invalid: u64 = batches.iter().flatten().filter(|span| span.span_context.span_id() == SpanId::INVALID).count() as u64;
        let builder = XrayExporter::builder().with_nesting(nesting).with_indexed_attributes(["order.id", "error.type"]);
        let (_, stats) = exported_with(builder, &MemorySink::new(max_bytes), batches);
        prop_assert_eq!(stats.spans_dropped(), invalid, "{:?}", stats);
    }
}
