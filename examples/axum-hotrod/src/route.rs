//! The service `route`: how long it takes from here to there. It reckons by itself, which takes a while.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing::{Span, instrument};

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
    telemetry.traced(Router::new().route("/routes", get(route))).with_state(Arc::new(Planner { dice }))
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
    dice: Dice,
}

impl Planner {
    #[instrument(name = "calculate the route", skip_all, fields(hotrod.minutes))]
    async fn plan(&self, Ends { from, to }: Ends) -> Route {
        // It stands for work of the processor, but other requests may go on meanwhile.
        sleep(self.dice.millis(20..=90)).await;
        let minutes = from.minutes_to(to, self.dice.number(0..=MAX_TRAFFIC));
        // Signed, so that it arrives as a number: OpenTelemetry knows no others.
        Span::current().record("hotrod.minutes", i64::from(minutes));
        Route { minutes }
    }
}
