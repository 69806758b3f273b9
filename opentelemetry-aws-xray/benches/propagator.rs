//! What reading and writing a trace header costs, next to `opentelemetry-aws` and W3C.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::{hint::black_box, iter};

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanKind, TraceContextExt, TraceId};
use opentelemetry_aws_xray::{XrayParentBased, XrayPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, ShouldSample};
use xray_wire::TraceHeader;

const COMPLETE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// Headers of a request, and the value of the one that matters.
const SHAPES: [(&str, &str); 3] = [
    ("complete", COMPLETE),
    ("Root only", "Root=1-5759e988-bd862e3fe1be46a994272793"),
    (
        "with Lineage",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:2:3",
    ),
];

struct Headers(HeaderMap);

impl Headers {
    fn of_a_request(trace_header: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "shop.example.com"),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
            ("accept", "*/*"),
            ("accept-language", "en"),
            ("accept-encoding", "gzip"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-port", "443"),
            ("x-forwarded-proto", "https"),
            ("x-amzn-trace-id", trace_header),
            ("traceparent", "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Self(headers)
    }
}

impl Extractor for Headers {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Injector for Headers {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

fn propagators() -> impl Iterator<Item = (&'static str, Box<dyn TextMapPropagator>)> {
    let ours: Box<dyn TextMapPropagator> = Box::new(XrayPropagator::new());
    iter::once(("this crate", ours)).chain(others())
}

fn others() -> [(&'static str, Box<dyn TextMapPropagator>); 2] {
    [
        ("opentelemetry-aws", Box::new(opentelemetry_aws::trace::XrayPropagator::default())),
        ("SDK, W3C", Box::new(TraceContextPropagator::new())),
    ]
}

/// Times `routine`, and prints how often it allocates.
fn run<T>(c: &mut Criterion, id: &str, mut routine: impl FnMut() -> T) {
    black_box(routine());
    let count = allocation_counter::measure(|| {
        black_box(routine());
    });
    println!("{id}: {} allocations", count.count_total);
    c.bench_function(id, |b| b.iter(&mut routine));
}

fn parse_and_print(c: &mut Criterion) {
    run(c, "parse", || TraceHeader::parse(black_box(COMPLETE.as_bytes())));
    let header = TraceHeader::parse(COMPLETE.as_bytes());
    run(c, "print", || black_box(&header).to_text());
}

fn extract(c: &mut Criterion) {
    for (shape, value) in SHAPES {
        let headers = Headers::of_a_request(value);
        for (name, propagator) in propagators() {
            let id = format!("extract from 10 headers, {shape}/{name}");
            run(c, &id, || propagator.extract_with_context(&Context::new(), black_box(&headers)));
        }
    }
}

fn inject(c: &mut Criterion) {
    for (shape, value) in SHAPES {
        let cx = XrayPropagator::new().extract_with_context(&Context::new(), &Headers::of_a_request(value));
        for (name, propagator) in propagators() {
            // The map is there already, as in a request that is about to be sent.
            let mut headers = Headers::of_a_request(value);
            let id = format!("inject into headers, {shape}/{name}");
            run(c, &id, || propagator.inject_context(black_box(&cx), &mut headers));
        }
    }
}

/// As the layers do it: X-Ray's own propagator goes straight to the map, the others by way of an extractor and an injector.
fn layers(c: &mut Criterion) {
    let xray = XrayPropagator::new();
    for (shape, value) in SHAPES {
        let mut headers = Headers::of_a_request(value);
        let extract = format!("extract from a HeaderMap of 10 headers as the server layer does, {shape}");
        run(c, &format!("{extract}/this crate"), || {
            xray.extract_from(&Context::current(), black_box(&headers.0))
        });
        for (name, propagator) in others() {
            run(c, &format!("{extract}/{name}"), || {
                propagator.extract_with_context(&Context::current(), black_box(&headers))
            });
        }
        let cx = xray.extract_from(&Context::new(), &headers.0);
        let inject = format!("inject into a HeaderMap as the client layer does, {shape}");
        run(c, &format!("{inject}/this crate"), || xray.inject_into(black_box(&cx), &mut headers.0));
        for (name, propagator) in others() {
            run(c, &format!("{inject}/{name}"), || propagator.inject_context(black_box(&cx), &mut headers));
        }
    }
}

fn sample(c: &mut Criterion) {
    let samplers: [(&str, Box<dyn ShouldSample>); 2] = [
        ("this crate", Box::new(XrayParentBased::default())),
        ("SDK, ParentBased", Box::new(Sampler::parent_based(Sampler::AlwaysOn))),
    ];
    for (shape, value) in SHAPES {
        let cx = XrayPropagator::new().extract_with_context(&Context::new(), &Headers::of_a_request(value));
        assert!(cx.has_active_span());
        for (name, sampler) in &samplers {
            run(c, &format!("follow the parent, {shape}/{name}"), || {
                sampler.should_sample(Some(&cx), TraceId::from(1), "span", &SpanKind::Server, &[], &[])
            });
        }
    }
}

criterion_group!(benches, parse_and_print, extract, inject, layers, sample);
criterion_main!(benches);
