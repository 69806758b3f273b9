//! The service around a handler.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    task::{Context, Poll},
};

use lambda_runtime::{Diagnostic, LambdaEvent};
use tower_service::Service;

use super::{
    future::XrayLambdaFuture,
    invocation::{Invocation, environment_header},
    layer::Shared,
};

/// A handler in an [`XrayLambdaLayer`](super::XrayLambdaLayer). Clones, as of `lambda_runtime::run_concurrent`, share all but the
/// handler.
///
/// ```
/// use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
/// use opentelemetry_aws_xray::{Xray, lambda::XrayLambdaLayer};
/// use tower::{Layer, ServiceExt};
///
/// // In a test:
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let xray = Xray::builder().with_service_name("shout").build();
/// let handler = service_fn(async |event: LambdaEvent<String>| Ok::<_, Error>(event.payload.to_uppercase()));
/// let handler = XrayLambdaLayer::new(xray.tracer_provider()).layer(handler);
/// let answer = handler.oneshot(LambdaEvent::new("hello".to_owned(), Context::default())).await;
/// assert_eq!(answer.unwrap(), "HELLO");
/// # });
/// ```
#[derive(Clone)]
pub struct XrayLambda<S> {
    handler: S,
    shared: Arc<Shared>,
}

impl<S> XrayLambda<S> {
    pub(super) const fn new(handler: S, shared: Arc<Shared>) -> Self {
        Self { handler, shared }
    }
}

impl<S, T> Service<LambdaEvent<T>> for XrayLambda<S>
where
    S: Service<LambdaEvent<T>>,
    S::Error: Into<Diagnostic>,
{
    type Response = S::Response;
    /// The handler's error in the words in which Lambda is told of it.
    type Error = Diagnostic;
    type Future = XrayLambdaFuture<S::Future, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Diagnostic>> {
        self.handler.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, event: LambdaEvent<T>) -> Self::Future {
        let mut invocation = Invocation::begin(&self.shared, &event.context, environment_header);
        let handler = &mut self.handler;
        let called = invocation.scope(|| panic::catch_unwind(AssertUnwindSafe(|| handler.call(event))));
        match called {
            Ok(running) => XrayLambdaFuture::running(running, invocation),
            Err(panic) => XrayLambdaFuture::panicked(panic, invocation),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for XrayLambda<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayLambda").field("handler", &self.handler).finish_non_exhaustive()
    }
}
