//! What a decision about the trace needs to know of the caller, and what follows if it is no.

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::IdGenerator;

use super::Caller;
use crate::{
    id_generator::XrayIdGenerator,
    propagator::Inbound,
    sampler::parent::{ParentDecision, parent_decision},
};

impl Caller {
    /// Whether he has decided about the trace.
    pub(crate) fn decision(&self) -> ParentDecision {
        let Some(parent) = &self.parent else { return parent_decision(Some(&self.cx)) };
        if self.inbound.as_ref().is_some_and(Inbound::is_undecided) {
            return ParentDecision::Undecided;
        }
        if parent.is_sampled() { ParentDecision::Sampled } else { ParentDecision::NotSampled }
    }

    /// The trace that he is part of.
    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        let id = match &self.parent {
            Some(parent) => parent.trace_id(),
            None => self.cx.span().span_context().trace_id(),
        };
        (id != TraceId::INVALID).then_some(id)
    }

    /// Whether spans shall not be made, whatever a sampler says.
    pub(crate) fn is_suppressed(&self) -> bool {
        self.cx.is_telemetry_suppressed()
    }

    /// The context of a span of ours in `trace_id` that nobody will see: what is called from within it learns that the
    /// trace is not sampled. It is what the SDK makes of a span that a sampler drops, at a fifth of the cost.
    pub(crate) fn into_unsampled(self, trace_id: TraceId) -> Context {
        let trace_state = match (self.decision(), &self.parent) {
            (ParentDecision::Undecided, _) => TraceState::NONE,
            (_, Some(parent)) => parent.trace_state().clone(),
            (_, None) => self.cx.span().span_context().trace_state().clone(),
        };
        let span_id = XrayIdGenerator::default().new_span_id();
        let span = SpanContext::new(trace_id, span_id, TraceFlags::default(), false, trace_state);
        // Named for remote spans, but it takes any that nothing can be written to.
        let cx = self.cx.with_remote_span_context(span);
        match self.inbound {
            Some(inbound) if inbound.outlasts_the_decision() => cx.with_value(inbound),
            _ => cx,
        }
    }
}
