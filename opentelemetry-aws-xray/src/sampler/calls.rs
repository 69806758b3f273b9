//! The calls of the sampling API as requests, whoever signs them, and what their answers say.

use std::time::Duration;

use ureq::http::StatusCode;
use xray_wire::{
    sampling::{ClientId, Report, RulesPage, Targets, rules_page, rules_request, targets, targets_request},
    sanitize,
};

use super::api::SamplingApiError;
use crate::post::{Post, PostRequest, PostResponse};

/// The two calls over a way to post.
#[derive(Debug)]
pub(super) struct Calls<P> {
    post: P,
    timeout: Duration,
}

impl<P: Post> Calls<P> {
    /// Calls that take no longer than `timeout` each.
    pub(super) const fn new(post: P, timeout: Duration) -> Self {
        Self { post, timeout }
    }

    /// As [`SamplingApi::rules`](super::SamplingApi::rules).
    pub(super) fn rules(&self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        let body = self.call("/GetSamplingRules", &rules_request(next_token))?;
        rules_page(&body).map_err(|error| SamplingApiError::caused_by(&error))
    }

    /// As [`SamplingApi::targets`](super::SamplingApi::targets).
    pub(super) fn targets(
        &self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        let body = self.call("/SamplingTargets", &targets_request(client, epoch_millis, reports))?;
        targets(&body).map_err(|error| SamplingApiError::caused_by(&error))
    }

    fn call(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, SamplingApiError> {
        let request = PostRequest { path, content_type: "application/json", content_encoding: None, body };
        let response =
            self.post.post(&request, self.timeout).map_err(|error| SamplingApiError::new(error.message))?;
        if !(200..300).contains(&response.status) {
            return Err(SamplingApiError::new(refusal(&response)));
        }
        Ok(response.body)
    }
}

/// Such as `the answer was 400 Bad Request (ThrottledException): {"message":"slow down"}`.
fn refusal(PostResponse { status, error_type, body, .. }: &PostResponse) -> String {
    let status =
        StatusCode::from_u16(*status).map_or_else(|_| status.to_string(), |status| status.to_string());
    let error_type = error_type.as_ref().map(|name| format!(" ({})", shown(name))).unwrap_or_default();
    format!("the answer was {status}{error_type}: {}", shown(&String::from_utf8_lossy(body)))
}

/// The other side's words as far as a person wants to read them.
fn shown(text: &str) -> String {
    const SHOWN_CHARS: usize = 200;
    sanitize::truncate(text.trim(), SHOWN_CHARS).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::{CallError, CallErrorKind};

    /// Has one answer to everything.
    #[derive(Debug)]
    struct Answers(Result<PostResponse, CallError>);

    impl Post for Answers {
        fn post(&self, request: &PostRequest<'_>, timeout: Duration) -> Result<PostResponse, CallError> {
            assert_eq!((request.path, request.content_type), ("/GetSamplingRules", "application/json"));
            assert_eq!(timeout, Duration::from_secs(3));
            self.0.clone()
        }
    }

    #[test]
    fn what_is_no_answer_is_told_in_words() {
        let response = |status, error_type: Option<&str>, body: &str| {
            let error_type = error_type.map(Into::into);
            Ok(PostResponse { status, error_type, body: body.into(), ..PostResponse::default() })
        };
        let away = CallError::new(CallErrorKind::Unreachable, "nobody is there");
        let endless = "x".repeat(PostResponse::MAX_BODY_BYTES);
        for (answer, expected) in [
            (Err(away), "nobody is there"),
            (response(302, None, ""), "the answer was 302 Found: "),
            (
                response(400, Some("ThrottledException"), "{\"message\":\"slow\n down\"}\n"),
                r#"the answer was 400 Bad Request (ThrottledException): {\"message\":\"slow\n down\"}"#,
            ),
            (response(0, None, "?"), "the answer was 0: ?"),
            (response(200, None, &endless), "expected at most 1048576 bytes, but found 1048577"),
        ] {
            let found = Calls::new(Answers(answer), Duration::from_secs(3)).rules(None).unwrap_err();
            assert_eq!(found.to_string(), expected);
        }
        let long = response(500, Some(&"e".repeat(9_999)), &"b".repeat(9_999));
        let found = Calls::new(Answers(long), Duration::from_secs(3)).rules(None).unwrap_err();
        assert!(found.to_string().len() < 500, "{found}");
    }
}
