//! The program of `docs/getting-started.md`: requests that come in, calls that go out, and work in between.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use opentelemetry::{
    Context, KeyValue, global,
    trace::{TraceContextExt, Tracer},
};
use opentelemetry_aws_xray::{
    Xray,
    tower::{XrayClient, XrayClientLayer, XrayLayer},
};
use reqwest::{Method, Request, Url};
use tower::{BoxError, Layer, ServiceExt};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt().init();
    let xray = Xray::builder()
        .with_service_name("checkout")
        .with_exporter(|exporter| exporter.with_indexed_attributes(["order.id"]))
        .install();

    let app = Router::new()
        .route("/orders/{id}", get(order))
        .route("/stock/{id}", get(stock))
        .route("/health", get(|| async { "fine" }))
        .with_state(XrayClientLayer::new().layer(reqwest::Client::new()))
        .layer(XrayLayer::axum().with_filter(|head| head.uri.path() != "/health"));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;

    xray.shutdown()?;
    println!("{:?}", xray.stats());
    Ok(())
}

async fn order(State(client): State<Client>, Path(id): Path<i64>) -> Result<String, StatusCode> {
    Context::current().span().set_attribute(KeyValue::new("order.id", id));
    let left = ask_stock(client, id).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok(format!("order {id} costs {}, {left} left\n", price(id)))
}

type Client = XrayClient<reqwest::Client>;

async fn ask_stock(client: Client, id: i64) -> Result<String, BoxError> {
    let url = Url::parse(&format!("http://127.0.0.1:3000/stock/{id}"))?;
    let response = client.oneshot(Request::new(Method::GET, url)).await?;
    Ok(response.error_for_status()?.text().await?)
}

async fn stock(Path(id): Path<i64>) -> Result<String, StatusCode> {
    if id < 0 { Err(StatusCode::INTERNAL_SERVER_ERROR) } else { Ok((id % 7).to_string()) }
}

fn price(id: i64) -> i64 {
    global::tracer("checkout").in_span("price", |cx| {
        cx.span().set_attribute(KeyValue::new("price.list", "2026"));
        id.rem_euclid(90) + 10
    })
}
