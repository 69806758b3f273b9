//! Span → body of a segment: one file for each block of the document, called in the document's order.

mod alike;
mod annotations;
mod aws;
mod budget;
mod cause;
mod derive;
mod entries;
mod event;
mod event_metadata;
mod flags;
mod handed;
mod holes;
mod http;
mod json;
mod links;
mod local_root;
mod metadata;
mod metadata_options;
mod name;
mod options;
mod place;
mod received;
mod resource;
mod same;
mod scratch;
mod special;
mod sql;
mod texts;
mod timestamp;
mod url;
mod user;
mod values;

pub(crate) use budget::Budget;
pub(crate) use event::subsegments as event_subsegments;
pub(crate) use flags::Flags;
pub(crate) use json::without_secrets as json_without_secrets;
pub(crate) use local_root::{Role, parent_id, roles};
pub(crate) use metadata_options::MetadataOptions;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;
pub(crate) use options::Options;
pub(crate) use resource::ResourceView;
pub(crate) use scratch::Scratch;
pub(crate) use sql::is_sql;
use xray_wire::{SegmentId, Timestamp, TraceId, encode::Body, segment::Kind};

use self::{alike::Shape, metadata::Told, texts::Texts};
use super::attributes::{Attributes, Slot};

/// What all documents of a batch have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) resource: &'a ResourceView,
    pub(crate) options: &'a Options,
}

/// Where a document stands, which is written later: see [`nest`](xray_wire::nest).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) kind: Kind,
    pub(crate) id: SegmentId,
    pub(crate) parent_id: Option<SegmentId>,
}

/// The ids of a span, if they name something.
pub(crate) fn ids(span: &SpanData) -> Option<(TraceId, SegmentId)> {
    let context = &span.span_context;
    Some((
        TraceId::from_bytes(context.trace_id().to_bytes())?,
        SegmentId::from_bytes(context.span_id().to_bytes())?,
    ))
}

/// Writes the body of one of a span's documents, within a budget, straight from the attributes. Blocks claim attributes in
/// any order, since no two want the same; annotations and metadata take what is left.
pub(crate) fn write<'a>(
    span: &'a SpanData,
    ids: (TraceId, SegmentId),
    role: Role,
    Context { resource, options }: Context<'a>,
    budget: &Budget,
    scratch: &mut Scratch<'a>,
    out: &mut Vec<u8>,
) -> Position {
    let Scratch { marks, precedents, texts, exceptions, frames, annotations, metadata, links } = scratch;
    let mut attributes = Attributes::new(&span.attributes, marks);
    let is_local_root = local_root::is_local_root(span, &attributes);
    let parent_id = parent_id(span);
    let kind = local_root::document_kind(span, role, parent_id, &attributes, is_local_root);
    let position = position(ids, parent_id, role, kind);
    let start_time = timestamp::timestamp(span.start_time);
    let end_time = end_time(span, &mut attributes).map(|end| end.max(start_time));
    let blocks = (kind == Kind::Segment).then(|| resource.blocks(budget));
    let mut body = Body::new(blocks, out);
    let shape = Shape::of(span, (kind, role), is_local_root, &attributes, options, budget);
    if let Some(shape) = shape {
        let times = (position.id, start_time, end_time);
        if precedents.repeat(span, shape, times, &mut body) {
            return position;
        }
    }
    let mut parts = precedents.begin(&body);

    let name =
        name::name(span, role, kind, &attributes, is_local_root, resource.service_name.as_deref(), texts);
    body.name(&name);
    parts.behind_name = body.position();
    body.id_and_times(position.id, start_time, end_time);
    parts.behind_times = body.position();
    let namespace = name::namespace(kind, role, &span.span_kind, &attributes);
    body.namespace(namespace.as_ref());
    let status = http::status(&attributes);
    let Flags { fault, error, throttle } = Flags::read(span, status, &attributes, options.grpc_status);
    body.flags(fault, error, throttle);
    if options.user {
        body.user(user::user(&mut attributes, texts));
    }
    http::http(span, (kind, role), status, &mut attributes, texts, &mut body, &mut precedents.holes);
    let texts_and_holes = (&mut *texts, &mut precedents.holes);
    aws::aws((kind, role), namespace.as_ref(), &mut attributes, resource, budget, texts_and_holes, &mut body);
    sql::sql(span, &mut attributes, budget, texts, &mut body);
    body.origin(resource_arn(kind, &mut attributes, texts));
    let lists = cause::Lists { exceptions, frames };
    let cause = cause::cause(span, position.id, resource.language, &mut attributes, budget, texts, lists);
    if let Some(cause) = &cause {
        cause.write(&mut body);
    }
    let precursor_ids = precursor_ids(kind, &mut attributes);
    // Of a span that is two documents, a consumer's links belong to the service, and a call's to the call.
    let has_links = role == Role::Whole || (role == Role::Service) == (span.span_kind == SpanKind::Consumer);
    if has_links {
        links::links(span, role, budget, texts, links);
    }
    if kind == Kind::Segment && resource.is_cut_by(budget) {
        texts.count_cut();
    }
    annotations::annotations(
        &options.index,
        (kind, role),
        resource,
        &mut attributes,
        budget,
        texts,
        annotations,
    );
    body.annotations(annotations);
    if role != Role::Service {
        let told = Told { name: &name, cause: cause.as_ref(), links_elsewhere: !has_links };
        let lists = (&mut *texts, metadata, &mut precedents.holes);
        metadata::metadata(span, told, options, &mut attributes, budget, lists, &mut body);
    } else {
        body.metadata(&[]);
    }
    body.links(links);
    body.precursor_ids(&precursor_ids);
    parts.end = body.position();
    let shape = shape.filter(|_| texts.cuts() == 0);
    precedents.note(span, shape, parts, &attributes, options);
    texts.take_back(name);
    scratch.take_back(cause);
    position
}

/// A call of a span that is two documents has the span's id, and stands in the service.
fn position(
    (trace_id, id): (TraceId, SegmentId),
    parent_id: Option<SegmentId>,
    role: Role,
    kind: Kind,
) -> Position {
    let service_id = || derive::service_id(trace_id, id);
    match role {
        Role::Whole => Position { kind, id, parent_id },
        Role::Dependency => Position { kind, id, parent_id: Some(service_id()) },
        Role::Service => Position { kind, id: service_id(), parent_id },
    }
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
) -> Option<&'a str> {
    if document == Kind::Segment { texts.field(&[Slot::AwsXrayResourceArn], attributes) } else { None }
}
