//! What the server layer adds to a request that axum answers, next to a layer that does nothing.

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{Router, body::Body, routing::get};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry_aws_xray::{propagator::XrayPropagator, tower::XrayLayer};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use tower::{ServiceExt, layer::layer_fn, util::MapRequest};

const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=";

/// Takes spans and forgets them: what an exporter costs is measured elsewhere.
#[derive(Debug)]
struct Forget;

impl SpanProcessor for Forget {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        black_box(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn server(c: &mut Criterion) {
    let router = || Router::new().route("/users/{id}", get(|| async { "ada" }));
    let pass_through = layer_fn(|inner| MapRequest::new(inner, |request: Request<Body>| request));
    let traced = || {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::parent_based(Sampler::AlwaysOn))
            .with_span_processor(Forget)
            .build();
        XrayLayer::axum().with_tracer_provider(&provider).with_propagator(XrayPropagator::new())
    };
    let mut group = c.benchmark_group("server");
    for (name, app, sampled) in [
        ("bare", router(), "1"),
        ("pass-through", router().layer(pass_through), "1"),
        ("sampled", router().layer(traced()), "1"),
        ("unsampled", router().layer(traced()), "0"),
        ("filtered", router().layer(traced().with_filter(|_| false)), "1"),
    ] {
        let trace_header = format!("{HEADER}{sampled}");
        group.bench_function(name, |b| b.iter(|| now(answer(app.clone(), &trace_header))));
    }
    group.finish();
}

async fn answer(app: Router, trace_header: &str) -> usize {
    let request = Request::get("/users/7?q=1")
        .header("host", "shop.example.com")
        .header("user-agent", "bench/1")
        .header("accept", "*/*")
        .header("x-forwarded-for", "192.0.2.7")
        .header("x-forwarded-proto", "https")
        .header("x-amzn-trace-id", trace_header)
        .body(Body::empty());
    let Ok(request) = request else { return 0 };
    let Ok(response) = app.oneshot(request).await;
    response.collect().await.map_or(0, |body| body.to_bytes().len())
}

/// Runs what never waits.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

criterion_group!(benches, server);
criterion_main!(benches);
