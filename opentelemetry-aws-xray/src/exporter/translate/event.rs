//! Events as points of the timeline: subsegments that take no time.

use opentelemetry_sdk::trace::SpanData;
use xray_wire::{Segment, SegmentId, segment::Kind};

use super::{
    super::attributes::{Attributes, Marks},
    cause::is_exception,
    derive::derived_id,
    name::{is_aws_api, sanitised},
    timestamp::timestamp,
};
use crate::redact;

/// The events of a span that are not told under `cause`. What they say stands in the span's metadata.
pub(crate) fn subsegments(span: &SpanData, id: SegmentId) -> impl Iterator<Item = Segment<'_>> {
    /// Far from the numbers of exceptions, which have derived ids as well.
    const FIRST: usize = usize::MAX / 2;
    let is_aws_api = is_aws_api(&Attributes::new(&span.attributes, &mut Marks::default()));
    let events = span.events.iter().enumerate().filter(move |(_, event)| !is_exception(event, is_aws_api));
    events.map(move |(position, event)| {
        let time = timestamp(event.timestamp);
        let name = sanitised(redact::text(&event.name));
        let mut segment = Segment::new(Kind::Subsegment, name, derived_id(id, FIRST + position), time);
        segment.end_time = Some(time);
        segment
    })
}
