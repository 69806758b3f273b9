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
pub use rejected::Rejected;
pub(crate) use rejected::{OnRejected, Rejections};
use worker::{Shared, State};

use super::{Documents, Report, SegmentSink};
use crate::clock::{Clock, SystemClock};
#[cfg(any(feature = "aws", feature = "daemon-tcp"))]
use crate::{config::Payload, post::Post};

/// While more bytes than this wait, [`send`](SegmentSink::send) waits for room, so that the SDK's own queue takes up the rest of
/// a burst: half of what there is room for.
const HIGH_WATER_BYTES: usize = outbox::MAX_BYTES / 2;

/// It waits no longer than this: the SDK's queue is not emptied meanwhile.
const MAX_SEND_WAIT: Duration = Duration::from_secs(1);

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

/// Delivers documents over a road on which the other side answers, from threads of its own.
///
/// [`send`](SegmentSink::send) only takes documents over. They count as held until their fate is known, and that is told to the
/// [`Report`] when it is known. Threads start with the first documents, and end with the sink.
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
        let items: Vec<_> = documents.iter().map(Item::new).collect();
        let mut state = self.shared.lock(report);
        for item in items {
            report.held(item.document());
            state.outbox.push(item);
        }
        state.settle();
        state = self.shared.put_to_work(state);
        let deadline = documents.wait_until(SystemClock.now(), MAX_SEND_WAIT);
        while state.outbox.bytes() > HIGH_WATER_BYTES && !state.outbox.is_away() {
            let left = deadline.saturating_sub(SystemClock.now());
            if left.is_zero() {
                return;
            }
            state = self.shared.wait_for_change(state, left);
        }
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
