//! Roads on which the other side answers: what was taken, what was not, and when to try again.
//!
//! A road itself is a [`Caller`]: one call, one answer. Around it stand the [`outbox`](Outbox), which decides and does nothing
//! else, and this sink, which has the threads, the clock and the numbers. None of them needs an async runtime.

mod caller;
#[cfg(any(feature = "aws", feature = "daemon-tcp"))]
mod failure;
mod item;
#[cfg(all(any(feature = "aws", feature = "daemon-tcp"), feature = "otlp"))]
mod otlp;
mod outbox;
mod presence;
#[cfg(any(feature = "aws", feature = "daemon-tcp"))]
mod put_trace_segments;
mod queue;
mod rejected;
mod retry;
mod unprocessed;
mod worker;

use std::{sync::Arc, time::Duration};

pub(crate) use caller::{Answer, CallLimits, Caller, Unprocessed};
use item::Item;
use outbox::Outbox;
use rejected::Lost;
pub use rejected::Rejected;
pub(crate) use rejected::{OnRejected, Rejections};
use worker::{Shared, State};

use super::{Documents, MAX_SEND_WAIT, Report, SegmentSink};
use crate::clock::{Clock, SystemClock};
#[cfg(any(feature = "aws", feature = "daemon-tcp"))]
use crate::{config::Payload, post::Post};

/// While more bytes than this wait, [`send`](SegmentSink::send) waits a moment, so that the SDK's own queue takes up the rest of
/// a burst: half of what there is room for.
const HIGH_WATER_BYTES: usize = outbox::MAX_BYTES / 2;

/// A batch for which there is no room waits on while the other side takes documents, up to this: as long as a flush or
/// a shutdown has, which would have to wait for the same calls.
const MAX_ROOM_WAIT: Duration = Duration::from_secs(5);

/// How calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallSettings {
    /// Calls that may be in flight at once, each on a thread of its own.
    pub(crate) concurrency: usize,
    /// The longest that one call may take.
    pub(crate) timeout: Duration,
}

impl Default for CallSettings {
    /// Eight at once, as the daemon has; thirty seconds each.
    fn default() -> Self {
        Self { concurrency: 8, timeout: Duration::from_secs(30) }
    }
}

/// How long a batch waits for room: as long as the other side takes something within each pause, up to an end.
#[derive(Debug)]
struct Patience {
    pause: Duration,
    until: Duration,
    end: Duration,
}

impl Patience {
    fn new(documents: &Documents, pause: Duration, most: Duration) -> Self {
        let now = SystemClock.now();
        Self { pause, until: documents.wait_until(now, pause), end: documents.wait_until(now, most) }
    }

    fn left(&self, now: Duration) -> Duration {
        self.until.min(self.end).saturating_sub(now)
    }

    /// The other side took something.
    fn renew(&mut self, now: Duration) {
        self.until = now.saturating_add(self.pause);
    }
}

/// Delivers documents over a road on which the other side answers, from threads of its own.
///
/// [`send`](SegmentSink::send) only takes documents over, and waits where there is no room. They count as held until their fate is
/// known, and that is told to the [`Report`] when it is known. Threads start with the first documents, and end with the sink.
#[derive(Debug)]
pub(crate) struct AcknowledgedSink {
    shared: Arc<Shared>,
    max_document_bytes: usize,
}

impl AcknowledgedSink {
    /// A sink around a road. Does nothing until the first document.
    pub(crate) fn new(caller: impl Caller, settings: CallSettings, rejections: Rejections) -> Self {
        let limits = caller.limits();
        Self {
            shared: Arc::new(Shared::new(Box::new(caller), settings, Outbox::new(limits), rejections)),
            max_document_bytes: limits.max_document_bytes,
        }
    }

    /// A sink for documents of a payload, whoever posts them.
    #[cfg(any(feature = "aws", feature = "daemon-tcp"))]
    pub(crate) fn of(
        payload: Payload,
        post: impl Post,
        settings: CallSettings,
        rejections: Rejections,
    ) -> Self {
        match payload {
            Payload::Segments => {
                Self::new(put_trace_segments::PutTraceSegments::new(post), settings, rejections)
            }
            #[cfg(feature = "otlp")]
            Payload::Otlp => Self::new(otlp::OtlpCaller::new(post), settings, rejections),
        }
    }

    /// Takes documents over as there is room for them, waiting for it as [`Patience`] says; what still finds none costs the oldest.
    fn take_over(&self, documents: &Documents, mut patience: Patience, report: &Report) {
        let soon = patience.until;
        let mut lost = Lost::default();
        let mut state = self.shared.lock(report);
        for document in documents.iter() {
            state = self.wait_for_room(state, document.json.len(), &mut patience);
            report.held(document);
            state.outbox.push(Item::new(document));
            state.settle().iter().for_each(|fate| lost.add(fate));
        }
        state = self.shared.put_to_work(state);
        while state.outbox.bytes() > HIGH_WATER_BYTES && !state.outbox.is_away() {
            let left = soon.saturating_sub(SystemClock.now());
            if left.is_zero() {
                break;
            }
            state = self.shared.wait_for_change(state, left);
        }
        drop(state);
        self.shared.rejections.tell_lost(&lost, SystemClock.now());
    }

    /// Has calls made until a document of so many bytes has room, nobody is there to make any, or it has taken too long.
    fn wait_for_room<'s>(&'s self, mut state: State<'s>, bytes: usize, patience: &mut Patience) -> State<'s> {
        while !state.outbox.has_room(bytes) && !state.outbox.is_away() {
            let left = patience.left(SystemClock.now());
            if left.is_zero() {
                break;
            }
            let before = state.outbox.bytes();
            state = self.shared.put_to_work(state);
            state = self.shared.wait_for_change(state, left);
            if state.outbox.bytes() < before {
                patience.renew(SystemClock.now());
            }
        }
        state
    }

    /// Waits until nothing is left, or until it is of no more use to wait.
    fn drain<'s>(&'s self, mut state: State<'s>, deadline: Duration) -> State<'s> {
        let since = SystemClock.now();
        state.outbox.look_now(since);
        loop {
            state = self.shared.put_to_work(state);
            let now = SystemClock.now();
            let is_done = state.is_settled() || state.outbox.is_stuck(since, deadline) || now >= deadline;
            if is_done {
                return state;
            }
            // What falls due meanwhile may need a thread that is not there yet.
            let until = state.outbox.due_after(now).map_or(deadline, |due| due.min(deadline));
            state = self.shared.wait_for_change(state, until - now);
        }
    }
}

impl SegmentSink for AcknowledgedSink {
    fn max_document_bytes(&self) -> usize {
        self.max_document_bytes
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.take_over(documents, Patience::new(documents, MAX_SEND_WAIT, MAX_ROOM_WAIT), report);
    }

    fn send_within(&mut self, documents: &Documents, wait: Duration, report: &Report) {
        self.take_over(documents, Patience::new(documents, wait, wait), report);
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        let deadline = SystemClock.now().saturating_add(timeout);
        drop(self.drain(self.shared.lock(report), deadline));
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        let now = SystemClock.now();
        let deadline = now.saturating_add(timeout);
        let mut state = self.shared.lock(report);
        state.deadline = Some(deadline);
        state.outbox.hurry(now, deadline);
        self.shared.close(self.drain(state, deadline));
    }
}

impl Drop for AcknowledgedSink {
    fn drop(&mut self) {
        self.shared.close(self.shared.lock_as_is());
    }
}

#[cfg(test)]
mod tests;
