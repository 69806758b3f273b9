//! `PutTelemetryRecords`, in which a daemon tells of itself once a minute, and `/api/telemetry`.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{App, aws::read};
use crate::{clock, telemetry::Telemetry};

/// Room for ten records, of half a kilobyte each, many times over.
const MAX_BODY_BYTES: usize = 64 << 10;

#[derive(Serialize)]
struct Nothing {}

pub(super) async fn put_telemetry_records(State(app): State<Arc<App>>, body: Body) -> Response {
    match read(body, MAX_BODY_BYTES).await {
        Ok(call) => {
            app.store.keep_telemetry(call, clock::now());
            Json(Nothing {}).into_response()
        }
        Err(response) => response,
    }
}

#[derive(Serialize)]
pub(super) struct TelemetryBody {
    telemetry: Telemetry,
}

pub(super) async fn telemetry(State(app): State<Arc<App>>) -> Json<TelemetryBody> {
    Json(TelemetryBody { telemetry: app.store.telemetry() })
}
