use std::{format, string::String, string::ToString, vec::Vec};

use super::*;

const TIMES: &str = r#""start_time":1,"end_time":2"#;
const TRACE: &str = r#""trace_id":"1-5759e988-bd862e3fe1be46a994272793""#;

/// A segment with these fields besides the required ones.
fn segment(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"name":"api","id":"53995c3f42cd8ad8",{TIMES},{TRACE}{comma}{fields}}}"#)
}

/// A segment with an exception of this stack frame.
fn frame(frame: &str) -> String {
    segment(&format!(r#""cause":{{"exceptions":[{{"id":"53995c3f42cd8ad9","stack":[{frame}]}}]}}"#))
}

fn message(document: &str) -> String {
    validate(document.as_bytes()).map_or_else(|violation| violation.to_string(), |()| "taken".into())
}

#[test]
fn takes() {
    for document in [
        segment(""),
        segment("") + "\n",
        segment(r#""parent_id":"53995c3f42cd8ad9""#),
        segment(r#""type":"subsegment","parent_id":"53995c3f42cd8ad9","namespace":"remote""#),
        segment(r#""in_progress":false,"cause":{},"metadata":{"n":{"a":null,"b":[1,{}]}}"#),
        segment(
            r#""subsegments":[{"name":"a b","id":"53995c3f42cd8ad9","start_time":1,"in_progress":true}]"#,
        ),
        segment(r#""something_new":{"a":[null]},"aws":{"bucket_name":"b","deep":{"a":1}}"#),
        segment(r#""http":{"response":{"status":200,"content_length":0}}"#),
        segment(r#""http":{"response":{"content_length":-1}}"#),
        segment(r#""http":{"response":{"content_length":"153"}}"#),
        segment(
            r#""parent_id":null,"in_progress":null,"aws":{"ec2":{"ami_id":null}},"annotations":{"a":null}"#,
        ),
        // A user agent that an SDK cut after 250 UTF-16 units, in the middle of an emoji.
        segment(&format!(r#""http":{{"request":{{"user_agent":"{}\ud83d"}}}}"#, "x".repeat(249))),
        // Java's SDK: no file name and no line where a call was reflective, and -2 for the line of native code.
        frame(r#"{"path":null,"line":-1,"label":"sun.reflect.GeneratedMethodAccessor12.invoke"}"#),
        frame(
            r#"{"path":"NativeMethodAccessorImpl.java","line":-2,"label":"sun.reflect.NativeMethodAccessorImpl.invoke0"}"#,
        ),
        // Node's SDK, which takes the line from behind the first colon, for `at new Promise (<anonymous>)` and
        // `at process.processTicksAndRejections (node:internal/process/task_queues:95:5)`.
        frame(r#"{"path":"<anonymous>","line":null,"label":"new Promise"}"#),
        frame(r#"{"path":"node","line":null,"label":"process.processTicksAndRejections"}"#),
        String::from(include_str!("../../testdata/decode/whole.json")),
    ] {
        assert_eq!(message(&document), "taken", "{document}");
    }
}

#[test]
fn names_the_first_field_that_does_not_fit() {
    let long = "x".repeat(1_001);
    let many: Vec<String> = (0..51).map(|key| format!("\"k{key}\":1")).collect();
    let link = r#"{"trace_id":"1-5759e988-bd862e3fe1be46a994272794","id":"53995c3f42cd8ad7"}"#;
    let inside =
        |fields: &str| segment(&format!(r#""subsegments":[{{"id":"53995c3f42cd8ad9",{TIMES},{fields}}}]"#));
    for (document, expected) in [
        // The document as a whole.
        (String::new(), "document: not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]".into(), "document: expected an object, but found an array"),
        (" ".repeat(65_537), "document: expected at most 65536 bytes, but found 65537"),
        (
            segment(r#""user":"a","user":"a""#),
            "user: expected each key once in an object, but found it again",
        ),
        (
            segment(r#""metadata":{"n":{"a":[{"b":1,"b":1}]}}"#),
            "metadata.n.a[0].b: expected each key once in an object, but found it again",
        ),
        // Identity.
        ("{}".into(), "name: expected a name, but found nothing"),
        (r#"{"name":null}"#.into(), "name: expected a name, but found nothing"),
        (r#"{"name":""}"#.into(), "name: expected a name, but found an empty string"),
        (
            r#"{"name":"a<b"}"#.into(),
            r"name: expected letters, digits, white space and `_ . : / % & # = + \ - @`, but found `<`",
        ),
        // A vowel sign, which is a mark and no letter.
        (
            inside("\"name\":\"ร\u{e35}\""),
            r"subsegments[0].name: expected letters, digits, white space and `_ . : / % & # = + \ - @`, but found `\u{e35}`",
        ),
        (
            inside(&format!(r#""name":"{}""#, "x".repeat(260))),
            "subsegments[0].name: expected at most 200 characters, but found 260",
        ),
        (
            r#"{"name":"a","id":"1"}"#.into(),
            "id: expected 16 hex digits, not all zero, but found other text of length 1",
        ),
        (
            r#"{"name":"a","id":"53995c3f42cd8ad8","trace_id":"5759e988bd862e3fe1be46a994272793"}"#.into(),
            "trace_id: expected `1-` + 8 + `-` + 24 hex digits, not all zero, but found other text of length 32",
        ),
        (
            segment(&format!(r#""subsegments":[{{"name":"a","id":"53995c3f42cd8ad8",{TIMES}}}]"#)),
            "subsegments[0].id: expected an id that no other node of the document has, but found one again",
        ),
        (
            segment(r#""type":"subsegment""#),
            "parent_id: expected 16 hex digits on a subsegment that stands alone (MissingParentId), but found nothing",
        ),
        (
            segment(r#""parent_id":"""#),
            "parent_id: expected 16 hex digits, not all zero, but found other text of length 0",
        ),
        (
            segment(r#""type":"segment","parent_id":"53995c3f42cd8ad9""#),
            "type: expected `subsegment` or no such field, but found other text",
        ),
        // Times.
        (
            segment("").replace(",\"end_time\":2", ""),
            "end_time: expected epoch seconds, or `in_progress: true`, but found nothing",
        ),
        (
            segment(r#""in_progress":true"#),
            "end_time: expected no such field beside `in_progress: true`, but found a number",
        ),
        (segment("").replace(":2", ":0.5"), "end_time: expected no time before `start_time`, but found one"),
        (
            segment("").replace(":2", ":\"2\""),
            "end_time: expected epoch seconds as a number, but found a string",
        ),
        // Fields and blocks.
        (
            segment(r#""namespace":"aws""#),
            "namespace: expected no such field on a segment, but found a string",
        ),
        (
            inside(r#""name":"a","namespace":"elsewhere""#),
            "subsegments[0].namespace: expected `aws`, `remote` or `local`, but found other text",
        ),
        (segment(r#""error":1"#), "error: expected a truth value, but found a number"),
        (
            segment(r#""http":{"response":{"status":"200"}}"#),
            "http.response.status: expected a number, but found a string",
        ),
        (
            segment(r#""http":{"response":{"content_length":-2}}"#),
            "http.response.content_length: expected a whole number from -1, but found another value",
        ),
        (
            segment(r#""http":{"response":{"content_length":"many"}}"#),
            "http.response.content_length: expected a whole number from -1, but found another value",
        ),
        (
            segment(r#""http":{"response":{"content_length":[]}}"#),
            "http.response.content_length: expected a number, but found an array",
        ),
        (
            frame(r#"{"line":1.5}"#),
            "cause.exceptions[0].stack[0].line: expected a whole number, but found another number",
        ),
        (
            frame(r#"{"line":"1"}"#),
            "cause.exceptions[0].stack[0].line: expected a number, but found a string",
        ),
        (
            segment(&format!(r#""http":{{"request":{{"url":"{long}"}}}}"#)),
            "http.request.url: expected at most 250 characters, but found 1001",
        ),
        (segment(r#""sql":{"url":1}"#), "sql.url: expected a string, but found a number"),
        (segment(r#""cause":[]"#), "cause: expected an exception's id or an object, but found an array"),
        (
            segment(r#""cause":{"exceptions":[{"message":"m"}]}"#),
            "cause.exceptions[0].id: expected 16 hex digits, but found nothing",
        ),
        // Annotations, metadata, links.
        (
            segment(&format!(r#""annotations":{{{}}}"#, many.join(","))),
            "annotations: expected at most 50 annotations, but found 51",
        ),
        (
            segment(r#""annotations":{"a-b":1}"#),
            "annotations.a-b: expected a key of letters, digits, `_` and `.`, but found another key",
        ),
        (
            segment(r#""annotations":{"a":[]}"#),
            "annotations.a: expected a string, a number or a truth value, but found an array",
        ),
        (
            segment(&format!(r#""annotations":{{"a":"{long}"}}"#)),
            "annotations.a: expected at most 1000 characters, but found 1001",
        ),
        (
            segment(r#""metadata":{"n":1}"#),
            "metadata.n: expected a namespace that is an object, but found a number",
        ),
        (
            segment(r#""metadata":{"AWS.x":{}}"#),
            "metadata.AWS.x: expected a namespace that X-Ray does not reserve, but found one that begins with `AWS.`",
        ),
        (
            segment(&format!(r#""links":[{}]"#, [link; 21].join(","))),
            "links: expected at most 20 links, but found 21",
        ),
        (
            segment(r#""links":[{"id":"53995c3f42cd8ad7"}]"#),
            "links[0].trace_id: expected `1-` + 8 + `-` + 24 hex digits, but found nothing",
        ),
    ] {
        assert_eq!(message(&document), expected, "{document}");
    }
}

#[test]
fn depth_is_bounded() {
    // The document is a level of its own.
    let nested = |levels| segment(&format!(r#""new":{}{}"#, "[".repeat(levels), "]".repeat(levels)));
    assert_eq!(message(&nested(MAX_DECODE_DEPTH - 1)), "taken");
    let refused = message(&nested(MAX_DECODE_DEPTH));
    let expected = "[0]: expected at most 128 arrays and objects inside each other, but found more";
    assert!(refused.starts_with('…') && refused.ends_with(expected), "{refused}");
}

#[test]
fn no_value_of_the_user_is_quoted() {
    let document = segment(r#""annotations":{"token":["secret"]}"#);
    assert!(!message(&document).contains("secret"));
}
