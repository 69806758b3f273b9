//! `/rejected`: what X-Ray would have dropped without a word, and why.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{Frame, format, render};
use crate::{document::Rejected, http::App};

#[derive(Template)]
#[template(path = "rejected.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
}

struct Row {
    time: String,
    date_time: String,
    rejected: Arc<Rejected>,
}

pub(super) async fn page(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.store.snapshot();
    let rows = snapshot
        .rejected
        .into_iter()
        .map(|rejected| Row {
            time: format::time_of_day(rejected.received),
            date_time: format::date_time(rejected.received),
            rejected,
        })
        .collect();
    render(&Page { frame: Frame::new(&app, snapshot.stats, "rejected"), rows })
}
