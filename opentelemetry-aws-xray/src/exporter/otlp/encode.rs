//! Span, scope and resource → the messages of OTLP (opentelemetry-proto 1.x, `trace.proto`, `common.proto`, `resource.proto`).
//!
//! Written by hand onto one buffer: what the SDK holds is copied once, and the size of each message is known before it is
//! decided which request it goes into.

use std::{
    borrow::Cow,
    collections::HashSet,
    time::{SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status},
};
use opentelemetry_sdk::{Resource, trace::SpanData};

use super::{
    super::translate,
    protobuf as pb,
    reduce::{Budget, Cuts},
};
use crate::redact;

/// Appends messages within a budget.
pub(super) struct Encoder<'e> {
    out: &'e mut Vec<u8>,
    /// Beyond this length the message is too large, and nothing more need be added.
    end: usize,
    budget: &'e Budget,
    cuts: Cuts,
}

/// Encodes with the first budget with which a message is no larger than it may be, and answers how much was cut; `None`, with
/// the buffer as it was, if there is none.
pub(super) fn within(
    out: &mut Vec<u8>,
    max_bytes: usize,
    mut encode: impl FnMut(&mut Encoder<'_>),
) -> Option<u64> {
    let start = out.len();
    Budget::STEPS
        .iter()
        .find_map(|budget| {
            out.truncate(start);
            let end = start.saturating_add(max_bytes);
            let mut encoder = Encoder { out, end, budget, cuts: Cuts::default() };
            encode(&mut encoder);
            let cuts = encoder.cuts.count();
            (out.len() - start <= max_bytes).then_some(cuts)
        })
        .or_else(|| {
            out.truncate(start);
            None
        })
}

impl Encoder<'_> {
    /// The fields of a `Resource`, its attributes sorted by key: the SDK keeps them in random order.
    pub(super) fn resource(&mut self, resource: &Resource) {
        let mut attributes: Vec<_> = resource.iter().collect();
        attributes.sort_by_key(|(key, _)| *key);
        let kept = attributes.len().min(self.budget.attributes);
        for (key, value) in &attributes[..kept] {
            if self.is_full() {
                return;
            }
            self.attribute(1, key.as_str(), value, redact::named);
        }
        self.dropped(2, 0, attributes.len() - kept);
    }

    /// The fields of an `InstrumentationScope`.
    pub(super) fn scope(&mut self, scope: &InstrumentationScope) {
        self.name(1, scope.name());
        self.name(2, scope.version().unwrap_or_default());
        let left_out = self.attributes(3, scope.attributes(), redact::named, self.budget.attributes);
        self.dropped(4, 0, left_out);
    }

    /// The fields of a `Span`.
    pub(super) fn span(&mut self, span: &SpanData) {
        let context = &span.span_context;
        self.ids(context);
        if let Some(parent) = translate::parent_id(span) {
            pb::bytes(self.out, 4, &parent.to_bytes());
        }
        self.name(5, &redact::text(&span.name));
        pb::uint(self.out, 6, kind(&span.span_kind));
        pb::fixed64(self.out, 7, nanos(span.start_time));
        // A span that ends before it starts is one of a clock that was set.
        pb::fixed64(self.out, 8, nanos(span.end_time).max(nanos(span.start_time)));
        let left_out = self.attributes(9, span.attributes.iter(), redact::named, self.budget.attributes);
        self.dropped(10, span.dropped_attributes_count, left_out);
        let left_out = self.events(&span.events.events);
        self.dropped(12, span.events.dropped_count, left_out);
        let links = &span.links.links;
        let kept = links.len().min(self.budget.nested);
        for link in &links[..kept] {
            if self.is_full() {
                return;
            }
            self.message(13, |this| this.link(link));
        }
        self.dropped(14, span.links.dropped_count, links.len() - kept);
        self.status(&span.status);
        pb::fixed32(self.out, 16, flags(context, span.parent_span_is_remote));
    }

    /// The events, of which exceptions go last when there is no room for all. The answer is how many were left out.
    fn events(&mut self, events: &[Event]) -> usize {
        let is_exception = |event: &Event| event.name == "exception";
        let mut room = self.budget.nested;
        let mut room_for_others =
            room.saturating_sub(events.iter().filter(|event| is_exception(event)).count());
        let mut left_out = 0;
        for event in events {
            if self.is_full() {
                return left_out;
            }
            let room = if is_exception(event) { &mut room } else { &mut room_for_others };
            if *room == 0 {
                left_out += 1;
                continue;
            }
            *room -= 1;
            self.message(11, |this| this.event(event));
        }
        left_out
    }

    fn event(&mut self, event: &Event) {
        pb::fixed64(self.out, 1, nanos(event.timestamp));
        self.name(2, &redact::text(&event.name));
        let left_out =
            self.attributes(3, event.attributes.iter(), redact::logged, self.budget.nested_attributes);
        self.dropped(4, event.dropped_attributes_count, left_out);
    }

    fn link(&mut self, link: &Link) {
        self.ids(&link.span_context);
        let left_out =
            self.attributes(4, link.attributes.iter(), redact::named, self.budget.nested_attributes);
        self.dropped(5, link.dropped_attributes_count, left_out);
        pb::fixed32(self.out, 6, flags(&link.span_context, link.span_context.is_remote()));
    }

    fn status(&mut self, status: &Status) {
        let (code, description) = match status {
            Status::Unset => return,
            Status::Ok => (1, ""),
            Status::Error { description } => (2, &**description),
        };
        self.message(15, |this| {
            let description = redact::text(description);
            let description = this.cuts.text(&description, this.budget.value_bytes);
            pb::bytes(this.out, 2, description.as_bytes());
            pb::uint(this.out, 3, code);
        });
    }

    /// Trace id, span id and trace state, which have the same numbers in spans and links.
    fn ids(&mut self, context: &SpanContext) {
        pb::bytes(self.out, 1, &context.trace_id().to_bytes());
        pb::bytes(self.out, 2, &context.span_id().to_bytes());
        let state = context.trace_state().header();
        let state = self.cuts.whole(&state, self.budget.value_bytes);
        pb::bytes(self.out, 3, state.as_bytes());
    }

    /// As many attributes as there is room for, the last value of each key. The answer is how many were left out.
    fn attributes<'a>(
        &mut self,
        field: u32,
        attributes: impl Iterator<Item = &'a KeyValue>,
        clean: redact::Clean,
        room: usize,
    ) -> usize {
        let attributes: Vec<_> = attributes.collect();
        let repeated = Repeated::among(&attributes);
        let last = || (0..attributes.len()).filter(|&index| !repeated.comes_again(&attributes, index));
        for index in last().take(room) {
            if self.is_full() {
                return 0;
            }
            let attribute = attributes[index];
            self.attribute(field, attribute.key.as_str(), &attribute.value, clean);
        }
        last().skip(room).count()
    }

    fn attribute(&mut self, field: u32, key: &str, value: &Value, clean: redact::Clean) {
        self.message(field, |this| {
            this.name(1, key);
            this.message(2, |this| match value {
                _ if redact::is_secret_name(key) => {
                    pb::present_bytes(this.out, 1, redact::REDACTED.as_bytes());
                }
                value => this.value(value, |text| clean(key, text)),
            });
        });
    }

    /// The field of an `AnyValue`, each text as `clean` leaves it.
    fn value(&mut self, value: &Value, clean: impl Fn(&str) -> Cow<'_, str>) {
        match value {
            Value::Bool(value) => self.bool(*value),
            Value::I64(value) => self.i64(*value),
            Value::F64(value) => self.f64(*value),
            Value::String(text) => self.text(&clean(text.as_str())),
            Value::Array(array) => self.message(5, |this| match array {
                Array::Bool(values) => this.list(values, |this, value| this.bool(*value)),
                Array::I64(values) => this.list(values, |this, value| this.i64(*value)),
                Array::F64(values) => this.list(values, |this, value| this.f64(*value)),
                Array::String(values) => this.list(values, |this, value| this.text(&clean(value.as_str()))),
                other => this.list(&[other], |this, value| this.text(&value.to_string())),
            }),
            // A kind of value that this version of the API does not have.
            other => self.text(&other.to_string()),
        }
    }

    /// The values of a list, as many as there is room for.
    fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        let start = self.out.len();
        for (index, value) in values.iter().enumerate() {
            let end = self.out.len();
            self.message(1, |this| write(this, value));
            if self.is_full() {
                return;
            }
            if self.out.len() - start > self.budget.value_bytes {
                self.out.truncate(end);
                self.cuts.left_out(values.len() - index);
                return;
            }
        }
    }

    fn bool(&mut self, value: bool) {
        pb::present_uint(self.out, 2, u64::from(value));
    }

    fn i64(&mut self, value: i64) {
        pb::present_uint(self.out, 3, value.cast_unsigned());
    }

    fn f64(&mut self, value: f64) {
        pb::present_fixed64(self.out, 4, value.to_bits());
    }

    fn text(&mut self, text: &str) {
        let text = self.cuts.text(text, self.budget.value_bytes);
        pb::present_bytes(self.out, 1, text.as_bytes());
    }

    fn name(&mut self, field: u32, name: &str) {
        let name = self.cuts.text(name, self.budget.name_bytes);
        pb::bytes(self.out, field, name.as_bytes());
    }

    /// A count of what the SDK dropped and what was left out here.
    fn dropped(&mut self, field: u32, by_sdk: u32, left_out: usize) {
        self.cuts.left_out(left_out);
        pb::uint(self.out, field, u64::from(by_sdk) + left_out as u64);
    }

    /// Whether the message is too large already.
    fn is_full(&self) -> bool {
        self.out.len() > self.end
    }

    fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        let message = pb::open(self.out, field);
        write(self);
        pb::close(self.out, message);
    }
}

/// A point in time in nanoseconds. What lies before the epoch becomes the epoch, and what lies beyond the year 2554 becomes
/// that.
pub(super) fn nanos(time: SystemTime) -> u64 {
    let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

/// The flags of W3C, and whether the parent, or what is linked to, is in another process (`SpanFlags`).
fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    const HAS_IS_REMOTE: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    u32::from(context.trace_flags().to_u8()) | HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}

fn kind(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// Which attributes come again under the same key. The SDK keeps every value that was ever set; the last one counts.
enum Repeated {
    Few,
    Many(Vec<bool>),
}

impl Repeated {
    /// With more attributes than this, comparing each with each would cost more than a set.
    const FEW: usize = 64;

    fn among(attributes: &[&KeyValue]) -> Self {
        if attributes.len() <= Self::FEW {
            return Self::Few;
        }
        let mut later = HashSet::with_capacity(attributes.len());
        let mut repeated: Vec<_> =
            attributes.iter().rev().map(|attribute| !later.insert(attribute.key.as_str())).collect();
        repeated.reverse();
        Self::Many(repeated)
    }

    fn comes_again(&self, attributes: &[&KeyValue], index: usize) -> bool {
        match self {
            Self::Few => attributes[index + 1..].iter().any(|later| later.key == attributes[index].key),
            Self::Many(repeated) => repeated[index],
        }
    }
}
