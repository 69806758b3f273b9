//! Segment → bytes, appended to a buffer that the caller reuses.
//!
//! A document is a head (`trace_id`, `parent_id`, `type`: where the node stands), a [`body`] (everything that the
//! node says of itself), and the subsegments inside. The three are apart so that a body can be encoded before
//! it is known whether the node will stand alone or in its parent: see [`nest`](crate::nest).
//!
//! What is `None`, empty or false is not written. Text is written as it is, without HTML escapes; characters
//! that a name or key may not hold are the business of [`sanitize`](crate::sanitize). Times are exact.

mod blocks;
mod digits;
pub(crate) mod json;
mod resource;
#[cfg(test)]
#[cfg(feature = "decode")]
mod round_trip;
mod text;

use alloc::vec::Vec;

use json::Object;
pub use resource::{Resource, ResourceBlocks};

use crate::{
    SegmentId, TraceId,
    limits::MAX_DECODE_DEPTH,
    segment::{Aws, Kind, MetadataEntry, Namespace, Segment},
};

/// Appends a whole document: head, body and the subsegments inside, to a depth of
/// half of [`MAX_DECODE_DEPTH`] (each level takes two brackets, and nobody could read a deeper one).
pub fn document(segment: &Segment<'_>, resource: Option<&ResourceBlocks>, out: &mut Vec<u8>) {
    open(segment.trace_id, segment.parent_id, segment.kind, out);
    body(segment, resource, out);
    subsegments(&segment.subsegments, MAX_DECODE_DEPTH / 2, out);
    close(out);
}

fn subsegments(nodes: &[Segment<'_>], depth: usize, out: &mut Vec<u8>) {
    if nodes.is_empty() || depth == 0 {
        return;
    }
    out.extend_from_slice(SUBSEGMENTS_OPEN);
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'{');
        body(node, None, out);
        subsegments(&node.subsegments, depth - 1, out);
        close(out);
    }
    out.extend_from_slice(SUBSEGMENTS_CLOSE);
}

/// What stands before the first subsegment inside a node.
pub(crate) const SUBSEGMENTS_OPEN: &[u8] = b",\"subsegments\":[";
/// What stands behind the last one.
pub(crate) const SUBSEGMENTS_CLOSE: &[u8] = b"]";

/// The most bytes that [`open`] and [`close`] add to a body.
pub const MAX_HEAD_BYTES: usize = "{\"trace_id\":\"\",\"parent_id\":\"\",\"type\":\"subsegment\",}".len()
    + TraceId::TEXT_LEN
    + SegmentId::TEXT_LEN;

/// Appends the opening brace and the head of a document; a body has to follow.
pub fn open(trace_id: Option<TraceId>, parent_id: Option<SegmentId>, kind: Kind, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(id) = trace_id {
        let mut field = *br#""trace_id":"1-........-........................","#;
        field[12..12 + TraceId::TEXT_LEN].copy_from_slice(&id.to_ascii());
        out.extend_from_slice(&field);
    }
    if let Some(id) = parent_id {
        let mut field = *br#""parent_id":"................","#;
        field[13..13 + SegmentId::TEXT_LEN].copy_from_slice(&id.to_ascii());
        out.extend_from_slice(&field);
    }
    if kind == Kind::Subsegment {
        out.extend_from_slice(br#""type":"subsegment","#);
    }
}

/// Appends the closing brace of a document.
pub fn close(out: &mut Vec<u8>) {
    out.push(b'}');
}

/// Appends what a node says of itself, without braces: `"name":…,"id":…` and so on.
///
/// With `resource`, its blocks are copied in: `origin`, `service`, the place and SDK under `aws` (the segment's own
/// are then left out, but for the sampling rule's name), and its metadata.
pub fn body(segment: &Segment<'_>, resource: Option<&ResourceBlocks>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"name\":\"");
    text::rest_of_string(&segment.name, out);
    id_and_times(segment, out);
    let mut object = Object::open(out);
    object.text(br#","namespace":""#, segment.namespace.as_ref().map(Namespace::as_str));
    object.flag(br#","fault":true"#, segment.fault);
    object.flag(br#","error":true"#, segment.error);
    object.flag(br#","throttle":true"#, segment.throttle);
    object.flag(br#","inferred":true"#, segment.inferred);
    object.text(br#","user":""#, segment.user.as_deref());
    if let Some(http) = &segment.http {
        blocks::http(http, object.field(br#","http":"#));
    }
    match (&segment.aws, resource) {
        (Some(own), _) => aws(own, resource, &mut object),
        (None, Some(blocks)) => object.encoded(&blocks.aws_alone),
        (None, None) => {}
    }
    if let Some(sql) = &segment.sql {
        blocks::sql(sql, object.field(br#","sql":"#));
    }
    origin_and_service(segment, resource, &mut object);
    if let Some(cause) = &segment.cause {
        blocks::cause(cause, object.field(br#","cause":"#));
    }
    if !segment.annotations.is_empty() {
        blocks::annotations(&segment.annotations, object.field(br#","annotations":"#));
    }
    metadata(&segment.metadata, resource, &mut object);
    if !segment.links.is_empty() {
        json::list(&segment.links, object.field(br#","links":"#), blocks::link);
    }
    if !segment.precursor_ids.is_empty() {
        json::list(&segment.precursor_ids, object.field(br#","precursor_ids":"#), |id, out| {
            json::segment_id(*id, out);
        });
    }
}

/// In one piece, if both times are usual ones.
fn id_and_times(segment: &Segment<'_>, out: &mut Vec<u8>) {
    let times = (digits::usual(segment.start_time), segment.end_time.and_then(digits::usual));
    if let (Some(start), Some(end)) = times {
        let mut fields =
            *br#","id":"................","start_time":....................,"end_time":...................."#;
        fields[7..7 + SegmentId::TEXT_LEN].copy_from_slice(&segment.id.to_ascii());
        fields[38..38 + digits::USUAL_LEN].copy_from_slice(&start);
        fields[70..].copy_from_slice(&end);
        return out.extend_from_slice(&fields);
    }
    out.extend_from_slice(b",\"id\":");
    json::segment_id(segment.id, out);
    out.extend_from_slice(b",\"start_time\":");
    digits::timestamp(segment.start_time, out);
    match segment.end_time {
        Some(end) => {
            out.extend_from_slice(b",\"end_time\":");
            digits::timestamp(end, out);
        }
        None => out.extend_from_slice(b",\"in_progress\":true"),
    }
}

fn origin_and_service(segment: &Segment<'_>, resource: Option<&ResourceBlocks>, object: &mut Object<'_>) {
    object.text(br#","resource_arn":""#, segment.resource_arn.as_deref());
    if let Some(blocks) = resource {
        if segment.resource_arn.is_none() {
            object.encoded(&blocks.resource_arn);
        }
        object.encoded(&blocks.origin_and_service);
        return;
    }
    object.text(br#","origin":""#, segment.origin.as_deref());
    if let Some(service) = &segment.service {
        blocks::service(service, object.field(br#","service":"#));
    }
}

fn aws(aws: &Aws<'_>, resource: Option<&ResourceBlocks>, object: &mut Object<'_>) {
    let place = resource.filter(|blocks| blocks.has_aws);
    let sdk = aws.xray.as_ref();
    let mut block = Object::open(object.field(br#","aws":"#));
    blocks::aws_call(aws, &mut block);
    match place {
        Some(blocks) => block.encoded(&blocks.aws_place),
        None => blocks::aws_place(aws, &mut block),
    }
    let encoded_sdk = place.map_or(&[][..], |blocks| &blocks.aws_xray);
    if sdk.is_some() || !encoded_sdk.is_empty() {
        let mut xray = Object::open(block.field(br#","xray":"#));
        match (place, sdk) {
            (None, Some(sdk)) => blocks::xray_sdk(sdk, &mut xray),
            _ => xray.encoded(encoded_sdk),
        }
        xray.text(br#","sampling_rule_name":""#, sdk.and_then(|sdk| sdk.sampling_rule_name.as_deref()));
        xray.close();
    }
    block.close();
}

/// Whether two texts are equal. Those of most namespaces are the same place in memory.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    core::ptr::eq(one, other) || one == other
}

/// Metadata entries are flat; here they become a map of namespaces. The entries of a namespace usually stand
/// together, and where they do not, they are gathered where its first one stands.
fn metadata(entries: &[MetadataEntry<'_>], resource: Option<&ResourceBlocks>, object: &mut Object<'_>) {
    let mut resource = resource.filter(|blocks| !blocks.metadata.is_empty());
    if entries.is_empty() && resource.is_none() {
        return;
    }
    let mut block = Object::open(object.field(br#","metadata":"#));
    let mut previous: Option<&str> = None;
    for (index, first) in entries.iter().enumerate() {
        if previous.is_some_and(|previous| is_same(previous, &first.namespace)) {
            continue;
        }
        previous = Some(&first.namespace);
        if entries[..index].iter().any(|earlier| earlier.namespace == first.namespace) {
            continue;
        }
        let mut namespace = Object::open(block.field_named(&first.namespace));
        for entry in entries[index..].iter().filter(|entry| is_same(&entry.namespace, &first.namespace)) {
            json::value(&entry.value, namespace.field_named(&entry.key));
        }
        if let Some(blocks) = resource.take_if(|blocks| blocks.metadata_namespace == first.namespace) {
            namespace.encoded(&blocks.metadata);
        }
        namespace.close();
    }
    if let Some(blocks) = resource {
        let mut namespace = Object::open(block.field_named(&blocks.metadata_namespace));
        namespace.encoded(&blocks.metadata);
        namespace.close();
    }
    block.close();
}
