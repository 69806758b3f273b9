//! The service `driver`: who is near. It asks a (simulated) Redis, which does not always answer in time: such a call
//! is recorded with its exception and tried again.

use std::{fmt, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use opentelemetry::{
    Context, KeyValue,
    trace::{FutureExt, SpanKind, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::SdkTracer;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing::warn;

use crate::{
    dice::Dice,
    map::{CITY_BLOCKS, Location},
    telemetry::{Telemetry, record_error},
};

/// How many drivers are found for an order.
const DRIVERS: usize = 10;

/// How far from the customer they are at most, in blocks, in both directions.
const NEAR_BLOCKS: u32 = 300;

/// How often a driver is asked for before the others have to do.
const ATTEMPTS: u32 = 3;

/// One call in so many times out: about every third order sees one.
const TIMEOUT_ONE_IN: u32 = 30;

/// A driver, as the service answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Driver {
    pub(crate) id: String,
    pub(crate) location: Location,
}

/// The service's routes: `GET /drivers?near=X,Y`.
pub(crate) fn router(telemetry: &Telemetry, dice: Dice) -> Router {
    let redis = Redis { tracer: telemetry.tracer(), dice };
    telemetry.traced(Router::new().route("/drivers", get(drivers))).with_state(Arc::new(redis))
}

#[derive(Deserialize)]
struct Near {
    near: Location,
}

async fn drivers(State(redis): State<Arc<Redis>>, Query(Near { near }): Query<Near>) -> Json<Vec<Driver>> {
    let mut drivers = Vec::with_capacity(DRIVERS);
    for id in redis.find_driver_ids(near).await {
        // A driver who can't be read is no reason to forget the others.
        if let Some(driver) = redis.driver_in_attempts(&id, near).await {
            drivers.push(driver);
        }
    }
    Json(drivers)
}

struct Redis {
    tracer: SdkTracer,
    dice: Dice,
}

impl Redis {
    async fn find_driver_ids(&self, near: Location) -> Vec<String> {
        let cx = self.start("FindDriverIDs", "GEOSEARCH drivers FROMLONLAT ? ? BYBOX ? ?");
        cx.span().set_attribute(KeyValue::new("hotrod.near", near.to_string()));
        sleep(self.dice.millis(15..=30)).with_context(cx.clone()).await;
        cx.span().end();
        (0..DRIVERS).map(|_| format!("T7{:05}", self.dice.number(0..=99_999))).collect()
    }

    async fn driver_in_attempts(&self, id: &str, near: Location) -> Option<Driver> {
        for attempt in 1..=ATTEMPTS {
            match self.driver(id, near, attempt).await {
                Ok(driver) => return Some(driver),
                Err(error) => warn!(id, attempt, "{error}"),
            }
        }
        None
    }

    async fn driver(&self, id: &str, near: Location, attempt: u32) -> Result<Driver, RedisTimeout> {
        let cx = self.start("GetDriver", "GET ?");
        cx.span().set_attributes([
            KeyValue::new("hotrod.candidate", id.to_owned()),
            KeyValue::new("hotrod.attempt", i64::from(attempt)),
        ]);
        let answer = self.answer().with_context(cx.clone()).await;
        if let Err(error) = &answer {
            record_error(&cx, "RedisTimeout", error);
        }
        cx.span().end();
        answer.map(|()| Driver { id: id.to_owned(), location: self.somewhere(near) })
    }

    /// Starts the span of one command, as the active one of the context that is returned.
    fn start(&self, name: &'static str, query: &'static str) -> Context {
        let span = self
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_attributes([
                KeyValue::new("db.system.name", "redis"),
                KeyValue::new("db.operation.name", name),
                KeyValue::new("db.query.text", query),
                KeyValue::new("server.address", "redis"),
            ])
            .start(&self.tracer);
        Context::current_with_span(span)
    }

    async fn answer(&self) -> Result<(), RedisTimeout> {
        if self.dice.one_in(TIMEOUT_ONE_IN) {
            sleep(self.dice.millis(30..=40)).await;
            return Err(RedisTimeout);
        }
        sleep(self.dice.millis(4..=14)).await;
        Ok(())
    }

    fn somewhere(&self, near: Location) -> Location {
        let block = |centre: u32| {
            let last = (centre + NEAR_BLOCKS).min(CITY_BLOCKS);
            self.dice.number(centre.saturating_sub(NEAR_BLOCKS)..=last)
        };
        Location { x: block(near.x), y: block(near.y) }
    }
}

#[derive(Debug)]
struct RedisTimeout;

impl fmt::Display for RedisTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redis did not answer in time")
    }
}

impl std::error::Error for RedisTimeout {}
