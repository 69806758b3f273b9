//! What a decision by X-Ray's rules costs, next to the SDK's own samplers and to the span that follows.

#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "criterion's macros make public items; a benchmark may fail"
)]

use std::{hint::black_box, sync::Barrier, thread, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use opentelemetry::{
    Context, KeyValue,
    trace::{
        Span, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
        TracerProvider,
    },
};
use opentelemetry_aws_xray::{
    clock::{Clock, SystemClock},
    sampler::{SamplingApi, SamplingApiError, XraySampler},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, ShouldSample};
use xray_wire::sampling::{ClientId, Rate, Report, Rule, RulesPage, Targets};

/// X-Ray with these rules, and no quotas.
#[derive(Debug)]
struct Rules(Vec<Rule>);

impl SamplingApi for Rules {
    fn rules(&mut self, _: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        Ok(RulesPage { rules: self.0.clone(), skipped: Vec::new(), next_token: None })
    }

    fn targets(&mut self, _: ClientId, _: u64, _: &[Report]) -> Result<Targets, SamplingApiError> {
        Ok(Targets::default())
    }

    fn endpoint(&self) -> String {
        "memory".to_owned()
    }
}

/// Ten rules with a path, method and host each, and one for the rest. They have a reservoir, and sample nothing beyond.
fn ten_rules(pattern: impl Fn(u32) -> String) -> Vec<Rule> {
    let mut rules: Vec<Rule> = (1..=10)
        .map(|n| {
            let mut rule = Rule::for_all(&format!("rule {n}"), n, 1, Rate::NEVER);
            rule.http_method = "GET".into();
            rule.url_path = pattern(n).into();
            rule.host = "*.example.com".into();
            rule
        })
        .collect();
    rules.push(Rule::for_all("Default", 10_000, 1, Rate::NEVER));
    rules
}

/// A sampler that has its rules.
fn sampler(rules: Vec<Rule>) -> XraySampler {
    let sampler = XraySampler::builder().with_api(Rules(rules)).build();
    decide(&sampler, None, &attributes("/"));
    while sampler.handle().status().rules.is_empty() {
        SystemClock.sleep(Duration::from_millis(1));
    }
    sampler
}

fn attributes(path: &str) -> [KeyValue; 8] {
    [
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("url.scheme", "https"),
        KeyValue::new("url.path", path.to_owned()),
        KeyValue::new("server.address", "shop.example.com"),
        KeyValue::new("server.port", 443),
        KeyValue::new("client.address", "203.0.113.7"),
        KeyValue::new("user_agent.original", "curl/8.5.0"),
        KeyValue::new("network.protocol.version", "1.1"),
    ]
}

/// Every decision is about the same trace, which no rate takes.
fn decide(sampler: &impl ShouldSample, parent: Option<&Context>, attributes: &[KeyValue]) {
    let id = TraceId::from(u128::MAX);
    black_box(sampler.should_sample(parent, id, "GET /", &SpanKind::Server, black_box(attributes), &[]));
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    let here = attributes("/shop/1/item");
    let mut bench = |name: &str, sampler: &dyn Fn(&[KeyValue]), attributes: &[KeyValue]| {
        group.bench_function(name, |bencher| bencher.iter(|| sampler(attributes)));
    };
    let default = sampler(vec![Rule::for_all("Default", 10_000, 1, Rate::NEVER)]);
    let ten = sampler(ten_rules(|n| format!("/shop/{n}/*")));
    let stars = sampler(ten_rules(|n| format!("*a*a*a*a*{n}*b")));

    bench("SDK TraceIdRatioBased", &|a| decide(&Sampler::TraceIdRatioBased(0.05), None, a), &here);
    bench(
        "SDK ParentBased ratio",
        &{
            let parent_based = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.05)));
            move |a| decide(&parent_based, None, a)
        },
        &here,
    );
    bench("Default only", &|a| decide(&default, None, a), &here);
    for (name, path) in [("first", 1), ("second", 2), ("ninth", 9), ("Default", 99)] {
        bench(
            &format!("{name} of ten"),
            &|a| decide(&ten, None, a),
            &attributes(&format!("/shop/{path}/item")),
        );
    }
    bench(
        "ten hostile patterns",
        &|a| decide(&stars, None, a),
        &attributes(&format!("/{}", "a".repeat(100))),
    );

    let flags = TraceFlags::SAMPLED;
    let parent = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, true, TraceState::NONE);
    let parent = Context::new().with_remote_span_context(parent);
    bench("child", &|a| decide(&ten, Some(&parent), a), &here);
    group.finish();
}

/// Time for a decision while another thread decides by the same rule.
fn two_threads(criterion: &mut Criterion) {
    let ten = sampler(ten_rules(|n| format!("/shop/{n}/*")));
    let ninth = attributes("/shop/9/item");
    let mut group = criterion.benchmark_group("ninth of ten");
    for threads in [1, 2] {
        group.bench_function(format!("{threads} threads"), |bencher| {
            bencher.iter_custom(|iterations| {
                let barrier = Barrier::new(threads);
                let one = || {
                    barrier.wait();
                    let start = SystemClock.now();
                    (0..iterations).for_each(|_| decide(&ten, None, &ninth));
                    SystemClock.now() - start
                };
                thread::scope(|scope| {
                    let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
                    let took = running.into_iter().map(|thread| thread.join().expect("the thread counts"));
                    took.sum::<Duration>() / threads as u32
                })
            });
        });
    }
    group.finish();
}

/// A whole span of the SDK, for comparison.
fn spans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("span");
    let mut bench = |name: &str, sampler: &dyn Fn() -> SdkTracerProvider| {
        let provider = sampler();
        let tracer = provider.tracer("bench");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let builder = tracer.span_builder("GET /").with_attributes(attributes("/shop/9/item"));
                black_box(tracer.build_with_context(builder, &Context::new())).end();
            });
        });
    };
    bench("AlwaysOff", &|| SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build());
    bench("XraySampler, ninth of ten", &|| {
        let sampler = sampler(ten_rules(|n| format!("/shop/{n}/*")));
        SdkTracerProvider::builder().with_sampler(sampler).build()
    });
    bench("AlwaysOn", &|| SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn).build());
    group.finish();
}

criterion_group!(benches, decisions, two_threads, spans);
criterion_main!(benches);
