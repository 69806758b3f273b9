//! Tests of the decoder as a whole.

use alloc::borrow::Cow;
use std::{format, string::String, string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{
    Timestamp,
    limits::MAX_DECODE_DEPTH,
    segment::{AnnotationValue, Cause, Http, Kind, MetadataEntry, Namespace, Value},
    validate::validate,
};

const NODE: &str = r#""name":"api","id":"53995c3f42cd8ad8","start_time":1.5"#;
const TRACE: &str = r#""trace_id":"1-5759e988-bd862e3fe1be46a994272793""#;

/// A segment with these fields besides the required ones.
fn segment(fields: &str) -> String {
    format!("{{{NODE},{TRACE},{fields}}}")
}

fn skipped(decoded: &Decoded<'_>) -> Vec<String> {
    decoded.skipped.iter().map(|skipped| format!("{} {:?}", skipped.field, skipped.reason)).collect()
}

#[test]
fn reads_a_whole_segment() {
    let document = include_bytes!("../../testdata/decode/whole.json");
    let Decoded { segment, skipped } = decode(document).unwrap();
    assert_eq!(skipped, []);
    assert_eq!(format!("{segment:#?}\n"), include_str!("../../testdata/decode/whole.txt"));
}

#[test]
fn what_is_encoded_reads_the_same() {
    let Decoded { segment, .. } = decode(include_bytes!("../../testdata/decode/whole.json")).unwrap();
    let mut document = Vec::new();
    crate::encode::document(&segment, None, &mut document);
    assert_eq!(validate(&document), Ok(()));
    assert_eq!(decode(&document), Ok(Decoded { segment, skipped: Vec::new() }));
}

#[test]
fn an_odd_field_costs_only_itself() {
    for (fields, expected) in [
        // Unknown, mistyped, malformed, out of range.
        (r#""end_time":2,"colour":"red""#, &["colour Unknown"][..]),
        (r#""end_time":"soon""#, &["end_time Malformed"]),
        (r#""end_time":-1"#, &["end_time OutOfRange"]),
        (r#""end_time":1e20"#, &["end_time OutOfRange"]),
        (r#""fault":1,"error":"yes","user":7"#, &["fault WrongType", "error WrongType", "user WrongType"]),
        (r#""parent_id":"123""#, &["parent_id Malformed"]),
        (
            r#""http":[],"aws":1,"sql":"","service":true"#,
            &["http WrongType", "aws WrongType", "sql WrongType", "service WrongType"],
        ),
        (
            r#""http":{"request":{"url":1,"verb":"GET"},"response":{"status":70000,"content_length":1.5},"x":0}"#,
            &[
                "http.request.url WrongType",
                "http.request.verb Unknown",
                "http.response.status OutOfRange",
                "http.response.content_length OutOfRange",
                "http.x Unknown",
            ],
        ),
        (r#""cause":7"#, &["cause WrongType"]),
        (r#""cause":"x""#, &["cause Malformed"]),
        (
            r#""cause":{"exceptions":[1,{"id":2,"stack":[{"line":-2,"path":0}]}]}"#,
            &[
                "cause.exceptions[0] WrongType",
                "cause.exceptions[1].id WrongType",
                "cause.exceptions[1].stack[0].line OutOfRange",
                "cause.exceptions[1].stack[0].path WrongType",
            ],
        ),
        (
            r#""annotations":{"list":[1],"map":{},"huge":1e999,"good":1}"#,
            &["annotations.list WrongType", "annotations.map WrongType", "annotations.huge OutOfRange"],
        ),
        (r#""metadata":{"flat":1,"default":{"a":1}}"#, &["metadata.flat WrongType"]),
        (
            r#""links":[{"id":"53995c3f42cd8ad8"},5]"#,
            &["links[0].trace_id Missing", "links[0] Unusable", "links[1] WrongType"],
        ),
        (r#""precursor_ids":["53995c3f42cd8ad8","?"]"#, &["precursor_ids[1] Malformed"]),
        (
            r#""aws":{"retries":"many","ec2":{"spot":true},"cloudwatch_logs":{},"bucket_name":"b"}"#,
            &["aws.retries Malformed", "aws.ec2.spot Unknown", "aws.cloudwatch_logs WrongType"],
        ),
        // Repeated and contradicting.
        (r#""user":"a","user":"b""#, &["user Repeated"]),
        (r#""type":"subsegment""#, &["type Misplaced"]),
        (r#""type":"span""#, &["type Malformed"]),
        (r#""in_progress":true,"end_time":2"#, &["in_progress Misplaced"]),
        // What is not odd enough to be listed.
        (
            r#""parent_id":"","namespace":"","cause":{},"http":{},"aws":null,"annotations":{"a":null},"links":[null]"#,
            &[],
        ),
        (r#""http":{"response":{"content_length":-1,"status":"200"}}"#, &[]),
    ] {
        let document = segment(fields);
        let decoded = decode(document.as_bytes()).unwrap_or_else(|error| panic!("{fields}: {error}"));
        assert_eq!(skipped(&decoded), expected, "{fields}");
        assert_eq!(decoded.segment.name, "api");
    }
}

#[test]
fn what_is_taken_beyond_the_documented_form() {
    let document = segment(
        r#""end_time":"1.4994734116779E9","parent_id":"53995C3F42CD8AD9","type":"SubSegment","namespace":"local",
        "traced":true,"http":{"response":{"status":"404","content_length":"12"}},
        "aws":{"xray":{"rule_name":"Default"},"id_2":"x","nothing":null},
        "cause":{"exceptions":[{"message":"no id","stack":[{"line":" 12"}]}]},
        "annotations":{"i":-3,"f":0.5,"big":18446744073709551615},
        "metadata":{"n":{"null":null,"u":18446744073709551615,"deep":[{"a":null}]}}"#,
    );
    let Decoded { segment, skipped } = decode(document.as_bytes()).unwrap();
    assert_eq!(skipped, []);
    assert_eq!(segment.kind, Kind::Subsegment);
    assert_eq!(segment.end_time, Some(Timestamp::from_nanos(1_499_473_411_677_900_000)));
    assert_eq!(segment.parent_id.unwrap().to_string(), "53995c3f42cd8ad9");
    assert_eq!(segment.namespace, Some(Namespace::Other(Cow::Borrowed("local"))));
    let http = Http { traced: true, status: Some(404), content_length: Some(12), ..Http::default() };
    assert_eq!(segment.http, Some(http));
    let aws = segment.aws.unwrap();
    assert_eq!(aws.xray.unwrap().sampling_rule_name.as_deref(), Some("Default"));
    assert_eq!(aws.other[0], (Cow::Borrowed("id_2"), Value::Str(Cow::Borrowed("x"))));
    let Some(Cause::Exceptions(cause)) = segment.cause else { panic!() };
    assert_eq!((cause.exceptions[0].id, cause.exceptions[0].stack[0].line), (None, Some(12)));
    let values: Vec<_> = segment.annotations.iter().map(|annotation| &annotation.value).collect();
    assert_eq!(
        values,
        [
            &AnnotationValue::I64(-3),
            &AnnotationValue::F64(0.5),
            &AnnotationValue::F64(18_446_744_073_709_551_615.0),
        ]
    );
    let entry = |key, value| MetadataEntry { namespace: Cow::Borrowed("n"), key: Cow::Borrowed(key), value };
    assert_eq!(
        segment.metadata,
        [
            entry("null", Value::Null),
            entry("u", Value::U64(u64::MAX)),
            entry("deep", Value::List(vec![Value::Map(vec![(Cow::Borrowed("a"), Value::Null)])])),
        ]
    );
}

#[test]
fn a_w3c_trace_id_is_the_same_one() {
    let w3c = format!(r#"{{{NODE},"trace_id":"5759E988bd862e3fe1be46a994272793"}}"#);
    let id = decode(w3c.as_bytes()).unwrap().segment.trace_id.unwrap();
    assert_eq!(id.to_string(), "1-5759e988-bd862e3fe1be46a994272793");
}

#[test]
fn a_bad_subsegment_costs_what_is_inside_it() {
    let document = segment(&format!(
        r#""subsegments":[{{{NODE},"subsegments":[{{{NODE},"fault":0}}]}},
        {{"name":"bad","id":"?","subsegments":[{{{NODE}}}]}},7,null,{{{NODE},"type":"subsegment","parent_id":"x"}}]"#
    ));
    let decoded = decode(document.as_bytes()).unwrap();
    assert_eq!(decoded.segment.subsegments.len(), 2);
    assert_eq!(decoded.segment.subsegments[0].subsegments.len(), 1);
    assert!(decoded.segment.subsegments.iter().all(|node| node.kind == Kind::Subsegment));
    assert_eq!(
        skipped(&decoded),
        [
            "subsegments[0].subsegments[0].fault WrongType",
            "subsegments[1].id Malformed",
            "subsegments[1].start_time Missing",
            "subsegments[1] Unusable",
            "subsegments[2] WrongType",
        ]
    );
}

#[test]
fn what_is_no_document_says_why() {
    for (document, message) in [
        (&b"\xff"[..], "document: expected UTF-8, but found other bytes at byte 0"),
        (b"", "document: not JSON: EOF while parsing a value at line 1 column 0"),
        (b"T1S...", "document: not JSON: expected value at line 1 column 1"),
        (&[b' '; MAX_DECODE_BYTES + 1], "document: expected at most 262144 bytes, but found 262145"),
        (b"[]", "document: expected an object, but found an array"),
        (b"{}", "name: expected text, but found nothing"),
        (br#"{"name":null}"#, "name: expected text, but found nothing"),
        (br#"{"name":1}"#, "name: expected text, but found a number"),
        (
            br#"{"name":"a","id":"1"}"#,
            "id: expected 16 hex digits, not all zero, but found 1 characters of other text",
        ),
        (
            br#"{"name":"a","id":"53995c3f42cd8ad8","start_time":-1}"#,
            "start_time: expected epoch seconds, but found one that is negative or too large",
        ),
        (
            br#"{"name":"a","id":"53995c3f42cd8ad8","start_time":1,"trace_id":{}}"#,
            "trace_id: expected `1-` + 8 + `-` + 24 hex digits, not all zero, but found an object",
        ),
    ] {
        let error = decode(document).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}

/// A document with as many subsegments inside each other.
fn deep(levels: usize) -> String {
    let open = format!("{{{NODE},{TRACE},\"subsegments\":[");
    format!("{}{}", open.repeat(levels), "]}".repeat(levels))
}

#[test]
fn depth_is_bounded_and_overflows_no_stack() {
    let document = deep(MAX_DECODE_DEPTH + 10);
    let decoded = decode(document.as_bytes()).unwrap();
    assert_eq!(decoded.skipped.len(), 1);
    assert_eq!(decoded.skipped[0].reason, SkipReason::TooDeep);
    assert!(decoded.skipped[0].field.starts_with('…') && decoded.skipped[0].field.len() < 300);
    let mut depth = 0;
    let mut node = &decoded.segment;
    while let Some(inside) = node.subsegments.first() {
        depth += 1;
        node = inside;
    }
    // The document is a level of its own, and each subsegment takes two: the list and itself.
    assert_eq!(depth, (MAX_DECODE_DEPTH - 1) / 2);
}

#[test]
fn a_deep_value_loses_its_depths_only() {
    let document = segment(&format!(
        r#""metadata":{{"n":{{"deep":{}1{},"flat":1}}}}"#,
        "[".repeat(30_000),
        "]".repeat(30_000)
    ));
    let decoded = decode(document.as_bytes()).unwrap();
    assert_eq!(decoded.segment.metadata.len(), 2);
    assert_eq!(decoded.skipped.len(), 1);
    assert_eq!(decoded.skipped[0].reason, SkipReason::TooDeep);
}

#[test]
fn what_is_beside_a_value_too_deep_stays() {
    // A list at the last depth that is followed: its elements that hold something are too deep.
    let levels = (MAX_DECODE_DEPTH - 1) / 2;
    let bottom = format!(r#""http":{{"request":{{"url":"u"}}}},"user":"u","subsegments":[7,{{{NODE}}}]"#);
    let document = segment(&format!(
        r#""subsegments":[{}{{{NODE},{bottom}}}{},{{{NODE}}}]"#,
        format!("{{{NODE},\"subsegments\":[").repeat(levels - 1),
        "]}".repeat(levels - 1),
    ));
    let decoded = decode(document.as_bytes()).unwrap();
    let reasons: Vec<_> = decoded.skipped.iter().map(|skipped| skipped.reason).collect();
    assert_eq!(reasons, [SkipReason::TooDeep, SkipReason::WrongType, SkipReason::TooDeep]);
    assert_eq!(decoded.segment.subsegments.len(), 2);
    let mut node = &decoded.segment;
    while let Some(inside) = node.subsegments.first() {
        node = inside;
    }
    assert_eq!(node.user.as_deref(), Some("u"));
}

/// Documents made of a document's usual parts, in unusual places.
fn odd_document() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "name",
        "id",
        "start_time",
        "end_time",
        "trace_id",
        "parent_id",
        "type",
        "http",
        "request",
        "response",
        "status",
        "aws",
        "xray",
        "ecs",
        "cause",
        "exceptions",
        "stack",
        "line",
        "annotations",
        "metadata",
        "links",
        "attributes",
        "subsegments",
        "precursor_ids",
        "sql",
        "service",
        "namespace",
        "in_progress",
    ]);
    let leaf = prop_oneof![
        Just(r#""53995c3f42cd8ad8""#.into()),
        Just(r#""1-5759e988-bd862e3fe1be46a994272793""#.into()),
        Just("null".into()),
        Just("true".into()),
        Just("\"subsegment\"".into()),
        "-?[1-9][0-9]{0,12}(\\.[0-9]{0,12}[0-9])?(e[0-9]{1,3})?",
        "\"[a-z é]{0,9}\"",
    ];
    let value = leaf.prop_recursive(6, 60, 6, move |inner| {
        let object = prop::collection::vec((key.clone(), inner.clone()), 0..6).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            members.join(",")
        });
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            object.clone().prop_map(|members| format!("{{{members}}}")),
            object.prop_map(|members| format!("{{{NODE},{members}}}").replace(",}", "}")),
        ]
    });
    (value, any::<bool>()).prop_map(|(value, wrap)| {
        if wrap { format!("{{{NODE},{TRACE},\"subsegments\":[{value}]}}") } else { value }
    })
}

proptest! {
    #[test]
    fn no_document_panics(document in odd_document()) {
        let accepted = validate(document.as_bytes()).is_ok();
        match decode(document.as_bytes()) {
            // What X-Ray would take is read without loss, but for fields that are unknown here.
            Ok(decoded) if accepted => {
                prop_assert!(decoded.skipped.iter().all(|skipped| skipped.reason == SkipReason::Unknown));
            }
            Ok(_) => {}
            Err(error) => prop_assert!(!accepted, "{}", error),
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text: String, cut in 0usize..200) {
        let whole = include_bytes!("../../testdata/decode/whole.json");
        for document in [&bytes, text.as_bytes(), &whole[..whole.len().saturating_sub(cut)]] {
            let _ = decode(document);
            let _ = validate(document);
        }
    }
}
