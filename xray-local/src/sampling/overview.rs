//! Everything at a glance: rules with their rates, clients with their grants, who polls.

use serde::Serialize;
use xray_wire::Timestamp;

use super::{
    SECOND, Sampling,
    callers::{Caller, Polled},
    rule::Rule,
    statistics::{Counts, WINDOW_NANOS, per_second},
};
use crate::summary::as_seconds;

/// Rates are those of the last minute.
const RATE_NANOS: u64 = 60 * SECOND;

/// What `/api/sampling` and the page show.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Overview {
    #[serde(serialize_with = "as_seconds")]
    pub(crate) last_rule_modification: Timestamp,
    pub(crate) rules: Vec<RuleRow>,
    pub(crate) clients: Vec<ClientRow>,
    pub(crate) callers: Vec<CallerRow>,
}

/// A rule, and what was reported for it within the last minute.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RuleRow {
    pub(crate) rule: Rule,
    pub(crate) requests_per_second: f64,
    pub(crate) sampled_per_second: f64,
    pub(crate) borrowed_per_second: f64,
    /// Sampled of all requests, from 0 to 1; none without requests.
    pub(crate) sampled_share: Option<f64>,
    pub(crate) clients: usize,
    pub(crate) traces: u64,
    pub(crate) anomalies: u64,
    pub(crate) sampled_anomalies: u64,
    pub(crate) boost_rate: Option<f64>,
}

/// A client under a rule, by its last report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ClientRow {
    pub(crate) rule: String,
    pub(crate) id: String,
    pub(crate) agent: String,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) reported: Timestamp,
    pub(crate) reports: u64,
    pub(crate) last: Counts,
    pub(crate) requests_per_second: f64,
    pub(crate) sampled_per_second: f64,
    /// What it may use at this moment, in requests a second.
    pub(crate) quota: u32,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) quota_until: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CallerRow {
    #[serde(flatten)]
    pub(crate) caller: Caller,
    #[serde(flatten)]
    pub(crate) polled: Polled,
}

impl Sampling {
    pub(crate) fn overview(&self, now: Timestamp) -> Overview {
        let clients = self.statistics.clients().map(|(rule, id, client)| ClientRow {
            rule: rule.to_owned(),
            id: id.as_str().to_owned(),
            agent: client.agent.clone(),
            reported: client.reported,
            reports: client.reports,
            last: client.last,
            requests_per_second: client.demand(),
            sampled_per_second: per_second(client.last.sampled, client.covered_nanos),
            quota: client.outstanding(now),
            quota_until: client.quota_until,
        });
        let callers =
            self.callers.iter().map(|(caller, polled)| CallerRow { caller: caller.clone(), polled: *polled });
        Overview {
            last_rule_modification: self.rules.last_modification(),
            rules: self.rules.iter().map(|rule| self.rule_row(rule, now)).collect(),
            clients: clients.collect(),
            callers: callers.collect(),
        }
    }

    fn rule_row(&self, rule: &Rule, now: Timestamp) -> RuleRow {
        let (counts, nanos) = self.last_minute(&rule.rule_name, now);
        let boost = self.boosts.reported(&rule.rule_name, now);
        RuleRow {
            rule: rule.clone(),
            requests_per_second: per_second(counts.requests, nanos),
            sampled_per_second: per_second(counts.sampled, nanos),
            borrowed_per_second: per_second(counts.borrowed, nanos),
            sampled_share: (counts.requests > 0).then(|| counts.sampled as f64 / counts.requests as f64),
            clients: self.statistics.clients_of(&rule.rule_name).count(),
            traces: boost.traces,
            anomalies: boost.anomalies,
            sampled_anomalies: boost.sampled_anomalies,
            boost_rate: self.boosts.active(rule, now).map(|boost| boost.rate),
        }
    }

    /// The counts of the present window and of the last minute before it, and how long that is.
    fn last_minute(&self, rule: &str, now: Timestamp) -> (Counts, u64) {
        let nanos = RATE_NANOS + now.as_nanos() % WINDOW_NANOS;
        let recent = self.statistics.windows().take_while(|window| now.nanos_since(window.start) <= nanos);
        let counts =
            recent.filter_map(|window| window.rules.get(rule)).fold(Counts::default(), |mut sum, counts| {
                sum.add(*counts);
                sum
            });
        (counts, nanos)
    }
}

const _: () = assert!(RATE_NANOS.is_multiple_of(WINDOW_NANOS), "a rate is that of whole windows");
