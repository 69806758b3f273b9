//! The tracer and the propagator of a layer: its own, or the process's.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use http::HeaderMap;
use opentelemetry::{
    Context, InstrumentationScope, KeyValue, global,
    propagation::TextMapPropagator,
    trace::{SpanBuilder, SpanKind, TraceContextExt, Tracer, TracerProvider},
};

use super::headers::{Incoming, Outgoing};

/// What a layer starts spans and carries context with. A clone shares the tracer.
#[derive(Clone, Default)]
pub(super) struct Instruments {
    tracer: Arc<OnceLock<Box<dyn StartSpan>>>,
    propagator: Option<Arc<dyn TextMapPropagator + Send + Sync>>,
}

impl Instruments {
    pub(super) fn set_tracer_provider<P>(&mut self, provider: &P)
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let tracer = provider.tracer_with_scope(scope());
        self.tracer = Arc::new(OnceLock::from(Box::new(tracer) as Box<dyn StartSpan>));
    }

    pub(super) fn set_propagator(&mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) {
        self.propagator = Some(Arc::new(propagator));
    }

    /// The current context with what `headers` say about the caller.
    pub(super) fn extract(&self, headers: &HeaderMap) -> Context {
        let incoming = Incoming(headers);
        let current = Context::current();
        match &self.propagator {
            Some(own) => own.extract_with_context(&current, &incoming),
            None => {
                global::get_text_map_propagator(|global| global.extract_with_context(&current, &incoming))
            }
        }
    }

    /// Writes the place of `cx` in its trace to `headers`.
    pub(super) fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        let mut outgoing = Outgoing(headers);
        match &self.propagator {
            Some(own) => own.inject_context(cx, &mut outgoing),
            None => global::get_text_map_propagator(|global| global.inject_context(cx, &mut outgoing)),
        }
    }

    /// Starts a span. The sampler sees its name, kind and attributes, and the values of `parent`.
    pub(super) fn start(
        &self,
        parent: &Context,
        kind: SpanKind,
        name: Cow<'static, str>,
        attributes: Vec<KeyValue>,
    ) -> Context {
        // Here, not in the layer's constructor: routers are often built before the provider is installed.
        let tracer = self.tracer.get_or_init(|| Box::new(global::tracer_with_scope(scope())));
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
        tracer.start_in(parent, builder)
    }
}

/// A tracer of any kind. [`BoxedTracer`](global::BoxedTracer) is one too, but boxes a span that the context
/// boxes again.
trait StartSpan: Send + Sync {
    /// `parent` with a new span as the active one.
    fn start_in(&self, parent: &Context, builder: SpanBuilder) -> Context;
}

impl<T> StartSpan for T
where
    T: Tracer<Span: Send + Sync + 'static> + Send + Sync,
{
    fn start_in(&self, parent: &Context, builder: SpanBuilder) -> Context {
        parent.with_span(self.build_with_context(builder, parent))
    }
}

/// Says which library the spans come from.
fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION")).build()
}
