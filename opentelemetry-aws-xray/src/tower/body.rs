//! A response body that keeps its exchange's span open until it ends.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::span::ExchangeSpan;

pin_project! {
    /// The response body of [`XrayService`](super::XrayService) and [`XrayClient`](super::XrayClient).
    ///
    /// It passes everything through, counts the bytes, and ends the span when the inner body ends, fails or
    /// is dropped. The span is the active one while the inner body is polled.
    ///
    /// ```
    /// use http::{Request, Response};
    /// use http_body_util::BodyExt;
    /// use opentelemetry_aws_xray::tower::{XrayBody, XrayLayer};
    /// # use opentelemetry_aws_xray::{XrayExporter, sink::MemorySink};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # let exporter = XrayExporter::builder().with_sink(MemorySink::default()).build();
    /// # let stats = exporter.stats_handle();
    /// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    /// # let handler = service_fn(|_: Request<String>| async { Ok::<_, std::io::Error>(Response::new("hello".to_owned())) });
    /// # let service = XrayLayer::new().with_tracer_provider(&provider).layer(handler);
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let response: Response<XrayBody<String>> = service.oneshot(Request::default()).await.unwrap();
    /// assert_eq!(stats.now().spans_in, 0, "nobody has read the body yet");
    /// assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    /// assert_eq!(stats.now().spans_in, 1);
    /// # });
    /// ```
    #[derive(Default)]
    pub struct XrayBody<B> {
        #[pin]
        inner: B,
        // Until the end of the body has been seen.
        open: Option<ExchangeSpan>,
    }
}

impl<B: Body> XrayBody<B> {
    /// A body whose end is the end of `open`, if that waits for one.
    pub(super) const fn new(inner: B, open: Option<ExchangeSpan>) -> Self {
        Self { inner, open }
    }

    /// A body outside any span.
    pub(super) const fn untraced(inner: B) -> Self {
        Self::new(inner, None)
    }

    /// A body whose end is the end of `span`, which is at once if it has nothing to wait for.
    pub(super) fn traced(inner: B, span: ExchangeSpan) -> Self {
        let open = span.awaiting(&inner);
        Self::new(inner, open)
    }
}

impl<B> Body for XrayBody<B>
where
    B: Body<Error: fmt::Display + 'static>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(span) = this.open else { return this.inner.poll_frame(cx) };
        let polled = ready!(span.scope(|| this.inner.as_mut().poll_frame(cx)));
        let is_over = match &polled {
            None | Some(Err(_)) => true,
            Some(Ok(frame)) => is_last(frame, span) || this.inner.is_end_stream(),
        };
        if !is_over {
            return Poll::Ready(polled);
        }
        if let Some(span) = this.open.take() {
            match &polled {
                Some(Err(error)) => span.fail(error),
                _ => span.finish(),
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Counts a frame. `true` if nothing can follow it.
fn is_last<D: bytes::Buf>(frame: &Frame<D>, span: &mut ExchangeSpan) -> bool {
    let Some(data) = frame.data_ref() else {
        let Some(trailers) = frame.trailers_ref() else { return false };
        span.trailers(trailers);
        return true;
    };
    span.count(data.remaining());
    span.has_whole_body()
}

impl<B: fmt::Debug> fmt::Debug for XrayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}
