use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::{
    KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_proto::{
    tonic::{collector::trace::v1::ExportTraceServiceRequest, common::v1 as common, trace::v1 as proto},
    transform::{
        common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
use proptest::{collection::vec, prelude::*};
use prost::Message;

use super::{
    reduce::{Budget, SMALLEST_SPAN},
    *,
};
use crate::exporter::ExporterStats;

/// What macOS lets a datagram hold, less the header line.
const SMALLEST_DOCUMENT: usize = 9_186;

fn context(trace: u128, span: u64, sampled: bool, remote: bool) -> SpanContext {
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let state = TraceState::from_key_value([("vendor", "state")]).unwrap();
    SpanContext::new(TraceId::from(trace), SpanId::from(span), flags, remote, state)
}

fn span(trace: u128, id: u64) -> SpanData {
    let start_time = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    SpanData {
        span_context: context(trace, id, true, false),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Server,
        name: "GET /orders".into(),
        start_time,
        end_time: start_time + Duration::from_millis(5),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("shop").build(),
    }
}

struct Encoded {
    requests: Vec<ExportTraceServiceRequest>,
    /// The bytes of each document, and how many spans it says that it stands for.
    documents: Vec<(Vec<u8>, u32)>,
    stats: ExporterStats,
}

impl Encoded {
    fn spans(&self) -> impl Iterator<Item = &proto::Span> {
        self.requests.iter().flat_map(spans_of)
    }

    fn span(&self) -> &proto::Span {
        let mut spans = self.spans();
        let span = spans.next().unwrap();
        assert!(spans.next().is_none());
        span
    }
}

fn spans_of(request: &ExportTraceServiceRequest) -> impl Iterator<Item = &proto::Span> {
    request.resource_spans.iter().flat_map(|one| &one.scope_spans).flat_map(|scope| &scope.spans)
}

fn encode(framing: Framing, max_document_bytes: usize, resource: &Resource, batch: &[SpanData]) -> Encoded {
    let counters = Counters::default();
    let mut otlp = Otlp::new(framing, max_document_bytes);
    otlp.set_resource(resource, &counters);
    let mut documents = Documents::default();
    // Twice, since what is left of the first batch must not matter.
    otlp.encode(batch, &mut documents, &Counters::default());
    documents.clear();
    otlp.encode(batch, &mut documents, &counters);
    let documents: Vec<_> =
        documents.iter().map(|document| (document.json.to_vec(), document.spans)).collect();
    let requests = documents.iter().map(|(bytes, _)| decode(framing, bytes)).collect();
    Encoded { requests, documents, stats: counters.snapshot() }
}

fn decode(framing: Framing, document: &[u8]) -> ExportTraceServiceRequest {
    match framing {
        Framing::Binary => ExportTraceServiceRequest::decode(document).unwrap(),
        Framing::Text => {
            let request = BASE64_STANDARD.decode(&document[3..]).unwrap();
            let request = ExportTraceServiceRequest::decode(&*request).unwrap();
            let sampled = spans_of(&request).all(|span| span.flags & 1 == 1);
            let unsampled = spans_of(&request).all(|span| span.flags & 1 == 0);
            match &document[..3] {
                b"T1S" => assert!(sampled),
                b"T1U" => assert!(unsampled),
                other => panic!("{other:?}"),
            }
            request
        }
    }
}

fn attributes(values: &[common::KeyValue]) -> Vec<(&str, &common::any_value::Value)> {
    values.iter().map(|one| (one.key.as_str(), one.value.as_ref().unwrap().value.as_ref().unwrap())).collect()
}

fn text(value: &str) -> common::any_value::Value {
    common::any_value::Value::StringValue(value.to_owned())
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_filter("comparable", |number| !number.is_nan()).prop_map(Value::F64),
        ".{0,300}".prop_map(|text| Value::String(text.into())),
        vec(any::<bool>(), 0..4).prop_map(|list| Value::Array(Array::Bool(list))),
        vec(any::<i64>(), 0..200).prop_map(|list| Value::Array(Array::I64(list))),
        vec(Just(0.5), 0..4).prop_map(|list| Value::Array(Array::F64(list))),
        vec(".{0,9}", 0..40)
            .prop_map(|list| { Value::Array(Array::String(list.into_iter().map(Into::into).collect())) }),
    ]
}

use opentelemetry::Array;

/// Attributes with different keys, none of which is named like a secret.
fn attribute_lists(most: usize) -> impl Strategy<Value = Vec<KeyValue>> {
    vec(values(), 0..most).prop_map(|values| {
        values.into_iter().enumerate().map(|(n, value)| KeyValue::new(format!("k{n}"), value)).collect()
    })
}

prop_compose! {
    fn spans(traces: u128)(
        (trace, id) in (0..traces, 1..u64::MAX),
        parent: u64,
        (sampled, remote) in (prop::bool::weighted(0.8), any::<bool>()),
        (name, kind) in (".{0,20}", 0..5_usize),
        (start, length) in (0..300_000_u64, 0..100_000_000_000_u64),
        attributes in attribute_lists(12),
        events in vec((".{0,10}", attribute_lists(3)), 0..4),
        links in vec((1..u128::MAX, 1..u64::MAX, attribute_lists(3)), 0..3),
        (status, dropped, scope) in (0..3_usize, any::<[u16; 3]>(), 0..3_usize),
    ) -> SpanData {
        let start_time = UNIX_EPOCH + Duration::from_secs(1_800_000_000 + start);
        SpanData {
            span_context: context(trace + 1, id, sampled, false),
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote: remote,
            span_kind: [SpanKind::Internal, SpanKind::Server, SpanKind::Client, SpanKind::Producer, SpanKind::Consumer][kind].clone(),
            name: name.into(),
            start_time,
            end_time: start_time + Duration::from_nanos(length),
            attributes,
            dropped_attributes_count: dropped[0].into(),
            events: {
                let mut all = SpanEvents::default();
                all.dropped_count = dropped[1].into();
                all.events = events.into_iter().map(|(name, attributes)| Event::new(name, start_time, attributes, 1)).collect();
                all
            },
            links: {
                let mut all = SpanLinks::default();
                all.dropped_count = dropped[2].into();
                all.links = links.into_iter().map(|(trace, id, attributes)| Link::new(context(trace, id, true, id % 2 == 0), attributes, 2)).collect();
                all
            },
            status: [Status::Unset, Status::Ok, Status::error("it failed")][status].clone(),
            instrumentation_scope: match scope {
                0 => InstrumentationScope::default(),
                1 => InstrumentationScope::builder("a").with_version("1").build(),
                _ => InstrumentationScope::builder("b")
                    .with_schema_url("https://opentelemetry.io/schemas/1.42.0")
                    .with_attributes([KeyValue::new("k", 1)])
                    .build(),
            },
        }
    }
}

fn resource() -> Resource {
    Resource::builder_empty()
        .with_schema_url([KeyValue::new("service.name", "shop"), KeyValue::new("host.id", 7)], "https://s/1")
        .build()
}

/// As another implementation transforms it, span by span.
fn expected(span: &SpanData) -> (Option<common::InstrumentationScope>, String, proto::Span) {
    let resource = ResourceAttributesWithSchema::default();
    let mut grouped = group_spans_by_resource_and_scope(vec![span.clone()], &resource);
    let mut scope = grouped.remove(0).scope_spans.remove(0);
    let mut span = scope.spans.remove(0);
    // An unset status is left out; what is left out is unset.
    span.status = span.status.filter(|status| status.code != 0);
    (scope.scope, scope.schema_url, span)
}

proptest! {
    #[test]
    fn what_is_sent_is_what_others_would_send(batch in vec(spans(3), 0..12)) {
        let encoded = encode(Framing::Text, 64_000, &resource(), &batch);
        let mut sent = Vec::new();
        for one in encoded.requests.iter().flat_map(|request| &request.resource_spans) {
            let resource = one.resource.as_ref().unwrap();
            prop_assert_eq!(attributes(&resource.attributes)[1], ("service.name", &text("shop")));
            prop_assert_eq!(&one.schema_url, "https://s/1");
            for scope in &one.scope_spans {
                for span in &scope.spans {
                    sent.push((scope.scope.clone(), scope.schema_url.clone(), span.clone()));
                }
            }
        }
        let mut expected: Vec<_> = batch.iter().map(expected).collect();
        let key = |one: &(_, String, proto::Span)| (one.2.trace_id.clone(), one.2.span_id.clone());
        sent.sort_by_key(key);
        expected.sort_by_key(key);
        prop_assert!(sent == expected);
        prop_assert_eq!(encoded.stats.cut, 0);
    }

    #[test]
    fn every_span_is_in_one_request_and_none_is_over_a_limit(
        batch in vec(spans(6), 0..40),
        max_document_bytes in SMALLEST_DOCUMENT..80_000,
        binary: bool,
    ) {
        let framing = if binary { Framing::Binary } else { Framing::Text };
        let encoded = encode(framing, max_document_bytes, &resource(), &batch);
        for ((document, spans), request) in encoded.documents.iter().zip(&encoded.requests) {
            prop_assert!(document.len() <= max_document_bytes);
            prop_assert_eq!(spans_of(request).count(), *spans as usize);
            let start = spans_of(request).map(|span| span.start_time_unix_nano).min().unwrap();
            let end = spans_of(request).map(|span| span.end_time_unix_nano).max().unwrap();
            prop_assert!(end - start <= Limits::ENDPOINT.spread);
        }
        let stays = |span: &&SpanData| binary && !span.span_context.is_sampled();
        let mut given: Vec<_> = batch.iter().filter(|span| !stays(span)).map(|span| span.span_context.span_id().to_bytes().to_vec()).collect();
        let mut sent: Vec<_> = encoded.spans().map(|span| span.span_id.clone()).collect();
        given.sort();
        sent.sort();
        prop_assert_eq!(given, sent);
        prop_assert_eq!(encoded.stats.dropped(DropReason::NotSampled) as usize, batch.iter().filter(stays).count());
        prop_assert_eq!(encoded.stats.spans_dropped(), encoded.stats.dropped(DropReason::NotSampled));
    }
}

/// A span of which everything is too much.
fn monstrous(length: usize, many: usize) -> SpanData {
    let list = |key: String| KeyValue::new(format!("{key}{}", "k".repeat(length)), "é".repeat(length));
    let attributes: Vec<_> = (0..many).map(|n| list(n.to_string())).collect();
    let mut monster = SpanData { name: "n".repeat(length).into(), ..span(1, 1) };
    monster.events.events = (0..many)
        .map(|_| Event::new("e".repeat(length), monster.start_time, attributes.clone(), 0))
        .collect();
    monster.links.links =
        (0..many).map(|_| Link::new(context(9, 9, true, true), attributes.clone(), 0)).collect();
    monster.status = Status::error("s".repeat(length));
    monster.attributes = attributes;
    monster.attributes.push(KeyValue::new("list", Value::Array(Array::I64(vec![-1; many * length]))));
    monster
}

#[test]
fn no_span_is_too_large() {
    for (length, many) in [(10, 300), (100_000, 1), (3_000, 30), (1_000_000, 4), (300, 200)] {
        let monster = monstrous(length, many);
        let resource = Resource::builder_empty()
            .with_attributes((0..many).map(|n| KeyValue::new(n.to_string(), "r".repeat(length))))
            .build();
        for (framing, max) in
            [(Framing::Text, SMALLEST_DOCUMENT), (Framing::Text, 64_000), (Framing::Binary, usize::MAX)]
        {
            let encoded = encode(framing, max, &resource, std::slice::from_ref(&monster));
            let span = encoded.span();
            assert!(span.encoded_len() <= MAX_SPAN_BYTES, "{length} × {many}");
            assert!(encoded.documents[0].0.len() <= max, "{length} × {many}, {framing:?}");
            let resource = encoded.requests[0].resource_spans[0].resource.as_ref().unwrap();
            assert!(resource.encoded_len() <= MAX_RESOURCE_BYTES);
            assert!(encoded.stats.cut > 0);
            assert_eq!(span.dropped_events_count as usize, many - span.events.len());
            assert_eq!(span.dropped_links_count as usize, many - span.links.len());
            assert_eq!(span.dropped_attributes_count as usize, many + 1 - span.attributes.len());
        }
    }
    let mut out = Vec::new();
    let monster = monstrous(10_000, 200);
    assert!(encode::within(&mut out, SMALLEST_SPAN, |to| to.span(&monster)).is_some());
    assert!(out.len() > Budget::STEPS[5].value_bytes);
}

#[test]
fn exceptions_are_the_last_events_to_go() {
    let mut monster = monstrous(3_000, 30);
    monster.events.events.push(Event::new("exception", monster.start_time, Vec::new(), 0));
    let encoded = encode(Framing::Text, SMALLEST_DOCUMENT, &Resource::builder_empty().build(), &[monster]);
    assert!(encoded.span().events.len() < 30);
    assert_eq!(encoded.span().events.last().unwrap().name, "exception");
}

#[test]
fn a_span_too_large_for_any_request_harms_no_other() {
    // No transport is that small; a sink of one's own may be.
    let encoded =
        encode(Framing::Text, 400, &Resource::builder_empty().build(), &[monstrous(500, 9), span(2, 2)]);
    assert_eq!(encoded.span().span_id, 2_u64.to_be_bytes());
    assert_eq!(encoded.stats.dropped(DropReason::TooLarge), 1);
}

#[test]
fn spans_that_can_not_be_named_are_counted() {
    let encoded = encode(Framing::Text, 64_000, &resource(), &[span(0, 1), span(1, 0), span(1, 1)]);
    assert_eq!(encoded.span().span_id, 1_u64.to_be_bytes());
    assert_eq!(encoded.stats.dropped(DropReason::InvalidId), 2);
}

#[test]
fn secrets_stay() {
    let mut secretive = span(1, 1);
    secretive.attributes = vec![
        KeyValue::new("db.password", "HUNTER2"),
        KeyValue::new("url.full", "https://u:HUNTER2@example.com/?token=HUNTER2&a=b"),
        KeyValue::new("db.connection_string", "Server=db;Password=HUNTER2"),
        KeyValue::new(
            "http.request.header.authorization",
            Value::Array(Array::String(vec!["HUNTER2".into()])),
        ),
    ];
    secretive.status = Status::error("GET https://u:HUNTER2@example.com/ failed");
    let message = KeyValue::new("exception.message", "https://u:HUNTER2@example.com/?sig=HUNTER2");
    secretive.events.events = vec![Event::new("exception", secretive.start_time, vec![message], 0)];
    let resource = Resource::builder_empty().with_attribute(KeyValue::new("deploy.token", "HUNTER2")).build();
    let encoded = encode(Framing::Binary, 64_000, &resource, &[secretive]);
    assert!(!String::from_utf8_lossy(&encoded.documents[0].0).contains("HUNTER2"));
    let sent = attributes(&encoded.span().attributes);
    assert_eq!(sent[0], ("db.password", &text("REDACTED")));
    assert_eq!(sent[1].1, &text("https://example.com/?token=REDACTED&a=b"));
    assert_eq!(encoded.span().status.as_ref().unwrap().message, "GET https://example.com/ failed");
}

#[test]
fn the_last_value_of_a_key_counts() {
    for many in [1, 100] {
        let mut repeating = span(1, 1);
        repeating.attributes = (0..2 * many).map(|n| KeyValue::new(format!("k{}", n % many), n)).collect();
        let encoded = encode(Framing::Binary, 64_000, &resource(), &[repeating]);
        let sent = attributes(&encoded.span().attributes);
        assert_eq!(sent.len() as i64, many);
        assert_eq!(sent[0], ("k0", &common::any_value::Value::IntValue(many)));
        assert_eq!((encoded.span().dropped_attributes_count, encoded.stats.cut), (0, 0));
    }
}

#[test]
fn a_parent_that_only_stands_for_an_open_question_is_left_out() {
    let trace = TraceId::from(7);
    let mut asked = span(7, 1);
    asked.parent_span_id = crate::propagator::synthetic_parent(trace);
    for (is_remote, expected) in [(true, 0), (false, 8)] {
        asked.parent_span_is_remote = is_remote;
        let encoded = encode(Framing::Text, 64_000, &resource(), std::slice::from_ref(&asked));
        assert_eq!(encoded.span().parent_span_id.len(), expected);
    }
}
