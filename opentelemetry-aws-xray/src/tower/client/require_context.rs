//! Calls that fail where no trace is active, if `AWS_XRAY_CONTEXT_MISSING` asks for that.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use opentelemetry::Context as TraceContext;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::context_missing::{ContextMissing, ContextMissingError};

/// Looks for an active trace before each call, and fails the call with a [`ContextMissingError`] if there is none and the
/// policy is [`ContextMissing::RuntimeError`].
///
/// The error of a service may be of any type, and few can be made of another one; so this layer has a boxed one, like
/// tower's own layers that can fail. [`XrayClientLayer::fallible`](super::XrayClientLayer::fallible) puts it around a
/// client layer; it also goes around services of other kinds.
///
/// ```
/// use opentelemetry_aws_xray::{ContextMissing, tower::RequireContextLayer};
///
/// let layer = RequireContextLayer::new(ContextMissing::of_process());
/// # drop(layer);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequireContextLayer {
    policy: ContextMissing,
}

impl RequireContextLayer {
    /// A layer that does what `policy` says; usually that is [`ContextMissing::of_process`].
    #[must_use]
    pub const fn new(policy: ContextMissing) -> Self {
        Self { policy }
    }
}

impl<S> Layer<S> for RequireContextLayer {
    type Service = RequireContext<S>;

    fn layer(&self, inner: S) -> RequireContext<S> {
        RequireContext { inner, policy: self.policy }
    }
}

/// Calls a service where there is an active trace. Made by [`RequireContextLayer`].
///
/// ```
/// use opentelemetry_aws_xray::{ContextMissing, ContextMissingError, tower::RequireContextLayer};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// let publish = service_fn(|message: String| async move { Ok::<_, std::io::Error>(message.len()) });
/// let publish = RequireContextLayer::new(ContextMissing::RuntimeError).layer(publish);
/// # futures_executor::block_on(async {
/// let error = publish.oneshot("sold out".to_owned()).await.unwrap_err();
/// assert!(error.is::<ContextMissingError>(), "no span is active here");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct RequireContext<S> {
    inner: S,
    policy: ContextMissing,
}

impl<S, Req> Service<Req> for RequireContext<S>
where
    S: Service<Req, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    type Response = S::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = RequireContextFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let state = match self.policy.check(&TraceContext::current(), super::CALL) {
            Ok(()) => State::Calling { call: self.inner.call(request) },
            Err(error) => State::Missing { error: Some(error) },
        };
        RequireContextFuture { state }
    }
}

pin_project! {
    /// The response future of [`RequireContext`].
    ///
    /// Seldom named: it is what a call gives.
    ///
    /// ```
    /// # use opentelemetry_aws_xray::{ContextMissing, tower::RequireContextLayer};
    /// # use tower::{Layer, Service, service_fn};
    /// use opentelemetry_aws_xray::tower::RequireContextFuture;
    ///
    /// # let publish = service_fn(|message: String| async move { Ok::<_, std::io::Error>(message.len()) });
    /// let mut publish = RequireContextLayer::new(ContextMissing::RuntimeError).layer(publish);
    /// let sent: RequireContextFuture<_> = publish.call("sold out".to_owned());
    /// ```
    pub struct RequireContextFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Calling { #[pin] call: F },
        // Taken when the future is ready.
        Missing { error: Option<ContextMissingError> },
    }
}

impl<F, R, E> Future for RequireContextFuture<F>
where
    F: Future<Output = Result<R, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Result<R, Box<dyn Error + Send + Sync>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Calling { call } => Poll::Ready(ready!(call.poll(cx)).map_err(Into::into)),
            StateProjection::Missing { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error.into())),
                // Polled after it was ready, which may do anything but harm.
                None => Poll::Pending,
            },
        }
    }
}

impl<F> fmt::Debug for RequireContextFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireContextFuture").finish_non_exhaustive()
    }
}
