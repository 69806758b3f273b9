//! Events as points of the timeline: subsegments that take no time.

use opentelemetry_sdk::trace::SpanData;
use xray_wire::{Segment, SegmentId, sanitize, segment::Kind};

use super::{derive::derived_id, timestamp::timestamp};

/// The events of a span that are not exceptions. What they say stands in the span's metadata.
pub(crate) fn subsegments(span: &SpanData, id: SegmentId) -> impl Iterator<Item = Segment<'_>> {
    /// Far from the numbers of exceptions, which have derived ids as well.
    const FIRST: usize = usize::MAX / 2;
    let events = span.events.iter().enumerate().filter(|(_, event)| event.name != "exception");
    events.map(move |(position, event)| {
        let time = timestamp(event.timestamp);
        let name = sanitize::name(&event.name);
        let mut segment = Segment::new(Kind::Subsegment, name, derived_id(id, FIRST + position), time);
        segment.end_time = Some(time);
        segment
    })
}
