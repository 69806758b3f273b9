//! X-Ray's OTLP endpoint, `POST /v1/traces`: protobuf or JSON, compressed or not.

use std::{borrow::Cow, io::Read, sync::Arc};

use axum::{
    body::{self, Body},
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::read::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde::Serialize;

use super::App;
use crate::{document::Source, otlp, viewer::blocking};

/// Bytes of a request, uncompressed (X-Ray developer guide, "OpenTelemetry Protocol endpoint": 5 MB), read generously.
const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// How a request is written, and its answer as well.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

/// `google.rpc.Status`, without its details.
#[derive(Clone, PartialEq, Message, Serialize)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// `google.rpc.Code.INVALID_ARGUMENT`.
const INVALID_ARGUMENT: i32 = 3;

pub(super) async fn export_traces(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    let Some(encoding) = Encoding::of(&headers) else {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected application/x-protobuf or application/json\n")
            .into_response();
    };
    let Ok(body) = body::to_bytes(body, MAX_BODY_BYTES).await else {
        return encoding.refuse(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE.into());
    };
    blocking(move || {
        let taken = unpacked(&headers, &body)
            .and_then(|request| encoding.read(&request))
            .and_then(|request| otlp::receive(&app.store, request, Source::Http));
        match taken {
            Ok(taken) => encoding.accept(taken.rejected),
            Err(reason) => {
                app.store.reject_otlp(&body, &reason, Source::Http);
                encoding.refuse(StatusCode::BAD_REQUEST, reason)
            }
        }
    })
    .await
}

const TOO_LARGE: &str = "expected a request of at most 5 MiB, uncompressed";

/// A request as it was before it was compressed.
fn unpacked<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<Cow<'b, [u8]>, Cow<'static, str>> {
    match text(headers, &header::CONTENT_ENCODING) {
        "" | "identity" => Ok(Cow::Borrowed(body)),
        "gzip" => {
            let mut request = Vec::new();
            let limit = MAX_BODY_BYTES as u64 + 1;
            let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut request);
            match read {
                Ok(length) if length > MAX_BODY_BYTES => Err(TOO_LARGE.into()),
                Ok(_) => Ok(Cow::Owned(request)),
                Err(_) => Err("expected gzip, as Content-Encoding says".into()),
            }
        }
        _ => Err("expected Content-Encoding to be gzip, or none".into()),
    }
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        match text(headers, &header::CONTENT_TYPE).split(';').next()?.trim() {
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn read(self, request: &[u8]) -> Result<ExportTraceServiceRequest, Cow<'static, str>> {
        match self {
            Self::Protobuf => otlp::decode(request),
            Self::Json => serde_json::from_slice(request)
                .map_err(|error| format!("expected an ExportTraceServiceRequest: {error}").into()),
        }
    }

    fn accept(self, rejected: u64) -> Response {
        let partial_success = (rejected > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: rejected.cast_signed(),
            error_message: "expected ids of 16 and 8 bytes that are not zero".to_owned(),
        });
        self.answer(StatusCode::OK, &ExportTraceServiceResponse { partial_success })
    }

    fn refuse(self, status: StatusCode, reason: Cow<'static, str>) -> Response {
        self.answer(status, &Status { code: INVALID_ARGUMENT, message: reason.into_owned() })
    }

    fn answer(self, status: StatusCode, message: &(impl Message + Serialize)) -> Response {
        match self {
            Self::Protobuf => {
                (status, [(header::CONTENT_TYPE, "application/x-protobuf")], message.encode_to_vec())
                    .into_response()
            }
            Self::Json => (status, axum::Json(message)).into_response(),
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
