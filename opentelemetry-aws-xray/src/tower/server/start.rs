//! The start of a request's span.

use http::request::Parts;
use opentelemetry::{
    Context,
    trace::{SpanKind, TraceContextExt},
};

#[cfg(feature = "sampler")]
use super::early::{self, Early};
use super::{
    attributes::{self, Inquiry},
    layer::Options,
};
use crate::propagator::Inbound;

/// Starts the span of a request, as the child of what its headers name. Hands back the context whose active span it is.
pub(super) fn start(options: &Options, head: &Parts) -> Context {
    let caller = options.instruments.caller(&head.headers);
    #[cfg(feature = "sampler")]
    let caller = match early::start(options, head, caller) {
        Early::Started(cx) => return cx,
        Early::Open(caller) => caller,
    };
    let parent = caller.into_context();
    let start = |name, attributes| options.instruments.start(&parent, SpanKind::Server, name, attributes);
    if !is_decided_against(&parent) {
        let inquiry = inquiry(options, head);
        return start(inquiry.span_name(), inquiry.attributes());
    }
    let cx = start(attributes::method_name(head).into(), Vec::new());
    if cx.span().is_recording() {
        let inquiry = inquiry(options, head);
        cx.span().update_name(inquiry.span_name());
        cx.span().set_attributes(inquiry.attributes());
    }
    cx
}

/// The request, with what the options tell of it.
pub(super) fn inquiry<'a>(options: &'a Options, head: &'a Parts) -> Inquiry<'a> {
    Inquiry {
        head,
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
