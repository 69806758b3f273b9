//! `PutTraceSegments` over HTTP: fifty documents a call, and an answer that names those that were not taken.

use serde_json::Value;

use super::{Answer, CallLimits, Caller, Unprocessed, failure};
use crate::{
    post::{CallError, CallErrorKind, Post, PostRequest, PostResponse},
    sink::DOCUMENT_BUDGET,
};

/// The most bytes of the documents of one call. X-Ray documents no bound; this keeps eight calls at once within what the
/// outbox holds, and is twice what it takes of one trace (X-Ray quotas: 500 KB).
const MAX_CALL_BYTES: usize = 1024 * 1024;

/// Calls `PutTraceSegments` by way of a [`Post`].
#[derive(Debug)]
pub(crate) struct PutTraceSegments<P> {
    post: P,
}

impl<P: Post> PutTraceSegments<P> {
    pub(crate) fn new(post: P) -> Self {
        Self { post }
    }
}

impl<P: Post> Caller for PutTraceSegments<P> {
    fn limits(&self) -> CallLimits {
        CallLimits {
            max_document_bytes: DOCUMENT_BUDGET,
            max_documents: xray_wire::limits::MAX_DOCUMENTS_PER_CALL,
            max_call_bytes: MAX_CALL_BYTES,
        }
    }

    fn call(&self, documents: &[&[u8]], timeout: std::time::Duration) -> Answer {
        let body = body(documents);
        let request = PostRequest {
            path: "/TraceSegments",
            content_type: "application/json",
            content_encoding: None,
            body: &body,
        };
        match self.post.post(&request, timeout) {
            Ok(response) => answer(&response),
            Err(error) => Answer::Failed(error),
        }
    }
}

/// `{"TraceSegmentDocuments":["…","…"]}`.
fn body(documents: &[&[u8]]) -> Vec<u8> {
    const OPEN: &[u8] = b"{\"TraceSegmentDocuments\":[";
    let bytes: usize = documents.iter().map(|json| json.len()).sum();
    // A document of the usual kind grows by a fifth when its quotes are escaped.
    let mut body = Vec::with_capacity(OPEN.len() + bytes + bytes / 4);
    body.extend_from_slice(OPEN);
    for (index, json) in documents.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        string(json, &mut body);
    }
    body.extend_from_slice(b"]}");
    body
}

/// Appends text as a JSON string.
fn string(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(is_special) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Reads an answer, as tolerantly as the services' own clients do.
fn answer(response: &PostResponse) -> Answer {
    let json = serde_json::from_slice::<Value>(&response.body).ok();
    if !(200..300).contains(&response.status) {
        return Answer::Failed(failure(response, json.as_ref()));
    }
    if response.body.is_empty() {
        return Answer::Accepted { unprocessed: Vec::new() };
    }
    let Some(Value::Object(answer)) = json else {
        let message = "expected X-Ray's answer, but found something that is no JSON object";
        return Answer::Failed(CallError::new(CallErrorKind::Broken, message));
    };
    let entries = answer.get("UnprocessedTraceSegments").and_then(Value::as_array);
    Answer::Accepted { unprocessed: entries.into_iter().flatten().map(unprocessed).collect() }
}

fn unprocessed(entry: &Value) -> Unprocessed {
    let text = |key| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    Unprocessed {
        id: text("Id"),
        code: bounded(&text("ErrorCode").unwrap_or_default()),
        message: bounded(&text("Message").unwrap_or_default()),
    }
}

/// An error with its name, and the message that stands in the body.
fn failure(response: &PostResponse, body: Option<&Value>) -> CallError {
    let text = |key| body.and_then(|body| body.get(key)).and_then(Value::as_str);
    let name = failure::name(response, body);
    let message = text("message").or_else(|| text("Message")).unwrap_or_default();
    failure::failure(response, body, bounded(&format!("{} {name}: {message}", response.status)))
}

/// The other side's words, as far as a person wants to read them: they are kept, and copied for each document.
fn bounded(text: &str) -> String {
    const CHARS: usize = 400;
    xray_wire::sanitize::truncate(text, CHARS).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn response(status: u16, body: &str) -> PostResponse {
        PostResponse { status, body: body.into(), ..PostResponse::default() }
    }

    #[test]
    fn answers() {
        let entry = |id: Option<&str>, code: &str| Unprocessed {
            id: id.map(Into::into),
            code: code.into(),
            message: String::new(),
        };
        for (body, expected) in [
            ("", vec![]),
            ("{}", vec![]),
            (r#"{"UnprocessedTraceSegments":null}"#, vec![]),
            (r#"{"UnprocessedTraceSegments":[]}"#, vec![]),
            (
                r#"{"UnprocessedTraceSegments":[{"Id":"a","ErrorCode":"B","More":1}],"New":{}}"#,
                vec![entry(Some("a"), "B")],
            ),
            (r#"{"UnprocessedTraceSegments":[{"Id":7},null]}"#, vec![entry(None, ""), entry(None, "")]),
        ] {
            assert_eq!(answer(&response(200, body)), Answer::Accepted { unprocessed: expected }, "{body}");
        }
        let long = json!({ "UnprocessedTraceSegments": [{ "ErrorCode": "x".repeat(9_999), "Message": "x".repeat(9_999) }] });
        let Answer::Accepted { unprocessed } = answer(&response(200, &long.to_string())) else {
            panic!("taken")
        };
        assert!(unprocessed[0].code.len() < 999 && unprocessed[0].message.len() < 999, "{unprocessed:?}");
        for body in ["<html>", "[]", "\"\"", "\u{1}"] {
            assert!(
                matches!(answer(&response(200, body)), Answer::Failed(error) if error.kind == CallErrorKind::Broken),
                "{body}"
            );
        }
    }

    #[test]
    fn errors_in_all_their_spellings() {
        use CallErrorKind::{Credentials, Status};
        for (status, header, body, kind, message) in [
            (
                429,
                Some("ThrottledException"),
                r#"{"message":"slow"}"#,
                Status(429),
                "429 ThrottledException: slow",
            ),
            (400, Some("ThrottlingException:http://x/"), "", Status(429), "400 ThrottlingException: "),
            (
                400,
                None,
                r#"{"__type":"com.x#InvalidRequestException","Message":"bad"}"#,
                Status(400),
                "400 InvalidRequestException: bad",
            ),
            (403, Some("ExpiredTokenException"), "{}", Credentials, "403 ExpiredTokenException: "),
            (502, None, "<html>", Status(502), "502 : "),
        ] {
            let mut response = response(status, body);
            response.error_type = header.map(Into::into);
            response.retry_after = Some(Duration::from_secs(3));
            let error = CallError { kind, message: message.into(), retry_after: response.retry_after };
            assert_eq!(answer(&response), Answer::Failed(error), "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn a_body_is_json_that_holds_the_documents(documents in prop::collection::vec("\\PC*|[\"\\\\\u{0}-\u{1f}é]*", 0..5)) {
            let texts: Vec<&[u8]> = documents.iter().map(String::as_bytes).collect();
            let read: Value = serde_json::from_slice(&body(&texts)).unwrap();
            prop_assert_eq!(&read["TraceSegmentDocuments"], &json!(documents));
        }

        #[test]
        fn any_answer_is_read(status in 100u16..600, body: Vec<u8>, error_type in prop::option::of(".*")) {
            answer(&PostResponse { status, retry_after: None, error_type, body });
        }
    }
}
