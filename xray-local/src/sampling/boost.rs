//! Boosts: when anomalies would be missed, the rate of a rule rises for a minute.
//!
//! X-Ray tells how a boost ends (up to one minute, then the cooldown window of the rule) and what it aims at (the
//! least rate that captures the anomalies, at most `MaxRate`; none if the usual rate captures enough), but not
//! its numbers (X-Ray developer guide, Configuring adaptive sampling). They are chosen here so that it can be seen at
//! work within seconds.

use std::collections::{BTreeMap, VecDeque};

use xray_wire::Timestamp;

use super::{
    SECOND,
    rule::{Boost, Rule},
};

/// How long a boost lasts, and how far back reports are looked at for its rate.
const BOOST_NANOS: u64 = 60 * SECOND;

/// Anomalies that one wants to see within a minute.
const WANTED_ANOMALIES: f64 = 10.0;

/// Reports of one rule that are looked at; a flood replaces the oldest.
const MAX_REPORTS: usize = 1_000;

/// Traces that belong to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BoostCounts {
    pub(crate) traces: u64,
    pub(crate) anomalies: u64,
    pub(crate) sampled_anomalies: u64,
}

/// A rate that holds until then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ActiveBoost {
    pub(crate) rate: f64,
    pub(crate) until: Timestamp,
}

/// What was reported and is boosted, by rule.
#[derive(Debug, Default)]
pub(crate) struct Boosts(BTreeMap<String, RuleBoost>);

#[derive(Debug, Default)]
struct RuleBoost {
    reports: VecDeque<(Timestamp, BoostCounts)>,
    /// The last one, which may be over.
    last: Option<ActiveBoost>,
    last_began: Timestamp,
}

impl Boosts {
    /// Takes a report in, and begins a boost if it gives cause to one.
    pub(crate) fn take(&mut self, rule: &Rule, counts: BoostCounts, now: Timestamp) {
        let Some(limits) = rule.sampling_rate_boost else { return };
        let state = self.0.entry(rule.rule_name.clone()).or_default();
        state.reports.push_back((now, counts));
        while state.reports.len() > MAX_REPORTS
            || state.reports.front().is_some_and(|(came, _)| !is_recent(*came, now))
        {
            state.reports.pop_front();
        }
        let last_minute = state.last_minute(now);
        if state.may_begin(limits, now)
            && let Some(rate) = wanted_rate(last_minute, rule.fixed_rate, limits.max_rate)
        {
            let until = Timestamp::from_nanos(now.as_nanos().saturating_add(BOOST_NANOS));
            state.last = Some(ActiveBoost { rate, until });
            state.last_began = now;
        }
    }

    /// The boost of a rule, if there is one now.
    pub(crate) fn active(&self, rule: &Rule, now: Timestamp) -> Option<ActiveBoost> {
        let limits = rule.sampling_rate_boost?;
        let boost = self.0.get(&rule.rule_name)?.last?;
        let boost = ActiveBoost { rate: boost.rate.min(limits.max_rate), ..boost };
        (boost.until > now && boost.rate > rule.fixed_rate).then_some(boost)
    }

    /// What was reported for a rule within the last minute.
    pub(crate) fn reported(&self, rule: &str, now: Timestamp) -> BoostCounts {
        self.0.get(rule).map(|state| state.last_minute(now)).unwrap_or_default()
    }

    pub(crate) fn forget_rule(&mut self, rule: &str) {
        self.0.remove(rule);
    }
}

impl RuleBoost {
    fn last_minute(&self, now: Timestamp) -> BoostCounts {
        let recent = self.reports.iter().filter(|(came, _)| is_recent(*came, now));
        recent.fold(BoostCounts::default(), |sum, (_, counts)| BoostCounts {
            traces: sum.traces.saturating_add(counts.traces),
            anomalies: sum.anomalies.saturating_add(counts.anomalies),
            sampled_anomalies: sum.sampled_anomalies.saturating_add(counts.sampled_anomalies),
        })
    }

    /// One boost in a cooldown window, and never two at once.
    fn may_begin(&self, limits: Boost, now: Timestamp) -> bool {
        let cooldown_nanos = u64::from(limits.cooldown_window_minutes) * 60 * SECOND;
        self.last.is_none() || now.nanos_since(self.last_began) >= cooldown_nanos.max(BOOST_NANOS)
    }
}

fn is_recent(came: Timestamp, now: Timestamp) -> bool {
    now.nanos_since(came) < BOOST_NANOS
}

/// The least rate with which enough anomalies are seen if the next minute is like the last; `None` if they are seen
/// as it is.
fn wanted_rate(last_minute: BoostCounts, fixed_rate: f64, max_rate: f64) -> Option<f64> {
    let BoostCounts { anomalies, sampled_anomalies, .. } = last_minute;
    if anomalies == 0 || sampled_anomalies as f64 >= WANTED_ANOMALIES || sampled_anomalies >= anomalies {
        return None;
    }
    let rate = (WANTED_ANOMALIES / anomalies as f64).min(max_rate);
    (rate > fixed_rate).then_some(rate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * SECOND)
    }

    fn rule(max_rate: f64, cooldown_window_minutes: u32) -> Rule {
        let boost = Boost { max_rate, cooldown_window_minutes };
        Rule { sampling_rate_boost: Some(boost), ..Rule::default_rule() }
    }

    fn anomalies(anomalies: u64, sampled_anomalies: u64) -> BoostCounts {
        BoostCounts { traces: 1_000, anomalies, sampled_anomalies }
    }

    #[test]
    fn the_rate_is_the_least_that_shows_enough() {
        for (anomalous, sampled, max_rate, expected) in [
            (0, 0, 1.0, None),
            (100, 5, 1.0, Some(0.1)),
            (40, 2, 1.0, Some(0.25)),
            (40, 2, 0.2, Some(0.2)),
            (3, 0, 1.0, Some(1.0)),
            (3, 3, 1.0, None),
            (100, 10, 1.0, None),
            (100, 0, 0.05, None),
            (10_000, 5, 1.0, None),
        ] {
            let found = wanted_rate(anomalies(anomalous, sampled), 0.05, max_rate);
            assert_eq!(found, expected, "{sampled} of {anomalous} up to {max_rate}");
        }
    }

    #[test]
    fn a_boost_lasts_a_minute_and_begins_once_in_a_window() {
        let rule = rule(0.5, 10);
        let mut boosts = Boosts::default();
        let mut boosted = Vec::new();
        for second in (1_000..2_300).step_by(10) {
            boosts.take(&rule, anomalies(4, 0), at(second));
            if boosts.active(&rule, at(second)).is_some() {
                boosted.push(second);
            }
        }
        let expected: Vec<u64> =
            [1_000, 1_600, 2_200].iter().flat_map(|start| (0..6).map(move |ten| start + 10 * ten)).collect();
        assert_eq!(boosted, expected);
    }

    #[test]
    fn a_rule_without_a_boost_has_none() {
        let (with, without) = (rule(1.0, 0), Rule::default_rule());
        let mut boosts = Boosts::default();
        boosts.take(&without, anomalies(9, 0), at(1));
        assert_eq!(boosts.reported("Default", at(1)), BoostCounts::default());
        boosts.take(&with, anomalies(9, 0), at(1));
        assert_eq!(boosts.active(&with, at(2)), Some(ActiveBoost { rate: 1.0, until: at(61) }));
        assert_eq!(boosts.active(&without, at(2)), None, "changed meanwhile");
        assert_eq!(boosts.active(&rule(0.3, 0), at(2)).unwrap().rate, 0.3, "lowered meanwhile");
        assert_eq!(boosts.reported("Default", at(60)), anomalies(9, 0));
        assert_eq!(boosts.reported("Default", at(61)), BoostCounts::default());
    }

    proptest! {
        #[test]
        fn a_boost_lies_between_the_rates(
            found in 0_u64..100_000,
            sampled in 0_u64..100_000,
            fixed_rate in 0.0..=1.0_f64,
            max_rate in 0.0..=1.0_f64,
        ) {
            if let Some(rate) = wanted_rate(anomalies(found, sampled), fixed_rate, max_rate) {
                prop_assert!(rate > fixed_rate && rate <= max_rate);
            }
        }
    }
}
