//! What the server layer adds to a request that axum answers, next to another layer for OpenTelemetry and to one that does
//! nothing: time, and allocations.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, routing::get};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::global;
use opentelemetry_aws_xray::{
    Xray,
    propagator::XrayPropagator,
    sampler::{SamplingApi, SamplingApiError, XraySampler},
    sink::MemorySink,
    tower::{AxumBodies, XrayLayer},
};
use opentelemetry_instrumentation_tower::http::server as instrumentation_tower;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, ShouldSample, Span, SpanData, SpanProcessor},
};
use tower::{ServiceExt, layer::layer_fn, util::MapRequest};
use xray_wire::sampling::{ClientId, Rate, Report, Rule, RulesPage, Targets};

/// A caller who has decided for the trace.
const SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// A caller who has decided against it.
const NOT_SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";
/// A load balancer, which leaves the decision to us.
const UNDECIDED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

/// As many rules of one's own as an account may have, none of which matches, and the one that every account has.
const RULES: u32 = 25;

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

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// X-Ray with the rules above, the last of which samples nothing.
#[derive(Debug)]
struct Rules;

impl SamplingApi for Rules {
    fn rules(&mut self, _: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        let mut rules: Vec<Rule> = (1..=RULES)
            .map(|n| {
                let mut rule = Rule::for_all(&format!("rule {n}"), n, 1, Rate::NEVER);
                rule.http_method = "GET".into();
                rule.url_path = format!("/shop/{n}/*").into();
                rule.host = "*.example.com".into();
                rule
            })
            .collect();
        rules.push(Rule::for_all("Default", 10_000, 0, Rate::NEVER));
        Ok(RulesPage { rules, skipped: Vec::new(), next_token: None })
    }

    fn targets(&mut self, _: ClientId, _: u64, _: &[Report]) -> Result<Targets, SamplingApiError> {
        Ok(Targets::default())
    }

    fn endpoint(&self) -> String {
        "memory".to_owned()
    }
}

fn provider(sampler: impl ShouldSample + 'static) -> SdkTracerProvider {
    SdkTracerProvider::builder().with_sampler(sampler).with_span_processor(Forget).build()
}

fn ours(provider: &SdkTracerProvider) -> XrayLayer<AxumBodies> {
    XrayLayer::axum().with_tracer_provider(provider).with_propagator(XrayPropagator::new())
}

fn server(c: &mut Criterion) {
    // The other layer reads headers with the global one: the one that its users have for X-Ray.
    global::set_text_map_propagator(opentelemetry_aws::trace::XrayPropagator::default());
    let always = provider(Sampler::parent_based(Sampler::AlwaysOn));
    let by_rules = XraySampler::builder().with_api(Rules).build();
    let handle = by_rules.handle();
    let by_rules = provider(by_rules);
    let pipeline = Xray::builder()
        .with_central_sampling(|sampler| sampler.with_api(Rules))
        .with_exporter(|exporter| exporter.with_sink(MemorySink::default()))
        .build();

    let router = || Router::new().route("/users/{id}", get(|| async { "ada" }));
    let pass_through = layer_fn(|inner| MapRequest::new(inner, |request: Request<Body>| request));
    let others = |provider: &SdkTracerProvider| {
        // It takes its tracer from the global provider when it is made.
        global::set_tracer_provider(provider.clone());
        router().layer(instrumentation_tower::Layer::new())
    };
    let of_pipeline = router().layer(ours(pipeline.tracer_provider()));
    // Its first decisions are made before there are rules.
    let has_rules = || {
        handle.status().rules.len() > RULES as usize
            && pipeline.sampler_status().is_some_and(|status| status.rules.len() > RULES as usize)
    };
    while !has_rules() {
        now(answer(of_pipeline.clone(), UNDECIDED));
        now(answer(router().layer(ours(&by_rules)), UNDECIDED));
        thread::yield_now();
    }

    let cases = [
        ("bare", router(), SAMPLED),
        ("pass-through", router().layer(pass_through), SAMPLED),
        ("filtered", router().layer(ours(&always).with_filter(|_| false)), SAMPLED),
        ("sampled", router().layer(ours(&always)), SAMPLED),
        ("instrumentation-tower, sampled", others(&always), SAMPLED),
        ("unsampled by 25 rules", of_pipeline.clone(), UNDECIDED),
        ("unsampled by 25 rules, provider of one's own", router().layer(ours(&by_rules)), UNDECIDED),
        ("instrumentation-tower, unsampled by 25 rules", others(&by_rules), UNDECIDED),
        ("unsampled by the caller", of_pipeline, NOT_SAMPLED),
        ("instrumentation-tower, unsampled by the caller", others(&always), NOT_SAMPLED),
    ];
    // As `axum::serve` does for each connection: layers are applied once, and not for each request.
    let cases = cases.map(|(name, app, trace_header)| (name, app.with_state(()), trace_header));
    let mut group = c.benchmark_group("server");
    for (name, app, trace_header) in &cases {
        let mut run = || now(answer(app.clone(), trace_header));
        black_box(run());
        let count = allocation_counter::measure(|| {
            black_box(run());
        });
        println!("{name}: {} allocations", count.count_total);
        group.bench_function(*name, |b| b.iter(&mut run));
    }
    group.finish();
    in_turns(&cases);
}

/// Measures all cases in turns, since what runs a minute later may meet another machine: the overhead over the first one, as the
/// fastest tenth of the rounds has it.
#[expect(clippy::disallowed_methods, reason = "criterion measures one case after the other")]
fn in_turns(cases: &[(&str, Router, &str)]) {
    const ROUNDS: usize = 300;
    const REQUESTS: u32 = 200;
    let mut times = vec![Vec::with_capacity(ROUNDS); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, app, trace_header), times) in cases.iter().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..REQUESTS {
                black_box(now(answer(app.clone(), trace_header)));
            }
            times.push(start.elapsed() / REQUESTS);
        }
    }
    let mut fast = times.into_iter().map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 10]
    });
    let bare = fast.next().unwrap_or_default();
    for ((name, ..), time) in cases.iter().skip(1).zip(fast) {
        println!("{name}: {:?} more than bare, in turns", time.saturating_sub(bare));
    }
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
