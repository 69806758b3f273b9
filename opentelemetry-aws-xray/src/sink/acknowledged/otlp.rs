//! X-Ray's OTLP endpoint: one request a call, compressed, and what its answer means.

mod answer;

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};

use super::{Answer, CallLimits, Caller, failure::failure};
use crate::post::{Post, PostRequest, PostResponse};

/// Bytes of one request before it is compressed. X-Ray takes 5 MB; this keeps eight calls at once within what the outbox holds.
const MAX_REQUEST_BYTES: usize = 1_000_000;

/// Sends OTLP requests, each a document of its own, over a way to post.
#[derive(Debug)]
pub(crate) struct OtlpCaller<P> {
    post: P,
}

impl<P: Post> OtlpCaller<P> {
    pub(crate) const fn new(post: P) -> Self {
        Self { post }
    }
}

impl<P: Post> Caller for OtlpCaller<P> {
    fn limits(&self) -> CallLimits {
        CallLimits {
            max_document_bytes: MAX_REQUEST_BYTES,
            max_documents: 1,
            max_call_bytes: MAX_REQUEST_BYTES,
        }
    }

    fn call(&self, documents: &[&[u8]], timeout: Duration) -> Answer {
        let request = documents.first().copied().unwrap_or_default();
        let compressed = gzip(request);
        let response = self.post.post(
            &PostRequest {
                path: "/v1/traces",
                content_type: "application/x-protobuf",
                content_encoding: compressed.is_some().then_some("gzip"),
                body: compressed.as_deref().unwrap_or(request),
            },
            timeout,
        );
        match response {
            Ok(response) => answer(&response),
            Err(error) => Answer::Failed(error),
        }
    }
}

/// `None` if it can't be done, which it always can onto a buffer in memory.
fn gzip(request: &[u8]) -> Option<Vec<u8>> {
    // Attributes come again and again, so the fastest level leaves little to gain.
    let mut encoder = GzEncoder::new(Vec::with_capacity(request.len() / 8), Compression::fast());
    encoder.write_all(request).ok()?;
    encoder.finish().ok()
}

fn answer(response: &PostResponse) -> Answer {
    if !(200..300).contains(&response.status) {
        // Who signs or throttles may stand in front of the endpoint, and speak JSON.
        let json = serde_json::from_slice(&response.body).ok();
        return Answer::Failed(failure(response, json.as_ref(), answer::refusal(response)));
    }
    match answer::partial_success(&response.body) {
        Some((rejected_spans, message)) => Answer::PartlyAccepted { rejected_spans, message },
        // An answer that can't be read still says that the request was taken.
        None => Answer::Accepted { unprocessed: Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, sync::Mutex};

    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use prost::Message;

    use super::*;
    use crate::post::{CallError, CallErrorKind};

    /// Answers the same to everything, and keeps what came.
    #[derive(Debug, Default)]
    struct Endpoint {
        response: PostResponse,
        bodies: Mutex<Vec<Vec<u8>>>,
    }

    impl Post for Endpoint {
        fn post(&self, request: &PostRequest<'_>, _: Duration) -> Result<PostResponse, CallError> {
            let sent = (request.path, request.content_type, request.content_encoding);
            assert_eq!(sent, ("/v1/traces", "application/x-protobuf", Some("gzip")));
            self.bodies.lock().unwrap().push(request.body.to_vec());
            Ok(self.response.clone())
        }
    }

    fn call(response: PostResponse) -> Answer {
        let caller = OtlpCaller::new(Endpoint { response, ..Endpoint::default() });
        let request = b"a request ".repeat(100);
        let answer = caller.call(&[&request], Duration::from_secs(1));
        let mut unpacked = Vec::new();
        let bodies = caller.post.bodies.into_inner().unwrap();
        flate2::read::GzDecoder::new(&*bodies[0]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, request);
        answer
    }

    #[test]
    fn answers() {
        let partly = |rejected_spans, error_message: &str| {
            let partial = ExportTracePartialSuccess { rejected_spans, error_message: error_message.into() };
            ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        };
        let accepted = || Answer::Accepted { unprocessed: Vec::new() };
        let refused = |rejected_spans, message: &str| Answer::PartlyAccepted {
            rejected_spans,
            message: message.into(),
        };
        for (name, body, expected) in [
            ("empty", Vec::new(), accepted()),
            ("nothing rejected", partly(0, ""), accepted()),
            ("a warning", partly(0, "deprecated"), refused(0, "deprecated")),
            ("spans rejected", partly(3, "too\nold"), refused(3, "too old")),
            ("nonsense", partly(-3, ""), accepted()),
            ("no answer of OTLP", b"<html>".to_vec(), accepted()),
        ] {
            assert_eq!(
                call(PostResponse { status: 200, body, ..PostResponse::default() }),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn a_refusal_keeps_its_status_and_when_to_come_again() {
        let retry_after = Some(Duration::from_secs(7));
        let response = PostResponse { status: 503, retry_after, ..PostResponse::default() };
        let Answer::Failed(error) = call(response) else { panic!("expected a failure") };
        assert_eq!((error.kind, error.retry_after), (CallErrorKind::Status(503), retry_after));
    }

    #[test]
    fn an_error_that_has_a_name_is_what_it_says() {
        for (header, body, kind) in [
            (Some("ThrottlingException"), "", CallErrorKind::Status(429)),
            (None, r#"{"__type":"AccessDeniedException"}"#, CallErrorKind::Status(403)),
            (Some("ExpiredTokenException"), "", CallErrorKind::Credentials),
            (None, "", CallErrorKind::Status(400)),
        ] {
            let error_type = header.map(Into::into);
            let response =
                PostResponse { status: 400, error_type, body: body.into(), ..PostResponse::default() };
            let Answer::Failed(error) = call(response) else { panic!("expected a failure") };
            assert_eq!(error.kind, kind, "{header:?} {body}");
        }
    }
}
