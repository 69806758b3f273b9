//! What an OTLP endpoint answers: `ExportTraceServiceResponse`, or `google.rpc.Status` with an error.

use crate::post::PostResponse;

/// Characters of somebody else's message that are shown.
const MAX_MESSAGE_CHARS: usize = 400;

/// What X-Ray needs for OTLP, for those who have never heard of it.
const TRANSACTION_SEARCH: &str = "X-Ray takes OTLP only where Transaction Search is on: turn it on in the CloudWatch \
     console or with `aws xray update-trace-segment-destination --destination CloudWatchLogs`, or send segments, \
     which work without";

/// How many spans were rejected, and why, if there is anything to tell.
pub(super) fn partial_success(body: &[u8]) -> Option<(u32, String)> {
    let partial = Fields(body).find_map(|(number, field)| match field {
        Field::Bytes(bytes) if number == 1 => Some(bytes),
        _ => None,
    })?;
    let mut rejected = 0;
    let mut message = String::new();
    for (number, field) in Fields(partial) {
        match (number, field) {
            // An `int64`, of which a negative one makes no sense.
            (1, Field::Varint(spans)) => {
                rejected = u32::try_from(spans.cast_signed().max(0)).unwrap_or(u32::MAX);
            }
            (2, Field::Bytes(bytes)) => message = printable(bytes),
            _ => {}
        }
    }
    (rejected > 0 || !message.is_empty()).then_some((rejected, message))
}

/// An error in plain words: the name of the AWS error, and the message of a `google.rpc.Status`, else whatever came.
pub(super) fn refusal(response: &PostResponse) -> String {
    let kind = response.error_type.as_deref().map(|kind| printable(kind.as_bytes())).unwrap_or_default();
    let told = status_message(&response.body).unwrap_or_else(|| printable(&response.body));
    let mut message = match (kind.is_empty(), told.is_empty()) {
        (true, true) => "no reason was given".to_owned(),
        (true, false) => told,
        (false, true) => kind,
        (false, false) => format!("{kind}: {told}"),
    };
    if is_about_transaction_search(&message) {
        message.push_str(". ");
        message.push_str(TRANSACTION_SEARCH);
    }
    message
}

fn is_about_transaction_search(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["segment destination", "segmentdestination", "transaction search"]
        .iter()
        .any(|hint| message.contains(hint))
}

/// The message of a `google.rpc.Status`; `None` if the whole is no such thing.
fn status_message(body: &[u8]) -> Option<String> {
    let mut fields = Fields(body);
    let mut message = None;
    for (number, field) in fields.by_ref() {
        if let (2, Field::Bytes(bytes)) = (number, field) {
            message = Some(printable(bytes));
        }
    }
    message.filter(|_| fields.0.is_empty())
}

/// Text on one line without control characters, cut to what a person wants to read.
fn printable(text: &[u8]) -> String {
    // A character has at most four bytes.
    let head = &text[..text.len().min(4 * MAX_MESSAGE_CHARS)];
    let text: String = String::from_utf8_lossy(head)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_MESSAGE_CHARS)
        .collect();
    text.trim().to_owned()
}

/// A field of a protobuf message, as far as it matters here.
enum Field<'b> {
    Varint(u64),
    Bytes(&'b [u8]),
    Other,
}

/// The fields of a protobuf message with their numbers. Ends at what can't be read, which is then left.
struct Fields<'b>(&'b [u8]);

impl<'b> Iterator for Fields<'b> {
    type Item = (u64, Field<'b>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.0;
        let tag = varint(&mut rest)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut rest)?),
            1 => take(&mut rest, 8).map(|_| Field::Other)?,
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Field::Bytes(take(&mut rest, length)?)
            }
            5 => take(&mut rest, 4).map(|_| Field::Other)?,
            _ => return None,
        };
        self.0 = rest;
        Some((tag >> 3, field))
    }
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    const MOST: usize = 10;
    let mut value = 0;
    for index in 0..MOST {
        let byte = *take(bytes, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    /// `google.rpc.Status` without its details.
    #[derive(Clone, PartialEq, Message)]
    struct Status {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }

    fn told(error_type: Option<&str>, body: &[u8]) -> String {
        let error_type = error_type.map(str::to_owned);
        refusal(&PostResponse { status: 400, error_type, body: body.to_vec(), ..PostResponse::default() })
    }

    fn status(message: &str) -> Vec<u8> {
        Status { code: 3, message: message.to_owned() }.encode_to_vec()
    }

    #[test]
    fn refusals_in_plain_words() {
        for (error_type, body, expected) in [
            (None, status("span too\r\nlarge"), "span too  large"),
            (Some("InvalidRequestException"), status("no"), "InvalidRequestException: no"),
            (Some("ThrottlingException"), vec![], "ThrottlingException"),
            (None, br#"{"message":"no"}"#.to_vec(), r#"{"message":"no"}"#),
            (None, b"<html>\n".to_vec(), "<html>"),
            (None, vec![], "no reason was given"),
            (None, status(""), "no reason was given"),
        ] {
            assert_eq!(told(error_type, &body), expected, "{body:?}");
        }
    }

    #[test]
    fn who_has_no_transaction_search_learns_of_it() {
        let told = told(
            None,
            &status(
                "The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination. Please enable the \
                 CloudWatch Logs destination for your traces using the UpdateTraceSegmentDestination API",
            ),
        );
        assert!(told.contains("update-trace-segment-destination --destination CloudWatchLogs"), "{told}");
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_is_long(body: Vec<u8>, message in ".{0,900}") {
            let _ = partial_success(&body);
            for body in [body, status(&message)] {
                let length = told(None, &body).chars().count();
                prop_assert!(length <= MAX_MESSAGE_CHARS + 2 + TRANSACTION_SEARCH.len());
            }
        }

        #[test]
        fn what_was_rejected_is_read(rejected_spans in 1..i64::from(u32::MAX), error_message in "[ -~]{0,50}") {
            let expected = (u32::try_from(rejected_spans).unwrap(), error_message.trim().to_owned());
            let partial = ExportTracePartialSuccess { rejected_spans, error_message };
            let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
            prop_assert_eq!(partial_success(&body), Some(expected));
        }
    }
}
