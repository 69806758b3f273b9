//! The sampler that tells services further down which rule it was.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use opentelemetry::{
    Context, KeyValue, Value,
    baggage::BaggageExt,
    trace::{Link, SpanKind, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample, SpanData, SpanProcessor};
use xray_wire::sampling::{Entry, Reservoir, Table};

use super::{
    super::{
        SamplerHandle,
        poller::nanos,
        root::Root,
        xray::{RULE_ATTRIBUTE, XraySampler},
    },
    config::AdaptiveSampling,
    processor::AdaptiveSamplingProcessor,
    rule_names::{self, RuleNames},
    traces::{Ended, Outcome, Traces},
};

/// The key under which AWS's agents tell the rule in trace state and baggage.
const KEY: &str = "xrsr";

/// An [`XraySampler`] that takes part in adaptive sampling. It needs its [processor](Self::processor) beside it;
/// [`XrayBuilder::with_adaptive_sampling`](crate::XrayBuilder::with_adaptive_sampling) sets both up.
///
/// It decides as the sampler does, overrides included: a trace about which one of these or the fallback decided has no rule, so it
/// counts for none. But while a rule has a boost in X-Ray, or anomalies are captured, spans that are not sampled are recorded all the same, so that
/// it is known how they end. That costs half a microsecond or more for each. And while a rule has a boost, traces that begin here say in
/// their trace state which rule was theirs.
///
/// The rule's name goes into no baggage, from where it would reach third parties; what others put there is understood.
///
/// ```
/// use opentelemetry::trace::{Span, Tracer, TracerProvider};
/// use opentelemetry_aws_xray::sampler::{XraySampler, adaptive::{AdaptiveSampler, AdaptiveSampling}};
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
///
/// // While X-Ray has not answered, the fallback decides.
/// let rules = XraySampler::builder().with_fallback(Sampler::AlwaysOff).build();
/// let sampler = AdaptiveSampler::new(rules, AdaptiveSampling::new().with_captured_per_second(1));
/// let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
/// let span = provider.tracer("shop").start("order");
/// assert!(span.is_recording() && !span.span_context().is_sampled(), "it may turn out to be an anomaly");
/// ```
#[derive(Debug, Clone)]
pub struct AdaptiveSampler {
    sampler: XraySampler,
    shared: Arc<Shared>,
}

/// What the sampler shares with its processor.
struct Shared {
    config: AdaptiveSampling,
    names: RuleNames,
    traces: Traces,
    captures: Reservoir,
    captured: AtomicU64,
    passed_over: AtomicU64,
}

/// What became of spans that were not sampled, and recorded for adaptive sampling.
///
/// ```
/// use opentelemetry_aws_xray::{Xray, sampler::adaptive::AdaptiveSampling};
///
/// let xray = Xray::builder().with_adaptive_sampling(AdaptiveSampling::new()).build();
/// let stats = xray.adaptive_sampling_stats().unwrap();
/// println!("{} spans captured, {} passed over", stats.spans_captured, stats.spans_passed_over);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AdaptiveSamplingStats {
    /// Spans that were exported, since their trace had an anomaly.
    pub spans_captured: u64,
    /// Spans that were not.
    pub spans_passed_over: u64,
}

impl AdaptiveSampler {
    /// Decides as `sampler` does, and looks for anomalies as `config` says.
    #[must_use]
    pub fn new(sampler: XraySampler, config: AdaptiveSampling) -> Self {
        let shared = Shared {
            names: RuleNames::default(),
            traces: Traces::new(),
            captures: Reservoir::new(config.captured_per_second),
            captured: AtomicU64::new(0),
            passed_over: AtomicU64::new(0),
            config,
        };
        Self { sampler, shared: Arc::new(shared) }
    }

    /// The processor that looks at how spans end, and hands those on to `next` that are sampled or captured.
    #[must_use]
    pub fn processor<P: SpanProcessor>(&self, next: P) -> AdaptiveSamplingProcessor<P> {
        AdaptiveSamplingProcessor::new(self.clone(), next, false)
    }

    /// The same, before a processor that decides itself what it does with spans that are not sampled, such as a
    /// [`TailSamplingProcessor`](crate::TailSamplingProcessor): all spans are handed on as they are, and none is captured.
    #[must_use]
    pub fn observer<P: SpanProcessor>(&self, next: P) -> AdaptiveSamplingProcessor<P> {
        AdaptiveSamplingProcessor::new(self.clone(), next, true)
    }

    /// A handle by which to see what the sampler knows of X-Ray's rules, and to end its thread.
    #[must_use]
    pub fn handle(&self) -> SamplerHandle {
        self.sampler.handle()
    }

    /// The numbers now.
    #[must_use]
    pub fn stats(&self) -> AdaptiveSamplingStats {
        AdaptiveSamplingStats {
            spans_captured: self.shared.captured.load(Ordering::Relaxed),
            spans_passed_over: self.shared.passed_over.load(Ordering::Relaxed),
        }
    }

    /// Counts what the end of a span tells, and says whether it is to be exported though it is not sampled.
    pub(super) fn observe(&self, span: &SpanData, captures: bool) -> bool {
        let captures = captures && self.shared.config.captures();
        let published = self.sampler.published();
        if !captures && !published.read(|table| table.is_some_and(Table::has_boost)) {
            return false;
        }
        let rule = self.rule_of(span);
        let boost = rule.as_ref().and_then(|entry| entry.rule.boost.as_ref());
        let anomaly = self.shared.config.detect(span, boost.is_none_or(|boost| boost.default_detection));
        let ended = Ended {
            trace: span.span_context.trace_id(),
            is_sampled: span.span_context.is_sampled(),
            anomaly,
            has_boost: boost.is_some(),
        };
        let may_capture = || {
            let clock = || nanos(self.sampler.clock());
            captures && self.shared.captures.take(self.shared.config.captured_per_second, clock(), clock)
        };
        let Outcome { counts, is_captured } =
            self.shared.traces.observe(ended, self.sampler.clock().now_coarse(), may_capture);
        if let Some(entry) = rule {
            entry.state.count_boost(counts);
        }
        is_captured
    }

    pub(super) fn count(&self, is_captured: bool) {
        let counter = if is_captured { &self.shared.captured } else { &self.shared.passed_over };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The rule that the first service of the trace had, if it said so, or the one that decided about this span as the first.
    /// Where an override or the fallback decided, there is none to boost.
    fn rule_of(&self, span: &SpanData) -> Option<Entry> {
        let published = self.sampler.published();
        if let Some(hash) = span.span_context.trace_state().get(KEY) {
            return self.shared.names.find(hash, published);
        }
        let name = rule_name(&span.attributes)?;
        published.read(|table| table?.named(name).cloned())
    }
}

impl ShouldSample for AdaptiveSampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        // A service that is always called by another one decides nothing, and needs rules all the same.
        self.sampler.start();
        let has_boost = self.sampler.published().read(|table| table.is_some_and(Table::has_boost));
        let records_all = has_boost || self.shared.config.captures();
        let root = Root { trace_id, name, span_kind, attributes, names_all: records_all };
        let mut result = self.sampler.decide(parent_context, &root, links);
        if !records_all {
            return result;
        }
        if matches!(result.decision, SamplingDecision::Drop) {
            result.decision = SamplingDecision::RecordOnly;
        }
        if has_boost && result.trace_state.get(KEY).is_none() {
            let hash =
                upstream(parent_context).or_else(|| rule_name(&result.attributes).map(rule_names::hash));
            // What can't stand in a trace state is none of ours.
            if let Some(Ok(state)) = hash.map(|hash| result.trace_state.insert(KEY, hash)) {
                result.trace_state = state;
            }
        }
        result
    }
}

/// The rule that decided about a span, by its attributes.
fn rule_name(attributes: &[KeyValue]) -> Option<&str> {
    let found = attributes.iter().rev().find(|attribute| attribute.key.as_str() == RULE_ATTRIBUTE)?;
    match &found.value {
        Value::String(name) => Some(name.as_str()),
        _ => None,
    }
}

/// What a service further up said, where its trace state did not come through.
fn upstream(parent_context: Option<&Context>) -> Option<String> {
    let cx = parent_context?;
    let state = cx.span().span_context().trace_state().get(KEY).map(str::to_owned);
    state.or_else(|| cx.baggage().get(KEY).map(|value| value.as_str().to_owned()))
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}
