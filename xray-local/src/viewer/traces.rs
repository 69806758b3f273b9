//! `/`: the traces, the latest first, and the filters.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use xray_wire::{Timestamp, segment::Kind};

use super::{Frame, blocking, format, render};
use crate::{
    clock,
    http::App,
    store::Snapshot,
    summary::{Filter, Summary},
};

/// Rows of the table. Older traces are found by filters.
const MAX_ROWS: usize = 200;

#[derive(Template)]
#[template(path = "traces.html")]
struct Page {
    frame: Frame,
    filter: Filter,
    services: BTreeSet<String>,
    rows: Vec<Row>,
    matching: usize,
    example: String,
}

struct Row {
    id: String,
    time: String,
    date_time: String,
    duration: String,
    /// Of the longest in the table, in percent.
    share: f64,
    summary: Summary,
}

pub(super) async fn page(State(app): State<Arc<App>>, Query(filter): Query<Filter>) -> Response {
    blocking(move || {
        let snapshot = app.store.snapshot();
        let frame = Frame::new(&app, snapshot.stats, "traces");
        let services = services(&snapshot);
        let mut found: Vec<Summary> = snapshot
            .traces
            .iter()
            .filter_map(|trace| Summary::of(trace).filter(|summary| filter.passes(trace, summary)))
            .collect();
        let matching = found.len();
        found.truncate(MAX_ROWS);
        let example = example(&frame.address, clock::now());
        render(&Page { frame, filter, services, rows: rows(found), matching, example })
    })
    .await
}

fn rows(found: Vec<Summary>) -> Vec<Row> {
    let longest = found.iter().map(|summary| summary.duration_nanos).max().unwrap_or_default().max(1);
    found
        .into_iter()
        .map(|summary| Row {
            id: summary.id.to_string(),
            time: format::time_of_day(summary.start_time),
            date_time: format::date_time(summary.start_time),
            duration: format::duration(summary.duration_nanos),
            share: (100.0 * summary.duration_nanos as f64 / longest as f64).max(1.0),
            summary,
        })
        .collect()
}

fn services(snapshot: &Snapshot) -> BTreeSet<String> {
    let documents = snapshot.traces.iter().flat_map(|trace| &trace.documents);
    let segments = documents.flat_map(|document| &document.nodes).filter(|node| node.kind == Kind::Segment);
    segments.map(|segment| segment.name.clone()).collect()
}

/// A command that sends a segment of this moment.
fn example(address: &str, now: Timestamp) -> String {
    let seconds = now.as_nanos() / 1_000_000_000;
    format!(
        r#"curl http://{address}/TraceSegments --data-binary @- <<'END'
{{"TraceSegmentDocuments": ["{{\"name\":\"hello\",\"id\":\"53995c3f42cd8ad8\",\"trace_id\":\"1-{seconds:08x}-bd862e3fe1be46a994272793\",\"start_time\":{seconds}.1,\"end_time\":{seconds}.2}}"]}}
END"#
    )
}
