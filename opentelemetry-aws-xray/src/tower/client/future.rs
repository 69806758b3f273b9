//! The future of a response to an outgoing request, polled inside its span.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

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
        span: Option<ExchangeSpan>,
    }
}

impl<F> XrayClientFuture<F> {
    pub(super) const fn traced(inner: F, span: ExchangeSpan) -> Self {
        Self { inner, span: Some(span) }
    }

    pub(super) const fn untraced(inner: F) -> Self {
        Self { inner, span: None }
    }
}

impl<F, R, E> Future for XrayClientFuture<F>
where
    F: Future<Output = Result<R, E>>,
    R: ClientResponse,
    E: fmt::Display + 'static,
{
    type Output = Result<R::Traced, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.span {
            None => ready!(this.inner.poll(cx)),
            Some(span) => ready!(span.scope(|| this.inner.poll(cx))),
        };
        Poll::Ready(match this.span.take() {
            None => result.map(R::without_span),
            Some(span) => complete(span, result),
        })
    }
}

fn complete<R: ClientResponse, E: fmt::Display + 'static>(
    mut span: ExchangeSpan,
    result: Result<R, E>,
) -> Result<R::Traced, E> {
    match result {
        Ok(response) => {
            span.head(response.status(), response.headers());
            // The response's: until it is there, the version is up to the connection.
            if let Some(version) = protocol_version(response.version()) {
                let attribute = KeyValue::new("network.protocol.version", version);
                span.context().span().set_attribute(attribute);
            }
            Ok(response.with_span(span))
        }
        Err(error) => {
            span.fail(&error);
            Err(error)
        }
    }
}

impl<F> fmt::Debug for XrayClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayClientFuture").finish_non_exhaustive()
    }
}
