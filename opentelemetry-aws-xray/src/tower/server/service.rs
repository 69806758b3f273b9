//! The service that opens a span and calls the service within it.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    future::{Traced, XrayResponseFuture},
    layer::Options,
    start::start,
};
use crate::tower::XrayBody;

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
        let mut span = start(&self.options, &head);
        let within = span.enter();
        let inner = self.inner.call(Request::from_parts(head, body));
        within.leave();
        XrayResponseFuture::traced(inner, Traced { span, answers: self.options.answers })
    }
}
