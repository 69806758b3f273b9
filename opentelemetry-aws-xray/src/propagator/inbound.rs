//! What a trace header said beyond what fits into a span context.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId};
use xray_wire::{Sampled, TraceHeader};

/// What the request's `X-Amzn-Trace-Id` said that OpenTelemetry's `SpanContext` has no room for.
///
/// [`XrayPropagator`](super::XrayPropagator) leaves it in the context that it extracts, if there is anything to
/// remember: an open decision, or fields to pass on. An ordinary header (`Root`, `Parent`, `Sampled=0` or `1`) leaves
/// none. Contexts that derive from the extracted one have it too; [`of`](Self::of) tells whether it still applies
/// there.
///
/// ```
/// use opentelemetry::propagation::TextMapPropagator;
/// use opentelemetry_aws_xray::{XrayPropagator, propagator::Inbound};
/// # use std::collections::HashMap;
///
/// # let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?;Lineage=1:a87bd80c:0";
/// # let request = HashMap::from([("x-amzn-trace-id".to_owned(), header.to_owned())]);
/// // X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?;Lineage=1:a87bd80c:0
/// let cx = XrayPropagator::new().extract(&request);
/// let inbound = Inbound::of(&cx).unwrap();
/// assert!(inbound.is_undecided() && !inbound.has_parent());
/// assert_eq!(inbound.lineage(), Some("1:a87bd80c:0"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    sampled: Sampled,
    has_parent: bool,
    is_undecided: bool,
    extras: Box<str>,
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
}

impl Inbound {
    /// What `header` leaves to remember next to `parent`, the span context that is active once it has been
    /// extracted; `is_parent` says whether that one was made from the header.
    pub(super) fn new(header: &TraceHeader<'_>, parent: &SpanContext, is_parent: bool) -> Option<Self> {
        let is_undecided = is_parent && header.sampled.decided().is_none();
        let extras = header.has_extras().then(|| header.extras_text());
        let extras = extras.as_ref().map_or("", |extras| extras.as_str());
        if !is_undecided && header.sampled != Sampled::Ask && extras.is_empty() {
            return None;
        }
        Some(Self {
            sampled: header.sampled,
            has_parent: header.parent.is_some(),
            is_undecided,
            extras: extras.into(),
            trace_id: parent.trace_id(),
            span_id: parent.span_id(),
            flags: parent.trace_flags(),
        })
    }

    /// Whether there is anything in it that matters once the decision is taken: a question, or fields to pass on.
    #[cfg(all(feature = "sampler", feature = "tower"))]
    pub(super) fn outlasts_the_decision(&self) -> bool {
        self.sampled == Sampled::Ask || !self.extras.is_empty()
    }

    /// The value that applies to this context, if any.
    ///
    /// On the extracted context, that is the one of its header, unless another propagator has put a different
    /// remote parent in its place. Below a span of our own, it is the one of the request that its trace came with.
    #[must_use]
    pub fn of(cx: &Context) -> Option<&Self> {
        let inbound = cx.get::<Self>()?;
        let span = cx.span();
        let active = span.span_context();
        let same_trace = active.trace_id() == inbound.trace_id;
        let same_parent = active.span_id() == inbound.span_id && active.trace_flags() == inbound.flags;
        (same_trace && (same_parent || !active.is_remote())).then_some(inbound)
    }

    /// The `Sampled` field as it came. [`Sampled::Ask`] asks for the decision in the response.
    #[must_use]
    pub fn sampled(&self) -> Sampled {
        self.sampled
    }

    /// Whether the header named a parent segment. Load balancers send a `Root` alone.
    #[must_use]
    pub fn has_parent(&self) -> bool {
        self.has_parent
    }

    /// Whether the remote parent came from this header and its sender left the decision to us.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.is_undecided
    }

    /// The fields to pass on, as header text: `Lineage=…` and unknown ones, at most 256 bytes of printable ASCII.
    /// Empty if there are none.
    #[must_use]
    pub fn extras(&self) -> &str {
        &self.extras
    }

    /// The value of `Lineage`, by which AWS Lambda notices a function that calls itself for ever.
    #[must_use]
    pub fn lineage(&self) -> Option<&str> {
        TraceHeader::default().with_extras(self.extras.as_bytes()).lineage()
    }
}

/// A trace about which neither the caller decides nor this process: its spans are not recorded, and the header goes on as it came.
#[cfg(feature = "lambda")]
#[derive(Debug, Clone)]
pub(crate) struct PassedOn {
    header: Box<str>,
    trace_id: TraceId,
}

#[cfg(feature = "lambda")]
impl PassedOn {
    /// The context to run in, if nobody has decided about the trace of `parent`, which was just extracted.
    pub(crate) fn instead_of(parent: &Context) -> Option<Context> {
        Inbound::of(parent).filter(|inbound| inbound.is_undecided())?;
        let header = super::header_value(parent)?.into_boxed_str();
        let span = parent.span();
        let open = span.span_context();
        let (trace_id, state) = (open.trace_id(), open.trace_state().clone());
        // Not sampled, for samplers and spans; only this value knows that it was never decided.
        let unsampled = SpanContext::new(trace_id, open.span_id(), TraceFlags::default(), true, state);
        Some(parent.with_remote_span_context(unsampled).with_value(Self { header, trace_id }))
    }

    /// The header to pass on from a context of that trace.
    pub(super) fn header(cx: &Context) -> Option<String> {
        let passed_on = cx.get::<Self>()?;
        (cx.span().span_context().trace_id() == passed_on.trace_id).then(|| passed_on.header.to_string())
    }
}
