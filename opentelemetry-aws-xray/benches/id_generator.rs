//! What an id costs, next to `opentelemetry-aws` and the SDK's random ids.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use opentelemetry_aws_xray::XrayIdGenerator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

fn new_trace_id(c: &mut Criterion) {
    let generators: [(&str, Box<dyn IdGenerator>); 3] = [
        ("this crate", Box::new(XrayIdGenerator::default())),
        ("opentelemetry-aws", Box::new(opentelemetry_aws::trace::XrayIdGenerator::default())),
        ("SDK, random", Box::new(RandomIdGenerator::default())),
    ];
    let mut group = c.benchmark_group("new trace id");
    for (name, generator) in &generators {
        // Once before counting: the first id of a thread seeds its random source.
        black_box(generator.new_trace_id());
        let count = allocation_counter::measure(|| {
            black_box(generator.new_trace_id());
        });
        println!("new trace id/{name}: {} allocations", count.count_total);
        group.bench_function(*name, |b| b.iter(|| generator.new_trace_id()));
    }
    group.finish();
}

fn new_span_id(c: &mut Criterion) {
    let ids = XrayIdGenerator::default();
    c.bench_function("new span id/this crate", |b| b.iter(|| ids.new_span_id()));
}

criterion_group!(benches, new_trace_id, new_span_id);
criterion_main!(benches);
