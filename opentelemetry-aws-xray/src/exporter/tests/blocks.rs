//! Blocks of a document, and its flags.

use super::*;

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
fn rival_17_blocks_are_for_what_they_say() {
    let rpc = child(2, 1, SpanKind::Client, "x", vec![KeyValue::new("rpc.method", "Charge")]);
    let document = document(rpc);
    assert_eq!(document["aws"], Value::Null);
    assert_eq!(document["metadata"]["default"]["rpc.method"], "Charge");
}
