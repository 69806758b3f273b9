//! What the parent has decided.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

use crate::propagator::Inbound;

/// The parent's answer to "is this trace recorded?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParentDecision {
    /// It is.
    Sampled,
    /// It is not.
    NotSampled,
    /// There is no parent, or it left the decision to us.
    Undecided,
}

/// Reads the decision from the context that a span is about to start in. A local parent has always decided; a remote
/// one has, unless its `X-Amzn-Trace-Id` said otherwise.
pub(crate) fn parent_decision(parent_context: Option<&Context>) -> ParentDecision {
    let Some(cx) = parent_context else { return ParentDecision::Undecided };
    let span = cx.span();
    let parent = span.span_context();
    if !parent.is_valid() {
        return ParentDecision::Undecided;
    }
    if parent.is_remote() && Inbound::of(cx).is_some_and(Inbound::is_undecided) {
        return ParentDecision::Undecided;
    }
    if parent.is_sampled() { ParentDecision::Sampled } else { ParentDecision::NotSampled }
}
