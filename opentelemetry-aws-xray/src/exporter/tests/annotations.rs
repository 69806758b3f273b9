//! What is indexed.

use super::*;

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
