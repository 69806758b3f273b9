//! Spans that have started and are to be shown if they run for long enough.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use opentelemetry::trace::{SpanContext, SpanId, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::InProgressStats;

/// A [`WaitingRoom`] that the threads which start and end spans share with the one that sends.
#[derive(Debug, Clone)]
pub(super) struct SharedRoom(Arc<Mutex<WaitingRoom>>);

impl SharedRoom {
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(Mutex::new(WaitingRoom::new(max))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, WaitingRoom> {
        // Nothing in here panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The spans, found by id when they end, and by age when they are due.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    /// By the number that each got when it came, so that the first is the oldest.
    spans: BTreeMap<u64, Waiting>,
    numbers: HashMap<(TraceId, SpanId), u64>,
    max: usize,
    /// Whether the worker waits for someone to come in.
    is_awaited: bool,
    is_closed: bool,
    started: u64,
    ended_first: u64,
    not_shown: u64,
}

#[derive(Debug)]
struct Waiting {
    since: Duration,
    span: SpanData,
}

impl WaitingRoom {
    fn new(max: usize) -> Self {
        Self {
            spans: BTreeMap::new(),
            numbers: HashMap::new(),
            max,
            is_awaited: false,
            is_closed: false,
            started: 0,
            ended_first: 0,
            not_shown: 0,
        }
    }

    /// Takes a span in, if there is room. Answers whether the worker is to be woken.
    pub(super) fn enter(&mut self, span: SpanData, now: Duration) -> bool {
        self.started += 1;
        let is_full = self.is_closed || self.spans.len() >= self.max;
        match self.numbers.entry(id(&span.span_context)) {
            Entry::Vacant(entry) if !is_full => {
                entry.insert(self.started);
                self.spans.insert(self.started, Waiting { since: now, span });
            }
            _ => self.not_shown += 1,
        }
        std::mem::take(&mut self.is_awaited)
    }

    /// Lets a span go that has ended. Most often it is here no more, or never was.
    pub(super) fn leave(&mut self, context: &SpanContext) {
        let Some(number) = self.numbers.remove(&id(context)) else { return };
        self.spans.remove(&number);
        self.ended_first += 1;
    }

    /// Since when the oldest span has waited. If there is none, the next one to come is told to wake the worker.
    pub(super) fn oldest(&mut self) -> Option<Duration> {
        let oldest = self.spans.first_key_value().map(|(_, waiting)| waiting.since);
        self.is_awaited = oldest.is_none();
        oldest
    }

    /// Takes the oldest span out, if it has waited for `delay`.
    pub(super) fn take_due(&mut self, now: Duration, delay: Duration) -> Option<SpanData> {
        let oldest = self.spans.first_entry()?;
        if oldest.get().since.saturating_add(delay) > now {
            return None;
        }
        let span = oldest.remove().span;
        self.numbers.remove(&id(&span.span_context));
        Some(span)
    }

    /// Sends everyone away, and takes nobody in any more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.not_shown += self.spans.len() as u64;
        self.spans.clear();
        self.numbers.clear();
    }

    /// The numbers, but for the exporter's.
    pub(super) fn stats(&self) -> InProgressStats {
        InProgressStats {
            started: self.started,
            waiting: self.spans.len() as u64,
            ended_first: self.ended_first,
            not_shown: self.not_shown,
            ..InProgressStats::default()
        }
    }
}

fn id(context: &SpanContext) -> (TraceId, SpanId) {
    (context.trace_id(), context.span_id())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::{
        InstrumentationScope,
        trace::{SpanKind, Status, TraceFlags, TraceState},
    };
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
    use proptest::prelude::*;

    use super::*;

    const DELAY: Duration = Duration::from_secs(1);

    fn span(id: u64) -> SpanData {
        SpanData {
            span_context: context(id),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Server,
            name: "request".into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    fn context(id: u64) -> SpanContext {
        let trace_id = TraceId::from(1);
        SpanContext::new(trace_id, SpanId::from(id), TraceFlags::SAMPLED, false, TraceState::NONE)
    }

    fn due(room: &mut WaitingRoom, now: Duration) -> Vec<SpanId> {
        std::iter::from_fn(|| room.take_due(now, DELAY)).map(|span| span.span_context.span_id()).collect()
    }

    #[test]
    fn who_stays_long_enough_is_shown_oldest_first_and_once() {
        let mut room = WaitingRoom::new(10);
        for (number, millis) in [(1, 0), (2, 100), (3, 900), (4, 1_050)] {
            room.enter(span(number), Duration::from_millis(millis));
        }
        room.leave(&context(2));
        assert_eq!(due(&mut room, Duration::from_millis(999)), []);
        assert_eq!(due(&mut room, Duration::from_millis(2_000)), [1, 3].map(SpanId::from));
        assert_eq!(room.oldest(), Some(Duration::from_millis(1_050)));
        // Who ends after having been shown changes nothing.
        room.leave(&context(1));
        let stats = room.stats();
        assert_eq!((stats.started, stats.waiting, stats.ended_first, stats.not_shown), (4, 1, 1, 0));
    }

    #[test]
    fn only_the_first_who_comes_into_an_empty_room_wakes_the_worker() {
        let mut room = WaitingRoom::new(10);
        assert!(!room.enter(span(1), Duration::ZERO), "nobody waits");
        room.leave(&context(1));
        assert_eq!(room.oldest(), None);
        assert!(room.enter(span(2), Duration::ZERO));
        assert!(!room.enter(span(3), Duration::ZERO));
        assert_eq!(room.oldest(), Some(Duration::ZERO));
        assert!(!room.enter(span(4), Duration::ZERO), "the worker waits for a time");
    }

    #[test]
    fn a_closed_room_is_empty_and_stays_so() {
        let mut room = WaitingRoom::new(10);
        room.enter(span(1), Duration::ZERO);
        room.close();
        room.enter(span(2), Duration::ZERO);
        assert_eq!(due(&mut room, DELAY), []);
        assert_eq!((room.stats().waiting, room.stats().not_shown), (0, 2));
    }

    proptest! {
        #[test]
        fn everyone_is_accounted_for_and_the_room_is_bounded(steps in prop::collection::vec((0u8..3, 0u64..12), 0..200)) {
            const MAX: usize = 4;
            let mut room = WaitingRoom::new(MAX);
            let mut shown = 0;
            for (now, (step, number)) in (0..).map(|n| DELAY / 4 * n).zip(steps) {
                match step {
                    0 => drop(room.enter(span(number), now)),
                    1 => room.leave(&context(number)),
                    _ => shown += due(&mut room, now).len() as u64,
                }
                let stats = room.stats();
                prop_assert!(room.spans.len() <= MAX);
                prop_assert_eq!(room.spans.len(), room.numbers.len());
                prop_assert_eq!(stats.started, stats.waiting + stats.ended_first + stats.not_shown + shown);
            }
        }
    }
}
