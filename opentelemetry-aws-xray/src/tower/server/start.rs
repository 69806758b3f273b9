//! The start of a request's span.

use std::borrow::Cow;

use http::request::Parts;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt},
};

#[cfg(feature = "sampler")]
use super::early::{self, Early};
use super::{
    attributes::{self, Inquiry},
    layer::Options,
    request_headers::RequestHeaders,
};
use crate::{
    propagator::Inbound,
    tower::{
        grpc::Procedure,
        span::{ExchangeSpan, Protocol, Side},
    },
};

/// Starts the span of a request, as the child of what its headers name.
pub(super) fn start(options: &Options, head: &Parts) -> ExchangeSpan {
    let caller = options.instruments.caller(&head.headers);
    #[cfg(feature = "sampler")]
    match early::decide(options, head, &caller) {
        Early::Unsampled(trace_id) => return undescribed(caller.into_unsampled(trace_id)),
        Early::Sampled(decision) => return early::sampled(decision, options, head, &caller.into_context()),
        Early::First => return early::first(options, head, &caller.into_context()),
        Early::Open => {}
    }
    let parent = caller.into_context();
    if !is_decided_against(&parent) {
        return described(options, head, |name, attributes| {
            options.instruments.start(&parent, SpanKind::Server, name, attributes)
        });
    }
    let cx = options.instruments.start(
        &parent,
        SpanKind::Server,
        attributes::method_name(head).into(),
        Vec::new(),
    );
    if !cx.span().is_recording() {
        return undescribed(cx);
    }
    described(options, head, |name, attributes| {
        cx.span().update_name(name);
        cx.span().set_attributes(attributes);
        cx
    })
}

/// The span that `start` makes of the request's description.
pub(super) fn described(
    options: &Options,
    head: &Parts,
    start: impl FnOnce(Cow<'static, str>, Vec<KeyValue>) -> Context,
) -> ExchangeSpan {
    let inquiry = inquiry(options, head);
    let protocol = if inquiry.procedure.is_some() { Protocol::GRPC } else { Protocol::Http };
    let (name, attributes) = inquiry.describe();
    let cx = start(name, attributes);
    ExchangeSpan::new(cx, Side::Server, protocol, &head.method)
}

/// A span that nobody will see.
const fn undescribed(cx: Context) -> ExchangeSpan {
    ExchangeSpan::unrecorded(cx, Side::Server)
}

/// The request, with what the options tell of it.
fn inquiry<'a>(options: &'a Options, head: &'a Parts) -> Inquiry<'a> {
    let headers = RequestHeaders::of(&head.headers);
    Inquiry {
        head,
        headers,
        procedure: Procedure::of_type(&head.uri, headers.content_type),
        route: options.route.as_ref().and_then(|route| route(head)),
        peer: options.peer.as_ref().and_then(|peer| peer(head)),
        trusted: options.trusted,
        naming: options.naming.as_ref(),
    }
}

/// Whether the caller has decided that the trace is not sampled. The sampler will hardly ever say otherwise, so
/// the description of the request can wait until it does.
fn is_decided_against(parent: &Context) -> bool {
    let span = parent.span();
    let caller = span.span_context();
    let is_open = Inbound::of(parent).is_some_and(Inbound::is_undecided);
    caller.is_valid() && !caller.is_sampled() && !is_open
}
