//! A response body that keeps its exchange's span open until it ends.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{headers, span::ExchangeSpan};

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
        open: Option<Open>,
    }
}

/// What is known about a body whose end has not been seen.
struct Open {
    span: ExchangeSpan,
    /// From `Content-Length`: HTTP libraries poll no further once they have that many bytes.
    announced: Option<u64>,
}

impl<B: Body> XrayBody<B> {
    /// A body outside any span.
    pub(super) const fn untraced(inner: B) -> Self {
        Self { inner, open: None }
    }

    /// A body whose end is the end of `span`, which is at once if nothing will be read from it.
    pub(super) fn traced(inner: B, span: ExchangeSpan, method: &Method, head: &ResponseHead<'_>) -> Self {
        if head.is_bodyless(method) || inner.is_end_stream() {
            span.finish();
            return Self::untraced(inner);
        }
        let announced = if span.is_open() { head.announced_bytes() } else { None };
        Self { inner, open: Some(Open { span, announced }) }
    }
}

/// The parts of a response's head that tell where its body ends.
pub(super) struct ResponseHead<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
}

impl ResponseHead<'_> {
    /// Whether no body follows, whatever the body type says (RFC 9110, section 6.4.1): those are never polled.
    fn is_bodyless(&self, method: &Method) -> bool {
        method == Method::HEAD
            || (method == Method::CONNECT && self.status.is_success())
            || self.status.is_informational()
            || matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }

    fn announced_bytes(&self) -> Option<u64> {
        headers::text(self.headers, &CONTENT_LENGTH)?.parse().ok()
    }
}

impl<B> Body for XrayBody<B>
where
    B: Body<Error: fmt::Display>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(open) = this.open else { return this.inner.poll_frame(cx) };
        let polled = ready!(open.span.scope(|| this.inner.as_mut().poll_frame(cx)));
        let is_over = match &polled {
            None | Some(Err(_)) => true,
            Some(Ok(frame)) => open.is_last(frame) || this.inner.is_end_stream(),
        };
        if !is_over {
            return Poll::Ready(polled);
        }
        if let Some(Open { span, .. }) = this.open.take() {
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

impl Open {
    /// Counts a frame. `true` if nothing can follow it.
    fn is_last<D: bytes::Buf>(&mut self, frame: &Frame<D>) -> bool {
        let Some(data) = frame.data_ref() else {
            let Some(trailers) = frame.trailers_ref() else { return false };
            self.span.trailers(trailers);
            return true;
        };
        self.span.count(data.remaining());
        self.announced.is_some_and(|announced| self.span.body_bytes() >= announced)
    }
}

impl<B: fmt::Debug> fmt::Debug for XrayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayBody").field("inner", &self.inner).finish_non_exhaustive()
    }
}
