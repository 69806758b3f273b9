//! What nearly every header begins with: the three fields as this crate prints them, from a caller that is instrumented, or `Root`, from a
//! load balancer. Each part has its place, so it is read and written without looking for any.

use super::{Sampled, TraceHeader};
use crate::{SegmentId, TraceId};

const ROOT: &[u8; 5] = b"Root=";
const PARENT: &[u8; 8] = b";Parent=";
const SAMPLED: &[u8; 9] = b";Sampled=";

/// Where the fields end.
const END_OF_ROOT: usize = ROOT.len() + TraceId::TEXT_LEN;
const END_OF_PARENT: usize = END_OF_ROOT + PARENT.len() + SegmentId::TEXT_LEN;
const END_OF_SAMPLED: usize = END_OF_PARENT + SAMPLED.len() + 1;

/// `Root=…` alone.
#[inline]
pub(super) fn root(root: TraceId) -> [u8; END_OF_ROOT] {
    let mut text = *b"Root=1-________-________________________";
    text[ROOT.len()..].copy_from_slice(&root.to_ascii());
    text
}

/// All three fields.
#[inline]
pub(super) fn complete(root: TraceId, parent: SegmentId, is_sampled: bool) -> [u8; END_OF_SAMPLED] {
    let mut text = *b"Root=1-________-________________________;Parent=________________;Sampled=_";
    text[ROOT.len()..END_OF_ROOT].copy_from_slice(&root.to_ascii());
    text[END_OF_PARENT - SegmentId::TEXT_LEN..END_OF_PARENT].copy_from_slice(&parent.to_ascii());
    text[END_OF_SAMPLED - 1] = b'0' + u8::from(is_sampled);
    text
}

/// Reads it off a value, and tells what stands behind it. `None` where the value begins with anything else, also with what is only nearly so.
#[inline]
pub(super) fn split(value: &[u8]) -> Option<(TraceHeader<'static>, &[u8])> {
    let (text, rest) = value.split_first_chunk()?;
    let root = parse_root(text)?;
    if let Some((text, rest)) = rest.split_first_chunk()
        && let Some((parent, sampled)) = parse_parent_and_sampled(text)
    {
        return Some((TraceHeader::new(Some(root), Some(parent), sampled), behind_separator(rest)?));
    }
    Some((TraceHeader::new(Some(root), None, Sampled::Unstated), behind_separator(rest)?))
}

#[inline]
fn parse_root(text: &[u8; END_OF_ROOT]) -> Option<TraceId> {
    TraceId::parse(text.strip_prefix(ROOT)?).ok()
}

#[inline]
fn parse_parent_and_sampled(text: &[u8; END_OF_SAMPLED - END_OF_ROOT]) -> Option<(SegmentId, Sampled)> {
    let (parent, sampled) = text.strip_prefix(PARENT)?.split_at(SegmentId::TEXT_LEN);
    let sampled = match sampled.strip_prefix(SAMPLED)? {
        b"1" => Sampled::Yes,
        b"0" => Sampled::No,
        _ => return None,
    };
    Some((SegmentId::parse(parent).ok()?, sampled))
}

#[inline]
fn behind_separator(rest: &[u8]) -> Option<&[u8]> {
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b";") }
}
