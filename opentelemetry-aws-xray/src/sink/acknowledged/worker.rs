//! The threads that make calls, and what they share with the sink.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use opentelemetry::{Context, otel_error, otel_warn};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::{
    Answer, CallSettings, Caller,
    item::Fate,
    outbox::{Outbox, Step, Ticket},
    rejected::Rejections,
};
use crate::{
    clock::{Clock, SystemClock},
    exporter::DropReason,
    post::{CallError, CallErrorKind},
    sink::{Document, Report},
};

/// What the sink and its threads share.
#[derive(Debug)]
pub(super) struct Shared {
    caller: Box<dyn Caller>,
    settings: CallSettings,
    pub(super) rejections: Rejections,
    state: Mutex<Inner>,
    /// Something may be due to be called.
    work: Condvar,
    /// Something was answered, or a thread ended.
    change: Condvar,
}

/// The state, locked.
pub(super) type State<'s> = MutexGuard<'s, Inner>;

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) outbox: Outbox,
    /// When a shutdown has to be over.
    pub(super) deadline: Option<Duration>,
    report: Report,
    threads: usize,
    idle: usize,
    /// Threads that tell of refused documents just now.
    telling: usize,
    /// No thread could be started the last time, and that has been told.
    lacks_thread: bool,
    is_closed: bool,
}

impl Inner {
    /// Whether every document has had its fate, and everybody who wants to know has been told.
    pub(super) fn is_settled(&self) -> bool {
        self.outbox.is_empty() && self.telling == 0
    }

    /// Counts what has been decided, and hands it back.
    pub(super) fn settle(&mut self) -> Vec<Fate> {
        let fates = self.outbox.take_fates();
        for fate in &fates {
            count(fate, &self.report);
        }
        fates
    }
}

fn count(fate: &Fate, report: &Report) {
    match fate {
        Fate::Sent(item) => report.held_sent(item.document()),
        Fate::PartlySent { item, rejected_spans, .. } => {
            let rejected = item.spans.min(*rejected_spans);
            report.held_dropped_for(Document { json: &[], spans: rejected }, DropReason::Rejected);
            report.held_sent(Document { json: &item.json, spans: item.spans - rejected });
        }
        Fate::Dropped { item, reason, .. } => report.held_dropped_for(item.document(), *reason),
    }
}

impl Shared {
    pub(super) fn new(
        caller: Box<dyn Caller>,
        settings: CallSettings,
        outbox: Outbox,
        rejections: Rejections,
    ) -> Self {
        let state = Inner {
            outbox,
            deadline: None,
            report: Report::default(),
            threads: 0,
            idle: 0,
            telling: 0,
            lacks_thread: false,
            is_closed: false,
        };
        let (work, change) = Default::default();
        Self { caller, settings, rejections, state: Mutex::new(state), work, change }
    }

    /// Locks the state, and counts in `report` from now on.
    pub(super) fn lock(&self, report: &Report) -> State<'_> {
        let mut state = self.lock_as_is();
        state.report = report.clone();
        state
    }

    pub(super) fn lock_as_is(&self) -> State<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait_for_change<'s>(&self, state: State<'s>, timeout: Duration) -> State<'s> {
        self.change.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Sees to it that somebody makes the calls that are due: wakes an idle thread, or starts one more.
    pub(super) fn put_to_work<'s>(self: &Arc<Self>, mut state: State<'s>) -> State<'s> {
        if state.idle > 0 {
            self.work.notify_one();
        } else if state.threads < self.settings.concurrency.max(1) && state.outbox.has_call(SystemClock.now())
        {
            let shared = Arc::clone(self);
            let name = "opentelemetry-aws-xray.delivery".to_owned();
            match thread::Builder::new().name(name).spawn(move || shared.work()) {
                Ok(_) => {
                    state.threads += 1;
                    state.lacks_thread = false;
                }
                // Told once, not with every batch.
                Err(error) if !std::mem::replace(&mut state.lacks_thread, true) => {
                    otel_warn!(name: "XrayDelivery.NoThread", error = error.to_string(), message = "no thread could be started; documents are held");
                }
                Err(_) => {}
            }
        }
        state
    }

    /// Drops what is left and ends the threads: those that wait at once, those in a call when it returns.
    pub(super) fn close(&self, mut state: State<'_>) {
        state.outbox.give_up();
        state.settle();
        state.is_closed = true;
        self.work.notify_all();
        // Those that only have to wake up are gone before the sink is.
        while state.idle > 0 {
            state = self.change.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes calls until the sink is closed.
    fn work(self: Arc<Self>) {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let random = RandomIdGenerator::default();
        let mut state = self.lock_as_is();
        while !state.is_closed {
            match state.outbox.next(SystemClock.now()) {
                Step::Call(ticket, documents) => state = self.call(state, ticket, &documents, &random),
                Step::Wait(until) => state = self.wait_for_work(state, until),
            }
        }
        state.threads -= 1;
        drop(state);
        self.change.notify_all();
    }

    /// Makes one call, with the lock open meanwhile.
    fn call<'s>(
        self: &'s Arc<Self>,
        state: State<'s>,
        ticket: Ticket,
        documents: &[Arc<[u8]>],
        random: &RandomIdGenerator,
    ) -> State<'s> {
        let left = state.deadline.map_or(Duration::MAX, |at| at.saturating_sub(SystemClock.now()));
        drop(self.put_to_work(state));
        let start = SystemClock.now();
        let answer = self.answer(documents, self.settings.timeout.min(left));
        let now = SystemClock.now();
        let failure = match &answer {
            Answer::Failed(error) => Some(error),
            _ => None,
        };
        if let Some(error) = failure {
            self.rejections.tell_failure(error, now);
        }
        let mut state = self.lock_as_is();
        state.report.called(now - start, failure.map(CallError::to_failure));
        if matches!(&answer, Answer::Failed(error) if error.kind == CallErrorKind::Unreachable) {
            state.report.refused();
        }
        state.outbox.answered(ticket, answer, now, jitter(random));
        let fates = state.settle();
        if Rejections::concern(&fates) {
            state.telling += 1;
            drop(state);
            self.rejections.tell(&fates, now);
            state = self.lock_as_is();
            state.telling -= 1;
        }
        self.change.notify_all();
        state
    }

    fn answer(&self, documents: &[Arc<[u8]>], timeout: Duration) -> Answer {
        let texts: Vec<&[u8]> = documents.iter().map(|json| &**json).collect();
        // A panic would end the thread and leave its documents in a call for ever.
        let call = AssertUnwindSafe(|| self.caller.call(&texts, timeout));
        std::panic::catch_unwind(call).unwrap_or_else(|_| {
            otel_error!(name: "XrayDelivery.Panicked", message = "a call to X-Ray panicked; this is a bug, please report it");
            Answer::Failed(CallError::new(CallErrorKind::Broken, "the call panicked"))
        })
    }

    fn wait_for_work<'s>(&self, mut state: State<'s>, until: Option<Duration>) -> State<'s> {
        state.idle += 1;
        let left = until.map(|until| until.saturating_sub(SystemClock.now()));
        let mut state = match left {
            Some(left) => self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        state.idle -= 1;
        state
    }
}

/// A random number from 0 to 1, from the SDK's generator, which is seeded for each thread.
fn jitter(random: &RandomIdGenerator) -> f64 {
    let [a, b, c, d, ..] = random.new_span_id().to_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
}
