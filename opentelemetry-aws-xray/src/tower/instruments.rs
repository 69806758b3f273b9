//! The tracer and the propagator of a layer: its own, or the process's.

use std::{borrow::Cow, sync::Arc};

use http::HeaderMap;
use opentelemetry::{
    Context, KeyValue, global,
    propagation::TextMapPropagator,
    trace::{SpanBuilder, SpanKind, Tracer, TracerProvider},
};

use super::headers::{Incoming, Outgoing};
use crate::tracer::LazyTracer;

/// What a layer starts spans and carries context with. A clone shares the tracer.
#[derive(Clone, Default)]
pub(super) struct Instruments {
    tracer: LazyTracer,
    propagator: Option<Arc<dyn TextMapPropagator + Send + Sync>>,
}

impl Instruments {
    pub(super) fn set_tracer_provider<P>(&mut self, provider: &P)
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        self.tracer = LazyTracer::of(provider);
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
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
        self.tracer.start(parent, builder)
    }
}
