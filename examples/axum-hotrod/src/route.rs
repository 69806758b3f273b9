//! The service `route`: how long it takes from here to there. It reckons by itself, which takes a while.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use opentelemetry::{
    Context, KeyValue,
    trace::{FutureExt, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::SdkTracer;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::{dice::Dice, map::Location, telemetry::Telemetry};

/// How much longer traffic makes a way at most, in per cent.
const MAX_TRAFFIC: u32 = 120;

/// A way, as the service answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) minutes: u32,
}

/// The service's routes: `GET /routes?from=X,Y&to=X,Y`.
pub(crate) fn router(telemetry: &Telemetry, dice: Dice) -> Router {
    let planner = Planner { tracer: telemetry.tracer(), dice };
    Router::new()
        .route("/routes", get(route))
        .route_layer(telemetry.server_layer())
        .with_state(Arc::new(planner))
}

#[derive(Deserialize)]
struct Ends {
    from: Location,
    to: Location,
}

async fn route(State(planner): State<Arc<Planner>>, Query(ends): Query<Ends>) -> Json<Route> {
    Json(planner.plan(ends).await)
}

struct Planner {
    tracer: SdkTracer,
    dice: Dice,
}

impl Planner {
    async fn plan(&self, Ends { from, to }: Ends) -> Route {
        let span = self.tracer.start("calculate the route");
        let cx = Context::current_with_span(span);
        // It stands for work of the processor, but other requests may go on meanwhile.
        sleep(self.dice.millis(20..=90)).with_context(cx.clone()).await;
        let minutes = from.minutes_to(to, self.dice.number(0..=MAX_TRAFFIC));
        cx.span().set_attribute(KeyValue::new("hotrod.minutes", i64::from(minutes)));
        cx.span().end();
        Route { minutes }
    }
}
