//! What documents are called.

use super::*;

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
