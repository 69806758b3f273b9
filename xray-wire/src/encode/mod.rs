//! Segment → bytes, appended to a buffer that the caller reuses.
//!
//! A document is a head (`trace_id`, `parent_id`, `type`: where the node stands), a [`body`] (everything that the
//! node says of itself), and the subsegments inside. The three are apart so that a body can be encoded before
//! it is known whether the node will stand alone or in its parent: see [`nest`](crate::nest).
//!
//! What is `None`, empty or false is not written. Text is written as it is, without HTML escapes; characters
//! that a name or key may not hold are the business of [`sanitize`](crate::sanitize). Times are exact.

mod aws;
mod blocks;
mod body;
mod digits;
mod fields;
mod frames;
mod id_and_times;
pub(crate) mod json;
mod metadata;
mod plain;
mod resource;
#[cfg(test)]
#[cfg(feature = "decode")]
mod round_trip;
mod text;

use alloc::vec::Vec;

pub use body::Body;
pub use fields::{AwsFields, HttpFields, HttpPlaces, SqlFields};
pub use frames::{EncodedFrames, PlainFrame};
pub use metadata::DefaultMetadata;
pub use plain::{Digits, Plain};
pub use resource::{Resource, ResourceBlocks};

use crate::{
    SegmentId, TraceId,
    limits::MAX_DECODE_DEPTH,
    segment::{Kind, Segment},
};

/// Appends a whole document: head, body and the subsegments inside, to a depth of
/// half of [`MAX_DECODE_DEPTH`] (each level takes two brackets, and nobody could read a deeper one).
///
/// ```
/// use xray_wire::{Segment, encode, segment::Kind};
/// # use xray_wire::{SegmentId, Timestamp};
/// # let [api, query] = [[1; 8], [2; 8]].map(|id| SegmentId::from_bytes(id).unwrap());
///
/// let mut segment = Segment::new(Kind::Segment, "api", api, Timestamp::EPOCH);
/// segment.subsegments.push(Segment::new(Kind::Subsegment, "query", query, Timestamp::EPOCH));
/// let mut json = Vec::new();
/// encode::document(&segment, None, &mut json);
/// assert!(json.starts_with(br#"{"name":"api","id":"0101010101010101","#));
/// assert!(json.ends_with(br#""in_progress":true}]}"#));
/// ```
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
///
/// ```
/// use xray_wire::{TraceId, encode, segment::Kind};
///
/// let trace_id = TraceId::parse(b"1-5759e988-bd862e3fe1be46a994272793").ok();
/// let mut json = Vec::new();
/// encode::open(trace_id, None, Kind::Segment, &mut json);
/// assert_eq!(json, br#"{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","#);
/// ```
#[inline]
pub fn open(trace_id: Option<TraceId>, parent_id: Option<SegmentId>, kind: Kind, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(id) = trace_id {
        out.extend_from_slice(br#""trace_id":"1-........-........................","#);
        fill_last(TraceId::TEXT_LEN + 2, |text| id.write(text), out);
    }
    if let Some(id) = parent_id {
        out.extend_from_slice(br#""parent_id":"................","#);
        fill_last(SegmentId::TEXT_LEN + 2, |text| id.write(text), out);
    }
    if kind == Kind::Subsegment {
        out.extend_from_slice(br#""type":"subsegment","#);
    }
}

/// Fills in a text of known length, so many bytes in front of the end.
#[inline]
fn fill_last<const N: usize>(from_end: usize, write: impl FnOnce(&mut [u8; N]), out: &mut [u8]) {
    let at = out.len().saturating_sub(from_end);
    if let Some(rest) = out.get_mut(at..) {
        fill(rest, write);
    }
}

/// Fills in a text of known length at the beginning.
#[inline]
fn fill<const N: usize>(place: &mut [u8], write: impl FnOnce(&mut [u8; N])) {
    if let Some(place) = place.first_chunk_mut() {
        write(place);
    }
}

/// Appends the closing brace of a document.
///
/// ```
/// let mut json = Vec::from(r#"{"name":"api","id":"53995c3f42cd8ad8","start_time":1.5"#);
/// xray_wire::encode::close(&mut json);
/// assert!(json.ends_with(b"1.5}"));
/// ```
pub fn close(out: &mut Vec<u8>) {
    out.push(b'}');
}

/// Appends what a node says of itself, without braces: `"name":…,"id":…` and so on.
///
/// With `resource`, its blocks are copied in: `origin`, `service`, the place and SDK under `aws` (the segment's own
/// are then left out, but for the sampling rule's name), and its metadata.
///
/// ```
/// use xray_wire::{Segment, encode, segment::Kind};
/// # use xray_wire::{SegmentId, Timestamp};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
///
/// let segment = Segment::new(Kind::Segment, "api", id, Timestamp::from_nanos(1_500_000_000));
/// let mut json = Vec::new();
/// encode::body(&segment, None, &mut json);
/// assert_eq!(
///     json,
///     br#""name":"api","id":"53995c3f42cd8ad8","start_time":1.500000000,"in_progress":true"#
/// );
/// ```
pub fn body(segment: &Segment<'_>, resource: Option<&ResourceBlocks>, out: &mut Vec<u8>) {
    body::of_segment(segment, resource, out);
}
