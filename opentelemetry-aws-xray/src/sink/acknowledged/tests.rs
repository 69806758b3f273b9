//! The sink with its threads, against a caller that is told what to answer.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, PoisonError},
};

use super::*;
use crate::{
    exporter::{DropReason, ExporterStats},
    post::{CallError, CallErrorKind},
};

/// Answers as it is told, else accepts; and may be held up.
#[derive(Debug, Default, Clone)]
struct Scripted(Arc<(Mutex<Script>, Condvar)>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Answer>,
    is_held_up: bool,
    calls: usize,
    most_at_once: usize,
    now: usize,
    timeouts: Vec<Duration>,
}

impl Scripted {
    fn answers(answers: impl IntoIterator<Item = Answer>) -> Self {
        let this = Self::default();
        this.script().answers.extend(answers);
        this
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold_up(&self, is_held_up: bool) {
        self.script().is_held_up = is_held_up;
        self.0.1.notify_all();
    }

    fn wait_for_calls(&self, calls: usize) {
        drop(self.0.1.wait_while(self.script(), |script| script.now < calls).unwrap());
    }
}

impl Caller for Scripted {
    fn limits(&self) -> CallLimits {
        CallLimits { max_document_bytes: 64_000, max_documents: 50, max_call_bytes: 1_000_000 }
    }

    fn call(&self, _: &[&[u8]], timeout: Duration) -> Answer {
        let mut script = self.script();
        script.calls += 1;
        script.now += 1;
        script.most_at_once = script.most_at_once.max(script.now);
        script.timeouts.push(timeout);
        self.0.1.notify_all();
        script = self.0.1.wait_while(script, |script| script.is_held_up).unwrap();
        script.now -= 1;
        let answer = script.answers.pop_front();
        drop(script);
        match answer {
            Some(Answer::Failed(error)) if error.message == "panic" => panic!("as told"),
            Some(answer) => answer,
            None => Answer::Accepted { unprocessed: Vec::new() },
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(30);

/// A sink with numbers of its own.
struct Counted {
    sink: AcknowledgedSink,
    report: Report,
}

impl Counted {
    fn new(caller: &Scripted) -> Self {
        Self::with(caller, Rejections::default())
    }

    fn with(caller: &Scripted, rejections: Rejections) -> Self {
        let sink = AcknowledgedSink::new(caller.clone(), CallSettings::default(), rejections);
        Self { sink, report: Report::default() }
    }

    fn send(&mut self, count: usize, bytes: usize) -> ExporterStats {
        self.sink.send(&documents(count, bytes), &self.report);
        self.report.stats()
    }

    fn send_within(&mut self, count: usize, bytes: usize, wait: Duration) -> ExporterStats {
        self.sink.send_within(&documents(count, bytes), wait, &self.report);
        self.report.stats()
    }

    fn flush(&mut self) -> ExporterStats {
        self.sink.force_flush(PATIENCE, &self.report);
        self.report.stats()
    }

    fn shut_down(&mut self, timeout: Duration) -> ExporterStats {
        self.sink.shutdown(timeout, &self.report);
        self.report.stats()
    }
}

/// Documents of that size, each for two spans.
fn documents(count: usize, bytes: usize) -> Documents {
    let mut documents = Documents::default();
    for _ in 0..count {
        documents.push(2, |out| out.resize(out.len() + bytes, b'x'));
    }
    documents
}

fn failed(kind: CallErrorKind) -> Answer {
    Answer::Failed(CallError::new(kind, ""))
}

#[test]
fn numbers_become_right_without_another_batch() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    caller.hold_up(true);
    let stats = sink.send(10, 10);
    assert_eq!((stats.spans_sent, stats.spans_held), (0, 20));
    caller.hold_up(false);
    let stats = sink.flush();
    assert_eq!(
        (stats.spans_sent, stats.spans_held, stats.documents_sent, stats.bytes_sent),
        (20, 0, 10, 100)
    );
}

#[test]
fn calls_go_out_together_but_not_too_many() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    caller.hold_up(true);
    sink.send(50 * 20, 10);
    caller.wait_for_calls(8);
    caller.hold_up(false);
    let stats = sink.flush();
    let script = caller.script();
    assert_eq!((stats.spans_sent, script.calls, script.most_at_once), (2_000, 20, 8));
    drop(script);
}

#[test]
fn a_flush_does_not_wait_for_somebody_who_is_away_and_holds() {
    let caller = Scripted::answers([failed(CallErrorKind::Unreachable), failed(CallErrorKind::Unreachable)]);
    let mut sink = Counted::new(&caller);
    sink.send(1, 10);
    let stats = sink.flush();
    assert_eq!((stats.spans_sent, stats.spans_held), (0, 2));
    assert!(stats.refused > 0);
    let stats = sink.flush();
    assert!(stats.spans_held == 0 || sink.flush().spans_held == 0, "{stats:?}");
}

#[test]
fn a_shutdown_drops_what_it_could_not_send_and_says_why() {
    for (kind, calls, reason) in [
        (CallErrorKind::Unreachable, 9, DropReason::Unreachable),
        (CallErrorKind::Credentials, 9, DropReason::NoCredentials),
        (CallErrorKind::Status(404), 1, DropReason::Rejected),
    ] {
        let caller = Scripted::answers((0..calls).map(|_| failed(kind)));
        let mut sink = Counted::new(&caller);
        sink.send(1, 10);
        let stats = sink.shut_down(PATIENCE);
        assert_eq!(
            (stats.spans_held, stats.spans_sent, stats.dropped(reason)),
            (0, 0, 2),
            "{kind:?} {stats:?}"
        );
    }
}

#[test]
fn a_shutdown_waits_no_longer_than_it_may_and_counts_once() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    caller.hold_up(true);
    sink.send(60, 10);
    caller.wait_for_calls(2);
    let before = SystemClock.now();
    let stats = sink.shut_down(Duration::from_millis(50));
    assert!(SystemClock.now() - before < Duration::from_secs(5));
    assert_eq!((stats.spans_held, stats.dropped(DropReason::Unanswered)), (0, 120));
    caller.hold_up(false);
    // The last threads are gone when nobody shares the state with the sink any more.
    while Arc::strong_count(&sink.sink.shared) > 1 {
        std::thread::yield_now();
    }
    let stats = sink.report.stats();
    assert_eq!((stats.spans_sent, stats.spans_dropped()), (0, 120));
}

#[test]
fn a_call_during_shutdown_gets_what_is_left_of_the_time() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    caller.hold_up(true);
    sink.send(50 * 9, 10);
    caller.wait_for_calls(8);
    let (release, shared) = (caller.clone(), Arc::clone(&sink.sink.shared));
    let opener = std::thread::spawn(move || {
        // The ninth call is to be made during the shutdown.
        while shared.lock_as_is().deadline.is_none() {
            std::thread::yield_now();
        }
        release.hold_up(false);
    });
    const LEFT: Duration = Duration::from_secs(20);
    let stats = sink.shut_down(LEFT);
    opener.join().unwrap();
    assert_eq!(stats.spans_sent, 900);
    let timeouts = caller.script().timeouts.clone();
    assert!(timeouts[..8].iter().all(|timeout| *timeout == Duration::from_secs(30)), "{timeouts:?}");
    assert!(timeouts[8] <= LEFT, "{timeouts:?}");
}

#[test]
fn dropping_the_sink_ends_its_threads() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    sink.send(1, 10);
    sink.flush();
    let shared = Arc::downgrade(&sink.sink.shared);
    drop(sink);
    while shared.strong_count() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_panic_in_a_call_or_a_callback_costs_no_document_of_others() {
    let broken = Answer::Failed(CallError::new(CallErrorKind::Broken, "panic"));
    let caller = Scripted::answers([broken, failed(CallErrorKind::Status(404))]);
    let callback = OnRejected::new(|rejected| panic!("{}", rejected.code));
    let mut sink = Counted::with(&caller, Rejections::new(Some(callback)));
    sink.send(1, 10);
    let stats = sink.flush();
    assert_eq!(stats.dropped(DropReason::Rejected), 2, "{stats:?}");
    sink.send(1, 10);
    assert_eq!(sink.flush().spans_sent, 2);
}

#[test]
fn who_asked_is_told_of_each_refused_document() {
    let entry = |code: &str| Unprocessed { id: None, code: code.into(), message: "why".into() };
    let caller = Scripted::answers([
        Answer::Accepted { unprocessed: vec![entry("InvalidName"), entry("InvalidSegment")] },
        Answer::PartlyAccepted { rejected_spans: 1, message: "one".into() },
    ]);
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = Arc::clone(&told);
    let callback = OnRejected::new(move |rejected| {
        let Rejected { code, message, spans, reason, .. } = rejected;
        list.lock().unwrap().push(format!("{code} {message} {spans} {reason}"));
    });
    let mut sink = Counted::with(&caller, Rejections::new(Some(callback)));
    sink.send(2, 10);
    sink.flush();
    sink.send(1, 10);
    let stats = sink.flush();
    assert_eq!((stats.spans_sent, stats.dropped(DropReason::Rejected)), (1, 5));
    let told = told.lock().unwrap();
    assert_eq!(
        *told,
        ["InvalidName why 2 rejected", "InvalidSegment why 2 rejected", "PartialSuccess one 1 rejected"]
    );
}

#[test]
fn a_batch_that_is_larger_than_the_outbox_arrives_where_somebody_takes_it() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    let documents = 2 * outbox::MAX_BYTES / 30_000;
    let stats = sink.send_within(documents, 30_000, PATIENCE);
    assert_eq!(stats.spans_dropped(), 0, "{stats:?}");
    assert_eq!(sink.flush().spans_sent, 2 * documents as u64);
}

#[test]
fn what_finds_no_room_in_time_costs_the_oldest() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    caller.hold_up(true);
    let fit = outbox::MAX_BYTES / 60_000;
    let stats = sink.send_within(fit + 5, 60_000, Duration::ZERO);
    assert_eq!((stats.spans_held, stats.dropped(DropReason::Overflow)), (2 * fit as u64, 10), "{stats:?}");
    caller.hold_up(false);
    assert_eq!(sink.flush().spans_sent, 2 * fit as u64);
}

#[test]
fn sending_waits_for_room_but_not_for_ever() {
    let caller = Scripted::default();
    let mut sink = Counted::new(&caller);
    caller.hold_up(true);
    let before = SystemClock.now();
    sink.send(HIGH_WATER_BYTES / 60_000 + 2, 60_000);
    let waited = SystemClock.now() - before;
    assert!(waited >= MAX_SEND_WAIT && waited < 10 * MAX_SEND_WAIT, "{waited:?}");
    // A shutdown that is under way does not wait behind each batch.
    let before = SystemClock.now();
    let mut none = Documents::default();
    none.set_deadline(Some(before));
    for _ in 0..60 {
        sink.sink.send(&none, &sink.report);
    }
    let waited = SystemClock.now() - before;
    assert!(waited < 30 * MAX_SEND_WAIT, "{waited:?}");
    caller.hold_up(false);
    assert_eq!(sink.flush().spans_held, 0);
}
