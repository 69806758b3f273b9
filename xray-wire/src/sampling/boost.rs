//! Adaptive sampling: rates that X-Ray raises for a while, when it hears that something is wrong.

use super::{
    Rate,
    sync::{AtomicU64, Ordering},
};

/// How far X-Ray may raise a rule's rate (X-Ray API reference, `SamplingRateBoost`).
///
/// ```
/// use xray_wire::sampling::{Boost, Rate, Rule};
///
/// let boost = Boost { max_rate: Rate::ALWAYS, cooldown_minutes: 10, default_detection: true };
/// let rule = Rule { boost: Some(boost), ..Rule::for_all("payments", 1, 1, Rate::NEVER) };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boost {
    /// The highest rate.
    pub max_rate: Rate,
    /// How many minutes X-Ray waits between two boosts.
    pub cooldown_minutes: u32,
    /// Whether faults are anomalies unless the process has conditions of its own. X-Ray's rules may turn that off.
    pub default_detection: bool,
}

/// A rate that holds until a time (X-Ray API reference, `SamplingBoost`).
///
/// ```
/// use xray_wire::sampling::{Rate, Rule, RuleState, Target, TargetBoost};
///
/// const SECOND: u64 = 1_000_000_000;
/// let state = RuleState::new(&Rule::for_all("payments", 1, 0, Rate::NEVER), 0);
/// let boost = TargetBoost { rate: Rate::ALWAYS, ttl: 1_500_000_060.0 };
/// let target = Target {
///     rule_name: "payments".into(),
///     fixed_rate: None,
///     reservoir_quota: None,
///     reservoir_quota_ttl: None,
///     interval: None,
///     boost: Some(boost),
/// };
/// state.apply(&target, 0, 1_500_000_000.0);
/// assert_eq!((state.rate_at(59 * SECOND), state.rate_at(60 * SECOND)), (Rate::ALWAYS, Rate::NEVER));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetBoost {
    /// The rate, instead of the target's.
    pub rate: Rate,
    /// Until when, in epoch seconds.
    pub ttl: f64,
}

/// What a rule's traces were like in some time.
///
/// ```
/// use xray_wire::sampling::{BoostCounts, Rate, Rule, RuleState};
///
/// // A trace with an anomaly has ended, and was not sampled.
/// let state = RuleState::new(&Rule::for_all("payments", 1, 0, Rate::NEVER), 0);
/// state.count_boost(BoostCounts { traces: 1, anomalies: 1, sampled_anomalies: 0 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BoostCounts {
    /// All traces, sampled or not.
    pub traces: u64,
    /// Those with an anomaly.
    pub anomalies: u64,
    /// Those with an anomaly of which a span was sampled that showed it.
    pub sampled_anomalies: u64,
}

/// Counters of [`BoostCounts`]. They are counted once in a trace, so one set will do.
#[derive(Debug)]
pub(super) struct BoostStatistics {
    traces: AtomicU64,
    anomalies: AtomicU64,
    sampled_anomalies: AtomicU64,
}

impl BoostStatistics {
    pub(super) fn new() -> Self {
        Self { traces: AtomicU64::new(0), anomalies: AtomicU64::new(0), sampled_anomalies: AtomicU64::new(0) }
    }

    pub(super) fn add(&self, counts: BoostCounts) {
        // All traces first, and the most special last: whoever takes them in between sees no part above its whole.
        for (counter, count) in [
            (&self.traces, counts.traces),
            (&self.anomalies, counts.anomalies),
            (&self.sampled_anomalies, counts.sampled_anomalies),
        ] {
            if count > 0 {
                counter.fetch_add(count, Ordering::AcqRel);
            }
        }
    }

    /// Takes what was counted so far: each is in exactly one answer. X-Ray is told of anomalies among traces, so those of
    /// traces that it knows already wait for the next one.
    pub(super) fn take(&self) -> BoostCounts {
        if self.traces.load(Ordering::Acquire) == 0 {
            return BoostCounts::default();
        }
        let sampled_anomalies = self.sampled_anomalies.swap(0, Ordering::AcqRel);
        let anomalies = self.anomalies.swap(0, Ordering::AcqRel);
        BoostCounts { traces: self.traces.swap(0, Ordering::AcqRel), anomalies, sampled_anomalies }
    }
}
