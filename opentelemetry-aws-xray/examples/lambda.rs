//! A function on AWS Lambda; part of `docs/lambda.md`.

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use opentelemetry::{global, trace::Tracer};
use opentelemetry_aws_xray::{Xray, annotate, lambda::XrayLambdaLayer};
use tower::Layer;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let xray = Xray::builder().with_in_progress(true).install();
    let handler = XrayLambdaLayer::new(xray.tracer_provider()).layer(service_fn(greet));
    Runtime::new(handler).run().await
}

async fn greet(event: LambdaEvent<String>) -> Result<String, Error> {
    annotate("name", event.payload.clone());
    let greeting = global::tracer("greetings").in_span("choose the words", |_| "Good morning");
    Ok(format!("{greeting}, {}!", event.payload))
}
