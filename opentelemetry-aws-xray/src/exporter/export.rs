//! One batch: translate → encode → nest → sink → stats.

use std::time::Duration;

use opentelemetry_sdk::{Resource, trace::SpanData};
use xray_wire::{
    encode::{self, MAX_HEAD_BYTES},
    nest::{Node, Plan},
    segment::Kind,
};

use super::{
    stats::{Counters, DropReason},
    translate::{self, Budget, Options, ResourceView, Scratch},
};
use crate::sink::{Documents, Report, SegmentSink};

/// The stages of an export with all the room they need, which is used again from batch to batch.
#[derive(Debug)]
pub(super) struct Pipeline {
    sink: Box<dyn SegmentSink>,
    options: Options,
    nesting: bool,
    resource: ResourceView,
    scratch: Scratch<'static>,
    bodies: Vec<u8>,
    nodes: Vec<Node>,
    plan: Plan,
    documents: Documents,
}

impl Pipeline {
    pub(super) fn new(sink: Box<dyn SegmentSink>, options: Options, nesting: bool) -> Self {
        Self {
            sink,
            options,
            nesting,
            resource: ResourceView::default(),
            scratch: Scratch::default(),
            bodies: Vec::new(),
            nodes: Vec::new(),
            plan: Plan::default(),
            documents: Documents::default(),
        }
    }

    pub(super) fn set_resource(&mut self, resource: &Resource) {
        self.resource = ResourceView::new(resource);
    }

    /// Sends a batch and counts what became of it.
    pub(super) fn export(&mut self, batch: &[SpanData], counters: &Counters) {
        self.encode_bodies(batch, counters);
        self.plan.arrange(&self.nodes, self.sink.max_document_bytes(), self.nesting);
        self.documents.clear();
        for document in 0..self.plan.documents() {
            let spans = self.plan.spans(document);
            self.documents.push(spans, |out| self.plan.write(document, &self.nodes, &self.bodies, out));
        }
        let mut report = Report::default();
        self.sink.send(&self.documents, &mut report);
        counters.report(&report);
    }

    pub(super) fn shutdown(&mut self, timeout: Duration, report: &mut Report) {
        self.sink.shutdown(timeout, report);
    }

    fn encode_bodies(&mut self, batch: &[SpanData], counters: &Counters) {
        self.bodies.clear();
        self.nodes.clear();
        let max_body_bytes = self.sink.max_document_bytes().saturating_sub(MAX_HEAD_BYTES);
        let mut scratch = std::mem::take(&mut self.scratch).recycle();
        let mut cuts = 0;
        for span in batch {
            let Some(ids) = translate::ids(span) else {
                counters.dropped(1, DropReason::InvalidId);
                continue;
            };
            if !span.span_context.is_sampled() {
                counters.dropped(1, DropReason::NotSampled);
                continue;
            }
            let start = self.bodies.len();
            let mut node = None;
            for budget in &Budget::STEPS {
                self.bodies.truncate(start);
                let segment =
                    translate::translate(span, ids, &self.resource, &self.options, budget, &mut scratch);
                let blocks = (segment.kind == Kind::Segment).then(|| self.resource.blocks(budget));
                encode::body(&segment, blocks, &mut self.bodies);
                let (parent_id, kind) = (segment.parent_id, segment.kind);
                let cuts_of_this = scratch.take_back(segment);
                if self.bodies.len() - start <= max_body_bytes {
                    cuts += cuts_of_this;
                    let body = start..self.bodies.len();
                    node = Some(Node { trace_id: ids.0, id: ids.1, parent_id, kind, spans: 1, body });
                    break;
                }
            }
            match node {
                Some(node) => self.nodes.push(node),
                None => {
                    self.bodies.truncate(start);
                    counters.dropped(1, DropReason::TooLarge);
                }
            }
        }
        counters.cut(cuts);
        self.scratch = scratch.recycle();
    }
}
