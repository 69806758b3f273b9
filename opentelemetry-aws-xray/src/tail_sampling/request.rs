//! A request that has not ended.

use std::{
    hash::{Hash, Hasher},
    mem,
    time::Duration,
};

use opentelemetry::{KeyValue, SpanId, TraceId, trace::SpanContext};
use opentelemetry_sdk::trace::SpanData;

use super::policy::KeepReason;

/// The attribute of a local root that says why its request was kept.
pub(crate) const KEEP_REASON: &str = "tail_sampling.reason";

/// A span of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) trace: TraceId,
    span: SpanId,
}

/// Why a request is kept; `None` if it is not.
pub(super) type Decision = Option<KeepReason>;

pub(super) struct Request {
    pub(super) root: Id,
    pub(super) since: Duration,
    pub(super) open: usize,
    /// There is one if the root has ended, or if it was kept early.
    pub(super) decision: Option<Decision>,
    pub(super) held: Vec<SpanData>,
    /// Spans that have ended and are not held any more.
    pub(super) ended: Vec<Id>,
    pub(super) bytes: usize,
}

/// What is held of a request at some moment before its end.
pub(super) struct Part {
    pub(super) trace: TraceId,
    pub(super) since: Duration,
    pub(super) decision: Option<Decision>,
    pub(super) held: Vec<SpanData>,
    pub(super) bytes: usize,
}

impl Request {
    pub(super) fn new(root: Id, since: Duration) -> Self {
        Self { root, since, open: 0, decision: None, held: Vec::new(), ended: Vec::new(), bytes: 0 }
    }

    /// Takes out what is held.
    pub(super) fn take_part(&mut self) -> Part {
        self.ended.extend(self.held.iter().map(|span| id(&span.span_context)));
        Part {
            trace: self.root.trace,
            since: self.since,
            decision: self.decision,
            held: mem::take(&mut self.held),
            bytes: mem::take(&mut self.bytes),
        }
    }
}

pub(super) fn id(context: &SpanContext) -> Id {
    Id { trace: context.trace_id(), span: context.span_id() }
}

impl Hash for Id {
    /// Ids of spans are drawn here, and no two of them are likely to be the same. Those of traces come from callers.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.span.hash(state);
    }
}

/// The span as if the sampler had sampled it; else no exporter takes it.
pub(crate) fn sampled(span: SpanData) -> SpanData {
    let context = &span.span_context;
    if context.is_sampled() {
        return span;
    }
    let span_context = SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags().with_sampled(true),
        context.is_remote(),
        context.trace_state().clone(),
    );
    SpanData { span_context, ..span }
}

pub(super) fn with_reason(mut span: SpanData, decision: Decision) -> SpanData {
    if let Some(reason) = decision {
        span.attributes.push(KeyValue::new(KEEP_REASON, reason.as_str()));
    }
    span
}
