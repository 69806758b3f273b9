//! The second program of `docs/sampling.md`: requests of which some fail, and X-Ray hears of it.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    trace::{Span, SpanKind, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{
    Xray,
    clock::{Clock, SystemClock},
    sampler::adaptive::AdaptiveSampling,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let xray = Xray::builder()
        .with_service_name("checkout")
        .with_adaptive_sampling(AdaptiveSampling::from_environment())
        .install();

    let tracer = xray.tracer_provider().tracer("checkout");
    for request in 0..1_800 {
        let method = KeyValue::new("http.request.method", "POST");
        let builder = tracer.span_builder("POST").with_kind(SpanKind::Server);
        let mut span = tracer.build(builder.with_attributes([method, KeyValue::new("url.path", "/pay")]));
        let status = if request % 10 == 0 { 500 } else { 200 };
        span.set_attribute(KeyValue::new("http.response.status_code", status));
        span.end();
        SystemClock.sleep(Duration::from_millis(20));
    }
    println!("{:?}", xray.adaptive_sampling_stats());
    xray.shutdown()?;
    Ok(())
}
