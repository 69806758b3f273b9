//! The viewer: pages for people. They are complete without a script; the one there is keeps them up to date.

mod detail;
mod format;
mod map;
mod rejected;
mod sampling;
mod sampling_chart;
mod sampling_form;
mod trace;
mod traces;
mod waterfall;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};

use crate::{http::App, store::Stats};

const STYLE: &str = include_str!("../../static/style.css");
const LIVE: &str = include_str!("../../static/live.js");
const ICON: &str = include_str!("../../static/icon.svg");

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(traces::page))
        .route("/trace/{id}", get(trace::page))
        .route("/map", get(map::page))
        .route("/rejected", get(rejected::page))
        .route("/sampling", get(sampling::page))
        // Who reloads the page that a form led to asks for it with GET.
        .route("/sampling/save", post(sampling::save).get(|| async { Redirect::to("/sampling") }))
        .route("/sampling/delete", post(sampling::delete).get(|| async { Redirect::to("/sampling") }))
        .route("/clear", post(clear).get(|| async { Redirect::to("/") }))
        .route("/static/style.css", get(|| file("text/css; charset=utf-8", STYLE)))
        .route("/static/live.js", get(|| file("text/javascript; charset=utf-8", LIVE)))
        .route("/static/icon.svg", get(|| file("image/svg+xml", ICON)))
}

/// What every page shows around its content.
struct Frame {
    stats: Stats,
    /// The faults that may strike yet, in words.
    faults: Vec<String>,
    address: String,
    here: &'static str,
}

impl Frame {
    fn new(app: &App, stats: Stats, here: &'static str) -> Self {
        let faults = app.faults.read(|injector| {
            injector.armed().iter().filter(|armed| armed.left() != Some(0)).map(ToString::to_string).collect()
        });
        Self { stats, faults, address: app.address.to_string(), here }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    frame: Frame,
    title: &'static str,
    text: &'static str,
}

/// A page that there is not.
pub(crate) fn not_found(app: &App) -> Response {
    message(app, "Page not found", "There is nothing at this address.")
}

fn message(app: &App, title: &'static str, text: &'static str) -> Response {
    let frame = Frame::new(app, app.store.stats(), "");
    (StatusCode::NOT_FOUND, render(&Message { frame, title, text })).into_response()
}

async fn clear(State(app): State<Arc<App>>) -> Redirect {
    app.clear();
    Redirect::to("/")
}

async fn file(content_type: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type)], content).into_response()
}

fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Runs what takes a while for large stores beside the runtime, which may be the only thread of a test.
pub(crate) async fn blocking(answer: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(answer)
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
