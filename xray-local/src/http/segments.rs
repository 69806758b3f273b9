//! `PutTraceSegments`, as the AWS SDKs and the daemon call it.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use xray_wire::limits::MAX_DOCUMENTS_PER_CALL;

use super::{
    App, MAX_BODY_BYTES,
    aws::{invalid_request, read},
};
use crate::{
    document::{Source, id_of},
    faults::Refusal,
    shared::SharedStore,
};

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
    error_code: String,
    message: String,
}

pub(super) async fn put_trace_segments(
    State(app): State<Arc<App>>,
    refusal: Option<Extension<Refusal>>,
    body: Body,
) -> Response {
    let call: PutTraceSegments = match read(body, MAX_BODY_BYTES).await {
        Ok(call) => call,
        Err(response) => return response,
    };
    if call.trace_segment_documents.len() > MAX_DOCUMENTS_PER_CALL {
        return invalid_request(&format!("Exceeding maximum segment count: {MAX_DOCUMENTS_PER_CALL}"));
    }
    let refusal = refusal.as_deref();
    let unprocessed_trace_segments = call
        .trace_segment_documents
        .iter()
        .filter_map(|document| unprocessed(&app.store, refusal, document))
        .collect();
    Json(PutTraceSegmentsResult { unprocessed_trace_segments }).into_response()
}

/// Takes a document in, or says why not.
fn unprocessed(
    store: &SharedStore,
    refusal: Option<&Refusal>,
    document: &str,
) -> Option<UnprocessedTraceSegment> {
    if let Some(refusal) = refusal {
        let id = id_of(document.as_bytes());
        if let Some(code) = refusal.code_for(id.as_deref().unwrap_or(document).as_bytes()) {
            let message = "a fault that was asked for".to_owned();
            return Some(UnprocessedTraceSegment { id, error_code: code.to_owned(), message });
        }
    }
    let rejected = store.receive(document.as_bytes(), Source::Http).err()?;
    Some(UnprocessedTraceSegment {
        id: rejected.id.clone(),
        error_code: rejected.rejection.code.to_owned(),
        message: rejected.rejection.to_string(),
    })
}
