//! The future of a response to an outgoing request, polled inside its span.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Method;
use opentelemetry::{KeyValue, trace::TraceContextExt};
use pin_project_lite::pin_project;

use super::exchange::ClientResponse;
use crate::tower::{conventions::protocol_version, span::ExchangeSpan};

pin_project! {
    /// The response future of [`XrayClient`](super::XrayClient).
    ///
    /// Dropped before it is ready, by a timeout for instance, it ends the span and records that.
    ///
    /// Seldom named: it is what a call gives.
    ///
    /// ```
    /// # use http::{Request, Response};
    /// # use tower::{Layer, Service, service_fn};
    /// use opentelemetry_aws_xray::tower::{XrayClientFuture, XrayClientLayer};
    ///
    /// # let client = service_fn(|_: Request<String>| async { Ok::<_, std::io::Error>(Response::new(String::new())) });
    /// let mut client = XrayClientLayer::new().layer(client);
    /// let response: XrayClientFuture<_> = client.call(Request::default());
    /// ```
    pub struct XrayClientFuture<F> {
        #[pin]
        inner: F,
        traced: Option<Traced>,
    }
}

/// What a response is recorded with.
pub(super) struct Traced {
    pub(super) span: ExchangeSpan,
    pub(super) method: Method,
}

impl<F> XrayClientFuture<F> {
    pub(super) const fn traced(inner: F, traced: Traced) -> Self {
        Self { inner, traced: Some(traced) }
    }

    pub(super) const fn untraced(inner: F) -> Self {
        Self { inner, traced: None }
    }
}

impl<F, R, E> Future for XrayClientFuture<F>
where
    F: Future<Output = Result<R, E>>,
    R: ClientResponse,
    E: fmt::Display,
{
    type Output = Result<R::Traced, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.traced {
            None => ready!(this.inner.poll(cx)),
            Some(traced) => ready!(traced.span.scope(|| this.inner.poll(cx))),
        };
        Poll::Ready(match this.traced.take() {
            None => result.map(R::without_span),
            Some(traced) => traced.complete(result),
        })
    }
}

impl Traced {
    fn complete<R: ClientResponse, E: fmt::Display>(mut self, result: Result<R, E>) -> Result<R::Traced, E> {
        match result {
            Ok(response) => {
                self.span.head(response.status(), response.headers());
                // The response's: until it is there, the version is up to the connection.
                if let Some(version) = protocol_version(response.version()) {
                    let attribute = KeyValue::new("network.protocol.version", version);
                    self.span.context().span().set_attribute(attribute);
                }
                Ok(response.with_span(self.span, &self.method))
            }
            Err(error) => {
                self.span.fail(&error);
                Err(error)
            }
        }
    }
}

impl<F> fmt::Debug for XrayClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayClientFuture").finish_non_exhaustive()
    }
}
