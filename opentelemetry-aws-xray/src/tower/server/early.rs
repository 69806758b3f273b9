//! The decision before the span: where it is known that X-Ray's rules decide alone, a request that they don't sample is
//! never described.

use std::sync::{Arc, OnceLock};

use http::request::Parts;
use opentelemetry::{
    Context,
    trace::{SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::IdGenerator;

use super::{
    layer::Options,
    start::{described, undescribed},
};
use crate::{
    id_generator::XrayIdGenerator,
    propagator::Caller,
    sampler::{
        XraySampler,
        early::{EarlyRequest, Hint},
        parent::ParentDecision,
    },
    tower::{authority::Authority, span::ExchangeSpan, text::bounded},
};

/// What came of it.
pub(super) enum Early {
    /// The span of the request.
    Started(ExchangeSpan),
    /// Nothing: the caller comes back.
    Open(Caller),
}

/// Starts the span if there is a sampler to ask before, or to ask for.
pub(super) fn start(options: &Options, head: &Parts, caller: Caller) -> Early {
    let instruments = &options.instruments;
    let decision = caller.decision();
    match (instruments.sampler(), decision) {
        _ if caller.is_suppressed() => Early::Open(caller),
        (Some(Some(sampler)), ParentDecision::Undecided) => undecided(options, head, caller, sampler),
        (Some(Some(_)), ParentDecision::NotSampled) => {
            let ids = XrayIdGenerator::default();
            let trace_id = caller.trace_id().unwrap_or_else(|| ids.new_trace_id());
            Early::Started(undescribed(caller.into_unsampled(trace_id, &ids)))
        }
        (None, ParentDecision::Undecided) => Early::Started(first(options, head, caller)),
        _ => Early::Open(caller),
    }
}

/// Asks the sampler about a request of which nobody has decided.
fn undecided(options: &Options, head: &Parts, caller: Caller, sampler: &XraySampler) -> Early {
    let ids = XrayIdGenerator::default();
    // A trace that begins here gets another id if it is sampled, from the SDK. The share of them is the same.
    let trace_id = caller.trace_id().unwrap_or_else(|| ids.new_trace_id());
    let early = EarlyRequest {
        trace_id,
        method: head.method.as_str(),
        path: bounded(head.uri.path()),
        host: Authority::of(&head.uri, &head.headers).map(|authority| authority.host),
    };
    match sampler.decide_early(&early) {
        None => Early::Open(caller),
        Some(decision) if !decision.is_sampled => {
            Early::Started(undescribed(caller.into_unsampled(trace_id, &ids)))
        }
        Some(decision) => {
            Early::Started(start_with(Hint::Decided(decision), options, head, &caller.into_context()))
        }
    }
}

/// Starts the first span, and learns which sampler decides.
fn first(options: &Options, head: &Parts, caller: Caller) -> ExchangeSpan {
    let answer = Arc::new(OnceLock::new());
    let hint = Hint::WhoDecides(Arc::clone(&answer));
    let span = start_with(hint, options, head, &caller.into_context());
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
