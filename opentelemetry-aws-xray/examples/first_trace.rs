//! The README's program: an axum service whose requests are traced.

use axum::{Router, extract::Path, routing::get};
use opentelemetry_aws_xray::{Xray, tower::XrayLayer};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let xray = Xray::builder().with_service_name("checkout").install();

    let app = Router::new()
        .route("/orders/{id}", get(|Path(id): Path<u64>| async move { format!("order {id}") }))
        .layer(XrayLayer::axum());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
        .await?;
    xray.shutdown().ok();
    Ok(())
}
