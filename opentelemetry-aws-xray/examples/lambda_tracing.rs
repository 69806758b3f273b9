//! A function on AWS Lambda with spans of `tracing`; part of `docs/lambda.md`.

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use opentelemetry::trace::TracerProvider;
use opentelemetry_aws_xray::{Xray, lambda::XrayLambdaLayer};
use tower::Layer as _;
use tracing::{instrument, subscriber::with_default};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

#[tokio::main]
async fn main() -> Result<(), Error> {
    // What it finds wrong in the environment is told here, before the subscriber that needs its tracer.
    let xray =
        with_default(tracing_subscriber::fmt().finish(), || Xray::builder().with_in_progress(true).install());
    let tracer = xray.tracer_provider().tracer("greeter");
    let not_the_runtime =
        Targets::new().with_default(LevelFilter::INFO).with_target("lambda_runtime", LevelFilter::OFF);
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO))
        .with(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(not_the_runtime))
        .init();
    let handler = XrayLambdaLayer::new(xray.tracer_provider()).layer(service_fn(greet));
    Runtime::new(handler).run().await
}

async fn greet(event: LambdaEvent<String>) -> Result<String, Error> {
    Ok(format!("{}, {}!", choose_the_words(), event.payload))
}

#[instrument]
fn choose_the_words() -> &'static str {
    "Good morning"
}
