//! The service `frontend`: the page, and `GET /dispatch`, which asks the other services for the fastest driver.

mod dispatch;
mod page;

use std::sync::Arc;

use axum::{Router, http::header, middleware, response::IntoResponse, routing::get};

use crate::{client::Client, telemetry::Telemetry};

/// What the handlers need.
#[derive(Debug)]
pub(crate) struct Frontend {
    pub(crate) client: Client,
    /// Where to look at traces, without a slash at the end.
    pub(crate) viewer_url: Option<String>,
    /// Where orders are stored.
    #[cfg(feature = "aws")]
    pub(crate) orders: Option<crate::aws::Orders>,
}

/// The service's routes. Only orders are traced, not the page and its files.
pub(crate) fn router(telemetry: &Telemetry, frontend: Frontend) -> Router {
    let orders = telemetry.traced(Router::new().route("/dispatch", get(dispatch::handler)));
    let page = Router::new()
        .route("/", get(page::front_page))
        .route("/static/style.css", get(|| file("text/css; charset=utf-8", page::STYLE)))
        .route("/static/order.js", get(|| file("text/javascript; charset=utf-8", page::SCRIPT)))
        .route("/static/icon.svg", get(|| file("image/svg+xml", page::ICON)));
    orders.merge(page).layer(middleware::map_response(page::secure)).with_state(Arc::new(frontend))
}

async fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type)], content)
}
