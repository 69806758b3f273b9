//! The tracer and the propagator of a layer: its own, or the process's.

#[cfg(feature = "sampler")]
use std::sync::OnceLock;
use std::{any::Any, borrow::Cow, sync::Arc};

use http::HeaderMap;
use opentelemetry::{
    Context, KeyValue, global,
    propagation::TextMapPropagator,
    trace::{SpanBuilder, SpanKind, Tracer, TracerProvider},
};

use super::headers::{Incoming, Outgoing};
#[cfg(feature = "sampler")]
use crate::sampler::{XraySampler, early::Hint};
use crate::{
    propagator::{Caller, XrayPropagator},
    tracer::LazyTracer,
};

/// What a layer starts spans and carries context with. A clone shares the tracer.
#[derive(Clone, Default)]
pub(super) struct Instruments {
    tracer: LazyTracer,
    propagator: Propagator,
    /// The sampler that decides alone about the tracer's spans, once that is known; `None` if it is none of ours.
    #[cfg(feature = "sampler")]
    sampler: Arc<OnceLock<Option<XraySampler>>>,
}

/// What reads and writes headers.
#[derive(Clone, Default)]
enum Propagator {
    /// The process's.
    #[default]
    Global,
    /// X-Ray's alone, which needs no detour over texts.
    Xray(XrayPropagator),
    Other(Arc<dyn TextMapPropagator + Send + Sync>),
}

impl Instruments {
    pub(super) fn set_tracer_provider<P>(&mut self, provider: &P)
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        self.tracer = LazyTracer::of(provider);
        #[cfg(feature = "sampler")]
        {
            self.sampler = Arc::default();
        }
    }

    pub(super) fn set_propagator(&mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) {
        self.propagator = match (&propagator as &dyn Any).downcast_ref::<XrayPropagator>() {
            Some(xray) => Propagator::Xray(xray.clone()),
            None => Propagator::Other(Arc::new(propagator)),
        };
    }

    /// Who called, by `headers`; if they don't say, the current span.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Caller {
        let current = Context::current();
        let incoming = Incoming(headers);
        Caller::of(match &self.propagator {
            Propagator::Xray(xray) => return xray.caller_of(current, headers),
            Propagator::Other(other) => other.extract_with_context(&current, &incoming),
            Propagator::Global => {
                global::get_text_map_propagator(|global| global.extract_with_context(&current, &incoming))
            }
        })
    }

    /// Writes the place of `cx` in its trace to `headers`.
    pub(super) fn inject(&self, cx: &Context, headers: &mut HeaderMap) {
        let mut outgoing = Outgoing(headers);
        match &self.propagator {
            Propagator::Xray(xray) => xray.inject_into(cx, outgoing.0),
            Propagator::Other(other) => other.inject_context(cx, &mut outgoing),
            Propagator::Global => {
                global::get_text_map_propagator(|global| global.inject_context(cx, &mut outgoing));
            }
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
        let builder = builder(kind, name, attributes);
        self.tracer.start(parent, builder)
    }

    /// As [`start`](Self::start), with a word for the sampler.
    #[cfg(feature = "sampler")]
    pub(super) fn start_with_hint(
        &self,
        parent: &Context,
        hint: Hint,
        kind: SpanKind,
        name: Cow<'static, str>,
        attributes: Vec<KeyValue>,
    ) -> Context {
        let builder = builder(kind, name, attributes);
        self.tracer.start_with(hint, parent, builder)
    }

    /// The sampler that decides alone, if it is one of ours. The outer `None`: it isn't known yet.
    #[cfg(feature = "sampler")]
    pub(super) fn sampler(&self) -> Option<Option<&XraySampler>> {
        self.sampler.get().map(Option::as_ref)
    }

    /// Says which one it is.
    #[cfg(feature = "sampler")]
    pub(super) fn learn_sampler(&self, sampler: Option<XraySampler>) {
        let _ = self.sampler.set(sampler);
    }
}

/// Made in one piece: each of the builder's own steps moves all of it.
fn builder(kind: SpanKind, name: Cow<'static, str>, attributes: Vec<KeyValue>) -> SpanBuilder {
    SpanBuilder { span_kind: Some(kind), name, attributes: Some(attributes), ..SpanBuilder::default() }
}
