//! One batch: translate → encode → nest → sink → stats.

use std::time::Duration;

#[cfg(feature = "otlp")]
use opentelemetry::otel_warn;
use opentelemetry_sdk::{Resource, trace::SpanData};
use xray_wire::{
    SegmentId, TraceId,
    encode::{self, MAX_HEAD_BYTES},
    nest::{Node, Plan},
    segment::Kind,
};

#[cfg(feature = "otlp")]
use super::otlp::{Framing, Otlp};
use super::{
    prefixes,
    stats::{Counters, DropReason},
    trace_id_policy::TraceIdCheck,
    translate::{self, Budget, Context, Options, Position, ResourceView, Role, Scratch},
};
use crate::sink::{Documents, Report, SegmentSink};

/// The stages of an export with all the room they need, which is used again from batch to batch.
#[derive(Debug)]
pub(super) struct Pipeline {
    sink: Box<dyn SegmentSink>,
    options: Options,
    trace_ids: TraceIdCheck,
    nesting: bool,
    resource: ResourceView,
    scratch: Scratch<'static>,
    bodies: Vec<u8>,
    nodes: Vec<Node>,
    plan: Plan,
    documents: Documents,
    /// What makes the documents instead, if they are not to be segments.
    #[cfg(feature = "otlp")]
    otlp: Option<Box<Otlp>>,
}

impl Pipeline {
    pub(super) fn new(sink: Box<dyn SegmentSink>, mut options: Options, nesting: bool) -> Self {
        options.redaction.set_adopts_prefixes(options.prefixes);
        Self {
            sink,
            trace_ids: TraceIdCheck::new(options.trace_ids),
            options,
            nesting,
            resource: ResourceView::default(),
            scratch: Scratch::default(),
            bodies: Vec::new(),
            nodes: Vec::new(),
            plan: Plan::default(),
            documents: Documents::default(),
            #[cfg(feature = "otlp")]
            otlp: None,
        }
    }

    /// The same, but with OTLP as the payload.
    #[cfg(feature = "otlp")]
    pub(super) fn with_otlp(self, framing: Framing) -> Self {
        if self.options.redaction.has_metadata_rules() {
            otel_warn!(name: "XrayExporter.DeniedMetadata", message = "OTLP has no metadata: what with_denied_metadata names is sent all the same; with_denied leaves attributes out");
        }
        let otlp = Otlp::new(framing, self.sink.max_document_bytes());
        Self { otlp: Some(Box::new(otlp)), ..self }
    }

    /// What is cut of a resource is cut once for all of its segments, and counted once.
    pub(super) fn set_resource(&mut self, resource: &Resource, counters: &Counters) {
        let redacted = self.options.redaction.resource(resource);
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &mut self.otlp {
            return otlp.set_resource(&redacted, counters);
        }
        self.resource = ResourceView::new(&redacted, &self.options);
        counters.cut(self.resource.cuts);
    }

    /// Takes out of a batch what shall stay in the process, and brings names of attributes into our form.
    pub(super) fn prepare(&self, batch: &mut [SpanData]) {
        if self.options.prefixes {
            prefixes::adopt(batch);
        }
        self.options.redaction.spans(batch);
    }

    /// Sends a batch and counts what became of it. If a shutdown is under way, its end is waited for at most.
    pub(super) fn export(&mut self, batch: &[SpanData], deadline: Option<Duration>, counters: &Counters) {
        self.documents.clear();
        self.documents.set_deadline(deadline);
        self.encode(batch, counters);
        self.sink.send(&self.documents, &Report::new(counters.clone()));
    }

    /// Sends what the sink holds.
    pub(super) fn force_flush(&mut self, timeout: Duration, counters: &Counters) {
        self.sink.force_flush(timeout, &Report::new(counters.clone()));
    }

    /// Sends or drops what the sink holds.
    pub(super) fn shutdown(&mut self, timeout: Duration, counters: &Counters) {
        self.sink.shutdown(timeout, &Report::new(counters.clone()));
    }

    /// Fills the documents.
    fn encode(&mut self, batch: &[SpanData], counters: &Counters) {
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &mut self.otlp {
            return otlp.encode(batch, &mut self.documents, counters);
        }
        self.encode_bodies(batch, counters);
        self.plan.arrange(&self.nodes, self.sink.max_document_bytes(), self.nesting);
        for document in 0..self.plan.documents() {
            let spans = self.plan.spans(document);
            self.documents.push(spans, |out| self.plan.write(document, &self.nodes, &self.bodies, out));
        }
    }

    fn encode_bodies(&mut self, batch: &[SpanData], counters: &Counters) {
        self.bodies.clear();
        self.nodes.clear();
        let mut encoder = Encoder {
            context: Context { resource: &self.resource, options: &self.options },
            trace_ids: &mut self.trace_ids,
            max_body_bytes: self.sink.max_document_bytes().saturating_sub(MAX_HEAD_BYTES),
            bodies: &mut self.bodies,
            nodes: &mut self.nodes,
            scratch: std::mem::take(&mut self.scratch).recycle(),
            cuts: 0,
        };
        for span in batch {
            if let Err(reason) = encoder.span(span) {
                counters.dropped(1, reason);
            }
        }
        counters.cut(encoder.cuts);
        self.scratch = encoder.scratch.recycle();
    }
}

/// Spans → encoded bodies and the nodes that own them.
struct Encoder<'p, 'a> {
    context: Context<'a>,
    trace_ids: &'p mut TraceIdCheck,
    max_body_bytes: usize,
    bodies: &'p mut Vec<u8>,
    nodes: &'p mut Vec<Node>,
    scratch: Scratch<'a>,
    cuts: u64,
}

impl<'a> Encoder<'_, 'a> {
    /// Appends all documents of a span, or none.
    fn span(&mut self, span: &'a SpanData) -> Result<(), DropReason> {
        let ids = translate::ids(span).ok_or(DropReason::InvalidId)?;
        if !span.span_context.is_sampled() {
            return Err(DropReason::NotSampled);
        }
        if !self.trace_ids.lets_through(ids.0, span.start_time) {
            return Err(DropReason::TraceIdTime);
        }
        let (bodies, nodes) = (self.bodies.len(), self.nodes.len());
        for role in translate::roles(span, self.context.options.split_local_roots) {
            let Some(node) = self.node(span, ids, *role) else {
                self.bodies.truncate(bodies);
                self.nodes.truncate(nodes);
                return Err(DropReason::TooLarge);
            };
            self.nodes.push(node);
        }
        self.events(span, ids);
        Ok(())
    }

    /// Appends events that are to be seen in the timeline.
    fn events(&mut self, span: &SpanData, (trace_id, id): (TraceId, SegmentId)) {
        let most = self.context.options.event_subsegments;
        if most == 0 {
            return;
        }
        for segment in translate::event_subsegments(span, id).take(most) {
            let start = self.bodies.len();
            encode::body(&segment, None, self.bodies);
            self.nodes.push(Node {
                trace_id,
                id: segment.id,
                parent_id: Some(id),
                kind: segment.kind,
                // The span is counted with its own document.
                spans: 0,
                body: start..self.bodies.len(),
            });
        }
    }

    /// Encodes one document, with the first budget with which it fits.
    fn node(&mut self, span: &'a SpanData, ids: (TraceId, SegmentId), role: Role) -> Option<Node> {
        match self.within(&Budget::WHOLE, span, ids, role) {
            Ok(node) => Some(node),
            Err(kind) => self.reduced(kind, span, ids, role),
        }
    }

    /// The same of a document that is too large. The resource's metadata, which all segments repeat, goes behind long texts and
    /// before the span's own entries.
    #[cold]
    fn reduced(
        &mut self,
        kind: Kind,
        span: &'a SpanData,
        ids: (TraceId, SegmentId),
        role: Role,
    ) -> Option<Node> {
        Budget::SMALLER.iter().find_map(|budget| {
            let without_resource = budget
                .without_resource_metadata()
                .filter(|bare| kind == Kind::Segment && self.context.resource.is_cut_by(bare));
            [Some(*budget), without_resource]
                .into_iter()
                .flatten()
                .find_map(|budget| self.within(&budget, span, ids, role).ok())
        })
    }

    /// Encodes one document within a budget, if it is small enough then. The error is what it would have been.
    #[inline]
    fn within(
        &mut self,
        budget: &Budget,
        span: &'a SpanData,
        ids: (TraceId, SegmentId),
        role: Role,
    ) -> Result<Node, Kind> {
        let start = self.bodies.len();
        let Position { kind, id, parent_id } =
            translate::write(span, ids, role, self.context, budget, &mut self.scratch, self.bodies);
        let cuts = self.scratch.take_cuts();
        if self.bodies.len() - start > self.max_body_bytes {
            self.bodies.truncate(start);
            return Err(kind);
        }
        self.cuts += cuts;
        self.scratch.keep_latest();
        Ok(Node {
            trace_id: ids.0,
            id,
            parent_id,
            kind,
            // Of two documents, the call's is the span's.
            spans: u32::from(role != Role::Service),
            body: start..self.bodies.len(),
        })
    }
}
