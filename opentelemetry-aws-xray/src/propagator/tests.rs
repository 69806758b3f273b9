use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry::{KeyValue, propagation::TextMapCompositePropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::testing::trace::TestSpan;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use proptest::prelude::*;

use super::*;
use crate::sampler::XrayParentBased;

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";
const TRACE: u128 = 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793;
const PARENT: u64 = 0x5399_5c3f_42cd_8ad8;
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn synthetic() -> u64 {
    u64::from_be_bytes(synthetic_parent(TraceId::from(TRACE)).to_bytes())
}

fn headers(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn extract(value: &str) -> Context {
    XrayPropagator::new().extract_with_context(&Context::new(), &headers(&[(TRACE_HEADER, value)]))
}

fn inject(cx: &Context) -> Option<String> {
    let mut carrier = HashMap::new();
    XrayPropagator::new().inject_context(cx, &mut carrier);
    assert!(carrier.len() <= 1);
    carrier.remove(TRACE_HEADER)
}

fn local(cx: &Context, span_id: u64, sampled: bool) -> Context {
    cx.with_span(TestSpan(SpanContext::new(
        cx.span().span_context().trace_id(),
        SpanId::from(span_id),
        TraceFlags::default().with_sampled(sampled),
        false,
        TraceState::default(),
    )))
}

struct Case {
    why: &'static str,
    value: &'static str,
    /// Span id and sampled flag of the remote parent in trace `ROOT`.
    parent: Option<(u64, bool)>,
    /// Sampled, whether it is open, whether there is a parent, extras.
    inbound: Option<(Sampled, bool, bool, &'static str)>,
    passed_on: Option<&'static str>,
    below_a_span: Option<&'static str>,
}

#[test]
fn extracts_and_passes_on_what_peers_send() {
    const COMPLETE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const BELOW: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000007;Sampled=1";
    let case = Case {
        why: "",
        value: "",
        parent: Some((PARENT, true)),
        inbound: None,
        passed_on: Some(COMPLETE),
        below_a_span: Some(BELOW),
    };
    let undecided = |sampled, has_parent| Some((sampled, true, has_parent, ""));
    for case in [
        Case { why: "complete", value: COMPLETE, ..case },
        Case {
            why: "rival_05: Root only (load balancer)",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793",
            parent: Some((synthetic(), true)),
            inbound: undecided(Sampled::Unstated, false),
            passed_on: Some("Root=1-5759e988-bd862e3fe1be46a994272793"),
            ..case
        },
        Case {
            why: "rival_05: Self and Root (load balancer)",
            value: "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793",
            parent: Some((synthetic(), true)),
            inbound: undecided(Sampled::Unstated, false),
            passed_on: Some("Root=1-5759e988-bd862e3fe1be46a994272793"),
            ..case
        },
        Case {
            why: "Root and Sampled=1",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
            parent: Some((synthetic(), true)),
            passed_on: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"),
            ..case
        },
        Case {
            why: "Root and Sampled=0",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            parent: Some((synthetic(), false)),
            passed_on: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"),
            ..case
        },
        Case {
            why: "rival_06: Sampled=?",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?",
            inbound: undecided(Sampled::Ask, true),
            passed_on: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?"),
            ..case
        },
        Case {
            why: "rival_06: Sampled missing",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
            inbound: undecided(Sampled::Unstated, true),
            passed_on: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8"),
            ..case
        },
        Case {
            why: "spaces, lower-case names, upper-case hex, trailing `;`",
            value: "root=1-5759E988-BD862E3FE1BE46A994272793; parent=53995C3F42CD8AD8; sampled=1;",
            ..case
        },
        Case {
            why: "a Parent that is no id: the trace is kept",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad;Sampled=1",
            parent: Some((synthetic(), true)),
            passed_on: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"),
            ..case
        },
        Case {
            why: "rival_22: space behind `;`, extras with further `=`",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793; Parent=53995c3f42cd8ad8; Sampled=1; a=b=c; \
                    Lineage=a87bd80c:1",
            inbound: Some((Sampled::Yes, false, true, "a=b=c;Lineage=a87bd80c:1")),
            passed_on: Some(
                "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;a=b=c;\
                 Lineage=a87bd80c:1",
            ),
            below_a_span: Some(
                "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000007;Sampled=1;a=b=c;\
                 Lineage=a87bd80c:1",
            ),
            ..case
        },
        Case {
            why: "rival_23: line breaks in an extra are not passed on",
            value: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;a=b\r\nX: y",
            ..case
        },
        Case {
            why: "version 2",
            value: "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            parent: None,
            passed_on: None,
            below_a_span: None,
            ..case
        },
        Case {
            why: "rival_24: the id that made the rival panic",
            value: "Root=1-0000000000000000000000000000001-1;Parent=53995c3f42cd8ad8;Sampled=1",
            parent: None,
            passed_on: None,
            below_a_span: None,
            ..case
        },
        Case { why: "empty", parent: None, passed_on: None, below_a_span: None, ..case },
        Case {
            why: "no Root, but something to pass on",
            value: "Sampled=?;Lineage=1:2",
            parent: None,
            inbound: Some((Sampled::Ask, false, false, "Lineage=1:2")),
            passed_on: Some("Sampled=?;Lineage=1:2"),
            below_a_span: Some("Sampled=?;Lineage=1:2"),
        },
    ] {
        let why = case.why;
        let cx = extract(case.value);
        let parent = case.parent.map(|(span_id, sampled)| {
            SpanContext::new(
                TraceId::from(TRACE),
                SpanId::from(span_id),
                if sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED },
                true,
                TraceState::default(),
            )
        });
        assert_eq!(*cx.span().span_context(), parent.unwrap_or(SpanContext::NONE), "{why}: parent");
        assert_eq!(
            Inbound::of(&cx).map(|it| (it.sampled(), it.is_undecided(), it.has_parent(), it.extras())),
            case.inbound,
            "{why}: inbound"
        );
        assert_eq!(inject(&cx).as_deref(), case.passed_on, "{why}: passed on");
        assert_eq!(header_value(&cx).as_deref(), case.passed_on, "{why}: passed on");
        assert_eq!(inject(&local(&cx, 7, true)).as_deref(), case.below_a_span, "{why}: below a span");
    }
}

#[test]
fn sampled_0_is_honoured_without_valid_ids() {
    for value in [
        "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0",
        "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
        "Sampled=0",
    ] {
        let cx = extract(value);
        let span = cx.span();
        let parent = span.span_context();
        assert!(parent.is_valid() && parent.is_remote() && !parent.is_sampled(), "{value}");
        assert!(inject(&cx).unwrap().ends_with(";Sampled=0"));
        for sampler in [
            Box::new(XrayParentBased::default()) as Box<dyn opentelemetry_sdk::trace::ShouldSample>,
            Box::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))),
            Box::new(Sampler::parent_based(Sampler::AlwaysOn)),
        ] {
            let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
            let span = provider.tracer("test").start_with_context("s", &cx);
            assert!(!span.span_context().is_sampled(), "{value}");
        }
    }
}

#[test]
fn rival_05_a_traceparent_is_never_overwritten_by_less() {
    let w3c = || Box::new(TraceContextPropagator::new()) as Box<dyn TextMapPropagator + Send + Sync>;
    let xray = || Box::new(XrayPropagator::new()) as Box<dyn TextMapPropagator + Send + Sync>;
    let from_w3c = "4bf92f3577b34da6a3ce929d0e0e4736";
    let from_xray = "5759e988bd862e3fe1be46a994272793";
    for (value, last_is_xray) in [
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", from_xray),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0", from_xray),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?", from_w3c),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", from_w3c),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", from_w3c),
        ("Root=1-5759e988-bd862e3fe1be46a994272793", from_w3c),
        ("Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0", from_w3c),
        ("nonsense", from_w3c),
    ] {
        let carrier = headers(&[("traceparent", TRACEPARENT), ("tracestate", "a=b"), (TRACE_HEADER, value)]);
        for (order, expected) in [(vec![w3c(), xray()], last_is_xray), (vec![xray(), w3c()], from_w3c)] {
            let composite = TextMapCompositePropagator::new(order);
            let cx = composite.extract_with_context(&Context::new(), &carrier);
            let span = cx.span();
            let parent = span.span_context();
            assert_eq!(parent.trace_id().to_string(), expected, "{value}");
            assert!(!Inbound::of(&cx).is_some_and(Inbound::is_undecided), "{value}: W3C has decided");
            // rival_25: trace state belongs to the traceparent.
            let state = if expected == from_w3c { "a=b" } else { "" };
            assert_eq!(parent.trace_state().header(), state, "{value}");

            let mut out = HashMap::new();
            composite.inject_context(&local(&cx, 7, true), &mut out);
            assert!(!out[TRACE_HEADER].contains("a=b"), "{value}");
            assert!(out["traceparent"].contains(expected), "{value}");
        }
    }
}

#[test]
fn a_decision_stays_open_beside_a_traceparent_of_the_same_sender() {
    let root = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736";
    let synthetic = synthetic_parent(TraceId::from(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736));
    for (why, parent_id, flags, header, is_open) in [
        ("passed on by a Lambda function", "00f067aa0ba902b7", "00", root.to_owned(), true),
        ("the same, with more", "00f067aa0ba902b7", "00", format!("{root};Lineage=1:2"), true),
        ("passed on by a service that is turned off", &synthetic.to_string(), "01", root.to_owned(), true),
        (
            "the same, asked",
            "00f067aa0ba902b7",
            "01",
            format!("{root};Parent=00f067aa0ba902b7;Sampled=?"),
            true,
        ),
        ("a span that is recorded", "00f067aa0ba902b7", "01", root.to_owned(), false),
        ("decided", "00f067aa0ba902b7", "00", format!("{root};Sampled=1"), false),
        ("another trace", "00f067aa0ba902b7", "00", format!("Root={ROOT}"), false),
    ] {
        let traceparent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{parent_id}-{flags}");
        let carrier =
            headers(&[("traceparent", &traceparent), ("tracestate", "a=b"), (TRACE_HEADER, &header)]);
        let cx = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
        let cx = XrayPropagator::new().extract_with_context(&cx, &carrier);
        assert_eq!(Inbound::of(&cx).is_some_and(Inbound::is_undecided), is_open, "{why}");
        let span = cx.span();
        assert_eq!(span.span_context().trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736", "{why}");
        assert_eq!(span.span_context().trace_state().header(), "a=b", "{why}");
    }
}

#[test]
fn what_is_passed_on_undecided_is_undecided_for_the_next() {
    let propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> =
        vec![Box::new(TraceContextPropagator::new()), Box::new(XrayPropagator::new())];
    let both = TextMapCompositePropagator::new(propagators);
    for fields in ["", ";Parent=53995c3f42cd8ad8", ";Sampled=?", ";Parent=53995c3f42cd8ad8;Sampled=?"] {
        let came = extract(&format!("Root={ROOT}{fields}"));
        #[cfg(feature = "lambda")]
        let by_a_function = PassedOn::instead_of(&came).map(|cx| local(&cx, 7, false));
        #[cfg(not(feature = "lambda"))]
        let by_a_function = None;
        for cx in std::iter::once(came).chain(by_a_function) {
            let mut carrier = HashMap::new();
            both.inject_context(&cx, &mut carrier);
            let next = both.extract_with_context(&Context::new(), &carrier);
            assert!(Inbound::of(&next).is_some_and(Inbound::is_undecided), "{carrier:?}");
        }
    }
}

#[test]
fn the_trace_state_of_the_same_trace_stays() {
    for (trace, expected) in
        [("4bf92f3577b34da6a3ce929d0e0e4736", "a=b"), ("5759e988bd862e3fe1be46a994272793", "")]
    {
        let header = format!("Root=1-{}-{};Parent=53995c3f42cd8ad8;Sampled=1", &trace[..8], &trace[8..]);
        let carrier =
            headers(&[("traceparent", TRACEPARENT), ("tracestate", "a=b"), (TRACE_HEADER, &header)]);
        let cx = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
        let cx = XrayPropagator::new().extract_with_context(&cx, &carrier);
        let span = cx.span();
        assert_eq!(span.span_context().span_id().to_string(), "53995c3f42cd8ad8");
        assert_eq!(span.span_context().trace_state().header(), expected, "{trace}");
    }
}

#[test]
fn lineage_outlives_a_traceparent_that_is_kept() {
    let carrier = headers(&[
        ("traceparent", TRACEPARENT),
        (TRACE_HEADER, "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?;Lineage=1:2"),
    ]);
    let cx = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    let cx = XrayPropagator::new().extract_with_context(&cx, &carrier);
    let inbound = Inbound::of(&cx).unwrap();
    assert_eq!((inbound.sampled(), inbound.is_undecided()), (Sampled::Ask, false));
    assert_eq!(inbound.lineage(), Some("1:2"));
    assert_eq!(
        inject(&local(&cx, 7, true)).unwrap(),
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=0000000000000007;Sampled=1;Lineage=1:2"
    );
}

#[test]
fn what_one_request_left_does_not_reach_another() {
    let first = extract("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?;a=b");
    let carrier = headers(&[(
        TRACE_HEADER,
        "Root=1-11111111-111111111111111111111111;Parent=1111111111111111;Sampled=0",
    )]);
    let second = XrayPropagator::new().extract_with_context(&local(&first, 7, true), &carrier);
    assert_eq!(Inbound::of(&second), None);
    assert_eq!(inject(&second).as_deref(), carrier.get(TRACE_HEADER).map(String::as_str));
}

#[test]
fn the_rest_of_the_context_is_kept() {
    let before = Context::new().with_baggage([KeyValue::new("tenant", "t1")]);
    let propagator = XrayPropagator::new();
    let cx = propagator.extract_with_context(&before, &headers(&[(TRACE_HEADER, &format!("Root={ROOT}"))]));
    assert_eq!(cx.baggage().get("tenant").map(ToString::to_string).as_deref(), Some("t1"));
    let cx = propagator.extract_with_context(&before, &HashMap::new());
    assert_eq!(cx.baggage().len(), 1);
    assert_eq!(propagator.fields().collect::<Vec<_>>(), [TRACE_HEADER]);
}

#[test]
fn rival_06_a_decision_that_we_took_goes_downstream() {
    for (sampler, sampled, flags) in [
        (Sampler::AlwaysOn, "Sampled=1", TraceFlags::SAMPLED),
        (Sampler::AlwaysOff, "Sampled=0", TraceFlags::NOT_SAMPLED),
    ] {
        let provider = SdkTracerProvider::builder().with_sampler(XrayParentBased::new(sampler)).build();
        let tracer = provider.tracer("test");
        for value in ["Sampled=?", "Parent=53995c3f42cd8ad8;Sampled=?", "Parent=53995c3f42cd8ad8", ""] {
            let inbound = extract(&format!("Root={ROOT};{value}"));
            let server = inbound.with_span(tracer.start_with_context("server", &inbound));
            let client = server.with_span(tracer.start_with_context("client", &server));
            for cx in [server, client] {
                let out = inject(&cx).unwrap();
                assert!(out.starts_with(&format!("Root={ROOT};Parent=")), "{out}");
                assert!(out.ends_with(sampled), "{out}");
                assert_eq!(cx.span().span_context().trace_flags(), flags, "no flag but sampled");
            }
        }
    }
}

#[test]
fn rival_26_a_span_that_is_only_recorded_is_not_sampled_downstream() {
    #[derive(Debug, Clone)]
    struct RecordOnly;
    impl opentelemetry_sdk::trace::ShouldSample for RecordOnly {
        fn should_sample(
            &self,
            _: Option<&Context>,
            _: TraceId,
            _: &str,
            _: &opentelemetry::trace::SpanKind,
            _: &[KeyValue],
            _: &[opentelemetry::trace::Link],
        ) -> opentelemetry_sdk::trace::SamplingResult {
            opentelemetry_sdk::trace::SamplingResult {
                decision: opentelemetry_sdk::trace::SamplingDecision::RecordOnly,
                attributes: Vec::new(),
                trace_state: TraceState::default(),
            }
        }
    }
    let provider = SdkTracerProvider::builder().with_sampler(XrayParentBased::new(RecordOnly)).build();
    let inbound = extract(&format!("Root={ROOT}"));
    let span = provider.tracer("test").start_with_context("server", &inbound);
    assert!(span.is_recording());
    assert!(inject(&inbound.with_span(span)).unwrap().ends_with("Sampled=0"));
}

#[test]
fn rival_05_undecided_parents_are_sampled_by_the_sdk_s_own_parent_based() {
    for value in ["", ";Sampled=?", ";Parent=53995c3f42cd8ad8"] {
        let cx = extract(&format!("Root={ROOT}{value}"));
        for sampler in [
            Box::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
                as Box<dyn opentelemetry_sdk::trace::ShouldSample>,
            Box::new(Sampler::parent_based(Sampler::AlwaysOff)),
        ] {
            let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
            let span = provider.tracer("test").start_with_context("s", &cx);
            assert!(span.span_context().is_sampled());
            assert_eq!(span.span_context().trace_id(), TraceId::from(TRACE));
        }
    }
}

#[test]
fn rival_05_tracing_spans_are_left_to_our_sampler() {
    use tracing_opentelemetry::OpenTelemetrySpanExt;
    use tracing_subscriber::layer::SubscriberExt;

    for (value, sampler, sampled) in [
        ("", Sampler::AlwaysOff, false),
        ("", Sampler::AlwaysOn, true),
        (";Parent=53995c3f42cd8ad8;Sampled=?", Sampler::AlwaysOff, false),
        (";Parent=53995c3f42cd8ad8;Sampled=1", Sampler::AlwaysOff, true),
        (";Parent=53995c3f42cd8ad8;Sampled=0", Sampler::AlwaysOn, false),
    ] {
        let provider = SdkTracerProvider::builder().with_sampler(XrayParentBased::new(sampler)).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let server = tracing::info_span!("server");
            server.set_parent(extract(&format!("Root={ROOT}{value};Lineage=1:2"))).unwrap();
            let _entered = server.enter();
            let client = tracing::info_span!("client").context();
            assert_eq!(client.span().span_context().trace_id(), TraceId::from(TRACE), "{value}");
            assert_eq!(client.span().span_context().is_sampled(), sampled, "{value}");
            let expected = if sampled { ";Sampled=1" } else { ";Sampled=0" };
            let out = inject(&client).unwrap();
            assert!(out.contains(expected), "{value}: {out}");
            assert!(out.ends_with(";Lineage=1:2"), "{value}: {out}");
        });
    }
}

#[test]
fn an_invalid_span_context_injects_nothing() {
    assert_eq!(inject(&Context::new()), None);
    assert_eq!(inject(&Context::new().with_span(TestSpan(SpanContext::NONE))), None);
}

#[test]
fn the_synthetic_parent_never_changes() {
    // It travels in `traceparent` to processes with other versions of this crate.
    assert_eq!(synthetic_parent(TraceId::from(TRACE)).to_string(), "9082c56161b11d40");
    assert_ne!(synthetic_parent(TraceId::INVALID), SpanId::INVALID);
}

proptest! {
    #[test]
    fn an_ordinary_caller_is_told_as_any_other(
        value in "Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;Parent=[0-9a-f]{16})?(;Sampled=[01?])?(;(Lineage=1:2|x))?",
    ) {
        let propagator = XrayPropagator::new();
        let told = propagator.caller(Context::new(), value.as_bytes()).into_context();
        let header = TraceHeader::parse(value.as_bytes());
        let weighed = propagator.caller_between(Context::new(), &header).into_context();
        prop_assert_eq!(told.span().span_context().clone(), weighed.span().span_context().clone());
        prop_assert_eq!(Inbound::of(&told), Inbound::of(&weighed));
    }

    #[test]
    fn any_header_leaves_a_context_that_can_be_injected(value in "([ ]?(Root|root|Parent|Sampled|Self|Lineage|[a-z]{1,9})=(1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9a-f]{16}|[01?]|.{0,99});?){0,9}") {
        let cx = extract(&value);
        for cx in [local(&cx, 7, true), cx] {
            let out = inject(&cx).unwrap_or_default();
            prop_assert!(out.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert!(out.len() <= 74 + xray_wire::limits::MAX_TRACE_HEADER_EXTRA_BYTES);
            // Who reads what we pass on reads the same.
            let again = extract(&out);
            if cx.span().span_context().is_remote() && cx.span().span_context().trace_id() != TraceId::INVALID {
                prop_assert_eq!(again.span().span_context().clone(), cx.span().span_context().clone());
                prop_assert_eq!(inject(&again).unwrap_or_default(), out);
            }
        }
    }
}
