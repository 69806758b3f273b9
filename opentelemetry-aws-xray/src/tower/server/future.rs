//! The future of a response, polled inside its span.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Response, header::Entry};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::tower::{
    XrayBody,
    headers::{self, TRACE_HEADER},
    span::ExchangeSpan,
};

pin_project! {
    /// The response future of [`XrayService`](super::XrayService).
    ///
    /// Dropped before it is ready, it ends the span and records that the caller did not wait.
    ///
    /// Seldom named: it is what a call gives.
    ///
    /// ```
    /// # use http::{Request, Response};
    /// # use tower::{Layer, Service, service_fn};
    /// use opentelemetry_aws_xray::tower::{XrayLayer, XrayResponseFuture};
    ///
    /// # let handler = service_fn(|_: Request<String>| async { Ok::<_, std::io::Error>(Response::new(String::new())) });
    /// let mut service = XrayLayer::new().layer(handler);
    /// let response: XrayResponseFuture<_> = service.call(Request::default());
    /// ```
    pub struct XrayResponseFuture<F> {
        #[pin]
        inner: F,
        traced: Option<Traced>,
    }
}

/// What a response is recorded with.
pub(super) struct Traced {
    pub(super) span: ExchangeSpan,
    /// Whether the response names its trace.
    pub(super) answers: bool,
}

impl<F> XrayResponseFuture<F> {
    pub(super) const fn traced(inner: F, traced: Traced) -> Self {
        Self { inner, traced: Some(traced) }
    }

    pub(super) const fn untraced(inner: F) -> Self {
        Self { inner, traced: None }
    }
}

impl<F, B, E> Future for XrayResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: fmt::Display,
{
    type Output = Result<Response<XrayBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.traced {
            None => ready!(this.inner.poll(cx)),
            Some(traced) => ready!(traced.span.scope(|| this.inner.poll(cx))),
        };
        Poll::Ready(match this.traced.take() {
            None => result.map(|response| response.map(XrayBody::untraced)),
            Some(traced) => traced.complete(result),
        })
    }
}

impl Traced {
    fn complete<B: Body, E: fmt::Display>(
        mut self,
        result: Result<Response<B>, E>,
    ) -> Result<Response<XrayBody<B>>, E> {
        match result {
            Ok(mut response) => {
                if self.answers {
                    self.answer(response.headers_mut());
                }
                self.span.head(response.status(), response.headers());
                Ok(response.map(|body| XrayBody::traced(body, self.span)))
            }
            Err(error) => {
                self.span.fail(&error);
                Err(error)
            }
        }
    }

    fn answer(&self, headers: &mut http::HeaderMap) {
        let Entry::Vacant(slot) = headers.entry(&TRACE_HEADER) else { return };
        if let Some(answer) = headers::trace_header_answer(self.span.context()) {
            slot.insert(answer);
        }
    }
}

impl<F> fmt::Debug for XrayResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayResponseFuture").finish_non_exhaustive()
    }
}
