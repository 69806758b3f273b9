//! Which document a span becomes: segment, subsegment, or both.

use super::*;

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
fn a_caller_who_named_no_span_is_no_parent() {
    let mut server = span(SpanKind::Server, "x", vec![]);
    server.parent_span_id = crate::propagator::synthetic_parent(TraceId::from(TRACE));
    server.parent_span_is_remote = true;
    assert_eq!(document(server)["parent_id"], Value::Null);
}
