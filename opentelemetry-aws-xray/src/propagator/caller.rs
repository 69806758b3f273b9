//! Who called, as far as headers say, before there is a context that says so.

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};

use super::Inbound;

#[cfg(all(feature = "sampler", feature = "tower"))]
mod decided;

/// The parent of a span that may begin. A context says the same, but costs allocations that a request which is not
/// sampled can do without.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Where the rest has to go.
    cx: Context,
    /// The remote parent, if it isn't in the context yet.
    parent: Option<SpanContext>,
    /// What the header leaves to remember, likewise.
    inbound: Option<Inbound>,
}

impl Caller {
    pub(super) const fn new(cx: Context, parent: Option<SpanContext>, inbound: Option<Inbound>) -> Self {
        Self { cx, parent, inbound }
    }

    /// The caller that a context names.
    #[cfg(feature = "tower")]
    pub(crate) const fn of(cx: Context) -> Self {
        Self::new(cx, None, None)
    }

    /// The context that names him as the parent of what begins in it.
    pub(crate) fn into_context(self) -> Context {
        let cx = match self.parent {
            Some(parent) => self.cx.with_remote_span_context(parent),
            None => self.cx,
        };
        match self.inbound {
            Some(inbound) => cx.with_value(inbound),
            None => cx,
        }
    }
}
