//! Links: other traces that a segment belongs with, such as the producers of a batch of messages.

use alloc::{borrow::Cow, vec::Vec};

use super::Value;
use crate::{SegmentId, TraceId};

/// One entry of `links`; see [`MAX_LINKS`](crate::limits::MAX_LINKS).
///
/// ```
/// use xray_wire::segment::{Kind, Link, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// // The producer of a message:
/// segment.links.push(Link {
///     trace_id: TraceId::parse(b"1-5759e988-bd862e3fe1be46a994272793").unwrap(),
///     id,
///     attributes: Vec::new(),
/// });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(
///     r#""links":[{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","id":"53995c3f42cd8ad8"}]"#
/// ));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Link<'a> {
    /// The trace that is pointed at.
    pub trace_id: TraceId,
    /// The segment or subsegment in it.
    pub id: SegmentId,
    /// What is known about the relation.
    pub attributes: Vec<(Cow<'a, str>, Value<'a>)>,
}
