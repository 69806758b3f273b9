//! Calls that go out through hyper and reqwest, and are tried again; part of `docs/client.md`.

use std::{future::Ready, time::Duration};

use http::{Request, Response};
use http_body_util::Empty;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry::{
    Context, global,
    trace::{FutureExt, TraceContextExt, Tracer},
};
use opentelemetry_aws_xray::{
    Xray,
    tower::{CountResendsLayer, XrayClientLayer},
};
use tower::{
    BoxError, Layer, ServiceBuilder, ServiceExt,
    retry::{Policy, RetryLayer},
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let xray = Xray::builder().with_service_name("nightly").install();
    // Calls belong to a trace. In a handler behind `XrayLayer` it is there already.
    let cx = Context::current_with_span(global::tracer("nightly").start("look around"));
    if let Err(error) = look_around().with_context(cx.clone()).await {
        eprintln!("{error}");
    }
    cx.span().end();
    xray.shutdown()?;
    Ok(())
}

async fn look_around() -> Result<(), BoxError> {
    // reqwest, with a time limit of its own: a call that takes longer is a fault.
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
    let client = XrayClientLayer::new().layer(client);
    let request = reqwest::Request::new(http::Method::GET, "http://127.0.0.1:3000/orders/7".parse()?);
    println!("{}", client.oneshot(request).await?.text().await?);

    // hyper, with retries: a span for each attempt, and a count in those after the first. In a box, its errors say why.
    let client = ServiceBuilder::new()
        .layer(CountResendsLayer::new())
        .layer(RetryLayer::new(Retries(2)))
        .layer(XrayClientLayer::new())
        .map_err(BoxError::from)
        .service(Client::builder(TokioExecutor::new()).build_http());
    let request = Request::get("http://127.0.0.1:3000/orders/7").body(Empty::<bytes::Bytes>::new())?;
    println!("{}", client.oneshot(request).await?.status());
    Ok(())
}

#[derive(Clone)]
struct Retries(u32);

impl<B: Clone, R, E> Policy<Request<B>, Response<R>, E> for Retries {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<B>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        let failed = result.as_ref().map_or(true, |response| response.status().is_server_error());
        self.0 = if failed { self.0.checked_sub(1)? } else { return None };
        Some(std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}
