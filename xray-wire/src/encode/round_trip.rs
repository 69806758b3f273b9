//! What is encoded is valid, and decodes to what it was.

use std::{
    string::{String, ToString},
    vec::Vec,
};

use proptest::{collection::vec, option, prelude::*};

use super::document;
use crate::{
    Segment, SegmentId, Timestamp, TraceId,
    decode::decode,
    segment::{
        Annotation, AnnotationValue, Aws, Cause, Exception, Exceptions, Frame, Http, Kind, Link,
        MetadataEntry, Namespace, Service, Sql, Value, XraySdk,
    },
};

type Text = alloc::borrow::Cow<'static, str>;

fn text() -> impl Strategy<Value = Text> {
    "[ -~é東🦀\n\"\\\\\u{1}]{1,40}".prop_map(Into::into)
}

fn segment_id() -> impl Strategy<Value = SegmentId> {
    (1u64..).prop_map(|id| SegmentId::from_bytes(id.to_be_bytes()).unwrap())
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    (1u128..).prop_map(|id| TraceId::from_bytes(id.to_be_bytes()).unwrap())
}

fn http() -> impl Strategy<Value = Http<'static>> {
    (
        text(),
        option::of(text()),
        option::of(text()),
        option::of(text()),
        any::<bool>(),
        option::of(100u16..600),
        option::of(0..u64::MAX),
    )
        .prop_map(|(method, url, user_agent, client_ip, flag, status, content_length)| Http {
            method: Some(method),
            url,
            user_agent,
            client_ip,
            x_forwarded_for: flag,
            traced: !flag,
            status,
            content_length,
        })
}

fn aws() -> impl Strategy<Value = Aws<'static>> {
    (text(), vec(text(), 0..3), option::of(0u32..9), option::of(text()), option::of(any::<bool>())).prop_map(
        |(operation, table_names, retries, rule, auto_instrumentation)| Aws {
            operation: Some(operation),
            table_names,
            retries,
            xray: rule.map(|rule| XraySdk {
                sampling_rule_name: Some(rule),
                auto_instrumentation,
                ..XraySdk::default()
            }),
            ..Aws::default()
        },
    )
}

fn cause() -> impl Strategy<Value = Cause<'static>> {
    let frame =
        (text(), option::of(1u32..)).prop_map(|(label, line)| Frame { label: Some(label), line, path: None });
    let exception = (option::of(segment_id()), text(), text(), any::<bool>(), 0u32..3, vec(frame, 0..4))
        .prop_map(|(id, kind, message, remote, truncated, stack)| Exception {
            id,
            kind,
            message,
            remote,
            truncated,
            skipped: truncated,
            cause: id,
            stack,
        });
    prop_oneof![
        segment_id().prop_map(Cause::Reference),
        vec(exception, 1..3)
            .prop_map(|exceptions| Cause::Exceptions(Exceptions { exceptions, ..Exceptions::default() })),
    ]
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        (i64::MAX as u64 + 1..).prop_map(Value::U64),
        // A decimal without a fraction is written with one, and read back as what it was.
        prop::num::f64::NORMAL.prop_map(Value::F64),
        text().prop_map(Value::Str),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            vec(inner, 0..4).prop_map(|values| Value::Map(keyed(values))),
        ]
    })
}

fn keyed<T>(values: Vec<T>) -> Vec<(Text, T)> {
    values.into_iter().enumerate().map(|(index, value)| (index.to_string().into(), value)).collect()
}

fn annotations() -> impl Strategy<Value = Vec<Annotation<'static>>> {
    let value = prop_oneof![
        text().prop_map(AnnotationValue::Str),
        any::<i64>().prop_map(AnnotationValue::I64),
        any::<bool>().prop_map(AnnotationValue::Bool),
        prop::num::f64::NORMAL.prop_map(AnnotationValue::F64),
    ];
    vec(value, 0..4)
        .prop_map(|values| keyed(values).into_iter().map(|(key, value)| Annotation { key, value }).collect())
}

fn metadata() -> impl Strategy<Value = Vec<MetadataEntry<'static>>> {
    (vec(value(), 0..4), vec(value(), 0..3)).prop_map(|namespaces| {
        let entries = |namespace: &'static str, values: Vec<Value<'static>>| {
            let entry = move |(key, value)| MetadataEntry { namespace: namespace.into(), key, value };
            keyed(values).into_iter().map(entry).collect::<Vec<_>>()
        };
        [entries("default", namespaces.0), entries("other", namespaces.1)].concat()
    })
}

fn node(kind: Kind) -> impl Strategy<Value = Segment<'static>> {
    let identity = (text(), segment_id(), 0..u64::MAX, option::of(0u64..1_000_000));
    let flags = any::<(bool, bool, bool, bool)>();
    let blocks = (
        option::of(http()),
        option::of(aws()),
        option::of(cause()),
        option::of(text()),
        annotations(),
        metadata(),
        vec((trace_id(), segment_id(), vec(value(), 0..2)), 0..3),
        option::of(text()),
    );
    (identity, flags, blocks).prop_map(move |(identity, flags, blocks)| {
        let (name, id, start, duration) = identity;
        let (http, aws, cause, some_text, annotations, metadata, links, user) = blocks;
        let mut segment = Segment::new(kind, name, id, Timestamp::from_nanos(start));
        segment.end_time = duration.map(|duration| Timestamp::from_nanos(start.saturating_add(duration)));
        (segment.fault, segment.error, segment.throttle, segment.inferred) = flags;
        (segment.http, segment.aws, segment.cause, segment.user) = (http, aws, cause, user);
        (segment.annotations, segment.metadata) = (annotations, metadata);
        segment.links = links
            .into_iter()
            .map(|(trace_id, id, values)| Link { trace_id, id, attributes: keyed(values) })
            .collect();
        match kind {
            Kind::Segment => {
                segment.origin.clone_from(&some_text);
                segment.service =
                    some_text.map(|version| Service { version: Some(version), ..Service::default() });
            }
            Kind::Subsegment => {
                segment.namespace = some_text.as_ref().map(|_| Namespace::Remote);
                segment.sql = some_text.map(|query| Sql { sanitized_query: Some(query), ..Sql::default() });
            }
        }
        segment
    })
}

fn tree() -> impl Strategy<Value = Segment<'static>> {
    let subsegment = node(Kind::Subsegment).prop_recursive(3, 8, 3, |inner| {
        (node(Kind::Subsegment), vec(inner, 0..3)).prop_map(|(mut node, children)| {
            node.subsegments = children;
            node
        })
    });
    let top = prop_oneof![node(Kind::Segment), node(Kind::Subsegment)];
    (top, trace_id(), segment_id(), vec(subsegment, 0..3)).prop_map(
        |(mut top, trace_id, parent_id, children)| {
            top.trace_id = Some(trace_id);
            top.parent_id = Some(parent_id);
            top.subsegments = children;
            top
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_encoded_decodes_to_what_it_was(segment in tree()) {
        let mut bytes = Vec::new();
        document(&segment, None, &mut bytes);
        let decoded = decode(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&decoded.skipped, &[], "{}", String::from_utf8_lossy(&bytes));
        prop_assert_eq!(&decoded.segment, &segment, "{}", String::from_utf8_lossy(&bytes));
    }
}
