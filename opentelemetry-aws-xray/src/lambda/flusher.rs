//! Sends what has ended, before an answer goes out and before an invocation runs out of time.

mod requests;

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use opentelemetry::otel_warn;
use opentelemetry_sdk::trace::SdkTracerProvider;
use requests::{Requests, Scope};
use tokio::sync::oneshot;

use crate::{
    clock::{self, Clock, SystemClock},
    in_progress::only_what_has_ended,
};

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

/// Two threads: one flushes a provider, which blocks and has a time limit of its own that is longer than Lambda's answers may wait; the
/// other keeps the time for those who wait, whatever the runtime's threads do.
///
/// Requests that come while a flush runs share the next one, however many they are.
pub(super) struct Flusher {
    desk: Arc<Desk>,
}

impl Flusher {
    /// Starts the threads, which end with the flusher.
    pub(super) fn start(provider: &SdkTracerProvider) -> Self {
        let desk = Arc::new(Desk::default());
        let worker =
            Worker { provider: provider.clone(), desk: Closing(Arc::clone(&desk)), has_failed: false };
        let timer = Closing(Arc::clone(&desk));
        // A thread that is not started drops its end of the desk, which closes it.
        let started = spawn("xray-lambda-flush", move || worker.run())
            .and_then(|()| spawn("xray-lambda-timer", move || timer.0.keep_time()));
        if let Err(error) = started {
            otel_warn!(name: "XrayLambda.NoThread", error = error.to_string(), message = "no thread could be started to send spans before answers; they go with the batch processor's next batch");
        }
        Self { desk }
    }

    /// Watches an invocation's deadline, since the Unix epoch, until the watch is dropped.
    pub(super) fn watch(&self, deadline: Option<Duration>) -> Watch {
        let Some(deadline) = deadline else { return Watch(None) };
        let left = deadline.saturating_sub(DEADLINE_MARGIN).saturating_sub(clock::epoch());
        let due = SystemClock.now().saturating_add(left);
        let id = self.desk.change(|requests| requests.begin(due));
        Watch(Some((Arc::clone(&self.desk), id)))
    }

    /// Asks for everything that has ended to be sent, and waits so long at most, from now on. An answer that `has_spans` of its own
    /// waits in any case; another only where sending goes well, or a road that is blocked would delay answers that mostly have nothing
    /// to send.
    pub(super) fn flush(&self, wait: Duration, has_spans: bool) -> Flushed {
        let until = SystemClock.now().saturating_add(wait);
        Flushed(self.desk.change(|requests| {
            if wait.is_zero() || !(has_spans || requests.is_well()) {
                requests.ask();
                return None;
            }
            Some(requests.ask_and_wait(until))
        }))
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.desk.change(Requests::close);
        self.desk.wake_all();
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flusher")
    }
}

/// An invocation whose deadline is watched.
pub(super) struct Watch(Option<(Arc<Desk>, u64)>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((desk, id)) = &self.0 {
            desk.change(|requests| requests.end(*id));
        }
    }
}

/// Ready when everything is sent, or nobody waits for it any longer.
pub(super) struct Flushed(Option<oneshot::Receiver<()>>);

impl Future for Flushed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(answered) => Pin::new(answered).poll(cx).map(drop),
            None => Poll::Ready(()),
        }
    }
}

/// Where invocations leave their requests for the two threads.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    /// A flush was asked for, or nobody asks any more.
    work: Condvar,
    /// There is an earlier time to wake up at, or none any more.
    alarm: Condvar,
}

#[derive(Default)]
struct State {
    requests: Requests,
    /// When the timer wakes up by itself; `None` while it sleeps until it is woken.
    wakes_up: Option<Duration>,
}

impl Desk {
    /// Changes the requests, and wakes whom that concerns. Most often the timer wakes up early enough by itself.
    fn change<T>(&self, change: impl FnOnce(&mut Requests) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state.requests);
        if state.requests.is_asked() {
            self.work.notify_one();
        }
        let is_earlier = |alarm| state.wakes_up.is_none_or(|wakes_up| alarm < wakes_up);
        if state.requests.alarm().is_some_and(is_earlier) {
            self.alarm.notify_one();
        }
        changed
    }

    fn keep_time(&self) {
        let mut state = self.lock();
        loop {
            let now = SystemClock.now();
            let released = state.requests.expire(now);
            if state.requests.is_asked() {
                self.work.notify_one();
            }
            drop(state);
            drop(released);

            state = self.lock();
            state.wakes_up = state.requests.alarm();
            state = match state.wakes_up {
                Some(alarm) => {
                    let left = alarm.saturating_sub(now);
                    self.alarm.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None if state.requests.is_closed() => return,
                None => self.alarm.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        self.work.notify_all();
        self.alarm.notify_all();
    }
}

/// A thread's end of the desk. Without the thread nobody is to wait, whatever it ended by.
struct Closing(Arc<Desk>);

impl Drop for Closing {
    fn drop(&mut self) {
        drop(self.0.change(Requests::abandon));
        self.0.wake_all();
    }
}

struct Worker {
    provider: SdkTracerProvider,
    desk: Closing,
    has_failed: bool,
}

impl Worker {
    fn run(mut self) {
        while let Some(scope) = self.next() {
            let went_well = self.flush(scope);
            drop(self.desk.0.change(|requests| requests.finish(went_well)));
        }
    }

    /// Waits for a flush to be asked for, until nobody does any more.
    fn next(&self) -> Option<Scope> {
        let desk = &self.desk.0;
        let mut state = desk.lock();
        loop {
            if let Some(scope) = state.requests.start() {
                return Some(scope);
            }
            if state.requests.is_closed() {
                return None;
            }
            state = desk.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether all was sent. Tells of the first failure; the numbers of the exporter tell of all.
    fn flush(&mut self, scope: Scope) -> bool {
        let flushed = match scope {
            Scope::Ended => only_what_has_ended(|| self.provider.force_flush()),
            Scope::Running => self.provider.force_flush(),
        };
        let Err(error) = flushed else { return true };
        if !self.has_failed {
            otel_warn!(name: "XrayLambda.NotFlushed", error = error.to_string(), message = "spans could not all be sent before an answer");
        }
        self.has_failed = true;
        false
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
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
