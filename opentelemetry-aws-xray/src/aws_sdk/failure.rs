//! Why a call failed, in the service's own words.

use aws_smithy_runtime_api::client::{
    interceptors::context::Error,
    orchestrator::{HttpResponse, OrchestratorError},
};

use super::{
    members::{self, Member},
    text,
};
use crate::error_chain;

/// What is recorded of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The service's code (`NoSuchKey`); where it sent none, the HTTP status; where it did not answer, the variant of
    /// the SDK's error.
    pub(super) kind: String,
    /// The service's message, else the error's.
    pub(super) message: String,
}

impl Failure {
    /// Reads an error, and the answer that it came with. `is_serialized` says whether there was a request.
    pub(super) fn of(
        error: &OrchestratorError<Error>,
        response: Option<&HttpResponse>,
        is_serialized: bool,
    ) -> Self {
        let kind = if error.is_timeout_error() {
            "TimeoutError"
        } else if error.is_connector_error() {
            "DispatchFailure"
        } else if error.is_response_error() {
            "ResponseError"
        } else if let (true, Some(response)) = (error.is_operation_error(), response) {
            let told = Told::by(response);
            return Self {
                kind: told.code.unwrap_or_else(|| response.status().as_u16().to_string()),
                message: told.message.unwrap_or_else(|| chain(error)),
            };
        } else {
            // As the SDK names what interceptors, signers and endpoints fail with.
            match (response, is_serialized) {
                (Some(_), _) => "ResponseError",
                (None, true) => "DispatchFailure",
                (None, false) => "ConstructionFailure",
            }
        };
        Self { kind: kind.to_owned(), message: chain(error) }
    }
}

/// The error and its sources.
fn chain(error: &OrchestratorError<Error>) -> String {
    text::message(&error_chain::message(error))
}

/// What a service told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    code: Option<String>,
    message: Option<String>,
}

impl Told {
    fn by(response: &HttpResponse) -> Self {
        let header = |name| response.headers().get(name);
        // The former keeps the codes of services that once spoke the query protocol (SQS), as the SDK does.
        let code = header("x-amzn-query-error").or_else(|| header("x-amzn-errortype")).and_then(code);
        let body = response.body().bytes().unwrap_or_default();
        let inside =
            if body.trim_ascii_start().starts_with(b"<") { Self::in_xml(body) } else { Self::in_json(body) };
        Self { code: code.or(inside.code), message: inside.message }
    }

    fn in_json(body: &[u8]) -> Self {
        let mut told = Self::default();
        let is_wanted = |name: &str| matches!(name, "__type" | "code" | "message" | "Message");
        members::read(body, is_wanted, |name, member| match (name, member) {
            ("__type" | "code", Member::Text(text)) if told.code.is_none() => told.code = code(&text),
            ("message" | "Message", Member::Text(message)) => told.message = Some(text::message(&message)),
            _ => {}
        });
        told
    }

    fn in_xml(body: &[u8]) -> Self {
        /// Errors are short; the code stands near their start.
        const MAX_XML_BYTES: usize = 8 * 1_024;
        let xml = String::from_utf8_lossy(&body[..body.len().min(MAX_XML_BYTES)]);
        let element = |start: &str, end: &str| {
            let (_, after) = xml.split_once(start)?;
            let (text, _) = after.split_once(end)?;
            Some(unescaped(text))
        };
        Self {
            code: element("<Code>", "</Code>").as_deref().and_then(code),
            message: element("<Message>", "</Message>").map(|message| text::message(&message)),
        }
    }
}

/// The code without what surrounds it: `namespace#Code:http://…` and `Code;Sender`.
fn code(text: &str) -> Option<String> {
    let code = text.rsplit_once('#').map_or(text, |(_, code)| code);
    let code = code.split([':', ';']).next().unwrap_or_default().trim();
    (!code.is_empty()).then(|| text::bounded(code))
}

fn unescaped(text: &str) -> String {
    // The ampersand last, or it would make new escapes.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use proptest::prelude::*;

    use super::*;

    fn response(headers: &[(&'static str, &'static str)], body: &[u8]) -> HttpResponse {
        let status = StatusCode::try_from(400).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body.to_vec()));
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        response
    }

    #[test]
    fn services_tell_in_their_own_ways() {
        for (headers, body, code, message) in [
            // JSON: DynamoDB, Lambda, SQS.
            (
                &[][..],
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"gone"}"#,
                Some("ResourceNotFoundException"),
                Some("gone"),
            ),
            (
                &[("x-amzn-errortype", "TooManyRequestsException:http://internal/")][..],
                r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Message":"Rate exceeded"}"#,
                Some("TooManyRequestsException"),
                Some("Rate exceeded"),
            ),
            (
                &[("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")][..],
                r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}"#,
                Some("AWS.SimpleQueueService.NonExistentQueue"),
                Some("no such queue"),
            ),
            // XML: S3, SNS.
            (
                &[][..],
                "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>a &amp;lt; b</Message></Error>",
                Some("NoSuchKey"),
                Some("a &lt; b"),
            ),
            (
                &[][..],
                "\n<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code></Error></ErrorResponse>",
                Some("NotFound"),
                None,
            ),
            (&[][..], "", None, None),
            (&[][..], "gateway timeout", None, None),
            (
                &[][..],
                r#"{"message":"see https://h/?X-Amz-Signature=abc"}"#,
                None,
                Some("see https://h/?X-Amz-Signature=REDACTED"),
            ),
        ] {
            let told = Told::by(&response(headers, body.as_bytes()));
            assert_eq!((told.code.as_deref(), told.message.as_deref()), (code, message), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(body: Vec<u8>, xml: String) {
            Told::by(&response(&[], &body));
            Told::by(&response(&[], format!("<{xml}").as_bytes()));
        }
    }
}
