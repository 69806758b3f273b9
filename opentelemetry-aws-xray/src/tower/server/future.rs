//! The future of a response, polled inside its span.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Response, header::Entry};
use pin_project_lite::pin_project;

use super::bodies::{AnyBodies, Bodies};
use crate::{
    propagator::name_to_insert,
    tower::{headers, span::ExchangeSpan},
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
    pub struct XrayResponseFuture<F, B = AnyBodies> {
        #[pin]
        inner: F,
        traced: Option<Traced>,
        bodies: PhantomData<B>,
    }
}

/// What a response is recorded with.
pub(super) struct Traced {
    pub(super) span: ExchangeSpan,
    /// Whether the response names its trace.
    pub(super) answers: bool,
}

impl<F, B> XrayResponseFuture<F, B> {
    pub(super) const fn traced(inner: F, traced: Traced) -> Self {
        Self { inner, traced: Some(traced), bodies: PhantomData }
    }

    pub(super) const fn untraced(inner: F) -> Self {
        Self { inner, traced: None, bodies: PhantomData }
    }
}

impl<F, B, ResBody, E> Future for XrayResponseFuture<F, B>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    B: Bodies<ResBody>,
    E: fmt::Display + 'static,
{
    type Output = Result<Response<B::Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.traced {
            None => ready!(this.inner.poll(cx)),
            Some(traced) => ready!(traced.span.scope(|| this.inner.poll(cx))),
        };
        Poll::Ready(match this.traced.take() {
            None => result.map(|response| response.map(B::untraced)),
            Some(traced) => traced.complete::<B, _, _>(result),
        })
    }
}

impl Traced {
    fn complete<B: Bodies<ResBody>, ResBody, E: fmt::Display + 'static>(
        mut self,
        result: Result<Response<ResBody>, E>,
    ) -> Result<Response<B::Body>, E> {
        match result {
            Ok(mut response) => {
                if self.answers {
                    self.answer(response.headers_mut());
                }
                self.span.head(response.status(), response.headers());
                Ok(response.map(|body| B::traced(body, self.span)))
            }
            Err(error) => {
                self.span.fail(&error);
                Err(error)
            }
        }
    }

    fn answer(&self, headers: &mut http::HeaderMap) {
        let Entry::Vacant(slot) = headers.entry(name_to_insert()) else { return };
        if let Some(answer) = headers::trace_header_answer(self.span.context()) {
            slot.insert(answer);
        }
    }
}

impl<F, B> fmt::Debug for XrayResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayResponseFuture").finish_non_exhaustive()
    }
}
