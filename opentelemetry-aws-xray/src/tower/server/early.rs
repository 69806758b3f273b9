//! The decision before the span: where it is known that X-Ray's rules decide alone, a request that they don't sample is
//! never described.

use std::sync::{Arc, OnceLock};

use http::request::Parts;
use opentelemetry::{
    Context,
    trace::{SpanKind, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::IdGenerator;

use super::{layer::Options, start::described};
use crate::{
    id_generator::XrayIdGenerator,
    propagator::Caller,
    sampler::{
        XraySampler,
        early::{EarlyDecision, EarlyRequest, Hint},
        parent::ParentDecision,
    },
    tower::{authority::Authority, span::ExchangeSpan, text::bounded},
};

/// What came of it.
pub(super) enum Early {
    /// The request's trace, which is not sampled.
    Unsampled(TraceId),
    /// It is sampled, which the sampler is told when the span starts.
    Sampled(EarlyDecision),
    /// It isn't known yet whether there is a sampler to ask. The first span tells.
    First,
    /// Nothing: the span starts as any other.
    Open,
}

/// Asks the sampler about the request, if there is one that decides alone and there is anything to decide.
pub(super) fn decide(options: &Options, head: &Parts, caller: &Caller) -> Early {
    match (options.instruments.sampler(), caller.decision()) {
        _ if caller.is_suppressed() => Early::Open,
        (Some(Some(sampler)), ParentDecision::Undecided) => undecided(head, caller, sampler),
        (Some(Some(_)), ParentDecision::NotSampled) => Early::Unsampled(trace_of(caller)),
        (None, ParentDecision::Undecided) => Early::First,
        _ => Early::Open,
    }
}

/// Asks the sampler about a request of which nobody has decided.
fn undecided(head: &Parts, caller: &Caller, sampler: &XraySampler) -> Early {
    // A trace that begins here gets another id if it is sampled, from the SDK. The share of them is the same.
    let trace_id = trace_of(caller);
    let early = EarlyRequest {
        trace_id,
        method: head.method.as_str(),
        path: bounded(head.uri.path()),
        host: Authority::of(&head.uri, &head.headers).map(|authority| authority.host),
    };
    match sampler.decide_early(&early) {
        None => Early::Open,
        Some(decision) if decision.is_sampled => Early::Sampled(decision),
        Some(_) => Early::Unsampled(trace_id),
    }
}

fn trace_of(caller: &Caller) -> TraceId {
    caller.trace_id().unwrap_or_else(|| XrayIdGenerator::default().new_trace_id())
}

/// Starts a span that is sampled.
pub(super) fn sampled(
    decision: EarlyDecision,
    options: &Options,
    head: &Parts,
    parent: &Context,
) -> ExchangeSpan {
    start_with(Hint::Decided(decision), options, head, parent)
}

/// Starts the first span, and learns which sampler decides.
pub(super) fn first(options: &Options, head: &Parts, parent: &Context) -> ExchangeSpan {
    let answer = Arc::new(OnceLock::new());
    let span = start_with(Hint::WhoDecides(Arc::clone(&answer)), options, head, parent);
    // An invalid one was made without asking any sampler.
    if span.context().span().span_context().is_valid() {
        options.instruments.learn_sampler(answer.get().cloned());
    }
    span
}

fn start_with(hint: Hint, options: &Options, head: &Parts, parent: &Context) -> ExchangeSpan {
    described(options, head, |name, attributes| {
        options.instruments.start_with_hint(parent, hint, SpanKind::Server, name, attributes)
    })
}
