//! The tower layers around and inside of spans of `tracing`.

use std::convert::Infallible;

use http::{Request, Response};
use opentelemetry::{Context, trace::TraceContextExt};
use opentelemetry_aws_xray::{
    logs,
    tower::{XrayClientLayer, XrayLayer},
};
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tracing::{Instrument, info_span, instrument::WithSubscriber};

use super::stage::Stage;

const BODY: String = String::new();

async fn upstream(request: Request<String>) -> Result<Response<String>, Infallible> {
    let header = request.headers()["x-amzn-trace-id"].to_str().unwrap().to_owned();
    Ok(Response::new(header))
}

fn request(uri: &str) -> Request<String> {
    Request::get(uri).body(BODY).unwrap()
}

/// A request whose handler works in a span of `tracing`, and calls a service from another task.
async fn exchange(stage: &Stage) -> Response<String> {
    let provider = stage.xray.tracer_provider();
    let client = XrayClientLayer::new()
        .with_tracer_provider(provider)
        .with_propagator(stage.xray.propagator())
        .layer(service_fn(upstream));
    let subscriber = stage.subscriber.clone();
    let handler = service_fn(move |_: Request<String>| {
        let client = client.clone();
        let work = async move {
            let id = logs::current_trace_id().unwrap().to_string();
            let active = Context::current().span().span_context().span_id();
            assert!(id.ends_with(&format!("@{active}")), "{id}");
            let call = client.oneshot(request("http://billing/")).in_current_span();
            tokio::spawn(call.with_current_subscriber()).await.unwrap()
        };
        async move { work.instrument(info_span!("work")).await }.with_subscriber(subscriber.clone())
    });
    let server = XrayLayer::new().with_tracer_provider(provider).with_propagator(stage.xray.propagator());
    server.layer(handler).oneshot(request("/orders")).await.unwrap().map(|_| BODY)
}

#[tokio::test]
async fn a_span_of_tracing_stands_between_a_request_and_its_calls() {
    let stage = Stage::new();
    exchange(&stage).await;
    let document = stage.document();
    assert_eq!((&document["name"], &document["type"]), (&"shop".into(), &Value::Null));
    let work = &document["subsegments"][0];
    assert_eq!((&work["name"], &work["namespace"]), (&"work".into(), &Value::Null), "{document:#}");
    let call = &work["subsegments"][0];
    assert_eq!((&call["name"], &call["namespace"]), (&"billing".into(), &"remote".into()), "{document:#}");
}
