//! A server on axum, behind a load balancer.

use std::net::SocketAddr;

use axum::{Router, extract::Path, routing::get};
use opentelemetry_aws_xray::{
    Xray,
    tower::{SegmentNaming, XrayLayer},
};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let xray = Xray::builder().with_service_name("shop").install();

    let layer = XrayLayer::axum()
        .with_filter(|head| head.uri.path() != "/health")
        .with_trusted_hops(1)
        .with_naming(SegmentNaming::dynamic("*.example.com", "shop"));
    let app = Router::new()
        .route("/orders/{id}", get(|Path(id): Path<u64>| async move { format!("order {id}\n") }))
        .route("/health", get(|| async { "fine" }))
        .layer(layer);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
        .await?;
    xray.shutdown().ok();
    Ok(())
}
