//! The page. It is complete without a script; the one there is adds orders without loading the page again.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::{
    Frontend,
    dispatch::{Answer, Outcome, Ride},
};
use crate::customer::CUSTOMERS;

pub(super) const STYLE: &str = include_str!("../../static/style.css");
pub(super) const SCRIPT: &str = include_str!("../../static/order.js");
pub(super) const ICON: &str = include_str!("../../static/icon.svg");

/// Nothing but our own files; no scripts or styles within the page; no frames around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    customers: Vec<(u32, &'static str)>,
    viewer_url: Option<&'a str>,
    answer: Option<Answer>,
}

pub(super) async fn front_page(State(frontend): State<Arc<Frontend>>) -> Response {
    render(&frontend, None)
}

/// The page with the answer to an order on it.
pub(super) fn with_answer(frontend: &Frontend, answer: Answer) -> Response {
    render(frontend, Some(answer))
}

fn render(frontend: &Frontend, answer: Option<Answer>) -> Response {
    let customers = CUSTOMERS.map(|(id, name, _)| (id, name)).to_vec();
    let page = Page { customers, viewer_url: frontend.viewer_url.as_deref(), answer };
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Headers that every answer carries.
pub(super) async fn secure(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
