//! The service that opens a span and calls the service within it.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, request::Parts};
use http_body::Body;
use opentelemetry::{Context as TraceContext, trace::TraceContextExt};
use tower_service::Service;

use super::{
    future::{Traced, XrayResponseFuture},
    layer::Options,
    start::start,
};
use crate::tower::{
    XrayBody,
    grpc::Procedure,
    span::{ExchangeSpan, Protocol, Side},
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
        let (head, body) = request.into_parts();
        if self.options.filter.as_ref().is_some_and(|wants| !wants(&head)) {
            return XrayResponseFuture::untraced(self.inner.call(Request::from_parts(head, body)));
        }
        let cx = start(&self.options, &head);
        let protocol = protocol(&cx, &head);
        let mut span = ExchangeSpan::new(cx, Side::Server, protocol);
        let method = head.method.clone();
        let inner = span.scope(|| self.inner.call(Request::from_parts(head, body)));
        XrayResponseFuture::traced(inner, Traced { span, method, answers: self.options.answers })
    }
}

/// What a request speaks, as far as anybody will see it.
fn protocol(cx: &TraceContext, head: &Parts) -> Protocol {
    let is_grpc = cx.span().is_recording() && Procedure::of(&head.uri, &head.headers).is_some();
    if is_grpc { Protocol::GRPC } else { Protocol::Http }
}
