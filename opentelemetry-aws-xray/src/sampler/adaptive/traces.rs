//! What became known of each trace, so that its anomalies count once.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::TraceId;
use xray_wire::sampling::BoostCounts;

use super::anomaly::Anomaly;
use crate::recent::Recent;

/// Traces that are remembered at most, as many as AWS's agents remember. Costs some 5 MB when full.
const MAX_TRACES: usize = 100_000;

/// A trace of which nothing ended for so long is a new one, as for AWS's agents.
const LIFETIME: Duration = Duration::from_secs(600);

/// Threads that look at different traces most often use different parts.
const SHARDS: usize = 16;

/// What the last traces were marked for. The older half of each shard is forgotten when it is full; a trace whose spans still
/// come is among the younger.
pub(super) struct Traces {
    shards: [Mutex<Recent<Known>>; SHARDS],
}

#[derive(Debug, Clone, Copy)]
struct Known {
    marks: Anomaly,
    /// When its last span ended, in seconds of the sampler's clock.
    seen_at: u32,
}

/// A span that has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) trace: TraceId,
    pub(super) is_sampled: bool,
    pub(super) anomaly: Anomaly,
    /// Whether it has a rule that X-Ray may boost.
    pub(super) has_boost: bool,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    pub(super) counts: BoostCounts,
    pub(super) is_captured: bool,
}

impl Traces {
    pub(super) fn new() -> Self {
        // Each remembers up to twice of what it is told.
        Self { shards: std::array::from_fn(|_| Mutex::new(Recent::new(MAX_TRACES / SHARDS / 2))) }
    }

    /// Marks the trace of a span that ends `now`, and says what is new. `may_capture` is asked once for each trace that is to be captured,
    /// while it may not be.
    pub(super) fn observe(&self, span: Ended, now: Duration, may_capture: impl FnOnce() -> bool) -> Outcome {
        let [.., low] = span.trace.to_bytes();
        let Some(shard) = self.shards.get(usize::from(low) % SHARDS) else { return Outcome::default() };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        // 136 years fit.
        let seen_at = now.as_secs() as u32;
        let is_alive = |known: &Known| u64::from(seen_at.abs_diff(known.seen_at)) < LIFETIME.as_secs();
        let known = shard.find(span.trace).filter(is_alive).map(|known| known.marks);
        let (outcome, marks) = observe(span, known, may_capture);
        shard.remember(span.trace, Known { marks, seen_at });
        outcome
    }
}

fn observe(span: Ended, known: Option<Anomaly>, may_capture: impl FnOnce() -> bool) -> (Outcome, Anomaly) {
    let mut marks = known.unwrap_or_default();
    let mut counts = BoostCounts::default();
    if span.has_boost {
        counts.traces = u64::from(known.is_none());
        if span.anomaly.boost && !marks.boost {
            marks.boost = true;
            counts.anomalies = 1;
            counts.sampled_anomalies = u64::from(span.is_sampled);
        }
    }
    marks.capture = marks.capture || (span.anomaly.capture && !span.is_sampled && may_capture());
    (Outcome { counts, is_captured: marks.capture && !span.is_sampled }, marks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    fn span(trace: u128, anomaly: (bool, bool), is_sampled: bool, has_boost: bool) -> Ended {
        let (boost, capture) = anomaly;
        Ended { trace: TraceId::from(trace), is_sampled, anomaly: Anomaly { boost, capture }, has_boost }
    }

    #[test]
    fn a_trace_counts_once_and_is_captured_from_its_first_anomaly() {
        const NONE: (bool, bool) = (false, false);
        const BOTH: (bool, bool) = (true, true);
        let traces = Traces::new();
        for (step, (trace, anomaly, is_sampled, has_boost, counts, is_captured)) in [
            (1, NONE, false, true, (1, 0, 0), false),
            (1, BOTH, false, true, (0, 1, 0), true),
            (1, BOTH, false, true, (0, 0, 0), true),
            (1, NONE, false, true, (0, 0, 0), true),
            (1, NONE, true, true, (0, 0, 0), false),
            (2, BOTH, true, true, (1, 1, 1), false),
            (3, BOTH, false, false, (0, 0, 0), true),
            (4, (true, false), false, true, (1, 1, 0), false),
            (5, (false, true), false, true, (1, 0, 0), true),
        ]
        .into_iter()
        .enumerate()
        {
            let outcome = traces.observe(span(trace, anomaly, is_sampled, has_boost), NOW, || true);
            let (traces, anomalies, sampled_anomalies) = counts;
            let counts = BoostCounts { traces, anomalies, sampled_anomalies };
            assert_eq!(outcome, Outcome { counts, is_captured }, "step {step}");
        }
        // The limit is asked for new traces only, and again if it said no.
        assert!(traces.observe(span(1, BOTH, false, true), NOW, || panic!("asked")).is_captured);
        assert!(!traces.observe(span(6, BOTH, false, true), NOW, || false).is_captured);
        assert!(traces.observe(span(6, BOTH, false, true), NOW, || true).is_captured);
    }

    #[test]
    fn a_trace_is_forgotten_ten_minutes_after_its_last_span() {
        let traces = Traces::new();
        for (at, expected) in [(0, 1), (599, 0), (1_198, 0), (1_798, 1)] {
            let outcome =
                traces.observe(span(1, (true, false), false, true), Duration::from_secs(at), || false);
            assert_eq!((outcome.counts.traces, outcome.counts.anomalies), (expected, expected), "{at} s");
        }
    }

    proptest! {
        #[test]
        fn no_trace_counts_twice(
            spans in prop::collection::vec((1..20_u128, any::<(bool, bool)>(), any::<bool>(), any::<bool>()), 0..200),
        ) {
            let traces = Traces::new();
            let mut seen = std::collections::HashMap::<u128, BoostCounts>::new();
            for (trace, anomaly, is_sampled, has_boost) in spans {
                let counts = traces.observe(span(trace, anomaly, is_sampled, has_boost), NOW, || true).counts;
                let sum = seen.entry(trace).or_default();
                sum.traces += counts.traces;
                sum.anomalies += counts.anomalies;
                sum.sampled_anomalies += counts.sampled_anomalies;
                prop_assert!(sum.traces <= 1 && sum.anomalies <= 1 && sum.sampled_anomalies <= sum.anomalies);
            }
        }
    }
}
