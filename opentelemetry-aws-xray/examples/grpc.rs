//! gRPC with tonic, traced on both sides; part of `docs/client.md`.

use http::Uri;
use opentelemetry::{
    global,
    trace::{FutureExt, TraceContextExt, Tracer},
};
use opentelemetry_aws_xray::{
    Xray,
    tower::{XrayClientLayer, XrayLayer},
};
use tonic::{service::Routes, transport::Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::{BoxError, Layer};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let xray = Xray::builder().with_service_name("greeter").install();

    // A server is an axum router; `Server::builder().layer(XrayLayer::new())` of tonic does as well.
    let (_reporter, health) = tonic_health::server::health_reporter();
    let app = Routes::new(health).into_axum_router().layer(XrayLayer::axum());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin: Uri = format!("http://{}", listener.local_addr()?).parse()?;
    tokio::spawn(async { axum::serve(listener, app).await });

    // A client goes through a channel inside the layer, which is told where the channel goes.
    let channel = Endpoint::from(origin.clone()).connect_lazy();
    let mut client = HealthClient::new(XrayClientLayer::new().with_origin(origin).layer(channel));

    let span = global::tracer("greeter").start("check");
    let cx = opentelemetry::Context::current_with_span(span);
    let answer = client.check(HealthCheckRequest::default()).with_context(cx.clone()).await?;
    println!("{:?}", answer.into_inner().status());
    cx.span().end();

    xray.shutdown()?;
    Ok(())
}
