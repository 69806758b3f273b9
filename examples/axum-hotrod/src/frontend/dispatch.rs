//! `GET /dispatch?customer=392`: the fastest driver for a customer.

use std::{fmt, sync::Arc};

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use opentelemetry::{Context, KeyValue, trace::TraceContextExt};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tracing::{info, instrument, warn};
use xray_wire::TraceId;

use super::{Frontend, page};
use crate::{client::CallError, customer::Customer, driver::Driver, route::Route};

/// How many routes of one order are asked for at a time.
const ROUTES_AT_A_TIME: usize = 3;

/// What an order is answered with, as JSON or on the page.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    #[serde(flatten)]
    pub(super) trace: Option<TraceLink>,
}

/// Somebody is coming, or not.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Outcome {
    Ride(Ride),
    Refusal { error: String },
}

/// A driver on the way to a customer.
#[derive(Debug, Serialize)]
pub(super) struct Ride {
    pub(super) driver: String,
    pub(super) eta_minutes: u32,
    pub(super) customer: String,
}

/// The trace of an order.
#[derive(Debug, Serialize)]
pub(super) struct TraceLink {
    #[serde(rename = "trace_id")]
    pub(super) id: String,
    #[serde(rename = "trace_url", skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    customer: u32,
}

pub(super) async fn handler(
    State(frontend): State<Arc<Frontend>>,
    order: Result<Query<Order>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let ride = match order {
        Ok(Query(Order { customer })) => frontend.dispatch(customer).await,
        Err(_) => Err(DispatchError::NoCustomer),
    };
    let trace = TraceLink::of(&Context::current(), frontend.viewer_url.as_deref());
    let (status, outcome) = match ride {
        Ok(ride) => {
            info!(driver = ride.driver, minutes = ride.eta_minutes, "a driver is on the way");
            (StatusCode::OK, Outcome::Ride(ride))
        }
        Err(error) => {
            warn!("nobody comes: {error}");
            (error.status(), Outcome::Refusal { error: error.to_string() })
        }
    };
    let answer = Answer { outcome, trace };
    let vary = [(header::VARY, HeaderValue::from_static("accept"))];
    if accepts_html(&headers) {
        (status, vary, page::with_answer(&frontend, answer)).into_response()
    } else {
        (status, vary, Json(answer)).into_response()
    }
}

impl Frontend {
    async fn dispatch(&self, id: u32) -> Result<Ride, DispatchError> {
        // The active span is that of the request: XrayLayer made it.
        Context::current().span().set_attribute(KeyValue::new("hotrod.customer", i64::from(id)));
        let customer = self.customer(id).await?;
        let near = customer.location;
        let drivers: Vec<Driver> = self
            .client
            .json(&format!("http://driver/drivers?near={near}"))
            .await
            .map_err(|error| DispatchError::Call("driver", error))?;
        let (minutes, driver) = self.fastest(drivers, &customer).await?;
        Context::current().span().set_attribute(KeyValue::new("hotrod.driver", driver.clone()));
        #[cfg(feature = "aws")]
        if let (Some(orders), Some(trace)) = (&self.orders, TraceLink::of(&Context::current(), None)) {
            orders.store(&trace.id, &driver).await;
        }
        Ok(Ride { driver, eta_minutes: minutes, customer: customer.name })
    }

    async fn customer(&self, id: u32) -> Result<Customer, DispatchError> {
        self.client.json(&format!("http://customer/customers/{id}")).await.map_err(|error| match error {
            CallError::Status(StatusCode::NOT_FOUND) => DispatchError::UnknownCustomer(id),
            error => DispatchError::Call("customer", error),
        })
    }

    /// Asks for the way of each driver, under a span of its own, and takes the shortest. Drivers whose way is not
    /// known are left out.
    #[instrument(name = "find the fastest driver", skip_all, err)]
    async fn fastest(
        &self,
        drivers: Vec<Driver>,
        customer: &Customer,
    ) -> Result<(u32, String), DispatchError> {
        let tickets = Semaphore::new(ROUTES_AT_A_TIME);
        let ways = drivers.into_iter().map(|driver| self.way(driver, customer, &tickets));
        join_all(ways).await.into_iter().flatten().min().ok_or(DispatchError::NoDriver)
    }

    async fn way(&self, driver: Driver, customer: &Customer, tickets: &Semaphore) -> Option<(u32, String)> {
        // It fails if the semaphore is closed, which nobody does.
        let _ticket = tickets.acquire().await.ok()?;
        let (from, to) = (driver.location, customer.location);
        let route: Route =
            self.client.json(&format!("http://route/routes?from={from}&to={to}")).await.ok()?;
        Some((route.minutes, driver.id))
    }
}

impl TraceLink {
    /// The trace of the context's span; with a URL if it is one that is sent.
    fn of(cx: &Context, viewer_url: Option<&str>) -> Option<Self> {
        let span = cx.span();
        let span = span.span_context();
        let id = TraceId::from_bytes(span.trace_id().to_bytes())?;
        let url = viewer_url.filter(|_| span.is_sampled()).map(|viewer| format!("{viewer}/trace/{id}"));
        Some(Self { id: id.to_string(), url })
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|accepted| accepted.contains("text/html"))
}

/// Nobody is coming.
#[derive(Debug)]
enum DispatchError {
    /// The request names no customer, or not by number.
    NoCustomer,
    /// There is no such customer.
    UnknownCustomer(u32),
    /// A service did not do its part.
    Call(&'static str, CallError),
    /// There are drivers, but no way from any of them.
    NoDriver,
}

impl DispatchError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoCustomer => StatusCode::BAD_REQUEST,
            Self::UnknownCustomer(_) => StatusCode::NOT_FOUND,
            Self::Call(_, CallError::Status(StatusCode::SERVICE_UNAVAILABLE)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Call(..) | Self::NoDriver => StatusCode::BAD_GATEWAY,
        }
    }
}

impl fmt::Display for DispatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCustomer => f.write_str("expected a customer's number, as in /dispatch?customer=392"),
            Self::UnknownCustomer(id) => write!(f, "there is no customer {id}"),
            Self::Call(service, error) => write!(f, "the service {service} failed: {error}"),
            Self::NoDriver => f.write_str("no driver can come"),
        }
    }
}

impl std::error::Error for DispatchError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page_and_others_get_json() {
        for (accept, expected) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(accepts_html(&headers), expected, "{accept:?}");
        }
    }
}
