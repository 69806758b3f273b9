//! The TCP side: X-Ray's own API, the API for scripts, the viewer.

mod api;
mod aws;
mod connection;
mod faults;
mod guard;
mod otlp;
mod sampling;
mod segments;
mod signature;
mod telemetry;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::Method,
    middleware,
    response::Response,
    routing::{get, post},
};

use xray_wire::limits::{MAX_DOCUMENT_BYTES, MAX_DOCUMENTS_PER_CALL};

use crate::{faults::Injector, sampling::Sampling, shared::SharedStore, viewer, watched::Watched};

pub(crate) use connection::{Connection, Connections};

/// As many documents as a call may hold, each as long as it may be, with every second character escaped.
const MAX_BODY_BYTES: usize = 2 * MAX_DOCUMENTS_PER_CALL * MAX_DOCUMENT_BYTES;

/// What every handler may need.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: SharedStore,
    pub(crate) faults: Watched<Injector>,
    pub(crate) sampling: Watched<Sampling>,
    /// Whether calls of the X-Ray API have to be signed.
    pub(crate) requires_signature: bool,
    /// Where it can be reached.
    pub(crate) address: SocketAddr,
    pub(crate) allowed_hosts: Vec<String>,
}

impl App {
    /// Forgets what was received and reported. Faults and sampling rules stay.
    pub(crate) fn clear(&self) {
        self.store.clear();
        self.sampling.change(Sampling::clear);
    }
}

pub(crate) fn router(app: Arc<App>) -> Router {
    let operations = Router::new()
        .route("/TraceSegments", post(segments::put_trace_segments))
        .route("/v1/traces", post(otlp::export_traces))
        .route("/TelemetryRecords", post(telemetry::put_telemetry_records))
        .route("/CreateSamplingRule", post(sampling::create_rule))
        .route("/UpdateSamplingRule", post(sampling::update_rule))
        .route("/DeleteSamplingRule", post(sampling::delete_rule))
        .route("/GetSamplingRules", post(sampling::rules))
        .route("/SamplingTargets", post(sampling::targets))
        .route("/SamplingStatisticSummaries", post(sampling::summaries))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&app), faults::inject))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), signature::check_signature));
    let pages = Router::new()
        .route("/api/traces", get(api::traces))
        .route("/api/traces/{id}", get(api::trace))
        .route("/api/map", get(api::map))
        .route("/api/rejected", get(api::rejected))
        .route("/api/stats", get(api::stats))
        .route("/api/telemetry", get(telemetry::telemetry))
        .route("/api/faults", get(faults::show).put(faults::set).delete(faults::clear))
        .route("/api/sampling", get(sampling::overview))
        .route("/api/clear", post(api::clear))
        .merge(viewer::router())
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::check_host));
    operations
        .merge(pages)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::check_origin))
        .layer(middleware::map_response(guard::secure))
        .with_state(app)
}

/// Operations of the AWS API are POSTs and get its kind of error; people get a page.
async fn not_found(State(app): State<Arc<App>>, method: Method) -> Response {
    if method == Method::POST { aws::unknown_operation() } else { viewer::not_found(&app) }
}
