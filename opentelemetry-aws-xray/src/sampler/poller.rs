//! The sampler's thread: started by the first decision, ended with the last sampler.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use opentelemetry::{Context, otel_warn};

use super::{
    control::{Control, Moment},
    published::Published,
    random,
};
use crate::clock::{Clock, epoch};

/// The shortest time between two looks at what is due: a coarse clock may say that it is not yet due.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// The longest that a shutdown waits for the last report.
const LAST_REPORT: Duration = Duration::from_secs(1);

/// A thread that is started once, if at all, and never after a stop.
#[derive(Debug)]
pub(super) struct Poller {
    is_started: AtomicBool,
    control: Mutex<Option<Control>>,
    published: Arc<Published>,
    clock: Arc<dyn Clock>,
    signal: Arc<Signal>,
}

/// What a thread that waits is told.
#[derive(Debug, Default)]
pub(super) struct Signal {
    told: Mutex<Told>,
    news: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct Told {
    stop: bool,
    refresh: bool,
    /// By the thread itself: that there is one.
    is_running: bool,
    /// By the thread itself: that there was one.
    has_ended: bool,
}

impl Poller {
    pub(super) fn new(control: Control, published: Arc<Published>, clock: Arc<dyn Clock>) -> Self {
        Self {
            is_started: AtomicBool::new(false),
            control: Mutex::new(Some(control)),
            published,
            clock,
            signal: Arc::default(),
        }
    }

    pub(super) fn signal(&self) -> Arc<Signal> {
        self.signal.clone()
    }

    /// Starts the thread, unless that was done before.
    #[inline]
    pub(super) fn start(&self) {
        if !self.is_started.load(Ordering::Relaxed) {
            self.start_once();
        }
    }

    #[cold]
    fn start_once(&self) {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.is_started.store(true, Ordering::Relaxed);
        let Some(control) = control else { return };
        if !self.signal.start() {
            return;
        }
        let ended = End { published: self.published.clone(), signal: self.signal.clone() };
        let (clock, signal) = (self.clock.clone(), self.signal.clone());
        let thread = thread::Builder::new().name("xray-sampler".to_owned());
        let started = thread.spawn(move || {
            let _ended = ended;
            run(control, &*clock, &signal);
        });
        if let Err(error) = started {
            otel_warn!(
                name: "XraySampler.NoThread",
                error = error.to_string(),
                message = "the thread that fetches sampling rules can't be started; the fallback decides"
            );
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.signal.stop();
    }
}

fn run(mut control: Control, clock: &dyn Clock, signal: &Signal) {
    // Our own calls are nobody's spans.
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    let mut wait = Duration::ZERO;
    loop {
        let told = signal.wait(wait);
        if told.stop {
            return control.report_rest(moment(clock));
        }
        if told.refresh {
            control.refresh();
        }
        let due = control.step(moment(clock));
        wait = Duration::from_nanos(due.saturating_sub(nanos(clock))).max(SHORTEST_WAIT);
    }
}

fn moment(clock: &dyn Clock) -> Moment {
    let epoch_millis = u64::try_from(epoch().as_millis()).unwrap_or(u64::MAX);
    Moment { nanos: nanos(clock), epoch_millis, random: random() }
}

/// The time on the sampler's clock.
#[inline]
pub(super) fn nanos(clock: &dyn Clock) -> u64 {
    let now = clock.now_coarse();
    // Without the 128 bits of `as_nanos`; 584 years fit.
    now.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.subsec_nanos()))
}

/// The end of the thread, for whatever reason: rules that nobody renews any more are not followed for ever.
struct End {
    published: Arc<Published>,
    signal: Arc<Signal>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.published.publish(None);
        self.signal.tell(|told| (told.is_running, told.has_ended) = (false, true));
    }
}

impl Signal {
    /// Says that there is a thread, unless it was stopped before.
    fn start(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.is_running = !told.stop;
        told.is_running
    }

    /// Whether there is no thread any more, and will be none.
    pub(super) fn has_ended(&self) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.has_ended || told.stop && !told.is_running
    }

    pub(super) fn stop(&self) {
        self.tell(|told| told.stop = true);
    }

    /// Stops the thread and waits until it has sent its last report, as far as that can be expected.
    pub(super) fn stop_and_wait(&self) {
        self.stop();
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let _told = self.news.wait_timeout_while(told, LAST_REPORT, |told| told.is_running);
    }

    pub(super) fn refresh(&self) {
        self.tell(|told| told.refresh = true);
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_all();
    }

    fn wait(&self, timeout: Duration) -> Told {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing_new = |told: &mut Told| !told.stop && !told.refresh;
        let (mut told, _) =
            self.news.wait_timeout_while(told, timeout, nothing_new).unwrap_or_else(PoisonError::into_inner);
        let now = *told;
        told.refresh = false;
        now
    }
}
