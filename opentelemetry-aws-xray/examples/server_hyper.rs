//! A server on hyper, without a framework.

use std::{borrow::Cow, convert::Infallible};

use http::{Request, Response, request::Parts};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use opentelemetry_aws_xray::{Xray, tower::XrayLayer};
use tokio::{net::TcpListener, signal};
use tower::{Layer, service_fn};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let xray = Xray::builder().with_service_name("shop").install();
    let layer = XrayLayer::new().with_route(route);

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = signal::ctrl_c() => break,
        };
        let layer = layer.clone().with_peer(move |_| Some(peer));
        let service = TowerToHyperService::new(layer.layer(service_fn(answer)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades());
    }
    xray.shutdown().ok();
    Ok(())
}

fn route(head: &Parts) -> Option<Cow<'static, str>> {
    head.uri.path().starts_with("/orders/").then_some("/orders/{id}".into())
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let order = request.uri().path().rsplit('/').next().unwrap_or_default();
    Ok(Response::new(format!("order {order}\n").into()))
}
