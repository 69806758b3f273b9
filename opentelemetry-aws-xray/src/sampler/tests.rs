use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};
use opentelemetry_sdk::testing::trace::TestSpan;

use super::*;
use crate::propagator::{TRACE_HEADER, XrayPropagator};

/// A root sampler whose answers can't be mistaken for anybody else's.
#[derive(Debug, Clone)]
struct Root;

impl ShouldSample for Root {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SamplingDecision::RecordOnly,
            attributes: vec![KeyValue::new("rule", "Default")],
            trace_state: state("root=1"),
        }
    }
}

fn state(header: &str) -> TraceState {
    header.parse().unwrap()
}

fn span_context(sampled: bool, remote: bool) -> SpanContext {
    let flags = TraceFlags::default().with_sampled(sampled);
    SpanContext::new(TraceId::from(1), SpanId::from(2), flags, remote, state("parent=1"))
}

fn extracted(value: &str) -> Context {
    let carrier = HashMap::from([(TRACE_HEADER.to_owned(), value.to_owned())]);
    XrayPropagator::new().extract_with_context(&Context::new(), &carrier)
}

fn decide(parent: Option<&Context>) -> SamplingResult {
    XrayParentBased::new(Root).should_sample(
        parent,
        TraceId::from(1),
        "span",
        &SpanKind::Server,
        &[KeyValue::new("http.route", "/")],
        &[],
    )
}

#[test]
fn the_parent_decides_if_it_has() {
    use ParentDecision::{NotSampled, Sampled, Undecided};
    let undecided = extracted("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?");
    for (why, parent, expected) in [
        ("no context", None, Undecided),
        ("no span", Some(Context::new()), Undecided),
        ("invalid span", Some(Context::new().with_span(TestSpan(SpanContext::NONE))), Undecided),
        ("local, sampled", Some(Context::new().with_span(TestSpan(span_context(true, false)))), Sampled),
        (
            "local, not sampled",
            Some(Context::new().with_span(TestSpan(span_context(false, false)))),
            NotSampled,
        ),
        ("remote, sampled", Some(Context::new().with_remote_span_context(span_context(true, true))), Sampled),
        (
            "remote, not sampled",
            Some(Context::new().with_remote_span_context(span_context(false, true))),
            NotSampled,
        ),
        ("rival_05: Root only", Some(extracted("Root=1-5759e988-bd862e3fe1be46a994272793")), Undecided),
        ("rival_06: Sampled=?", Some(undecided.clone()), Undecided),
        (
            "Sampled=1 with extras",
            Some(extracted("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;a=b")),
            Sampled,
        ),
        (
            "Sampled=0 without Parent",
            Some(extracted("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")),
            NotSampled,
        ),
        ("Sampled=0 without ids", Some(extracted("Root=0;Parent=0;Sampled=0")), NotSampled),
        (
            "local span below an undecided header",
            Some(undecided.with_span(TestSpan(span_context(false, false)))),
            NotSampled,
        ),
        (
            "another propagator replaced an undecided header",
            Some(undecided.with_remote_span_context(span_context(false, true))),
            NotSampled,
        ),
    ] {
        assert_eq!(parent_decision(parent.as_ref()), expected, "{why}");
        let result = decide(parent.as_ref());
        let decision = match expected {
            Sampled => SamplingDecision::RecordAndSample,
            NotSampled => SamplingDecision::Drop,
            Undecided => SamplingDecision::RecordOnly,
        };
        assert_eq!(result.decision, decision, "{why}");
        if expected == Undecided {
            assert_eq!(result.attributes, [KeyValue::new("rule", "Default")], "{why}: the root's attributes");
            assert_eq!(result.trace_state, state("root=1"), "{why}: the root's trace state");
        } else {
            assert_eq!(result.attributes, [], "{why}");
            let parent = parent.unwrap();
            assert_eq!(result.trace_state, *parent.span().span_context().trace_state(), "{why}");
        }
    }
}

#[test]
fn the_default_records_what_nobody_decided() {
    let sampler = XrayParentBased::default();
    let result = sampler.should_sample(None, TraceId::from(1), "span", &SpanKind::Server, &[], &[]);
    assert_eq!(result.decision, SamplingDecision::RecordAndSample);
}
