//! `/api/…`: what the viewer shows, as JSON for scripts and tests. The shapes are in the crate's documentation.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;
use xray_wire::{Timestamp, TraceId};

use super::App;
use crate::{
    document::Rejected,
    graph::{Service, ServiceMap, Statistics},
    store::Stats,
    summary::{Filter, Summary, as_seconds},
    viewer::blocking,
};

#[derive(Serialize)]
struct Traces {
    traces: Vec<Summary>,
}

pub(super) async fn traces(State(app): State<Arc<App>>, Query(filter): Query<Filter>) -> Response {
    blocking(move || {
        let snapshot = app.store.snapshot();
        let traces = snapshot
            .traces
            .iter()
            .filter_map(|trace| Summary::of(trace).filter(|summary| filter.passes(trace, summary)))
            .collect();
        Json(Traces { traces }).into_response()
    })
    .await
}

#[derive(Serialize)]
struct Documents<'a> {
    id: String,
    documents: Vec<&'a RawValue>,
}

pub(super) async fn trace(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let trace = id.parse::<TraceId>().ok().and_then(|id| app.store.trace(id));
    let Some(trace) = trace else {
        return (StatusCode::NOT_FOUND, Json(NotFound { message: "no such trace" })).into_response();
    };
    // Accepted documents are JSON, so none is left out.
    let documents =
        trace.documents.iter().filter_map(|document| serde_json::from_str(&document.json).ok()).collect();
    Json(Documents { id: trace.id.to_string(), documents }).into_response()
}

#[derive(Serialize)]
struct NotFound {
    message: &'static str,
}

#[derive(Serialize)]
struct MapBody<'a> {
    services: Vec<ServiceBody<'a>>,
    edges: Vec<EdgeBody<'a>>,
}

#[derive(Serialize)]
struct ServiceBody<'a> {
    #[serde(flatten)]
    service: &'a Service,
    #[serde(flatten)]
    statistics: &'a Statistics,
}

#[derive(Serialize)]
struct EdgeBody<'a> {
    from: &'a Service,
    to: &'a Service,
    #[serde(flatten)]
    statistics: &'a Statistics,
}

pub(super) async fn map(State(app): State<Arc<App>>) -> Response {
    blocking(move || {
        let snapshot = app.store.snapshot();
        let map = ServiceMap::of(snapshot.traces.iter().map(AsRef::as_ref));
        Json(MapBody {
            services: map
                .services
                .iter()
                .map(|(service, statistics)| ServiceBody { service, statistics })
                .collect(),
            edges: map
                .edges
                .iter()
                .map(|((from, to), statistics)| EdgeBody { from, to, statistics })
                .collect(),
        })
        .into_response()
    })
    .await
}

#[derive(Serialize)]
struct RejectedList<'a> {
    rejected: Vec<RejectedBody<'a>>,
}

#[derive(Serialize)]
struct RejectedBody<'a> {
    #[serde(serialize_with = "as_seconds")]
    received: Timestamp,
    source: &'static str,
    code: &'static str,
    field: &'a str,
    reason: &'a str,
    id: Option<&'a str>,
    bytes: usize,
    excerpt: &'a str,
}

impl<'a> From<&'a Rejected> for RejectedBody<'a> {
    fn from(rejected: &'a Rejected) -> Self {
        Self {
            received: rejected.received,
            source: rejected.source.as_str(),
            code: rejected.rejection.code,
            field: &rejected.rejection.field,
            reason: &rejected.rejection.reason,
            id: rejected.id.as_deref(),
            bytes: rejected.bytes,
            excerpt: &rejected.excerpt,
        }
    }
}

pub(super) async fn rejected(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.store.snapshot();
    let rejected = snapshot.rejected.iter().map(|rejected| RejectedBody::from(rejected.as_ref())).collect();
    Json(RejectedList { rejected }).into_response()
}

pub(super) async fn stats(State(app): State<Arc<App>>) -> Json<Stats> {
    Json(app.store.stats())
}

pub(super) async fn clear(State(app): State<Arc<App>>) -> StatusCode {
    app.clear();
    StatusCode::NO_CONTENT
}
