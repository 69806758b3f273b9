//! Sends what has ended, before an answer goes out and before an invocation runs out of time.

use std::{
    fmt,
    pin::Pin,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use opentelemetry::otel_warn;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::{runtime::Handle, task::JoinHandle};

use crate::clock;

/// The longest that an answer waits for its spans to be sent. Over UDP that takes some milliseconds, straight to X-Ray in
/// another region some hundred; people wait for the answer.
pub(super) const MAX_FLUSH_WAIT: Duration = Duration::from_secs(1);

/// What is left of an invocation's time for the answer itself.
pub(super) const ANSWER_MARGIN: Duration = Duration::from_millis(50);

/// How long before its deadline an invocation that still runs has its spans sent: some milliseconds' work, on a function with a
/// fraction of a processor.
pub(super) const DEADLINE_MARGIN: Duration = Duration::from_millis(100);

/// How long an answer may wait for the flush. All times but the result are since the Unix epoch.
pub(super) fn flush_wait(deadline: Option<Duration>, now: Duration) -> Duration {
    let Some(deadline) = deadline else { return MAX_FLUSH_WAIT };
    deadline.saturating_sub(now).saturating_sub(ANSWER_MARGIN).min(MAX_FLUSH_WAIT)
}

/// A thread that flushes a provider, which blocks and has a time limit of its own that is longer than Lambda's answers may wait.
pub(super) struct Flusher {
    requests: Sender<Request>,
    ids: AtomicU64,
}

enum Request {
    Begun { id: u64, deadline: Duration },
    Ended { id: u64 },
    Flush { done: Sender<()> },
}

impl Flusher {
    /// Starts the thread, which ends with the last of those who may ask something of it.
    pub(super) fn start(provider: &SdkTracerProvider) -> Self {
        let (requests, queue) = mpsc::channel();
        let provider = provider.clone();
        let run = move || Worker { provider, queue, running: Vec::new(), has_failed: false }.run();
        if let Err(error) = thread::Builder::new().name("xray-lambda-flush".to_owned()).spawn(run) {
            otel_warn!(name: "XrayLambda.NoThread", error = error.to_string(), message = "no thread could be started to send spans before answers; they go with the batch processor's next batch");
        }
        Self { requests, ids: AtomicU64::new(0) }
    }

    /// Watches an invocation's deadline until the watch is dropped.
    pub(super) fn watch(&self, deadline: Option<Duration>) -> Watch {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let Some(deadline) = deadline else { return Watch(None) };
        let is_heard = self.requests.send(Request::Begun { id, deadline }).is_ok();
        Watch(is_heard.then(|| (self.requests.clone(), id)))
    }

    /// Asks for everything that has ended to be sent, and waits so long at most. In a runtime the wait takes a thread of those that
    /// tokio has for blocking work; it needs no timer, which the runtime may lack.
    pub(super) fn flush(&self, wait: Duration) -> Flushed {
        let (done, is_done) = mpsc::channel();
        if self.requests.send(Request::Flush { done }).is_err() {
            return Flushed(None);
        }
        let waiting = move || {
            let _ = is_done.recv_timeout(wait);
        };
        match Handle::try_current() {
            Ok(runtime) => Flushed(Some(runtime.spawn_blocking(waiting))),
            Err(_) => {
                waiting();
                Flushed(None)
            }
        }
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flusher")
    }
}

/// An invocation whose deadline is watched.
pub(super) struct Watch(Option<(Sender<Request>, u64)>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((requests, id)) = &self.0 {
            let _ = requests.send(Request::Ended { id: *id });
        }
    }
}

/// Ready when everything is sent, or nobody waits for it any longer.
pub(super) struct Flushed(Option<JoinHandle<()>>);

impl Future for Flushed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(waiting) => Pin::new(waiting).poll(cx).map(drop),
            None => Poll::Ready(()),
        }
    }
}

struct Worker {
    provider: SdkTracerProvider,
    queue: Receiver<Request>,
    /// Invocations that run, and when to send what they have, since the Unix epoch. Few: Lambda sends one at a time, or some dozen.
    running: Vec<(u64, Duration)>,
    has_failed: bool,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.next() {
                Ok(Request::Begun { id, deadline }) => {
                    self.running.push((id, deadline.saturating_sub(DEADLINE_MARGIN)));
                }
                Ok(Request::Ended { id }) => self.running.retain(|(running, _)| *running != id),
                Ok(Request::Flush { done }) => {
                    self.flush();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.flush();
                    let now = clock::epoch();
                    self.running.retain(|(_, due)| *due > now);
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn next(&self) -> Result<Request, RecvTimeoutError> {
        let Some(due) = self.running.iter().map(|(_, due)| *due).min() else {
            return self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected);
        };
        self.queue.recv_timeout(due.saturating_sub(clock::epoch()))
    }

    /// Tells of the first failure; the numbers of the exporter tell of all.
    fn flush(&mut self) {
        let Err(error) = self.provider.force_flush() else { return };
        if !self.has_failed {
            otel_warn!(name: "XrayLambda.NotFlushed", error = error.to_string(), message = "spans could not all be sent before an answer");
        }
        self.has_failed = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_wait_ends_before_the_deadline() {
        let millis = Duration::from_millis;
        for (deadline, now, wait) in [
            (None, 5_000, 1_000),
            (Some(10_000), 5_000, 1_000),
            (Some(6_050), 5_000, 1_000),
            (Some(5_550), 5_000, 500),
            (Some(5_050), 5_000, 0),
            (Some(5_000), 5_000, 0),
            (Some(4_000), 5_000, 0),
            (Some(u64::MAX), 0, 1_000),
        ] {
            assert_eq!(flush_wait(deadline.map(millis), millis(now)), millis(wait), "{deadline:?} {now}");
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_there_is_time(deadline: u64, now: u64) {
            let (deadline, now) = (Duration::from_millis(deadline), Duration::from_millis(now));
            let wait = flush_wait(Some(deadline), now);
            prop_assert!(wait <= MAX_FLUSH_WAIT);
            prop_assert!(wait.is_zero() || now + wait + ANSWER_MARGIN <= deadline);
        }
    }
}
