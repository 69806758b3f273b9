//! What is kept about a rule while requests come and go: its quota, its rate, its counters.

use alloc::{boxed::Box, sync::Arc};

use super::{
    BoostCounts, Counts, Rate, Reservoir, Rule, SECOND, Stripe, TargetBoost,
    boost::BoostStatistics,
    statistics::Statistics,
    sync::{AtomicU64, Ordering},
};

/// The answer to "is this request sampled?".
///
/// ```
/// use xray_wire::sampling::{Decision, Rate, Rule, RuleState, Stripe};
///
/// // X-Ray has handed out no quota yet.
/// let state = RuleState::new(&Rule::for_all("orders", 1, 10, Rate::NEVER), 0);
/// let decided = [(); 2].map(|()| state.decide([1; 16], || 0, Stripe::shared(0)));
/// assert_eq!(decided, [Decision::Borrowed, Decision::NotSampled]);
/// assert_eq!(decided.map(Decision::is_sampled), [true, false]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is, as one of the rule's quota.
    Quota,
    /// It is, as the one request a second that a process may sample while it has no quota.
    Borrowed,
    /// It is, by the rule's rate.
    Rate,
    /// It is not.
    NotSampled,
}

impl Decision {
    /// Whether it is sampled.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        !matches!(self, Self::NotSampled)
    }
}

/// What X-Ray wants a process to do for one rule, in answer to a report (X-Ray API reference, `SamplingTargetDocument`).
///
/// ```
/// use xray_wire::sampling::{Rate, Rule, RuleState, Target};
///
/// let state = RuleState::new(&Rule::for_all("orders", 1, 10, Rate::NEVER), 0);
/// let target = Target {
///     rule_name: "orders".into(),
///     fixed_rate: Rate::new(0.25),
///     reservoir_quota: Some(4),
///     reservoir_quota_ttl: Some(1_500_000_010.0),
///     interval: Some(10),
///     boost: None,
/// };
/// state.apply(&target, 0, 1_500_000_000.0);
/// assert_eq!((state.rate().as_f64(), state.quota(0), state.quota(10_000_000_000)), (0.25, Some(4), None));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The rule's name.
    pub rule_name: Box<str>,
    /// The rate, instead of the rule's.
    pub fixed_rate: Option<Rate>,
    /// How many requests a second this process may sample.
    pub reservoir_quota: Option<u32>,
    /// Until when it may, in epoch seconds.
    pub reservoir_quota_ttl: Option<f64>,
    /// Seconds until the next report.
    pub interval: Option<u64>,
    /// A higher rate for a while.
    pub boost: Option<TargetBoost>,
}

/// A rule's quota, rate and counters. Threads decide and count at the same time, without waiting for each other.
///
/// | state | sampled before the rate applies |
/// |---|---|
/// | no quota yet, or none any more | one request a second is borrowed, if the rule has a reservoir |
/// | a quota that holds | as many requests a second as it says |
///
/// Times are in nanoseconds since a fixed start.
///
/// ```
/// use xray_wire::sampling::{Decision, Rate, Rule, RuleState, Stripe};
///
/// // A rule of this process's own: two requests a second, and none of the others.
/// let state = RuleState::local(&Rule::for_all("orders", 1, 2, Rate::NEVER));
/// let (clock, stripe) = (|| 0, Stripe::shared(0));
/// let decided = [(); 3].map(|()| state.decide([1; 16], clock, stripe));
/// assert_eq!(decided, [Decision::Quota, Decision::Quota, Decision::NotSampled]);
/// assert_eq!((state.total().sampled, state.total().not_sampled), (2, 1));
/// ```
#[derive(Debug)]
pub struct RuleState {
    borrows: bool,
    reservoir: Arc<Reservoir>,
    rate: AtomicU64,
    quota: AtomicU64,
    quota_until: AtomicU64,
    boost: AtomicU64,
    boost_until: AtomicU64,
    report_due: AtomicU64,
    report_interval: AtomicU64,
    statistics: Arc<Statistics>,
    boost_statistics: Arc<BoostStatistics>,
}

impl RuleState {
    /// Seconds from one report to the next, and before the first one, unless X-Ray's target says otherwise. All SDKs
    /// have the same.
    pub const REPORT_INTERVAL: u64 = 10;

    /// The longest time between reports in seconds, whatever the target says: X-Ray refreshes rules as often.
    pub const MAX_REPORT_INTERVAL: u64 = 300;

    /// The longest time in seconds that a quota or a boost holds, whatever the target says: a wrong clock must not make it last for ever.
    pub const MAX_QUOTA_SECONDS: f64 = 600.0;

    /// The state of a rule that has just been heard of.
    #[must_use]
    pub fn new(rule: &Rule, now: u64) -> Self {
        let interval = Self::REPORT_INTERVAL * SECOND;
        Self {
            borrows: rule.reservoir_size > 0,
            reservoir: Arc::new(Reservoir::new(rule.reservoir_size)),
            rate: AtomicU64::new(rule.fixed_rate.to_bits()),
            quota: AtomicU64::new(0),
            quota_until: AtomicU64::new(0),
            boost: AtomicU64::new(0),
            boost_until: AtomicU64::new(0),
            report_due: AtomicU64::new(now.saturating_add(interval)),
            report_interval: AtomicU64::new(interval),
            statistics: Arc::new(Statistics::new()),
            boost_statistics: Arc::new(BoostStatistics::new()),
        }
    }

    /// The state of a rule that nobody hands out quotas for: its reservoir is all this process's own.
    #[must_use]
    pub fn local(rule: &Rule) -> Self {
        let state = Self::new(rule, 0);
        if rule.reservoir_size > 0 {
            state.quota.store(rule.reservoir_size.into(), Ordering::Relaxed);
            state.quota_until.store(u64::MAX, Ordering::Relaxed);
        }
        state
    }

    /// The state after the rule was edited: counters and quota stay. A new rate ends what the last target said of it, and
    /// without a reservoir there is no borrowing.
    #[must_use]
    pub(super) fn after_edit(&self, before: &Rule, after: &Rule) -> Self {
        let keep = |value: &AtomicU64| AtomicU64::new(value.load(Ordering::Relaxed));
        let rate = keep(&self.rate);
        if before.fixed_rate != after.fixed_rate {
            rate.store(after.fixed_rate.to_bits(), Ordering::Relaxed);
        }
        // Threads go on asking the old state for a moment: one set of tokens is never granted by both.
        let reservoir = if self.reservoir.has_size(after.reservoir_size) {
            self.reservoir.clone()
        } else {
            Arc::new(self.reservoir.resized(after.reservoir_size))
        };
        Self {
            borrows: after.reservoir_size > 0,
            reservoir,
            rate,
            quota: keep(&self.quota),
            quota_until: keep(&self.quota_until),
            boost: keep(&self.boost),
            boost_until: keep(&self.boost_until),
            report_due: keep(&self.report_due),
            report_interval: keep(&self.report_interval),
            statistics: self.statistics.clone(),
            boost_statistics: self.boost_statistics.clone(),
        }
    }

    /// Decides about one request, and counts it. `clock` tells the time where it matters; `stripe` is the
    /// calling thread's.
    #[inline]
    pub fn decide(&self, trace_id: [u8; 16], clock: impl Fn() -> u64, stripe: Stripe) -> Decision {
        let decision = self.ask(trace_id, clock);
        self.statistics.count(decision, stripe);
        decision
    }

    /// Decides about one request that the rule's statistics shall not know of. It may use up the quota all the same.
    #[inline]
    pub fn ask(&self, trace_id: [u8; 16], clock: impl Fn() -> u64) -> Decision {
        // Before the quota, which was stored before it.
        let quota_until = self.quota_until.load(Ordering::Acquire);
        if quota_until == 0 && !self.borrows && self.boost_until.load(Ordering::Acquire) == 0 {
            return by_rate(self.rate(), trace_id);
        }
        let now = clock();
        if now < quota_until {
            let quota = self.quota.load(Ordering::Relaxed) as u32;
            if self.reservoir.take(quota, now, clock) {
                return Decision::Quota;
            }
        } else if self.borrows && self.reservoir.take(1, now, clock) {
            return Decision::Borrowed;
        }
        by_rate(self.rate_at(now), trace_id)
    }

    /// Counts a decision that came about otherwise, such as by a rule of the process's own.
    pub fn count(&self, decision: Decision, stripe: Stripe) {
        self.statistics.count(decision, stripe);
    }

    /// Does as X-Ray says from now on. `epoch_seconds` is the time of day, by which X-Ray gives the quota's end.
    ///
    /// A target without a quota or without its end leaves an earlier quota as it is. Neither fills or empties the
    /// reservoir.
    pub fn apply(&self, target: &Target, now: u64, epoch_seconds: f64) {
        if let Some(rate) = target.fixed_rate {
            self.rate.store(rate.to_bits(), Ordering::Relaxed);
        }
        if let (Some(quota), Some(ttl)) = (target.reservoir_quota, target.reservoir_quota_ttl) {
            self.quota.store(quota.into(), Ordering::Relaxed);
            self.quota_until.store(deadline(ttl, now, epoch_seconds), Ordering::Release);
        }
        self.apply_boost(target.boost, now, epoch_seconds);
        let interval =
            target.interval.unwrap_or(Self::REPORT_INTERVAL).clamp(1, Self::MAX_REPORT_INTERVAL) * SECOND;
        self.report_interval.store(interval, Ordering::Relaxed);
        self.report_due.store(now.saturating_add(interval), Ordering::Relaxed);
    }

    /// A boost that is not given any more ends; one that is no higher than the rate is none.
    fn apply_boost(&self, boost: Option<TargetBoost>, now: u64, epoch_seconds: f64) {
        match boost.filter(|boost| boost.rate >= self.rate()) {
            Some(boost) => {
                self.boost.store(boost.rate.to_bits(), Ordering::Relaxed);
                self.boost_until.store(deadline(boost.ttl, now, epoch_seconds), Ordering::Release);
            }
            None => self.boost_until.store(0, Ordering::Release),
        }
    }

    /// Counts what a trace of this rule was like.
    pub fn count_boost(&self, counts: BoostCounts) {
        self.boost_statistics.add(counts);
    }

    /// The rate that applies to a request now: the one that X-Ray has raised it to for a while, else the usual one.
    #[must_use]
    #[inline]
    pub fn rate_at(&self, now: u64) -> Rate {
        if now < self.boost_until.load(Ordering::Acquire) {
            Rate::from_bits(self.boost.load(Ordering::Relaxed))
        } else {
            self.rate()
        }
    }

    /// The rate that applies while there is no boost.
    #[must_use]
    #[inline]
    pub fn rate(&self) -> Rate {
        Rate::from_bits(self.rate.load(Ordering::Relaxed))
    }

    /// The quota that holds now, in requests a second; `None` if there is none.
    #[must_use]
    pub fn quota(&self, now: u64) -> Option<u32> {
        let holds = now < self.quota_until.load(Ordering::Acquire);
        holds.then(|| self.quota.load(Ordering::Relaxed) as u32)
    }

    /// All decisions that were counted since the rule was first heard of. Never falls.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.statistics.total()
    }

    /// When the next report is due.
    pub(super) fn report_due(&self) -> u64 {
        self.report_due.load(Ordering::Relaxed)
    }

    /// Puts the next report off by an interval.
    pub(super) fn put_off_report(&self, now: u64) {
        let interval = self.report_interval.load(Ordering::Relaxed);
        self.report_due.store(now.saturating_add(interval), Ordering::Relaxed);
    }

    /// Takes what was counted since the last time.
    pub(super) fn take_counts(&self) -> Counts {
        self.statistics.take()
    }

    /// Takes what was counted of anomalies since the last time.
    pub(super) fn take_boost_counts(&self) -> BoostCounts {
        self.boost_statistics.take()
    }

    /// Takes counts back.
    pub(super) fn give_back(&self, counts: Counts, boost: BoostCounts) {
        self.statistics.give_back(counts);
        self.boost_statistics.add(boost);
    }
}

#[inline]
const fn by_rate(rate: Rate, trace_id: [u8; 16]) -> Decision {
    if rate.samples(trace_id) { Decision::Rate } else { Decision::NotSampled }
}

/// When a time of day has come, on the clock of `now`. A float that is no number is now.
fn deadline(ttl: f64, now: u64, epoch_seconds: f64) -> u64 {
    let seconds = (ttl - epoch_seconds).clamp(0.0, RuleState::MAX_QUOTA_SECONDS);
    now.saturating_add((seconds * SECOND as f64) as u64)
}
