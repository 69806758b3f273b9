//! What an instrumentation starts its spans with: a provider that it was given, or the process's.

use std::{
    fmt, mem,
    sync::{Arc, OnceLock},
};

use opentelemetry::{
    Context, InstrumentationScope, global,
    trace::{SpanBuilder, TraceContextExt, Tracer, TracerProvider},
};

use self::off::IsOff;
pub(crate) use self::off::Off;

mod off;

/// A tracer that is looked up when it is first needed. Clones share it.
///
/// Where the pipeline is turned off, it starts no spans below a caller's: what is called from there learns what the caller said.
#[derive(Clone, Default)]
pub(crate) struct LazyTracer(Arc<Known>);

#[derive(Default)]
struct Known {
    tracer: OnceLock<Box<dyn StartSpan>>,
    is_off: IsOff,
}

impl LazyTracer {
    /// A tracer of `provider`. The default is that of the global provider.
    pub(crate) fn of<P>(provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        let tracer = provider.tracer_with_scope(scope());
        let tracer = OnceLock::from(Box::new(tracer) as Box<dyn StartSpan>);
        Self(Arc::new(Known { tracer, is_off: IsOff::default() }))
    }

    /// `parent` with a new span as the active one. The sampler sees what the builder holds, and the values of `parent`.
    pub(crate) fn start(&self, parent: &Context, mut builder: SpanBuilder) -> Context {
        self.0.is_off.or_start(parent, parent, |seen| self.tracer().start_in(seen, parent, &mut builder))
    }

    /// The same, with a value that the sampler sees and the context does not keep.
    #[cfg(all(feature = "sampler", feature = "tower"))]
    pub(crate) fn start_with<V>(&self, value: V, parent: &Context, mut builder: SpanBuilder) -> Context
    where
        V: Send + Sync + 'static,
    {
        let seen = parent.with_value(value);
        self.0.is_off.or_start(&seen, parent, |seen| self.tracer().start_in(seen, parent, &mut builder))
    }

    /// Looked up here, not in a constructor: routers and clients are often built before the provider is installed.
    fn tracer(&self) -> &dyn StartSpan {
        &**self.0.tracer.get_or_init(|| Box::new(global::tracer_with_scope(scope())))
    }
}

impl fmt::Debug for LazyTracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyTracer").finish_non_exhaustive()
    }
}

/// A tracer of any kind. [`BoxedTracer`](global::BoxedTracer) is one too, but boxes a span that the context
/// boxes again.
trait StartSpan: Send + Sync {
    /// `parent` with a new span as the active one. The sampler sees `seen`, which is `parent` with more values. What the
    /// builder holds is taken out of it: handing it on at each step would move all of it.
    fn start_in(&self, seen: &Context, parent: &Context, builder: &mut SpanBuilder) -> Context;
}

impl<T> StartSpan for T
where
    T: Tracer<Span: Send + Sync + 'static> + Send + Sync,
{
    fn start_in(&self, seen: &Context, parent: &Context, builder: &mut SpanBuilder) -> Context {
        parent.with_span(self.build_with_context(mem::take(builder), seen))
    }
}

/// Says which library the spans come from.
fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION")).build()
}
