//! `/trace/{id}`: a trace as a waterfall, with all that its documents say.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;
use xray_wire::{SegmentId, TraceId};

use super::{
    Frame, blocking,
    detail::Detail,
    format,
    map::Picture,
    message, render,
    waterfall::{Row, Waterfall},
};
use crate::{graph::ServiceMap, http::App, store::Trace, summary::Summary, tree::Tree};

#[derive(Template)]
#[template(path = "trace.html")]
struct Page {
    frame: Frame,
    id: String,
    date_time: String,
    duration: String,
    summary: Summary,
    waterfall: Waterfall,
    details: Vec<Detail>,
    picture: Picture,
}

/// Stands where a trace will: the script exchanges it as soon as something has come.
#[derive(Template)]
#[template(path = "waiting.html")]
struct Waiting {
    frame: Frame,
    id: String,
}

pub(super) async fn page(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<TraceId>() else {
        return message(&app, "Not a trace id", "A trace id looks like 1-5759e988-bd862e3fe1be46a994272793.");
    };
    blocking(move || {
        // Before the trace: what comes in between is news to the script.
        let frame = Frame::new(&app, app.store.stats(), "");
        let Some(trace) = app.store.trace(id) else { return waiting(frame, id) };
        match page_of(frame, &trace) {
            Some(page) => render(&page),
            None => message(&app, "No such trace", "It has no documents."),
        }
    })
    .await
}

fn waiting(frame: Frame, id: TraceId) -> Response {
    (StatusCode::NOT_FOUND, render(&Waiting { frame, id: id.to_string() })).into_response()
}

fn page_of(frame: Frame, trace: &Trace) -> Option<Page> {
    let summary = Summary::of(trace)?;
    let tree = Tree::of(trace);
    let waterfall = Waterfall::of(&tree);
    Some(Page {
        frame,
        id: trace.id.to_string(),
        date_time: format::date_time(summary.start_time),
        duration: format::duration(summary.duration_nanos),
        details: details(trace, &tree, &waterfall.rows),
        waterfall,
        picture: Picture::of(&ServiceMap::of([trace])),
        summary,
    })
}

/// What the documents say of each row.
fn details(trace: &Trace, tree: &Tree<'_>, rows: &[Row]) -> Vec<Detail> {
    let documents: Vec<Value> = trace
        .documents
        .iter()
        .map(|document| serde_json::from_str(&document.json).unwrap_or_default())
        .collect();
    let objects: Vec<HashMap<SegmentId, &Value>> = documents.iter().map(objects_by_id).collect();
    rows.iter()
        .map(|row| {
            let branch = &tree.branches[row.branch];
            Detail::of(branch.node, objects[branch.document].get(&branch.node.id).copied())
        })
        .collect()
}

/// The segments of a document by their ids, which are distinct.
fn objects_by_id(document: &Value) -> HashMap<SegmentId, &Value> {
    let mut found = HashMap::new();
    let mut open = vec![document];
    while let Some(object) = open.pop() {
        if let Some(id) = object["id"].as_str().and_then(|id| id.parse().ok()) {
            found.insert(id, object);
        }
        open.extend(object["subsegments"].as_array().into_iter().flatten().rev());
    }
    found
}
