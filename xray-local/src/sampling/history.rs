//! What clients reported lately, for charts.

use std::collections::VecDeque;

use xray_wire::Timestamp;

use super::{SECOND, Sampling, statistics::Counts};

/// How far back a history goes.
pub(crate) const HISTORY_NANOS: u64 = 300 * SECOND;

/// Reports of one client under one rule that are kept: those of five minutes at the usual interval of ten seconds, and two
/// for intervals that are a little shorter.
const MAX_REPORTS: usize = 32;

/// Clients of a rule that a history tells of. More lines than these can't be told apart.
const MAX_CLIENTS: usize = 6;

/// One report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported {
    /// When it came.
    pub(crate) at: Timestamp,
    /// The time before that it covers.
    pub(crate) covered_nanos: u64,
    pub(crate) counts: Counts,
}

/// The last reports of a client under a rule, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct History(VecDeque<Reported>);

/// The clients of a rule that sent it the most requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleHistory {
    pub(crate) rule: String,
    /// By id, so that each keeps its place.
    pub(crate) clients: Vec<ClientHistory>,
    /// How many more there are.
    pub(crate) others: usize,
}

/// What a client reported for a rule within [`HISTORY_NANOS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientHistory {
    pub(crate) id: String,
    /// Its `User-Agent`.
    pub(crate) agent: String,
    /// The earliest first.
    pub(crate) reports: Vec<Reported>,
}

impl History {
    pub(super) fn push(&mut self, reported: Reported) {
        if self.0.len() >= MAX_REPORTS {
            self.0.pop_front();
        }
        self.0.push_back(reported);
    }

    fn recent(&self, now: Timestamp) -> Vec<Reported> {
        self.0.iter().filter(|reported| now.nanos_since(reported.at) < HISTORY_NANOS).copied().collect()
    }
}

impl ClientHistory {
    fn requests(&self) -> u64 {
        self.reports.iter().fold(0, |sum, reported| sum.saturating_add(reported.counts.requests))
    }
}

impl Sampling {
    /// What was reported for each rule that somebody reported for, in the order of the rules.
    pub(crate) fn history(&self, now: Timestamp) -> Vec<RuleHistory> {
        let histories = self.rules.iter().map(|rule| self.history_of(&rule.rule_name, now));
        histories.filter(|history| !history.clients.is_empty()).collect()
    }

    fn history_of(&self, rule: &str, now: Timestamp) -> RuleHistory {
        let clients = self.statistics.clients_of(rule).map(|(id, client)| ClientHistory {
            id: id.as_str().to_owned(),
            agent: client.agent.clone(),
            reports: client.history.recent(now),
        });
        let mut clients: Vec<_> = clients.filter(|client| !client.reports.is_empty()).collect();
        let others = clients.len().saturating_sub(MAX_CLIENTS);
        clients.sort_by_cached_key(|client| std::cmp::Reverse(client.requests()));
        clients.truncate(MAX_CLIENTS);
        clients.sort_by(|one, other| one.id.cmp(&other.id));
        RuleHistory { rule: rule.to_owned(), clients, others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{statistics::ClientId, targets::INTERVAL_SECONDS};

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * SECOND)
    }

    fn report(sampling: &mut Sampling, rule: &str, client: u64, requests: u64, second: u64) {
        let id = ClientId::parse(&format!("{client:024x}")).unwrap();
        let counts = Counts { requests, sampled: 1, borrowed: 0 };
        sampling.statistics.take(rule, &id, counts, "agent", at(second));
    }

    #[test]
    fn the_last_five_minutes_are_there_without_a_gap() {
        let mut sampling = Sampling::new(100, at(0));
        for second in (1_000..2_000).step_by(INTERVAL_SECONDS as usize) {
            report(&mut sampling, "Default", 1, second, second);
        }
        let [history] = sampling.history(at(2_000)).try_into().unwrap();
        let reports = &history.clients[0].reports;
        assert_eq!((reports.len(), reports[0].at, reports[28].counts.requests), (29, at(1_710), 1_990));
        assert!(reports.windows(2).all(|pair| pair[1].at.nanos_since(pair[0].at) == pair[1].covered_nanos));
        assert_eq!(sampling.history(at(2_290)), [], "all of it is old");
    }

    #[test]
    fn of_many_clients_the_busiest_are_shown_by_id() {
        let mut sampling = Sampling::new(100, at(0));
        for client in 1..=9 {
            report(&mut sampling, "Default", client, 100 * (client % 5), 1_000);
        }
        let [history] = sampling.history(at(1_001)).try_into().unwrap();
        let ids: Vec<_> = history.clients.iter().map(|client| client.id.trim_start_matches('0')).collect();
        assert_eq!((ids, history.others), (vec!["2", "3", "4", "7", "8", "9"], 3));
    }

    #[test]
    fn a_hasty_client_takes_no_more_room() {
        let mut sampling = Sampling::new(100, at(0));
        (1_000..1_100).for_each(|second| report(&mut sampling, "Default", 1, 5, second));
        assert_eq!(sampling.history(at(1_100))[0].clients[0].reports.len(), MAX_REPORTS);
    }
}
