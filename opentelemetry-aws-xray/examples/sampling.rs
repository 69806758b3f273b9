//! The program of `docs/sampling.md`: requests that are sampled by the account's rules, and some by the service's own.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    trace::{Span, SpanKind, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{
    Xray,
    clock::{Clock, SystemClock},
    sampler::{Overrides, XraySampler},
};
use opentelemetry_sdk::Resource;

const OVERRIDES: &str = "
    never    path=/health*
    always   path=/api/auth*  method=POST
    5/s 10%  route=/orders/{id}
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let resource = Resource::builder().with_service_name("checkout").build();
    let sampler = XraySampler::builder()
        .with_resource(&resource)
        .with_endpoint("http://127.0.0.1:2000")
        .with_overrides(OVERRIDES.parse::<Overrides>()?)
        .build();
    let handle = sampler.handle();
    let xray = Xray::builder().with_resource(resource).with_sampler(sampler).install();

    let tracer = xray.tracer_provider().tracer("checkout");
    for second in 1..=30 {
        for path in ["/health", "/api/auth/login", "/cart"].repeat(10) {
            let method = KeyValue::new("http.request.method", "POST");
            let builder = tracer.span_builder("POST").with_kind(SpanKind::Server);
            tracer.build(builder.with_attributes([method, KeyValue::new("url.path", path)])).end();
        }
        SystemClock.sleep(Duration::from_secs(1));
        let rules = handle.status().rules;
        let quotas: Vec<_> = rules.iter().map(|rule| (&rule.name, rule.quota)).collect();
        println!("{second} s: {} spans sampled, quotas {quotas:?}", xray.stats().spans_in);
    }
    xray.shutdown()?;
    handle.shutdown();
    Ok(())
}
