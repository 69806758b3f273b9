//! Span → segment: one file for each block of the document, called in the order in which the blocks may claim attributes.

mod annotations;
mod budget;
mod cause;
mod flags;
mod http;
mod links;
mod local_root;
mod metadata;
mod name;
mod resource;
mod texts;
mod timestamp;
mod url;

use std::borrow::Cow;

pub(crate) use budget::Budget;
use opentelemetry_sdk::trace::SpanData;
pub(crate) use resource::ResourceView;
use xray_wire::{
    Segment, SegmentId, TraceId,
    segment::{Annotation, Aws, Cause, Exception, Link, MetadataEntry, XraySdk},
};

use self::texts::Texts;
use super::attributes::{Attributes, Marks, Slot};
use crate::propagator::synthetic_parent;

/// What a translation needs to know besides the span.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Attributes that become annotations.
    pub(crate) indexed_attributes: Vec<String>,
}

/// Lists that are used again from span to span, so that a translation allocates nothing in the long run.
#[derive(Debug, Default)]
pub(crate) struct Scratch<'a> {
    marks: Marks,
    texts: Texts,
    annotations: Vec<Annotation<'a>>,
    metadata: Vec<MetadataEntry<'a>>,
    exceptions: Vec<Exception<'a>>,
    links: Vec<Link<'a>>,
}

/// The ids of a span, if they name something.
pub(crate) fn ids(span: &SpanData) -> Option<(TraceId, SegmentId)> {
    let context = &span.span_context;
    Some((
        TraceId::from_bytes(context.trace_id().to_bytes())?,
        SegmentId::from_bytes(context.span_id().to_bytes())?,
    ))
}

/// Translates a span, within a budget. Give the segment back with [`Scratch::take_back`] once it is encoded.
pub(crate) fn translate<'a>(
    span: &'a SpanData,
    (trace_id, id): (TraceId, SegmentId),
    resource: &'a ResourceView,
    options: &Options,
    budget: &Budget,
    scratch: &mut Scratch<'a>,
) -> Segment<'a> {
    let texts = &mut scratch.texts;
    let mut attributes = Attributes::new(&span.attributes, &mut scratch.marks);
    let is_local_root = local_root::is_local_root(span, &attributes);
    let parent_id = parent_id(span);
    let kind = local_root::document_kind(span, parent_id, &attributes, is_local_root);
    let start_time = timestamp::timestamp(span.start_time);

    let name = name::name(span, &attributes, is_local_root, resource.service_name.as_deref(), texts);
    let mut segment = Segment::new(kind, name, id, start_time);
    segment.trace_id = Some(trace_id);
    segment.parent_id = parent_id;
    segment.end_time = Some(timestamp::timestamp(span.end_time).max(start_time));
    segment.namespace = name::namespace(kind, &span.span_kind, &attributes);

    segment.http = http::http(&span.span_kind, kind, &mut attributes, texts);
    flags::set(&mut segment, span, &attributes);
    match cause::cause(span, id, &mut attributes, budget, texts, std::mem::take(&mut scratch.exceptions)) {
        Ok(cause) => segment.cause = Some(cause),
        Err(unused) => scratch.exceptions = unused,
    }
    segment.aws = aws(&mut attributes);
    links::links(span, budget, texts, &mut scratch.links);
    segment.links = std::mem::take(&mut scratch.links);
    annotations::annotations(
        &options.indexed_attributes,
        &mut attributes,
        budget,
        texts,
        &mut scratch.annotations,
    );
    segment.annotations = std::mem::take(&mut scratch.annotations);
    segment.metadata = std::mem::take(&mut scratch.metadata);
    metadata::metadata(&mut segment, span, &mut attributes, budget, texts);
    segment
}

/// The span above, unless that is the placeholder for a caller who did not say which of his spans called.
fn parent_id(span: &SpanData) -> Option<SegmentId> {
    let is_placeholder =
        span.parent_span_is_remote && span.parent_span_id == synthetic_parent(span.span_context.trace_id());
    if is_placeholder { None } else { SegmentId::from_bytes(span.parent_span_id.to_bytes()) }
}

/// What the span itself says under `aws`: the sampling rule that chose it.
fn aws<'a>(attributes: &mut Attributes<'a, '_>) -> Option<Aws<'a>> {
    let rule = attributes.text(Slot::AwsXraySamplingRule)?;
    attributes.consume(Slot::AwsXraySamplingRule);
    let xray = XraySdk { sampling_rule_name: Some(Cow::Borrowed(rule)), ..XraySdk::default() };
    Some(Aws { xray: Some(xray), ..Aws::default() })
}

impl<'a> Scratch<'a> {
    /// Takes the lists of a segment back, and answers how much text was cut for it.
    pub(crate) fn take_back(&mut self, segment: Segment<'a>) -> u64 {
        let Segment { name, http, cause, annotations, metadata, links, .. } = segment;
        self.texts.take_back(name);
        if let Some(url) = http.and_then(|http| http.url) {
            self.texts.take_back(url);
        }
        if let Some(Cause::Exceptions(cause)) = cause {
            self.exceptions = emptied(cause.exceptions);
        }
        self.annotations = emptied(annotations);
        self.metadata = emptied(metadata);
        self.links = emptied(links);
        self.texts.take_cuts()
    }

    /// The same room for spans of another batch.
    pub(crate) fn recycle<'b>(self) -> Scratch<'b> {
        Scratch {
            marks: self.marks,
            texts: self.texts,
            annotations: recycle(self.annotations),
            metadata: recycle(self.metadata),
            exceptions: recycle(self.exceptions),
            links: recycle(self.links),
        }
    }
}

fn emptied<T>(mut list: Vec<T>) -> Vec<T> {
    list.clear();
    list
}

/// The room of a list, for items of another lifetime. Collecting from a `Vec`'s own iterator reuses its memory when
/// the items have the same layout.
fn recycle<A, B>(list: Vec<A>) -> Vec<B> {
    emptied(list).into_iter().filter_map(|_| None).collect()
}
