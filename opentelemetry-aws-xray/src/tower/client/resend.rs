//! How often a request has been sent: the layer around a layer for retries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use opentelemetry::{
    Context as TraceContext,
    trace::{FutureExt, WithContext},
};
use tower_layer::Layer;
use tower_service::Service;

/// Goes around a layer that sends requests again, such as tower's `RetryLayer`, which goes around
/// [`XrayClientLayer`](super::XrayClientLayer): each attempt has a span, and those after the first say with
/// `http.request.resend_count` which one they are.
///
/// ```
/// use opentelemetry_aws_xray::tower::{CountResendsLayer, XrayClientLayer};
/// use tower::{ServiceBuilder, retry::{RetryLayer, Policy}};
/// # use std::future::Ready;
/// # #[derive(Clone)]
/// # struct Twice;
/// # impl Policy<http::Request<String>, http::Response<String>, std::io::Error> for Twice {
/// #     type Future = Ready<()>;
/// #     fn retry(
/// #         &mut self,
/// #         _: &mut http::Request<String>,
/// #         _: &mut Result<http::Response<String>, std::io::Error>,
/// #     ) -> Option<Ready<()>> {
/// #         None
/// #     }
/// #     fn clone_request(&mut self, request: &http::Request<String>) -> Option<http::Request<String>> {
/// #         Some(request.clone())
/// #     }
/// # }
///
/// let layers = ServiceBuilder::new()
///     .layer(CountResendsLayer::new())
///     .layer(RetryLayer::new(Twice))
///     .layer(XrayClientLayer::new());
/// # drop(layers);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CountResendsLayer(());

impl CountResendsLayer {
    /// The layer; there is nothing to choose.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for CountResendsLayer {
    type Service = CountResends<S>;

    fn layer(&self, inner: S) -> CountResends<S> {
        CountResends { inner }
    }
}

/// Counts the attempts to send one request. Made by [`CountResendsLayer`].
///
/// ```
/// use opentelemetry_aws_xray::tower::{CountResends, CountResendsLayer, XrayClient, XrayClientLayer};
/// use tower::Layer;
///
/// /// A client that sends again by itself goes between the two.
/// fn traced<C, R>(client: C, retrying: impl FnOnce(XrayClient<C>) -> R) -> CountResends<R> {
///     CountResendsLayer::new().layer(retrying(XrayClientLayer::new().layer(client)))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct CountResends<S> {
    inner: S,
}

impl<S, Req> Service<Req> for CountResends<S>
where
    S: Service<Req>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = WithContext<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let counting = count_resends(&TraceContext::current());
        let future = {
            let _counting = counting.clone().attach();
            self.inner.call(request)
        };
        future.with_context(counting)
    }
}

/// `cx` as the context of one request that may be sent more than once: what [`CountResendsLayer`] does, for retries
/// that are no layer of tower, such as a loop or `reqwest-middleware`.
///
/// ```
/// use opentelemetry::{Context, trace::FutureExt};
/// use opentelemetry_aws_xray::tower::count_resends;
///
/// # async fn send() -> Result<(), ()> { Ok(()) }
/// async fn persistently() {
///     // Each `send` goes through a client inside `XrayClientLayer`.
///     while send().await.is_err() {}
/// }
///
/// # async fn call() {
/// persistently().with_context(count_resends(&Context::current())).await;
/// # }
/// ```
#[must_use]
pub fn count_resends(cx: &TraceContext) -> TraceContext {
    cx.with_value(Attempts(Some(Arc::default())))
}

/// How often the request that a context belongs to was sent. `None` below the span of one attempt, where requests are
/// others.
struct Attempts(Option<Arc<AtomicU32>>);

/// Counts one more attempt: how many there were before. `None` if nobody counts.
pub(super) fn resends(cx: &TraceContext) -> Option<u32> {
    let Attempts(attempts) = cx.get()?;
    Some(attempts.as_ref()?.fetch_add(1, Ordering::Relaxed))
}

/// The context of what one attempt does by itself.
pub(super) fn without_count(cx: &TraceContext) -> TraceContext {
    cx.with_value(Attempts(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_where_it_is_asked_to() {
        let cx = TraceContext::new();
        assert_eq!(resends(&cx), None);
        let counting = count_resends(&cx);
        assert_eq!([resends(&counting), resends(&counting.clone())], [Some(0), Some(1)]);
        assert_eq!(resends(&without_count(&counting)), None);
        assert_eq!(resends(&count_resends(&counting)), Some(0), "another request");
        assert_eq!(resends(&counting), Some(2));
    }
}
