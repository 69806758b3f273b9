//! Answers in the shape of AWS' REST-JSON protocol.

use axum::{
    Json,
    body::{self, Body},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};

/// Reads the JSON of a call, up to so many bytes.
///
/// # Errors
/// The answer that AWS gives to what is too long or has another shape.
pub(super) async fn read<T: DeserializeOwned>(body: Body, max_bytes: usize) -> Result<T, Response> {
    let Ok(body) = body::to_bytes(body, max_bytes).await else {
        let message = format!("expected a body of at most {max_bytes} bytes");
        return Err(aws_error(StatusCode::PAYLOAD_TOO_LARGE, "InvalidRequestException", &message));
    };
    // Samplers of OpenTelemetry ask for rules without a body, which AWS reads as a call without parameters.
    let json: &[u8] = if body.is_empty() { b"{}" } else { &body };
    serde_json::from_slice(json).map_err(|error| invalid_request(&error.to_string()))
}

/// Any other operation of the X-Ray API.
pub(super) fn unknown_operation() -> Response {
    aws_error(StatusCode::NOT_FOUND, "UnknownOperationException", "xray-local has no such operation")
}

/// A call with a parameter that is missing or wrong.
pub(super) fn invalid_request(message: &str) -> Response {
    aws_error(StatusCode::BAD_REQUEST, "InvalidRequestException", message)
}

/// An error: its name in `x-amzn-errortype`, its message in the body.
pub(super) fn aws_error(status: StatusCode, name: &str, message: &str) -> Response {
    #[derive(Serialize)]
    struct Message<'a> {
        message: &'a str,
    }
    let mut response = (status, Json(Message { message })).into_response();
    if let Ok(name) = HeaderValue::from_str(name) {
        response.headers_mut().insert("x-amzn-errortype", name);
    }
    response
}
