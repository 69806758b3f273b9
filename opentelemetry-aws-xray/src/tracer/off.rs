//! A pipeline that is turned off: what its sampler says, and what layers make of that.

use std::sync::{Arc, OnceLock};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// The sampler of a pipeline that is turned off. It samples nothing, and says why to those who ask.
#[derive(Debug, Clone)]
pub(crate) struct Off;

impl ShouldSample for Off {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if let Some(Question(answer)) = parent.and_then(Context::get) {
            let _ = answer.set(());
        }
        Sampler::AlwaysOff.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// Whether the spans of a tracer come from a pipeline that is turned off. Its first span tells.
#[derive(Debug, Default)]
pub(super) struct IsOff(OnceLock<bool>);

impl IsOff {
    /// What `start` makes of a context for the sampler to see; below a caller, where the pipeline is turned off, the caller's
    /// own place in the trace instead.
    pub(super) fn or_start(
        &self,
        seen: &Context,
        parent: &Context,
        start: impl FnOnce(&Context) -> Context,
    ) -> Context {
        match self.0.get() {
            Some(false) => start(seen),
            Some(true) => Arrived::restored(parent).unwrap_or_else(|| start(seen)),
            None => {
                let answer = Arc::new(OnceLock::new());
                let started = start(&seen.with_value(Question(Arc::clone(&answer))));
                let is_off = answer.get().is_some();
                // An invalid one was made without asking any sampler.
                if started.span().span_context().is_valid() {
                    let _ = self.0.set(is_off);
                }
                Some(parent).filter(|_| is_off).and_then(Arrived::restored).unwrap_or(started)
            }
        }
    }
}

/// A value of the context in which a span starts: [`Off`] answers.
struct Question(Arc<OnceLock<()>>);

/// The span of the caller, which spans in between shall not hide that nobody will ever see.
struct Arrived(SpanContext);

impl Arrived {
    /// `cx` with the caller's span as the active one, if there is a caller.
    fn restored(cx: &Context) -> Option<Context> {
        let span = cx.span();
        let active = span.span_context();
        if active.is_valid() && active.is_remote() {
            return Some(cx.with_value(Self(active.clone())));
        }
        let Self(arrived) = cx.get::<Self>()?;
        (arrived.trace_id() == active.trace_id()).then(|| cx.with_remote_span_context(arrived.clone()))
    }
}
