//! Headers between our propagator and the one of OpenTelemetry for Python.

use std::collections::HashMap;

use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_aws_xray::{
    XrayPropagator,
    propagator::{TRACE_HEADER, header_value},
};
use serde_json::json;

use crate::{needs::Python, program::run};

fn span(trace_id: u128, span_id: u64, flags: TraceFlags) -> SpanContext {
    let (trace_id, span_id) = (TraceId::from(trace_id), SpanId::from(span_id));
    SpanContext::new(trace_id, span_id, flags, true, TraceState::default())
}

pub(crate) async fn reads_our_headers_and_writes_ones_we_read(python: Python) {
    let spans = [
        span(0x6789_1233_abcd_ef01_2345_6789_1234_5678, 0x463a_c35c_9f64_13ad, TraceFlags::SAMPLED),
        span(0x6789_1233_abcd_ef01_2345_6789_1234_5678, 0x463a_c35c_9f64_13ad, TraceFlags::NOT_SAMPLED),
        // Zeros in front have to stay.
        span(1, 1, TraceFlags::SAMPLED),
    ];
    let headers = spans.clone().map(|span| {
        let context = Context::new().with_remote_span_context(span);
        header_value(&context).unwrap()
    });
    let answers = run(python.script("otel_headers.py"), &json!(headers)).await;
    for (index, (span, header)) in spans.iter().zip(&headers).enumerate() {
        let answer = &answers[index];
        assert_eq!(answer["trace_id"], json!(span.trace_id().to_string()), "{header}");
        assert_eq!(answer["span_id"], json!(span.span_id().to_string()), "{header}");
        assert_eq!(answer["sampled"], json!(span.is_sampled()), "{header}");

        let written = answer["header"].as_str().unwrap().to_owned();
        let carrier = HashMap::from([(TRACE_HEADER.to_owned(), written)]);
        let context = XrayPropagator::new().extract_with_context(&Context::new(), &carrier);
        assert_eq!(context.span().span_context(), span, "{carrier:?}");
    }
}
