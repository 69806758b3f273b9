//! Links: other traces that a segment belongs with, such as the producers of a batch of messages.

use alloc::{borrow::Cow, vec::Vec};

use super::Value;
use crate::{SegmentId, TraceId};

/// One entry of `links`; see [`MAX_LINKS`](crate::limits::MAX_LINKS).
#[derive(Debug, Clone, PartialEq)]
pub struct Link<'a> {
    /// The trace that is pointed at.
    pub trace_id: TraceId,
    /// The segment or subsegment in it.
    pub id: SegmentId,
    /// What is known about the relation.
    pub attributes: Vec<(Cow<'a, str>, Value<'a>)>,
}
