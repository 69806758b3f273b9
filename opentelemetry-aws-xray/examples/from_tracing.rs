//! A service whose own spans, log lines and errors come from `tracing`; part of `docs/tracing.md`.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use opentelemetry::trace::TracerProvider;
use opentelemetry_aws_xray::{
    Xray,
    logs::WithTraceId,
    tower::{XrayClient, XrayClientLayer, XrayLayer},
};
use reqwest::{Method, Request, Url};
use tower::{BoxError, Layer, ServiceExt};
use tracing::{info, instrument, subscriber::with_default};
use tracing_subscriber::{
    Layer as _, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // What it finds wrong in the environment is told here, before the subscriber that needs its tracer.
    let xray = with_default(fmt().finish(), || {
        Xray::builder()
            .with_service_name("checkout")
            .with_exporter(|exporter| exporter.with_indexed_attributes(["order.id"]))
            .install()
    });
    let tracer = xray.tracer_provider().tracer("checkout");
    tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(LevelFilter::INFO))
        .with(fmt::layer().map_event_format(WithTraceId::text).with_filter(LevelFilter::INFO))
        .init();

    let app = Router::new()
        .route("/orders/{id}", get(order))
        .route("/stock/{id}", get(|Path(id): Path<i64>| async move { (id % 7).to_string() }))
        .with_state(XrayClientLayer::new().layer(reqwest::Client::new()))
        .layer(XrayLayer::axum());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    xray.shutdown()?;
    Ok(())
}

type Client = XrayClient<reqwest::Client>;

async fn order(State(client): State<Client>, Path(id): Path<i64>) -> Result<String, StatusCode> {
    let left = reserve(client, id).await.map_err(|_| StatusCode::CONFLICT)?;
    info!(left, "the order is on its way");
    Ok(format!("order {id}, {left} left\n"))
}

#[instrument(skip_all, fields(order.id = id), err)]
async fn reserve(client: Client, id: i64) -> Result<i64, BoxError> {
    let url = Url::parse(&format!("http://127.0.0.1:3000/stock/{id}"))?;
    let stock = client.oneshot(Request::new(Method::GET, url)).await?.error_for_status()?;
    match stock.text().await?.parse()? {
        left @ 1.. => Ok(left - 1),
        _ => Err("nothing left".into()),
    }
}
