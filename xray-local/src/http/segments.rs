//! X-Ray's own API as the AWS SDKs and the daemon speak it: `PutTraceSegments`, and what the daemon needs besides.

use std::sync::Arc;

use axum::{
    Json,
    body::{self, Body},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use xray_wire::limits::{MAX_DOCUMENT_BYTES, MAX_DOCUMENTS_PER_CALL};

use super::App;
use crate::{document::Source, shared::SharedStore};

/// As many documents as a call may hold, each as long as it may be, with every second character escaped.
const MAX_BODY_BYTES: usize = 2 * MAX_DOCUMENTS_PER_CALL * MAX_DOCUMENT_BYTES;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutTraceSegments {
    trace_segment_documents: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutTraceSegmentsResult {
    unprocessed_trace_segments: Vec<UnprocessedTraceSegment>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UnprocessedTraceSegment {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    error_code: &'static str,
    message: String,
}

pub(super) async fn put_trace_segments(State(app): State<Arc<App>>, body: Body) -> Response {
    let Ok(body) = body::to_bytes(body, MAX_BODY_BYTES).await else {
        return invalid_request(StatusCode::PAYLOAD_TOO_LARGE, "expected a body of at most 6.25 MiB");
    };
    let call: PutTraceSegments = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(error) => return invalid_request(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if call.trace_segment_documents.len() > MAX_DOCUMENTS_PER_CALL {
        let message = format!("Exceeding maximum segment count: {MAX_DOCUMENTS_PER_CALL}");
        return invalid_request(StatusCode::BAD_REQUEST, &message);
    }
    let unprocessed_trace_segments = unprocessed(&app.store, &call.trace_segment_documents);
    Json(PutTraceSegmentsResult { unprocessed_trace_segments }).into_response()
}

fn unprocessed(store: &SharedStore, documents: &[String]) -> Vec<UnprocessedTraceSegment> {
    documents
        .iter()
        .filter_map(|document| store.receive(document.as_bytes(), Source::Http).err())
        .map(|rejected| UnprocessedTraceSegment {
            id: rejected.id.clone(),
            error_code: rejected.rejection.code,
            message: rejected.rejection.to_string(),
        })
        .collect()
}

/// `PutTelemetryRecords`, in which the daemon tells of itself once a minute: taken and forgotten.
pub(super) async fn put_telemetry_records() -> Json<Nothing> {
    Json(Nothing {})
}

#[derive(Serialize)]
pub(super) struct Nothing {}

/// Any other operation of the X-Ray API.
pub(super) fn unknown_operation() -> Response {
    aws_error(StatusCode::NOT_FOUND, "UnknownOperationException", "xray-local has no such operation")
}

fn invalid_request(status: StatusCode, message: &str) -> Response {
    aws_error(status, "InvalidRequestException", message)
}

/// An error in the shape of AWS' REST-JSON protocol.
fn aws_error(status: StatusCode, kind: &'static str, message: &str) -> Response {
    #[derive(Serialize)]
    struct Message<'a> {
        message: &'a str,
    }
    (status, [("x-amzn-errortype", kind)], Json(Message { message })).into_response()
}
