//! One segment or subsegment without those inside it.

use alloc::borrow::Cow;

use super::{
    SkipReason,
    aws::{aws, service, sql},
    cause::cause,
    http::http,
    json::{Items, Json},
    reader::Reader,
    value::{annotations, link, metadata},
};
use crate::{
    Segment,
    segment::{Http, Kind, Namespace},
};

/// A node, and what is to become its subsegments.
pub(super) struct Node<'t, 'a> {
    pub(super) segment: Segment<'a>,
    pub(super) subsegments: Items<'t, 'a>,
}

/// Where a node was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the document.
    Alone,
    /// In the list of another's subsegments.
    Inside,
}

/// Reads a node; nothing if it is no object, or has no usable name, id, start (and trace, if it stands alone).
pub(super) fn node<'t, 'a>(reader: &mut Reader, json: Json<'t, 'a>, place: Place) -> Option<Node<'t, 'a>> {
    reader.object(json)?;
    let name = reader.required(json, "name", Reader::text);
    let id = reader.required(json, "id", Reader::segment_id);
    let start_time = reader.required(json, "start_time", Reader::timestamp);
    let kind = match place {
        Place::Alone => Kind::Segment,
        Place::Inside => Kind::Subsegment,
    };
    let mut segment = Segment::new(kind, name?, id?, start_time?);
    if place == Place::Alone {
        segment.trace_id = Some(reader.required(json, "trace_id", Reader::trace_id)?);
    }

    let mut subsegments = Items::default();
    let mut in_progress = false;
    let mut traced = false;
    let mut is_subsegment = false;
    reader.fields(json, |reader, key, json| match &**key {
        "name" | "id" | "start_time" | "trace_id" => {}
        // What these say of a node inside another its place says already.
        "parent_id" | "type" if place == Place::Inside => {}
        // Written for "none" by older Collectors.
        "parent_id" if matches!(json, Json::Str(Cow::Borrowed(""))) => {}
        "parent_id" => segment.parent_id = reader.segment_id(json),
        "type" => match reader.text(json) {
            Some(text) if text.eq_ignore_ascii_case("subsegment") => is_subsegment = true,
            Some(_) => reader.skip(SkipReason::Malformed),
            None => {}
        },
        "end_time" => segment.end_time = reader.timestamp(json),
        "in_progress" => in_progress = reader.flag(json),
        "namespace" => segment.namespace = reader.text(json).and_then(namespace),
        "fault" => segment.fault = reader.flag(json),
        "error" => segment.error = reader.flag(json),
        "throttle" => segment.throttle = reader.flag(json),
        "origin" => segment.origin = reader.text(json),
        "resource_arn" => segment.resource_arn = reader.text(json),
        "user" => segment.user = reader.text(json),
        "http" => segment.http = http(reader, json),
        "traced" => traced = reader.flag(json),
        "aws" => segment.aws = aws(reader, json),
        "sql" => segment.sql = sql(reader, json),
        "service" => segment.service = service(reader, json),
        "cause" => segment.cause = cause(reader, json),
        "annotations" => segment.annotations = annotations(reader, json),
        "metadata" => segment.metadata = metadata(reader, json),
        "links" => segment.links = reader.list(json, link),
        "precursor_ids" => segment.precursor_ids = reader.list(json, Reader::segment_id),
        "inferred" => segment.inferred = reader.flag(json),
        "subsegments" => subsegments = reader.array(json).unwrap_or_default(),
        _ => reader.skip(SkipReason::Unknown),
    })?;
    if is_subsegment && segment.parent_id.is_some() {
        segment.kind = Kind::Subsegment;
    } else if is_subsegment {
        misplaced(reader, "type");
    }
    if in_progress && segment.end_time.is_some() {
        misplaced(reader, "in_progress");
    }
    if traced {
        segment.http.get_or_insert_with(Http::default).traced = true;
    }
    Some(Node { segment, subsegments })
}

fn namespace(text: Cow<'_, str>) -> Option<Namespace<'_>> {
    match &*text {
        "" => None,
        "aws" => Some(Namespace::Aws),
        "remote" => Some(Namespace::Remote),
        _ => Some(Namespace::Other(text)),
    }
}

/// Lists a field that contradicts another.
fn misplaced(reader: &mut Reader, key: &str) {
    let mark = reader.path.enter_key(key);
    reader.skip(SkipReason::Misplaced);
    reader.path.leave(mark);
}
