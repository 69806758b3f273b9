//! The TCP side: X-Ray's `PutTraceSegments`, the API for scripts, the viewer.

mod api;
mod guard;
mod segments;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::Method,
    middleware,
    response::Response,
    routing::{get, post},
};

use crate::{shared::SharedStore, viewer};

/// What every handler may need.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: SharedStore,
    /// Where it can be reached.
    pub(crate) address: SocketAddr,
    pub(crate) allowed_hosts: Vec<String>,
}

pub(crate) fn router(app: Arc<App>) -> Router {
    let pages = Router::new()
        .route("/api/traces", get(api::traces))
        .route("/api/traces/{id}", get(api::trace))
        .route("/api/map", get(api::map))
        .route("/api/rejected", get(api::rejected))
        .route("/api/stats", get(api::stats))
        .route("/api/clear", post(api::clear))
        .merge(viewer::router())
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::check_host));
    Router::new()
        .route("/TraceSegments", post(segments::put_trace_segments))
        .route("/TelemetryRecords", post(segments::put_telemetry_records))
        .layer(DefaultBodyLimit::disable())
        .merge(pages)
        .layer(middleware::from_fn(guard::check_origin))
        .layer(middleware::map_response(guard::secure))
        .with_state(app)
}

/// Operations of the AWS API are POSTs and get its kind of error; people get a page.
async fn not_found(State(app): State<Arc<App>>, method: Method) -> Response {
    if method == Method::POST { segments::unknown_operation() } else { viewer::not_found(&app) }
}
