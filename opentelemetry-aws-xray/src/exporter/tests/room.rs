//! Documents that have no room for all that they are to say.

use super::*;

/// What is left of a datagram on macOS, whose default is the smallest.
const SMALLEST_DATAGRAM: usize = 9_216 - 30;

fn exported_from(
    resource: &Resource,
    builder: XrayExporterBuilder,
    max_document_bytes: usize,
    span: SpanData,
) -> (Vec<Value>, ExporterStats) {
    let sink = MemorySink::new(max_document_bytes);
    let mut exporter = builder.with_sink(sink.clone()).build();
    exporter.set_resource(resource);
    futures_executor::block_on(exporter.export(vec![span])).unwrap();
    let documents = sink.take();
    for document in &documents {
        assert_eq!(validate(document.as_bytes()), Ok(()), "{document:.2000}");
    }
    let documents = documents.iter().map(|document| serde_json::from_str(document).unwrap());
    (documents.collect(), exporter.stats())
}

#[test]
fn a_large_resource_costs_no_span_its_attributes() {
    let large = (0..9).map(|n| KeyValue::new(format!("r{n}"), "r".repeat(8_000)));
    let resource = Resource::builder_empty().with_attributes(large).build();
    let attributes = (0..60).map(|n| KeyValue::new(format!("order.{n}"), "v".repeat(200))).collect();
    let span = span(SpanKind::Server, "x", attributes);
    let builder = XrayExporter::builder();
    let (documents, stats) =
        exported_from(&resource, builder, MemorySink::default().max_document_bytes(), span);
    let default = documents[0]["metadata"]["default"].as_object().unwrap();
    assert!((0..60).all(|n| default[&format!("order.{n}")].as_str().unwrap().len() == 200));
    // The resource's metadata, in one.
    assert_eq!((default.len(), &default["otel.cut"], stats.cut), (61, &json!(1), 1));
}

#[test]
fn a_long_text_is_cut_before_the_resource_is_left_out() {
    let attributes = vec![KeyValue::new("payload", "x".repeat(100_000)), KeyValue::new("order.id", 1)];
    let mut documents = exported(vec![span(SpanKind::Server, "x", attributes)]);
    let default = documents.remove(0)["metadata"]["default"].take();
    assert_eq!(default["payload"].as_str().unwrap().len(), 8_192);
    assert_eq!(
        (&default["order.id"], &default["otel.resource.service.name"]),
        (&json!(1), &json!("orders (prod)"))
    );
}

#[test]
fn many_tables_cost_no_span() {
    for (max_document_bytes, unit) in [(SMALLEST_DATAGRAM, "t"), (SMALLEST_DATAGRAM, "🦀"), (65_536, "🦀")]
    {
        let names = (0..100).map(|n| format!("{n:02}{}", unit.repeat(238)).into()).collect();
        let attributes = vec![
            KeyValue::new("rpc.system", "aws-api"),
            KeyValue::new("aws.dynamodb.table_names", Otel::Array(Array::String(names))),
        ];
        let span = child(2, 1, SpanKind::Client, "x", attributes);
        let (documents, stats) =
            exported_from(&resource(), XrayExporter::builder(), max_document_bytes, span);
        assert_eq!((stats.spans_sent, stats.cut > 0), (1, true), "{unit}, {max_document_bytes}");
        assert!(documents[0]["aws"]["table_names"].as_array().unwrap().len() >= 2);
    }
}

#[test]
fn many_log_groups_cost_no_segment() {
    let group =
        |n: usize| format!("arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/{n:02}{}", "g".repeat(190));
    let builder = XrayExporter::builder().with_log_groups((0..20).map(group));
    let span = span(SpanKind::Server, "x", vec![KeyValue::new("order.id", 1)]);
    let (documents, stats) = exported_from(&resource(), builder, SMALLEST_DATAGRAM, span);
    assert_eq!((stats.spans_sent, stats.cut), (1, 1));
    let groups = documents[0]["aws"]["cloudwatch_logs"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["arn"]), (4, &json!(group(0))));
    assert_eq!(documents[0]["metadata"]["default"]["order.id"], 1);
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
