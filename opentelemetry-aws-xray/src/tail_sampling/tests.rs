//! Through a provider, with a clock that is moved by hand.

use opentelemetry::{
    KeyValue,
    trace::{SpanKind, TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, SimpleSpanProcessor,
};

use super::*;
use crate::{
    clock::ManualClock,
    sampler::{RecordUnsampled, XrayParentBased},
};

struct Pipeline {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    stats: TailSamplingStatsHandle,
    kept: InMemorySpanExporter,
}

impl Pipeline {
    fn new(policy: TailSampling, sampler: Sampler) -> Self {
        let kept = InMemorySpanExporter::default();
        let next = SimpleSpanProcessor::new(kept.clone());
        let processor = TailSamplingProcessor::with_clock(policy, next, ManualClock::new());
        let stats = processor.stats_handle();
        let provider = SdkTracerProvider::builder()
            .with_sampler(RecordUnsampled::new(XrayParentBased::new(sampler)))
            .with_span_processor(processor)
            .build();
        Self { tracer: provider.tracer("test"), provider, stats, kept }
    }

    fn server(&self, parent: &Context) -> Context {
        let builder = self.tracer.span_builder("server").with_kind(SpanKind::Server);
        parent.with_span(builder.start_with_context(&self.tracer, parent))
    }

    fn child(&self, parent: &Context) -> Context {
        parent.with_span(self.tracer.span_builder("child").start_with_context(&self.tracer, parent))
    }

    /// Names of the spans that were kept, with why.
    fn kept(&self) -> Vec<String> {
        let spans = self.kept.get_finished_spans().unwrap();
        self.kept.reset();
        assert!(spans.iter().all(|span| span.span_context.is_sampled()));
        let name = |span: &SpanData| {
            let reason =
                span.attributes.iter().find(|attribute| attribute.key.as_str() == "tail_sampling.reason");
            format!("{} {}", span.name, reason.map(|reason| reason.value.to_string()).unwrap_or_default())
        };
        spans.iter().map(name).collect()
    }
}

fn fail(request: &Context) {
    request.span().set_attribute(KeyValue::new("http.response.status_code", 500));
}

#[test]
fn a_request_that_fails_is_kept_with_all_below_it() {
    let pipeline = Pipeline::new(TailSampling::new().faults(), Sampler::AlwaysOff);
    for (fails, expected) in [(true, vec!["child ", "server fault", "child "]), (false, vec![])] {
        let request = pipeline.server(&Context::new());
        let (early, late) = (pipeline.child(&request), pipeline.child(&request));
        early.span().end();
        if fails {
            fail(&request);
        }
        assert_eq!(pipeline.kept(), [""; 0], "not before the request is over");
        request.span().end();
        late.span().end();
        assert_eq!(pipeline.kept(), expected);
        // Even what starts only then.
        pipeline.child(&request).span().end();
        assert_eq!(pipeline.kept().len(), usize::from(fails));
    }
    let stats = pipeline.stats.now();
    let numbers = (stats.spans_in, stats.spans_kept, stats.spans_let_go, stats.spans_held, stats.bytes_held);
    assert_eq!(numbers, (8, 4, 4, 0, 0));
    assert_eq!(stats.requests_kept(KeepReason::Fault), 1);
}

#[test]
fn what_starts_below_a_span_that_has_ended_follows_its_request() {
    let pipeline = Pipeline::new(TailSampling::new().faults(), Sampler::AlwaysOff);
    let caller =
        SpanContext::new(TraceId::from(7), 3.into(), TraceFlags::NOT_SAMPLED, true, TraceState::NONE);
    let caller = Context::new().with_remote_span_context(caller);
    let [failing, other] = [(); 2].map(|()| pipeline.server(&caller));
    for request in [&failing, &other] {
        let ended = pipeline.child(request);
        ended.span().end();
        let late = pipeline.child(&ended);
        late.span().end();
        pipeline.child(&late).span().end();
    }
    // One that is still open when all around it is decided, and one that starts below it then.
    let ended = pipeline.child(&failing);
    ended.span().end();
    let last = pipeline.child(&ended);
    other.span().end();
    assert_eq!((pipeline.kept().len(), pipeline.stats.now().spans_let_go), (0, 4));
    fail(&failing);
    failing.span().end();
    last.span().end();
    pipeline.child(&last).span().end();
    assert_eq!(pipeline.kept(), ["child ", "child ", "child ", "child ", "server fault", "child ", "child "]);
    let stats = pipeline.stats.now();
    assert_eq!((stats.spans_let_go, stats.spans_let_go_early, stats.spans_held), (4, 0, 0));
}

#[test]
fn what_the_sampler_sampled_passes_at_once_unless_it_is_judged() {
    for (policy, expected) in [
        (TailSampling::new().faults(), vec!["child ", "server "]),
        (TailSampling::new().faults().judge_sampled(), vec![]),
    ] {
        let pipeline = Pipeline::new(policy, Sampler::AlwaysOn);
        let request = pipeline.server(&Context::new());
        pipeline.child(&request).span().end();
        request.span().end();
        assert_eq!(pipeline.kept(), expected);
    }
}

#[test]
fn what_the_caller_does_not_record_is_kept_here_and_goes_on_unsampled() {
    let pipeline = Pipeline::new(TailSampling::new().faults(), Sampler::AlwaysOn);
    let caller = SpanContext::new(
        TraceId::from(7),
        3.into(),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::from_key_value([("a", "b")]).unwrap(),
    );
    let request = pipeline.server(&Context::new().with_remote_span_context(caller));
    assert!(!request.span().span_context().is_sampled(), "a call from here says so");
    fail(&request);
    request.span().end();
    let [span] = &pipeline.kept.get_finished_spans().unwrap()[..] else { panic!("one span") };
    assert_eq!((span.span_context.trace_id(), span.parent_span_id), (TraceId::from(7), 3.into()));
    assert_eq!(span.span_context.trace_state().get("a"), Some("b"));
}

#[test]
fn two_requests_of_one_trace_are_told_apart_until_one_is_kept() {
    let pipeline = Pipeline::new(TailSampling::new().faults(), Sampler::AlwaysOff);
    let caller =
        SpanContext::new(TraceId::from(7), 3.into(), TraceFlags::NOT_SAMPLED, true, TraceState::NONE);
    let caller = Context::new().with_remote_span_context(caller);
    let [first, second, third] = [(); 3].map(|()| pipeline.server(&caller));
    pipeline.child(&second).span().end();
    first.span().end();
    assert_eq!(pipeline.kept(), [""; 0]);
    fail(&second);
    second.span().end();
    assert_eq!(pipeline.kept(), ["child ", "server fault"]);
    third.span().end();
    assert_eq!(pipeline.kept(), ["server fault"]);
}

#[test]
fn shutdown_decides_what_is_open() {
    let pipeline = Pipeline::new(TailSampling::new().faults().rate(1.0), Sampler::AlwaysOff);
    let request = pipeline.server(&Context::new());
    pipeline.child(&request).span().end();
    pipeline.provider.force_flush().unwrap();
    assert_eq!(pipeline.stats.now().spans_held, 1);
    let kept = pipeline.kept.clone();
    pipeline.provider.shutdown().unwrap();
    drop(kept);
    let stats = pipeline.stats.now();
    assert_eq!((stats.spans_kept, stats.spans_held, stats.requests_kept(KeepReason::Rate)), (1, 0, 1));
}
