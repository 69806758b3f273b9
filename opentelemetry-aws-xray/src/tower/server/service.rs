//! The service that opens a span and calls the service within it.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, request::Parts};
use http_body::Body;
use opentelemetry::{
    Context as TraceContext,
    trace::{SpanKind, TraceContextExt},
};
use tower_service::Service;

use super::{
    attributes::{self, Inquiry},
    future::{Traced, XrayResponseFuture},
    layer::Options,
};
use crate::{
    propagator::Inbound,
    tower::{
        XrayBody,
        grpc::Procedure,
        span::{ExchangeSpan, Protocol, Side},
    },
};

/// Answers requests inside SERVER spans. Made by [`XrayLayer`](super::XrayLayer).
#[derive(Debug, Clone)]
pub struct XrayService<S> {
    inner: S,
    options: Arc<Options>,
}

impl<S> XrayService<S> {
    pub(super) const fn new(inner: S, options: Arc<Options>) -> Self {
        Self { inner, options }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for XrayService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Error: fmt::Display>,
    ResBody: Body,
{
    type Response = Response<XrayBody<ResBody>>;
    type Error = S::Error;
    type Future = XrayResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        if self.options.filter.as_ref().is_some_and(|wants| !wants(&head)) {
            return XrayResponseFuture::untraced(self.inner.call(Request::from_parts(head, body)));
        }
        let mut span = open(&self.options, &head);
        let method = head.method.clone();
        head.extensions.insert(span.context().clone());
        let inner = span.scope(|| self.inner.call(Request::from_parts(head, body)));
        XrayResponseFuture::traced(inner, Traced { span, method, answers: self.options.answers })
    }
}

/// Starts the span of a request, as the child of what its headers name.
fn open(options: &Options, head: &Parts) -> ExchangeSpan {
    let parent = options.instruments.extract(&head.headers);
    let peer = options.peer.as_ref().and_then(|peer| peer(head));
    let inquiry = || Inquiry {
        head,
        route: options.route.as_ref().and_then(|route| route(head)),
        peer,
        trusts_forwarded: options.trusts_forwarded,
    };
    let procedure = Procedure::of(&head.uri, &head.headers);
    let span_name =
        |inquiry: &Inquiry<'_>| procedure.map_or_else(|| inquiry.span_name(), |called| called.span_name());
    let start = |name, attributes| options.instruments.start(&parent, SpanKind::Server, name, attributes);
    let cx = if is_decided_against(&parent) {
        let cx = start(attributes::method_name(head).into(), Vec::new());
        if cx.span().is_recording() {
            let inquiry = inquiry();
            cx.span().update_name(span_name(&inquiry));
            cx.span().set_attributes(inquiry.for_sampler());
        }
        cx
    } else {
        let inquiry = inquiry();
        start(span_name(&inquiry), inquiry.for_sampler())
    };
    if cx.span().is_recording() {
        cx.span().set_attributes(attributes::for_record(head, peer));
        cx.span().set_attributes(procedure.iter().flat_map(Procedure::attributes));
    }
    let protocol = if procedure.is_some() { Protocol::GRPC } else { Protocol::Http };
    ExchangeSpan::new(cx, Side::Server, protocol)
}

/// Whether the caller has decided that the trace is not sampled. The sampler will hardly ever say otherwise, so
/// the description of the request can wait until it does.
fn is_decided_against(parent: &TraceContext) -> bool {
    let span = parent.span();
    let caller = span.span_context();
    let is_open = Inbound::of(parent).is_some_and(Inbound::is_undecided);
    caller.is_valid() && !caller.is_sampled() && !is_open
}
