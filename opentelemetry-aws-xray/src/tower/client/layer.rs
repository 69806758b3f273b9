//! The layer for clients and its options.

use std::{fmt, sync::Arc};

use opentelemetry::{
    propagation::TextMapPropagator,
    trace::{Tracer, TracerProvider},
};
use tower_layer::Layer;

use super::service::XrayClient;
use crate::{context_missing::ContextMissing, tower::instruments::Instruments};

/// Makes a CLIENT span of every outgoing request, and tells the other side which trace it belongs to.
///
/// The span is a child of the active one. Without an active span the request goes out as it is, without a span
/// and without a header, like in the X-Ray SDKs: see [`with_context_missing`](Self::with_context_missing).
#[derive(Clone, Default)]
pub struct XrayClientLayer {
    options: Arc<Options>,
}

/// What a layer and all of its services share.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) instruments: Instruments,
    pub(super) context_missing: ContextMissing,
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
    /// [`ContextMissing::of_process`].
    #[must_use]
    pub fn with_context_missing(mut self, policy: ContextMissing) -> Self {
        self.options().context_missing = policy;
        self
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
        Self { instruments: Instruments::default(), context_missing: ContextMissing::of_process() }
    }
}

impl fmt::Debug for XrayClientLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayClientLayer").field("options", &self.options).finish()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("context_missing", &self.context_missing).finish_non_exhaustive()
    }
}
