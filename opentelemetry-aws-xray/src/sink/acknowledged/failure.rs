//! An answer that is an error, and what it means for the documents, whatever they are.

use serde_json::Value;

use super::retry;
use crate::post::{CallError, CallErrorKind, Identity, PostResponse};

/// The failure that an answer with an error is, told with these words.
pub(super) fn failure(response: &PostResponse, body: Option<&Value>, message: String) -> CallError {
    CallError {
        kind: kind(response.status, name(response, body)),
        message,
        retry_after: response.retry_after,
    }
}

/// The name of an error in AWS' REST-JSON form: in a header or in the body.
pub(super) fn name<'r>(response: &'r PostResponse, body: Option<&'r Value>) -> &'r str {
    let in_body = || body.and_then(|body| body.get("__type")).and_then(Value::as_str);
    let name = response.error_type.as_deref().or_else(in_body).unwrap_or_default();
    // `com.amazonaws.xray#ThrottledException`, or `ThrottledException:http://…`.
    name.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().trim()
}

/// An error's name says more than its status: AWS' services answer 400 to whom they throttle or don't know, too. Such errors get
/// the status that others have.
fn kind(status: u16, name: &str) -> CallErrorKind {
    const FORBIDDEN: u16 = 403;
    const TOO_MANY_REQUESTS: u16 = 429;
    match Identity::of(name) {
        Some(Identity::Expired) => CallErrorKind::Credentials,
        Some(_) => CallErrorKind::Status(FORBIDDEN),
        None if status < 500 && retry::is_transient(name) => CallErrorKind::Status(TOO_MANY_REQUESTS),
        None => CallErrorKind::Status(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_counts_before_the_status() {
        use CallErrorKind::{Credentials, Status};
        for (status, header, body, expected) in [
            (400, Some("ThrottlingException:http://x/"), "", Status(429)),
            (400, None, r#"{"__type":"com.x#ThrottledException"}"#, Status(429)),
            (403, Some("ThrottlingException"), "", Status(429)),
            (503, Some("ThrottlingException"), "", Status(503)),
            (400, Some("AccessDeniedException"), "", Status(403)),
            (400, Some("UnrecognizedClientException"), "", Status(403)),
            (400, Some("IncompleteSignatureException"), "", Status(403)),
            (400, None, r#"{"__type":"InvalidClientTokenId"}"#, Status(403)),
            (400, Some("RequestExpired"), "", Status(403)),
            (400, Some("ExpiredTokenException"), "", Credentials),
            (403, Some("ExpiredToken"), "", Credentials),
            (400, Some("InvalidRequestException"), "", Status(400)),
            (400, None, r#"{"__type":7}"#, Status(400)),
            (401, None, "", Status(401)),
            (404, None, "<html>", Status(404)),
        ] {
            let response = PostResponse {
                status,
                error_type: header.map(Into::into),
                body: body.into(),
                ..PostResponse::default()
            };
            let json = serde_json::from_slice(&response.body).ok();
            assert_eq!(
                failure(&response, json.as_ref(), String::new()).kind,
                expected,
                "{status} {header:?} {body}"
            );
        }
    }
}
