//! The sampler that asks X-Ray.

use std::sync::{Arc, Mutex};

use opentelemetry::{
    Context, KeyValue, StringValue, Value,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

#[cfg(feature = "tower")]
use super::early::Hint;
use super::{
    builder::XraySamplerBuilder,
    control::Progress,
    fallback::Fallback,
    handle::SamplerHandle,
    parent::{ParentDecision, parent_decision},
    poller::Poller,
    published::Published,
    root::Root,
    route_override::ActiveOverride,
};
use crate::clock::Clock;

/// The attribute by which the exporter tells X-Ray the rule.
pub(super) const RULE_ATTRIBUTE: &str = "aws.xray.sampling_rule";

/// Samples as the account's sampling rules say.
///
/// A parent that has decided is followed, a local or a remote one, and nothing is counted. For all others, those too whose
/// `X-Amzn-Trace-Id` left the decision open, the first of the account's rules decides that matches the span's attributes at
/// its start. A span that is sampled gets the rule's name as attribute `aws.xray.sampling_rule`, which the exporter shows in the
/// segment.
///
/// [Overrides](XraySamplerBuilder::with_override) decide before the rules do.
///
/// While there are no rules — before X-Ray has answered, or when it has not for an hour — and where none matches, the
/// [fallback](XraySamplerBuilder::with_fallback) decides.
///
/// Rules come through the X-Ray daemon, the CloudWatch agent or a Collector with the extension `awsproxy`. A thread of the sampler's own
/// fetches them: it starts with the first decision, and ends with the last clone. A decision waits for nothing, and
/// allocates nothing unless the span is sampled.
///
/// A thread does not live on in a process that was made by `fork` without `exec`. There the rules of the moment decide for ever, and
/// nothing is reported: make the sampler after the fork. To notice it would cost each decision a system call.
///
/// ```
/// use opentelemetry_aws_xray::sampler::XraySampler;
/// use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
///
/// let resource = Resource::builder().with_service_name("checkout").build();
/// let sampler = XraySampler::builder().with_resource(&resource).build();
/// let handle = sampler.handle();
/// let provider = SdkTracerProvider::builder().with_sampler(sampler).with_resource(resource).build();
/// assert!(handle.status().rules.is_empty(), "nothing is fetched before the first span");
/// ```
#[derive(Debug, Clone)]
pub struct XraySampler {
    pub(super) inner: Arc<Inner>,
    /// Its answers are final: no other sampler asks it on its own behalf.
    #[cfg(feature = "tower")]
    pub(super) decides_alone: bool,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) poller: Poller,
    pub(super) published: Arc<Published>,
    pub(super) overrides: Arc<[ActiveOverride]>,
    pub(super) fallback: Fallback,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) progress: Arc<Mutex<Progress>>,
}

impl XraySampler {
    /// Where the X-Ray daemon listens, unless told otherwise.
    pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:2000";

    /// Starts to build a sampler.
    pub fn builder() -> XraySamplerBuilder {
        XraySamplerBuilder::new()
    }

    /// A handle by which to see what the sampler knows.
    #[must_use]
    pub fn handle(&self) -> SamplerHandle {
        SamplerHandle {
            progress: self.inner.progress.clone(),
            signal: self.inner.poller.signal(),
            overrides: self.inner.overrides.clone(),
            fallback: self.inner.fallback.clone(),
            clock: self.inner.clock.clone(),
        }
    }

    /// Fetches rules from now on, even if there is no decision to make.
    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn start(&self) {
        self.inner.poller.start();
    }

    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn published(&self) -> &Published {
        &self.inner.published
    }

    #[cfg(all(test, feature = "adaptive-sampling"))]
    pub(super) fn publish(&self, table: Option<Arc<xray_wire::sampling::Table>>) {
        self.inner.published.publish(table);
    }

    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
}

impl ShouldSample for XraySampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        self.decide(parent_context, &Root { trace_id, name, span_kind, attributes, names_all: false }, links)
    }
}

impl XraySampler {
    /// Decides about a span, as one without a parent that has decided if there is none.
    #[inline]
    pub(super) fn decide(
        &self,
        parent_context: Option<&Context>,
        root: &Root<'_>,
        links: &[Link],
    ) -> SamplingResult {
        match parent_decision(parent_context) {
            ParentDecision::Sampled => return followed(SamplingDecision::RecordAndSample, parent_context),
            ParentDecision::NotSampled => return followed(SamplingDecision::Drop, parent_context),
            ParentDecision::Undecided => {}
        }
        #[cfg(feature = "tower")]
        if let Some(decided) = Hint::heed(parent_context, self) {
            return result(decided.is_sampled, decided.rule.clone());
        }
        self.inner.poller.start();
        let (overrides, clock) = (&self.inner.overrides, &*self.inner.clock);
        let mut by = None;
        let decided = self.inner.published.read(|table| {
            let overridden =
                if overrides.is_empty() { None } else { root.by_overrides(overrides, table, clock, &mut by) };
            overridden.or_else(|| root.by_rules(table?, clock, &mut by))
        });
        let is_sampled = match (decided, &self.inner.fallback) {
            (Some(is_sampled), _) => is_sampled,
            (None, Fallback::Rules(table)) => {
                root.by_first_match(table, clock).is_some_and(|(_, sampled)| sampled)
            }
            (None, Fallback::Sampler(sampler)) => {
                let Root { trace_id, name, span_kind, attributes, .. } = *root;
                return sampler.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
            }
        };
        result(is_sampled, by)
    }
}

/// The answer as the SDK takes it.
#[inline]
fn result(is_sampled: bool, by: Option<Arc<str>>) -> SamplingResult {
    let decision = if is_sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
    let attributes = match by {
        Some(rule) => vec![KeyValue::new(RULE_ATTRIBUTE, Value::String(StringValue::from(rule)))],
        None => Vec::new(),
    };
    SamplingResult { decision, attributes, trace_state: TraceState::NONE }
}

/// The parent's decision, with its trace state.
fn followed(decision: SamplingDecision, parent_context: Option<&Context>) -> SamplingResult {
    let trace_state =
        parent_context.map(|cx| cx.span().span_context().trace_state().clone()).unwrap_or_default();
    SamplingResult { decision, attributes: Vec::new(), trace_state }
}
