//! Spans alike: what a span says in the same words as an earlier one of its batch is copied from that one's body.
//!
//! Spans from the same line of code differ in ids and times and, if they speak of a request, in who asked for what. All else is
//! mostly the same, and to compare it costs a fraction of what it takes to find out again how it is said.

use std::iter;

use opentelemetry::trace::{Status, TraceState};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{SegmentId, Timestamp, encode::Body, segment::Kind};

use super::{
    super::attributes::{Attributes, bucket},
    Options,
    budget::Budget,
    holes::{Hole, Holes},
    http,
    local_root::Role,
    same::{is_same_scope, is_same_text, is_same_value},
    scratch::recycle,
};

/// Spans of this batch whose bodies stand in the buffer.
#[derive(Debug, Default)]
pub(super) struct Precedents<'a> {
    places: Vec<Place<'a>>,
    /// The body that was written last, which may be too large to stay.
    latest: Option<Precedent<'a>>,
    /// Those of all bodies, and of one that is being written.
    pub(super) holes: Holes,
}

/// More than most programs have kinds of spans; each is kept at a place of its own or evicts another.
const PLACES: usize = 32;

/// For spans of one kind, which comes and goes with them.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'a> {
    /// The kind that was met last.
    met: u32,
    /// How often in a row a span of it was not like the precedent.
    misses: u32,
    precedent: Option<Precedent<'a>>,
}

/// To note where values stand takes a quarter of the time of a translation: that is done for a kind that comes again, and then for each fourth of its spans
/// as long as none is like another.
const NOTED: u32 = 4;

/// A span, and where the parts of its body stand.
#[derive(Debug, Clone, Copy)]
struct Precedent<'a> {
    span: &'a SpanData,
    shape: Shape,
    parts: Parts,
    /// The end of its holes.
    last_hole: usize,
    /// Attributes of which another span has to have the same values, one bit for each.
    compared: u64,
}

/// What has to be the same of two spans before their values are compared. Only spans have one whose body depends on nothing but what
/// [`other_values`](Precedent::other_values) compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    layout: u32,
    document: Kind,
    is_local_root: bool,
    is_connected: Option<bool>,
}

/// Where the parts of a body stand in the buffer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    /// The first of its holes.
    first_hole: usize,
    start: usize,
    pub(super) behind_name: usize,
    pub(super) behind_times: usize,
    pub(super) end: usize,
}

impl Shape {
    /// The shape of a span; `None` if it says something of its own, such as events, or if it is to be cut.
    #[inline]
    pub(super) fn of(
        span: &SpanData,
        (document, role): (Kind, Role),
        is_local_root: bool,
        attributes: &Attributes<'_, '_>,
        options: &Options,
        budget: &Budget,
    ) -> Option<Self> {
        let is_plain = role == Role::Whole
            && span.events.events.is_empty()
            && span.links.links.is_empty()
            && !matches!(span.status, Status::Error { .. })
            && span.dropped_attributes_count | span.events.dropped_count | span.links.dropped_count == 0
            && *span.span_context.trace_state() == TraceState::NONE
            && span.instrumentation_scope.attributes().next().is_none()
            && budget.text_chars == usize::MAX
            // A user's rule is asked about each span.
            && !options.redaction.has_metadata_rules();
        let layout = attributes.layout_id().filter(|_| is_plain)?;
        Some(Self { layout, document, is_local_root, is_connected: http::is_connected(attributes) })
    }
}

impl<'a> Precedents<'a> {
    /// Writes a span as one before it was written, if there is one that it is like. Otherwise nothing is written.
    #[inline]
    pub(super) fn repeat(
        &mut self,
        span: &SpanData,
        shape: Shape,
        (id, start_time, end_time): (SegmentId, Timestamp, Option<Timestamp>),
        body: &mut Body<'_>,
    ) -> bool {
        if self.places.is_empty() {
            self.places.resize(PLACES, Place::default());
        }
        let kind = kind(span, shape);
        let Some(place) = self.places.get_mut(kind as usize % PLACES) else { return false };
        if place.met != kind {
            (place.met, place.misses) = (kind, 0);
            return false;
        }
        let found = place.precedent.as_ref().and_then(|earlier| {
            let holes = self.holes.range(earlier.parts.first_hole..earlier.last_hole);
            Some((earlier, holes, earlier.other_values(span, shape, holes)?))
        });
        let Some((earlier, holes, other_values)) = found else {
            self.holes.are_noted = place.misses % NOTED == 0;
            place.misses = place.misses.wrapping_add(1);
            return false;
        };
        place.misses = 0;
        body.copied(earlier.parts.start..earlier.parts.behind_name);
        body.id_and_times(id, start_time, end_time);
        let mut next = earlier.parts.behind_times;
        for hole in holes {
            if let Some(attribute) = span.attributes.get(hole.index)
                && other_values >> hole.index & 1 != 0
            {
                body.copied(next..hole.start);
                hole.write(&attribute.value, body);
                next = hole.end;
            }
        }
        body.copied(next..earlier.parts.end);
        true
    }

    /// Begins to note where the parts of a body stand.
    #[inline]
    pub(super) fn begin(&self, body: &Body<'_>) -> Parts {
        Parts { first_hole: self.holes.len(), start: body.position(), ..Parts::default() }
    }

    /// Remembers how a span was written, if it has a shape.
    #[inline]
    pub(super) fn note(
        &mut self,
        span: &'a SpanData,
        shape: Option<Shape>,
        parts: Parts,
        attributes: &Attributes<'a, '_>,
        options: &Options,
    ) {
        // What is an annotation by its name may stand in a field, too.
        if shape.is_none() || !options.index.names_nothing() {
            self.holes.truncate(parts.first_hole);
        }
        let is_noted = std::mem::take(&mut self.holes.are_noted);
        self.latest = shape.filter(|_| is_noted).map(|shape| {
            let last_hole = self.holes.len();
            let in_holes = self.holes.range(parts.first_hole..last_hole).iter().map(|hole| hole.index);
            // Where it is the client's, it stands nowhere else.
            let connected =
                http::of_the_connection(span, attributes)[1].filter(|_| shape.is_connected == Some(true));
            let all = (0..span.attributes.len()).fold(0, |all, index| all | 1 << index);
            let compared = in_holes.chain(connected).fold(all, |compared, index| compared & !(1 << index));
            Precedent { span, shape, parts, last_hole, compared }
        });
    }

    /// Keeps what was written last, once it is known that it stays in the buffer.
    #[inline]
    pub(super) fn keep_latest(&mut self) {
        let Some(latest) = self.latest.take() else { return };
        let kind = kind(latest.span, latest.shape);
        if let Some(place) = self.places.get_mut(kind as usize % PLACES) {
            place.precedent = Some(latest);
        }
    }

    /// The same room for another batch, of which nothing is known.
    pub(super) fn recycle<'b>(self) -> Precedents<'b> {
        let Self { places, mut holes, .. } = self;
        holes.truncate(0);
        Precedents { places: recycle(places), latest: None, holes }
    }
}

/// Spans of the same name and with the same attributes are mostly of one kind.
#[inline]
fn kind(span: &SpanData, shape: Shape) -> u32 {
    shape.layout.rotate_left(16) ^ shape.layout ^ u32::from(bucket(span.name.as_bytes()))
}

impl Precedent<'_> {
    /// The attributes of which a span like this one has other values, one bit for each, all of which stand in holes. `None` if it is not like this one.
    #[inline]
    fn other_values(&self, span: &SpanData, shape: Shape, holes: &[Hole]) -> Option<u64> {
        let own = self.span;
        let values = |index: usize| {
            let (own, other) = (own.attributes.get(index)?, span.attributes.get(index)?);
            Some((&own.value, &other.value))
        };
        let is_same = |index| values(index).is_some_and(|(own, other)| is_same_value(own, other));
        let is_alike = self.shape == shape
            && own.span_kind == span.span_kind
            && is_same_text(&own.name, &span.name)
            && is_same_scope(&own.instrumentation_scope, &span.instrumentation_scope)
            && ones(self.compared).all(is_same);
        if !is_alike {
            return None;
        }
        holes.iter().filter(|hole| !is_same(hole.index)).try_fold(0, |others, hole| {
            let (_, other) = values(hole.index)?;
            hole.takes(other).then_some(others | 1 << hole.index)
        })
    }
}

/// The numbers of the bits that are set.
#[inline]
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        let lowest = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (lowest < u64::BITS).then_some(lowest as usize)
    })
}
