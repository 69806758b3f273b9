//! The service `customer`: who they are and where. It asks a (simulated) SQL database, whose pool of connections is
//! small: send many orders at once and watch them wait for each other.

use std::{fmt, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use opentelemetry::{
    Context, KeyValue,
    trace::{FutureExt, SpanKind, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::SdkTracer;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::sleep,
};
use tracing::instrument;

use crate::{dice::Dice, map::Location, telemetry::Telemetry};

/// A customer, as the service answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) location: Location,
}

/// The rows of the table: number, name, place.
pub(crate) const CUSTOMERS: [(u32, &str, Location); 4] = [
    (123, "Rachel's Floral Designs", Location { x: 115, y: 277 }),
    (392, "Trom Chocolatier", Location { x: 577, y: 322 }),
    (567, "Amazing Coffee Roasters", Location { x: 211, y: 653 }),
    (731, "Japanese Desserts", Location { x: 728, y: 326 }),
];

/// The service's routes: `GET /customers/{id}`.
pub(crate) fn router(telemetry: &Telemetry, dice: Dice) -> Router {
    let database = Database { tracer: telemetry.tracer(), pool: Pool::new(), dice };
    telemetry.traced(Router::new().route("/customers/{id}", get(customer))).with_state(Arc::new(database))
}

async fn customer(State(database): State<Arc<Database>>, Path(id): Path<u32>) -> Response {
    match database.customer(id).await {
        Ok(Some(customer)) => Json(customer).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(PoolExhausted) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

struct Database {
    tracer: SdkTracer,
    pool: Pool,
    dice: Dice,
}

impl Database {
    async fn customer(&self, id: u32) -> Result<Option<Customer>, PoolExhausted> {
        let _connection = self.connection().await?;
        Ok(self.select(id).await)
    }

    /// Work of our own in a span that `tracing` makes: what is returned as an error makes it a fault, and is logged.
    #[instrument(name = "wait for a connection", skip_all, fields(hotrod.pool.waiting = self.pool.waiting()), err)]
    async fn connection(&self) -> Result<Connection<'_>, PoolExhausted> {
        self.pool.connection().await
    }

    /// A call of a database: a span of the kind `Client`, with the attributes of the semantic conventions. With OpenTelemetry's
    /// own API it is started, is the active one while the future runs, and is ended.
    async fn select(&self, id: u32) -> Option<Customer> {
        let span = self
            .tracer
            .span_builder("SELECT customers")
            .with_kind(SpanKind::Client)
            .with_attributes([
                KeyValue::new("db.system.name", "mysql"),
                KeyValue::new("db.namespace", "customers"),
                KeyValue::new("db.operation.name", "SELECT"),
                KeyValue::new("db.query.text", "SELECT id, name, location FROM customers WHERE id = ?"),
                KeyValue::new("server.address", "mysql"),
            ])
            .start(&self.tracer);
        let cx = Context::current_with_span(span);
        sleep(self.dice.millis(70..=130)).with_context(cx.clone()).await;
        let row = CUSTOMERS.into_iter().find(|(customer, ..)| *customer == id);
        cx.span().set_attribute(KeyValue::new("db.response.returned_rows", i64::from(row.is_some())));
        cx.span().end();
        row.map(|(id, name, location)| Customer { id, name: name.to_owned(), location })
    }
}

/// The connections of a database, and the line in front of them.
struct Pool {
    connections: Semaphore,
    line: Semaphore,
}

/// A connection and the place in the line, given back when dropped.
struct Connection<'a> {
    _connection: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

impl Pool {
    /// Connections, too few for rush hour on purpose.
    const CONNECTIONS: usize = 3;
    /// Who comes when so many are waiting is sent away: better one quick failure than a line that only grows.
    const MAX_WAITING: usize = 20;

    fn new() -> Self {
        Self {
            connections: Semaphore::new(Self::CONNECTIONS),
            line: Semaphore::new(Self::CONNECTIONS + Self::MAX_WAITING),
        }
    }

    /// How many wait at the moment.
    fn waiting(&self) -> i64 {
        let free = self.line.available_permits();
        Self::MAX_WAITING.saturating_sub(free) as i64
    }

    async fn connection(&self) -> Result<Connection<'_>, PoolExhausted> {
        let place = self.line.try_acquire().map_err(|_| PoolExhausted)?;
        let connection = self.connections.acquire().await.map_err(|_| PoolExhausted)?;
        Ok(Connection { _connection: connection, _place: place })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PoolExhausted;

impl fmt::Display for PoolExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all connections are in use, and {} requests wait for one", Pool::MAX_WAITING)
    }
}

impl std::error::Error for PoolExhausted {}

#[cfg(test)]
mod tests {
    use futures_util::future::{FutureExt as _, join_all};

    use super::*;

    #[tokio::test]
    async fn the_line_is_bounded() {
        let pool = Pool::new();
        let mut taken = join_all((0..Pool::CONNECTIONS).map(|_| pool.connection())).await;
        assert!(taken.iter().all(Result::is_ok));
        assert_eq!(pool.waiting(), 0);

        let mut waiting = Vec::new();
        for expected in 1..=Pool::MAX_WAITING as i64 {
            let mut next = Box::pin(pool.connection());
            assert!(next.as_mut().now_or_never().is_none());
            waiting.push(next);
            assert_eq!(pool.waiting(), expected);
        }
        assert_eq!(pool.connection().await.err(), Some(PoolExhausted));

        taken.pop();
        let next = waiting.remove(0).await;
        assert!(next.is_ok());
        assert_eq!(pool.waiting(), Pool::MAX_WAITING as i64 - 1);
    }
}
