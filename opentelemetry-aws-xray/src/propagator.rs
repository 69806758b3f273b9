//! Context between services: the propagator for `X-Amzn-Trace-Id`.

use std::sync::LazyLock;

use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, otel_debug};
use opentelemetry_sdk::trace::IdGenerator;
use xray_wire::{Sampled, SegmentId, TraceHeader};

pub(crate) use self::caller::Caller;
#[cfg(feature = "tower")]
pub(crate) use self::http_headers::{first, name_to_insert};
pub use self::inbound::Inbound;
#[cfg(feature = "lambda")]
pub(crate) use self::inbound::PassedOn;
use crate::id_generator::XrayIdGenerator;

mod caller;
#[cfg(feature = "tower")]
mod http_headers;
mod inbound;
#[cfg(test)]
mod tests;

/// The name of the header, in lower case as HTTP/2 and `http::HeaderMap` have it. HTTP names have no case.
///
/// ```
/// use opentelemetry::Context;
/// use opentelemetry_aws_xray::propagator::{TRACE_HEADER, header_value};
///
/// // For a client that no layer goes around.
/// let header = header_value(&Context::current()).map(|value| format!("{TRACE_HEADER}: {value}"));
/// # assert_eq!((TRACE_HEADER, header), ("x-amzn-trace-id", None));
/// ```
pub const TRACE_HEADER: &str = "x-amzn-trace-id";

static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [TRACE_HEADER.to_owned()]);

/// Reads and writes `X-Amzn-Trace-Id`.
///
/// # Extracting
///
/// | the header has | the context gets |
/// |---|---|
/// | `Root`, `Parent`, `Sampled` `0` or `1` | an ordinary remote parent |
/// | `Root`, but nobody has decided (`Sampled=?` or none) | a remote parent and an [`Inbound`]: the sampler decides |
/// | `Root` without `Parent` (load balancers) | a remote parent that stands for the trace as a whole |
/// | `Sampled=0` without a usable `Root` | an unsampled remote parent with new ids: the wish is honoured |
/// | nothing usable | nothing |
///
/// For a decision that is still open the remote parent has the sampled flag, so that samplers which know
/// nothing of X-Ray record the trace. [`XrayParentBased`](crate::sampler::XrayParentBased) knows better.
///
/// Among several propagators the last one to find a complete parent wins, but a valid remote parent is never
/// replaced by less: a load balancer's `Root` leaves a caller's `traceparent` alone. Only where the header is about the same trace
/// does it count that nobody has decided, which a `traceparent` cannot say. A parent from this header has
/// no trace state, and trace state never gets into this header.
///
/// # Injecting
///
/// Writes the active span's ids and decision, and the extras that came in with the request (`Lineage` and
/// unknown fields, at most 256 bytes of them). A remote context that is passed on without a span of our own says
/// what it said when it came. Without a valid span context nothing is written.
///
/// ```
/// use std::collections::HashMap;
///
/// use opentelemetry::propagation::TextMapPropagator;
/// use opentelemetry_aws_xray::XrayPropagator;
///
/// let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0";
/// let request = HashMap::from([("x-amzn-trace-id".to_owned(), header.to_owned())]);
/// let cx = XrayPropagator::new().extract(&request);
///
/// // With no span of ours in between, what goes out is what came in.
/// let mut outgoing = HashMap::new();
/// XrayPropagator::new().inject_context(&cx, &mut outgoing);
/// assert_eq!(outgoing, request);
/// ```
#[derive(Debug, Clone, Default)]
pub struct XrayPropagator {
    ids: XrayIdGenerator,
}

impl XrayPropagator {
    /// Same as `Default`: there is nothing to choose.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The caller, by what came to `cx` in the header.
    pub(crate) fn caller(&self, cx: Context, value: &[u8]) -> Caller {
        let header = TraceHeader::parse(value);
        match ordinary_parent(&header) {
            Some(parent) if !cx.has_active_span() => Caller::new(cx, Some(parent), None),
            _ => self.caller_between(cx, &header),
        }
    }

    /// The caller, where the header leaves something open, or there is one already.
    fn caller_between(&self, cx: Context, header: &TraceHeader<'_>) -> Caller {
        if let Some(refused) = header.refused {
            otel_debug!(name: "XrayPropagator.HeaderRefused", reason = format_args!("{refused}"));
        }
        let parent = match (parent_of(header), header.sampled) {
            _ if is_less_than_present(header, &cx) => None,
            (None, Sampled::No) => Some(self.unsampled_parent()),
            (parent, _) => parent.map(|parent| with_state_of(&cx, parent)),
        };
        let inbound = match &parent {
            Some(parent) => Inbound::new(header, parent, true),
            None => Inbound::new(header, cx.span().span_context(), false),
        };
        Caller::new(cx, parent, inbound)
    }

    /// A remote parent with new ids for a caller who said `Sampled=0` and gave no usable `Root`, as the X-Ray SDK for
    /// Python does. Any parent-based sampler honours it.
    fn unsampled_parent(&self) -> SpanContext {
        remote(self.ids.new_trace_id(), self.ids.new_span_id(), false)
    }
}

impl TextMapPropagator for XrayPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if let Some(value) = header_value(cx) {
            injector.set(TRACE_HEADER, value);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let Some(value) = extractor.get(TRACE_HEADER) else { return cx.clone() };
        self.caller(cx.clone(), value.as_bytes()).into_context()
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

/// The `X-Amzn-Trace-Id` value that [`XrayPropagator`] injects for this context, if it injects any. For carriers
/// that are not an [`Injector`], such as the system attribute `AWSTraceHeader` of an SQS message.
///
/// ```
/// use opentelemetry::{Context, trace::{Tracer, TracerProvider}};
/// use opentelemetry_aws_xray::propagator::header_value;
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
///
/// assert_eq!(header_value(&Context::new()), None);
/// provider.tracer("shop").in_span("order", |cx| {
///     let value = header_value(&cx).unwrap();
///     assert!(value.starts_with("Root=1-") && value.ends_with(";Sampled=1"), "{value}");
/// });
/// ```
#[must_use]
pub fn header_value(cx: &Context) -> Option<String> {
    #[cfg(feature = "lambda")]
    if let Some(header) = PassedOn::header(cx) {
        return Some(header);
    }
    header(cx).with_text(|text| {
        let text = std::str::from_utf8(text).ok()?;
        (!text.is_empty()).then(|| text.to_owned())
    })
}

/// What follows from the active span; empty if there is nothing to inject.
#[inline]
fn header(cx: &Context) -> TraceHeader<'_> {
    let span = cx.span();
    let active = span.span_context();
    let inbound = Inbound::of(cx);
    let header = if active.is_valid() {
        TraceHeader::new(
            xray_wire::TraceId::from_bytes(active.trace_id().to_bytes()),
            parent_to_send(active),
            sampled_to_send(active, inbound),
        )
    } else {
        TraceHeader::new(None, None, inbound.map_or(Sampled::Unstated, Inbound::sampled))
    };
    header.with_extras(inbound.map_or("", Inbound::extras).as_bytes())
}

/// The parent id that stands for "the trace as a whole" when a header has a `Root` and no `Parent`: OpenTelemetry has
/// no remote parent without a span id. It follows from the trace id, so that whoever meets it can tell that there
/// is no such segment.
pub(crate) fn synthetic_parent(trace_id: TraceId) -> SpanId {
    // The last step of MurmurHash3, for all time: the id may travel to other processes in a `traceparent`.
    let trace_id = u128::from_be_bytes(trace_id.to_bytes());
    let mut hash = (trace_id ^ trace_id >> u64::BITS) as u64;
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    SpanId::from(hash.max(1))
}

/// Whether it stands for a trace as a whole, so that there is no such segment.
pub(crate) fn is_synthetic(parent: &SpanContext) -> bool {
    parent.is_remote() && parent.span_id() == synthetic_parent(parent.trace_id())
}

/// The remote parent by a header as most callers send it, with ids, a decision, and nothing else to think about. The same as
/// [`parent_of`], told apart since it saves a request a sixth of what reading its header costs.
fn ordinary_parent(header: &TraceHeader<'_>) -> Option<SpanContext> {
    if header.refused.is_some() || header.has_extras() {
        return None;
    }
    let (trace_id, span_id) = (header.root?.to_bytes(), header.parent?.to_bytes());
    Some(remote(TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id), header.sampled.decided()?))
}

/// The remote parent that a header names; `None` without a `Root`.
fn parent_of(header: &TraceHeader<'_>) -> Option<SpanContext> {
    let trace_id = TraceId::from_bytes(header.root?.to_bytes());
    let span_id =
        header.parent.map_or_else(|| synthetic_parent(trace_id), |id| SpanId::from_bytes(id.to_bytes()));
    Some(remote(trace_id, span_id, header.sampled.decided().unwrap_or(true)))
}

fn remote(trace_id: TraceId, span_id: SpanId, sampled: bool) -> SpanContext {
    SpanContext::new(
        trace_id,
        span_id,
        TraceFlags::default().with_sampled(sampled),
        true,
        TraceState::default(),
    )
}

/// The parent with the trace state of the one that is there, if both are of the same trace: the header has no place for it.
fn with_state_of(cx: &Context, parent: SpanContext) -> SpanContext {
    let span = cx.span();
    let present = span.span_context();
    if !present.is_remote() || present.trace_id() != parent.trace_id() {
        return parent;
    }
    SpanContext::new(
        parent.trace_id(),
        parent.span_id(),
        parent.trace_flags(),
        true,
        present.trace_state().clone(),
    )
}

/// Whether the context has a remote parent already, and the header is not a complete one to take its place, nor one that says
/// what the other could not.
fn is_less_than_present(header: &TraceHeader<'_>, cx: &Context) -> bool {
    let is_complete = header.root.is_some() && header.parent.is_some() && header.sampled.decided().is_some();
    let span = cx.span();
    let present = span.span_context();
    !is_complete && present.is_remote() && present.is_valid() && !leaves_open(header, present)
}

/// Whether the header says that nobody has decided, and comes from the sender of `present`, who had no word for that there: a
/// service that passes on what it got, because it is turned off or runs in a Lambda function that leaves the decision to others.
fn leaves_open(header: &TraceHeader<'_>, present: &SpanContext) -> bool {
    let Some(parent) = parent_of(header).filter(|_| header.sampled.decided().is_none()) else { return false };
    // A span that is recorded stands behind a `traceparent` that says so, unless it was made from this very header.
    let may_be_open = !present.is_sampled() || parent.span_id() == present.span_id();
    parent.trace_id() == present.trace_id() && may_be_open
}

fn parent_to_send(active: &SpanContext) -> Option<SegmentId> {
    if is_synthetic(active) {
        return None;
    }
    SegmentId::from_bytes(active.span_id().to_bytes())
}

fn sampled_to_send(active: &SpanContext, inbound: Option<&Inbound>) -> Sampled {
    match inbound {
        Some(inbound) if active.is_remote() && inbound.is_undecided() => inbound.sampled(),
        _ if active.is_sampled() => Sampled::Yes,
        _ => Sampled::No,
    }
}
