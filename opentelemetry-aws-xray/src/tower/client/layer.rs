//! The layer for clients and its options.

use std::{fmt, sync::Arc};

use http::Uri;
use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{Tracer, TracerProvider},
};
use tower_layer::{Layer, Stack};

use super::{require_context::RequireContextLayer, service::XrayClient};
use crate::{context_missing::ContextMissing, tower::instruments::Instruments};

/// Makes a CLIENT span of every outgoing request, and tells the other side which trace it belongs to.
///
/// The span is a child of the active one. Without an active span the request goes out as it is, without a span
/// and without a header, like in the X-Ray SDKs: see [`with_context_missing`](Self::with_context_missing).
///
/// ```
/// use http::{Request, Response};
/// use opentelemetry::{Context, trace::{FutureExt, TraceContextExt, Tracer, TracerProvider}};
/// use opentelemetry_aws_xray::{XrayPropagator, tower::XrayClientLayer};
/// use tower::{Layer, ServiceExt, service_fn};
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
///
/// // The other side:
/// let stock = service_fn(|request: Request<String>| async move {
///     assert!(request.headers().contains_key("x-amzn-trace-id"));
///     Ok::<_, std::io::Error>(Response::new("7 left".to_owned()))
/// });
/// // Without `Xray::install`, which sets both for the whole process:
/// let client = XrayClientLayer::new()
///     .with_tracer_provider(&provider)
///     .with_propagator(XrayPropagator::new())
///     .layer(stock);
///
/// # futures_executor::block_on(async {
/// let handler = Context::current_with_span(provider.tracer("shop").start("order"));
/// let request = Request::get("http://stock.internal/items/7").body(String::new()).unwrap();
/// client.oneshot(request).with_context(handler).await.unwrap();
/// # });
/// ```
#[derive(Clone, Default)]
pub struct XrayClientLayer {
    options: Arc<Options>,
}

/// What a layer and all of its services share.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) instruments: Instruments,
    pub(super) context_missing: ContextMissing,
    pub(super) origin: Option<Uri>,
    pub(super) is_callee_traced: bool,
}

impl XrayClientLayer {
    /// A layer with every option at its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where the spans go. Default: the global tracer provider, looked up at the first request that has an
    /// active span and kept, so it must be installed by then.
    #[must_use]
    pub fn with_tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        self.options().instruments.set_tracer_provider(provider);
        self
    }

    /// Sets what writes the headers. It writes them for sampled and unsampled spans alike, so that the other side
    /// does not decide anew. Default: the global propagator, looked up at each request.
    #[must_use]
    pub fn with_propagator(mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.options().instruments.set_propagator(propagator);
        self
    }

    /// Sets what happens when there is no active span, apart from sending the request. Default:
    /// [`ContextMissing::of_process`]. Only a layer that is [`fallible`](Self::fallible) can fail a call; others log
    /// an error under [`RuntimeError`](ContextMissing::RuntimeError).
    #[must_use]
    pub fn with_context_missing(mut self, policy: ContextMissing) -> Self {
        self.options().context_missing = policy;
        self
    }

    /// Sets where requests go that name no host themselves: those of tonic, whose channel adds it later, and those
    /// to one end of a connection. It is recorded, and changes no request. Default: unknown.
    ///
    /// ```
    /// use http::Uri;
    /// use opentelemetry_aws_xray::tower::XrayClientLayer;
    ///
    /// let layer = XrayClientLayer::new().with_origin(Uri::from_static("http://orders.internal:50051"));
    /// ```
    #[must_use]
    pub fn with_origin(mut self, origin: Uri) -> Self {
        self.options().origin = Some(origin);
        self
    }

    /// Sets whether the other side is known to report to X-Ray too: `http.request.traced` of the subsegment. X-Ray then
    /// shows the trace as incomplete until the other side's segment has come (X-Ray developer guide, "Segment
    /// documents"). Default: `false`.
    #[must_use]
    pub fn with_traced_callee(mut self, is_traced: bool) -> Self {
        self.options().is_callee_traced = is_traced;
        self
    }

    /// This layer inside a [`RequireContextLayer`] of the same policy, which fails calls without an active span where
    /// [`RuntimeError`](ContextMissing::RuntimeError) asks for it. For that, the errors of the service become boxed.
    ///
    /// ```
    /// use opentelemetry_aws_xray::{ContextMissing, ContextMissingError, tower::XrayClientLayer};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # futures_executor::block_on(async {
    /// let client = service_fn(|_: http::Request<String>| async { Ok::<_, std::io::Error>(http::Response::new(String::new())) });
    /// let layer = XrayClientLayer::new().with_context_missing(ContextMissing::RuntimeError).fallible();
    /// let error = layer.layer(client).oneshot(http::Request::default()).await.unwrap_err();
    /// assert!(error.is::<ContextMissingError>());
    /// # });
    /// ```
    #[must_use]
    pub fn fallible(mut self) -> Stack<Self, RequireContextLayer> {
        let policy = self.options.context_missing;
        // Or each call without a span would be counted twice.
        self.options().context_missing = ContextMissing::IgnoreError;
        Stack::new(self, RequireContextLayer::new(policy))
    }

    fn options(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }
}

impl<S> Layer<S> for XrayClientLayer {
    type Service = XrayClient<S>;

    fn layer(&self, inner: S) -> XrayClient<S> {
        XrayClient::new(inner, Arc::clone(&self.options))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instruments: Instruments::default(),
            context_missing: ContextMissing::of_process(),
            origin: None,
            is_callee_traced: false,
        }
    }
}

impl fmt::Debug for XrayClientLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayClientLayer").field("options", &self.options).finish()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("context_missing", &self.context_missing)
            .field("is_callee_traced", &self.is_callee_traced)
            .finish_non_exhaustive()
    }
}
