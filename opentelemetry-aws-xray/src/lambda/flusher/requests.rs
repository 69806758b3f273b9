//! Who waits for a flush, and whose time runs out: a value, with `now` handed in.

use std::time::Duration;

use tokio::sync::oneshot;

/// What is asked of a [`Flusher`](super::Flusher). Times are of one monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Invocations that run, and when to send what they have. Few: Lambda sends one at a time, or some dozen.
    running: Vec<(u64, Duration)>,
    begun: u64,
    waiting: Vec<Waiting>,
    /// The next flush, if one was asked for. It is for all who asked since the last one began.
    next: Option<Scope>,
    /// How many flushes have begun.
    flushes: u64,
    is_flushing: bool,
    /// Whether the last flush that has ended failed.
    has_failed: bool,
    /// Nobody asks any more, or nobody flushes.
    is_closed: bool,
}

/// An answer that goes out once its sender is dropped.
#[derive(Debug)]
struct Waiting {
    /// The flush that it waits for.
    flush: u64,
    until: Duration,
    _answer: oneshot::Sender<()>,
}

/// What a flush sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// Spans that have ended.
    Ended,
    /// Those that run too, if they are shown in progress.
    Running,
}

/// Answers that have waited for long enough: dropped, they go out. To be done when the lock is released, since it wakes their tasks.
#[derive(Debug)]
#[must_use]
pub(super) struct Released {
    _waiting: Vec<Waiting>,
}

impl Requests {
    /// Notes an invocation whose spans are to be sent at `due`, unless it [`end`](Self::end)s before.
    pub(super) fn begin(&mut self, due: Duration) -> u64 {
        self.begun += 1;
        self.running.push((self.begun, due));
        self.begun
    }

    pub(super) fn end(&mut self, id: u64) {
        self.running.retain(|(running, _)| *running != id);
    }

    /// Asks for a flush that nobody waits for.
    pub(super) fn ask(&mut self) {
        self.next = self.next.max(Some(Scope::Ended));
    }

    /// Asks for a flush, and for an answer after it or at `until`. The answer is there at once if nobody flushes any more.
    pub(super) fn ask_and_wait(&mut self, until: Duration) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        if !self.is_closed {
            self.ask();
            self.waiting.push(Waiting { flush: self.flushes + 1, until, _answer: answer });
        }
        answered
    }

    /// Begins the next flush, if one was asked for.
    pub(super) fn start(&mut self) -> Option<Scope> {
        let scope = self.next.take()?;
        self.flushes += 1;
        self.is_flushing = true;
        Some(scope)
    }

    /// Ends the flush that was begun last. Who asked meanwhile waits for the next one: this one may have missed their spans.
    pub(super) fn finish(&mut self, went_well: bool) -> Released {
        (self.is_flushing, self.has_failed) = (false, !went_well);
        let flushes = self.flushes;
        self.release(|waiting| waiting.flush <= flushes)
    }

    /// Releases those who have waited for long enough, and asks for the flush of invocations whose time runs out.
    pub(super) fn expire(&mut self, now: Duration) -> Released {
        let before = self.running.len();
        self.running.retain(|(_, due)| *due > now);
        if self.running.len() < before {
            self.next = Some(Scope::Running);
        }
        self.release(|waiting| waiting.until <= now)
    }

    /// When there is something to [`expire`](Self::expire) next.
    pub(super) fn alarm(&self) -> Option<Duration> {
        let due = self.running.iter().map(|(_, due)| *due);
        due.chain(self.waiting.iter().map(|waiting| waiting.until)).min()
    }

    /// Whether a flush that is asked for now begins at once, and the last one went well.
    pub(super) const fn is_well(&self) -> bool {
        self.next.is_none() && !self.is_flushing && !self.has_failed
    }

    /// Whether a flush was asked for.
    pub(super) const fn is_asked(&self) -> bool {
        self.next.is_some()
    }

    /// Takes no more requests; who waits still gets the flush.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.running.clear();
    }

    /// Releases everyone: nobody flushes any more.
    pub(super) fn abandon(&mut self) -> Released {
        self.close();
        self.next = None;
        self.release(|_| true)
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn release(&mut self, is_over: impl FnMut(&mut Waiting) -> bool) -> Released {
        Released { _waiting: self.waiting.extract_if(.., is_over).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    const LATE: Duration = Duration::from_secs(9);

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn is_answered(answered: &mut oneshot::Receiver<()>) -> bool {
        answered.try_recv() != Err(TryRecvError::Empty)
    }

    #[test]
    fn one_flush_is_for_all_who_asked_before_it_began() {
        let mut requests = Requests::default();
        let mut before: Vec<_> = (0..3).map(|_| requests.ask_and_wait(LATE)).collect();
        assert_eq!((requests.start(), requests.start()), (Some(Scope::Ended), None));
        let mut during: Vec<_> = (0..3).map(|_| requests.ask_and_wait(LATE)).collect();
        drop(requests.finish(true));
        assert!(before.iter_mut().all(is_answered));
        assert!(!during.iter_mut().any(is_answered));
        assert_eq!(requests.start(), Some(Scope::Ended));
        drop(requests.finish(true));
        assert!(during.iter_mut().all(is_answered));
        assert_eq!(requests.start(), None);
    }

    #[test]
    fn an_answer_waits_no_longer_than_it_may() {
        let mut requests = Requests::default();
        let mut hasty = requests.ask_and_wait(at(100));
        let mut patient = requests.ask_and_wait(at(200));
        assert_eq!(requests.start(), Some(Scope::Ended));
        assert_eq!(requests.alarm(), Some(at(100)));
        drop(requests.expire(at(99)));
        assert!(!is_answered(&mut hasty));
        drop(requests.expire(at(100)));
        assert_eq!((is_answered(&mut hasty), is_answered(&mut patient)), (true, false));
        assert_eq!(requests.alarm(), Some(at(200)));
    }

    #[test]
    fn what_runs_is_shown_only_when_time_runs_out() {
        let mut requests = Requests::default();
        let ended = requests.begin(at(100));
        requests.begin(at(200));
        requests.end(ended);
        assert_eq!(requests.alarm(), Some(at(200)));
        drop(requests.expire(at(199)));
        assert!(!requests.is_asked());
        drop(requests.expire(at(200)));
        // An answer joins in, and takes nothing away.
        requests.ask();
        assert_eq!((requests.start(), requests.alarm()), (Some(Scope::Running), None));
    }

    #[test]
    fn sending_goes_well_between_flushes_that_do() {
        let mut requests = Requests::default();
        assert!(requests.is_well());
        for went_well in [true, false, true] {
            requests.ask();
            assert!(!requests.is_well());
            requests.start();
            assert!(!requests.is_well());
            drop(requests.finish(went_well));
            assert_eq!(requests.is_well(), went_well);
        }
    }

    #[test]
    fn nobody_waits_where_nobody_flushes() {
        let mut requests = Requests::default();
        let mut asked = requests.ask_and_wait(LATE);
        requests.close();
        assert!(!is_answered(&mut asked));
        assert!(requests.is_asked());
        drop(requests.abandon());
        assert!(is_answered(&mut asked));
        assert!(is_answered(&mut requests.ask_and_wait(LATE)));
        assert!(!requests.is_asked());
    }

    proptest! {
        /// Whatever the order: a flush that begins after the request, or the end of its time, is what answers it.
        #[test]
        fn nobody_is_forgotten_or_answered_early(steps in prop::collection::vec((0u8..5, 0u64..50), 0..100)) {
            let (mut requests, mut now, mut is_flushing) = (Requests::default(), 0, false);
            let mut asked: Vec<(u64, bool, bool, oneshot::Receiver<()>)> = Vec::new();
            for (step, millis) in steps {
                match step {
                    0 => asked.push((now + millis, false, false, requests.ask_and_wait(at(now + millis)))),
                    1 => drop(requests.begin(at(now + millis))),
                    2 if !is_flushing => {
                        is_flushing = requests.start().is_some();
                        asked.iter_mut().for_each(|(_, is_begun, ..)| *is_begun |= is_flushing);
                    }
                    3 if is_flushing => {
                        is_flushing = false;
                        drop(requests.finish(true));
                        asked.iter_mut().for_each(|(_, is_begun, is_done, _)| *is_done |= *is_begun);
                    }
                    4 => {
                        now += millis;
                        drop(requests.expire(at(now)));
                        asked.iter_mut().for_each(|(until, _, is_done, _)| *is_done |= *until <= now);
                    }
                    _ => {}
                }
                for (until, is_begun, is_done, answered) in &mut asked {
                    prop_assert_eq!(is_answered(answered), *is_done, "{} {}", until, is_begun);
                }
                let left = asked.iter().any(|(_, is_begun, is_done, _)| !is_begun && !is_done);
                prop_assert!(!left || requests.is_asked());
            }
        }
    }
}
