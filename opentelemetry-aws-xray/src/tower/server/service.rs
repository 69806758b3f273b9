//! The service that opens a span and calls the service within it.

use std::{
    fmt,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{
    bodies::{AnyBodies, Bodies},
    future::{Traced, XrayResponseFuture},
    layer::Options,
    start::start,
};

/// Answers requests inside SERVER spans. Made by [`XrayLayer`](super::XrayLayer).
///
/// ```
/// use http::{Request, Response};
/// use opentelemetry_aws_xray::tower::{XrayLayer, XrayService};
/// use tower::{Layer, Service};
///
/// /// For whoever has to write the type down.
/// fn traced<S: Service<Request<String>, Response = Response<String>>>(handler: S) -> XrayService<S> {
///     XrayLayer::new().layer(handler)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct XrayService<S, B = AnyBodies> {
    inner: S,
    options: Arc<Options>,
    bodies: PhantomData<B>,
}

impl<S, B> XrayService<S, B> {
    pub(super) const fn new(inner: S, options: Arc<Options>) -> Self {
        Self { inner, options, bodies: PhantomData }
    }
}

impl<S, B, ReqBody, ResBody> Service<Request<ReqBody>> for XrayService<S, B>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>, Error: fmt::Display + 'static>,
    B: Bodies<ResBody>,
{
    type Response = Response<B::Body>;
    type Error = S::Error;
    type Future = XrayResponseFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (head, body) = request.into_parts();
        if self.options.filter.as_ref().is_some_and(|wants| !wants(&head)) {
            return XrayResponseFuture::untraced(self.inner.call(Request::from_parts(head, body)));
        }
        let mut span = start(&self.options, &head);
        let within = span.enter();
        let inner = self.inner.call(Request::from_parts(head, body));
        within.leave();
        XrayResponseFuture::traced(inner, Traced { span, answers: self.options.answers })
    }
}
