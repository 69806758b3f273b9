//! Span → segment: one file for each block of the document, called in the order in which the blocks may claim attributes.

mod annotations;
mod aws;
mod budget;
mod cause;
mod derive;
mod event;
mod flags;
mod handed;
mod http;
mod json;
mod links;
mod local_root;
mod metadata;
mod metadata_options;
mod name;
mod place;
mod received;
mod resource;
mod sql;
mod texts;
mod timestamp;
mod url;
mod user;

use std::borrow::Cow;

pub(crate) use budget::Budget;
pub(crate) use event::subsegments as event_subsegments;
pub(crate) use flags::Flags;
pub(crate) use local_root::{Role, parent_id, roles};
pub(crate) use metadata_options::MetadataOptions;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;
pub(crate) use resource::ResourceView;
pub(crate) use sql::is_sql;
use xray_wire::{
    Segment, SegmentId, Timestamp, TraceId,
    limits::MAX_TEXT_CHARS,
    segment::{Cause, Exception, Frame, Kind, Value},
};

use self::texts::Texts;
use super::{
    attributes::{Attributes, Marks, Slot},
    index::Index,
    trace_id_policy::TraceIdPolicy,
};
use crate::redaction::Redaction;

/// What a translation needs to know besides the span.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Attributes that become annotations.
    pub(crate) index: Index,
    /// Whether a local root that is a call becomes two documents.
    pub(crate) split_local_roots: bool,
    /// Whether the end user's id becomes `user`.
    pub(crate) user: bool,
    /// Whether gRPC statuses count as failures of their kind.
    pub(crate) grpc_status: bool,
    /// Log groups and ARN for resources that name none.
    pub(crate) log_groups: Vec<String>,
    pub(crate) resource_arn: Option<String>,
    pub(crate) trace_ids: TraceIdPolicy,
    /// Whether `annotation.` and `metadata.` before an attribute's name say what it becomes.
    pub(crate) prefixes: bool,
    /// What metadata is called.
    pub(crate) metadata: MetadataOptions,
    /// How many events of a span become subsegments.
    pub(crate) event_subsegments: usize,
    /// What stays in the process.
    pub(crate) redaction: Redaction,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            index: Index::default(),
            split_local_roots: true,
            user: true,
            grpc_status: true,
            log_groups: Vec::new(),
            resource_arn: None,
            trace_ids: TraceIdPolicy::default(),
            prefixes: false,
            metadata: MetadataOptions::default(),
            event_subsegments: 0,
            redaction: Redaction::default(),
        }
    }
}

/// Lists that are used again from span to span, so that a translation allocates nothing in the long run.
#[derive(Debug, Default)]
pub(crate) struct Scratch<'a> {
    marks: Marks<'a>,
    texts: Texts,
    exceptions: Vec<Exception<'a>>,
    stacks: Vec<Vec<Frame<'a>>>,
    segment: Option<Segment<'a>>,
}

/// The ids of a span, if they name something.
pub(crate) fn ids(span: &SpanData) -> Option<(TraceId, SegmentId)> {
    let context = &span.span_context;
    Some((
        TraceId::from_bytes(context.trace_id().to_bytes())?,
        SegmentId::from_bytes(context.span_id().to_bytes())?,
    ))
}

/// Translates a span into one of its documents, within a budget. Give the segment back with [`Scratch::take_back`] once it
/// is encoded.
pub(crate) fn translate<'a, 's>(
    span: &'a SpanData,
    (trace_id, id): (TraceId, SegmentId),
    role: Role,
    resource: &'a ResourceView,
    options: &'a Options,
    budget: &Budget,
    scratch: &'s mut Scratch<'a>,
) -> &'s Segment<'a> {
    let texts = &mut scratch.texts;
    let mut attributes = Attributes::new(&span.attributes, &mut scratch.marks);
    let is_local_root = local_root::is_local_root(span, &attributes);
    let kind = local_root::document_kind(span, role, &attributes, is_local_root);
    let start_time = timestamp::timestamp(span.start_time);

    let name =
        name::name(span, role, kind, &attributes, is_local_root, resource.service_name.as_deref(), texts);
    let (id, parent_id) = match role {
        Role::Whole => (id, parent_id(span)),
        Role::Dependency => (id, Some(derive::service_id(trace_id, id))),
        Role::Service => (derive::service_id(trace_id, id), parent_id(span)),
    };
    let segment = scratch.segment.get_or_insert_with(|| Segment::new(kind, "", id, start_time));
    segment.reset(kind, name, id, start_time);
    segment.trace_id = Some(trace_id);
    segment.parent_id = parent_id;
    segment.end_time = end_time(span, &mut attributes).map(|end| end.max(start_time));
    segment.namespace = name::namespace(kind, role, &span.span_kind, &attributes);

    let status = http::status(&attributes);
    segment.http = http::http(span, kind, status, &mut attributes, texts);
    flags::set(segment, span, status, &attributes, options.grpc_status);
    let lists = cause::Lists { exceptions: &mut scratch.exceptions, stacks: &mut scratch.stacks };
    segment.cause = cause::cause(span, segment.id, resource.language, &mut attributes, budget, texts, lists);
    segment.precursor_ids = precursor_ids(kind, &mut attributes);
    segment.resource_arn = resource_arn(kind, &mut attributes, texts);
    // To assign `None` would copy a whole block.
    if let Some(aws) = aws::aws(kind, segment.namespace.as_ref(), &mut attributes, resource, texts) {
        segment.aws = Some(aws);
    }
    if let Some(sql) = sql::sql(span, &mut attributes, budget, texts) {
        segment.sql = Some(sql);
    }
    if options.user {
        segment.user = user::user(&mut attributes, texts);
    }
    // Of a span that is two documents, a consumer's links belong to the service, and a call's to the call.
    if role == Role::Whole || (role == Role::Service) == (span.span_kind == SpanKind::Consumer) {
        links::links(span, budget, texts, &mut segment.links);
    }
    annotations::annotations(
        &options.index,
        kind,
        resource,
        &mut attributes,
        budget,
        texts,
        &mut segment.annotations,
    );
    if kind == Kind::Segment && resource.is_cut_by(budget) {
        texts.count_cut();
    }
    if role == Role::Service {
        local_root::leave_the_call_out(segment);
    } else {
        let links_elsewhere = role == Role::Dependency && span.span_kind == SpanKind::Consumer;
        metadata::metadata(segment, span, &mut attributes, links_elsewhere, budget, texts);
        options.metadata.finish(&mut segment.metadata, &options.redaction);
    }
    segment
}

/// When the span ended; `None` if it is said to go on.
fn end_time(span: &SpanData, attributes: &mut Attributes<'_, '_>) -> Option<Timestamp> {
    attributes.consume(Slot::AwsXrayInprogress);
    (!attributes.is_true(Slot::AwsXrayInprogress)).then(|| timestamp::timestamp(span.end_time))
}

fn precursor_ids(document: Kind, attributes: &mut Attributes<'_, '_>) -> Vec<SegmentId> {
    if document == Kind::Segment || !attributes.has(Slot::AwsXrayPrecursorIds) {
        return Vec::new();
    }
    /// More earlier siblings than a person could follow.
    const MOST: usize = 100;
    let texts = attributes.texts(Slot::AwsXrayPrecursorIds);
    let ids: Vec<_> = texts.iter().take(MOST).filter_map(|text| text.parse().ok()).collect();
    if !ids.is_empty() && ids.len() == texts.len() {
        attributes.consume(Slot::AwsXrayPrecursorIds);
    }
    ids
}

fn resource_arn<'a>(
    document: Kind,
    attributes: &mut Attributes<'a, '_>,
    texts: &mut Texts,
) -> Option<Cow<'a, str>> {
    let arn = attributes.text(Slot::AwsXrayResourceArn).filter(|_| document == Kind::Segment)?;
    let (arn, whole) = texts.cut(Cow::Borrowed(arn), MAX_TEXT_CHARS);
    if whole {
        attributes.consume(Slot::AwsXrayResourceArn);
    }
    Some(arn)
}

impl<'a> Scratch<'a> {
    /// Takes the room of the segment back, and answers how much text was cut for it.
    pub(crate) fn take_back(&mut self) -> u64 {
        let Some(segment) = &mut self.segment else { return 0 };
        self.texts.take_back(std::mem::take(&mut segment.name));
        if let Some(url) = segment.http.as_mut().and_then(|http| http.url.take()) {
            self.texts.take_back(url);
        }
        if let Some(connection) = segment.sql.as_mut().and_then(|sql| sql.connection_string.take()) {
            self.texts.take_back(connection);
        }
        for entry in &mut segment.metadata {
            if let Value::List(list) = &mut entry.value {
                self.texts.take_list_back(std::mem::take(list));
            }
        }
        if let Some(Cause::Exceptions(mut cause)) = segment.cause.take() {
            let stacks = cause.exceptions.iter_mut().map(|exception| std::mem::take(&mut exception.stack));
            self.stacks.extend(stacks.take(1).map(emptied));
            self.exceptions = emptied(cause.exceptions);
        }
        self.texts.take_cuts()
    }

    /// The same room for spans of another batch.
    pub(crate) fn recycle<'b>(self) -> Scratch<'b> {
        Scratch {
            marks: self.marks.recycle(),
            texts: self.texts,
            exceptions: recycle(self.exceptions),
            stacks: recycle_stacks(self.stacks),
            segment: self.segment.map(recycle_segment),
        }
    }
}

/// The room of a segment's lists.
fn recycle_segment<'b>(segment: Segment<'_>) -> Segment<'b> {
    let Segment { kind, id, start_time, annotations, metadata, links, .. } = segment;
    Segment {
        annotations: recycle(annotations),
        metadata: recycle(metadata),
        links: recycle(links),
        ..Segment::new(kind, "", id, start_time)
    }
}

/// The room of one stack: exceptions are rare, and a second one in a span rarer.
fn recycle_stacks<'b>(mut stacks: Vec<Vec<Frame<'_>>>) -> Vec<Vec<Frame<'b>>> {
    let last = stacks.pop().map(recycle);
    let mut room = recycle(stacks);
    room.extend(last);
    room
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
