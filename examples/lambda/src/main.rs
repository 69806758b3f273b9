//! A function on AWS Lambda that prices orders, each invocation a segment below Lambda's own.

use std::{io, time::Duration};

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn, tower::Layer};
use opentelemetry::{global, trace::Tracer};
use opentelemetry_aws_xray::{Xray, annotate, lambda::XrayLambdaLayer};
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::LevelFilter;

/// What the function is invoked with.
#[derive(Debug, Deserialize)]
struct Order {
    id: i64,
    /// How long the supplier takes to answer.
    #[serde(default)]
    supplier_millis: u64,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Price {
    id: i64,
    cents: i64,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_ansi(false)
        .with_writer(io::stderr)
        .init();
    // Lambda says where its daemon is, and what the function is called.
    let xray = Xray::builder().with_in_progress(true).install();
    let handler = XrayLambdaLayer::new(xray.tracer_provider()).layer(service_fn(price));
    // One invocation at a time, unless Lambda was configured to send more.
    Runtime::new(handler).run_concurrent().await
}

async fn price(event: LambdaEvent<Order>) -> Result<Price, Error> {
    let Order { id, supplier_millis } = event.payload;
    annotate("order.id", id);
    let cents = global::tracer("pricing").in_span("look up", |_| look_up(id))?;
    tokio::time::sleep(Duration::from_millis(supplier_millis)).await;
    Ok(Price { id, cents })
}

fn look_up(id: i64) -> Result<i64, Error> {
    const CENTS: [i64; 3] = [1_999, 4_950, 250];
    if id < 0 {
        return Err(format!("there is no order {id}").into());
    }
    // Nobody ordered the last of these, until somebody did.
    let place = usize::try_from(id % 4)?;
    Ok(CENTS[place])
}
