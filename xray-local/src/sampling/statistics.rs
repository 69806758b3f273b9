//! What clients report: who they are, how much they see, what they were granted.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use xray_wire::Timestamp;

use super::{
    SECOND,
    history::{History, Reported},
};

/// How long the counts of a window are kept apart: what clients report at once.
pub(crate) const WINDOW_NANOS: u64 = 10 * SECOND;

/// Windows that are kept: ten minutes.
const MAX_WINDOWS: usize = 60;

/// A client that has been silent for so long is forgotten.
const FORGET_NANOS: u64 = 600 * SECOND;

/// Clients of all rules that are remembered; beyond them the most silent one goes.
const MAX_CLIENTS: usize = 10_000;

/// A first report covers a time that nobody tells: the interval that clients start with.
const FIRST_REPORT_NANOS: u64 = 10 * SECOND;

/// Reports that follow each other faster would make demand look like a storm.
const MIN_REPORT_NANOS: u64 = SECOND;

/// A client's id: 24 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct ClientId(String);

/// Requests that matched a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) sampled: u64,
    pub(crate) borrowed: u64,
}

/// A client under a rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Client {
    /// When it last reported.
    pub(crate) reported: Timestamp,
    /// The time that the last report covers.
    pub(crate) covered_nanos: u64,
    /// Its last report.
    pub(crate) last: Counts,
    pub(crate) reports: u64,
    /// What it was granted, in requests a second, and until when.
    pub(crate) quota: u32,
    pub(crate) quota_until: Timestamp,
    /// Its `User-Agent`.
    pub(crate) agent: String,
    pub(super) history: History,
}

/// The counts of all clients of a rule within ten seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) rules: BTreeMap<String, Counts>,
}

/// The clients by rule, and the counts by time.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    clients: BTreeMap<(String, ClientId), Client>,
    /// The earliest first.
    windows: VecDeque<Window>,
}

impl ClientId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.sampled = self.sampled.saturating_add(other.sampled);
        self.borrowed = self.borrowed.saturating_add(other.borrowed);
    }
}

impl Client {
    /// Requests a second, by its last report.
    pub(crate) fn demand(&self) -> f64 {
        per_second(self.last.requests, self.covered_nanos)
    }

    /// What it may still use of a grant.
    pub(crate) fn outstanding(&self, now: Timestamp) -> u32 {
        if self.quota_until > now { self.quota } else { 0 }
    }
}

impl Statistics {
    /// Takes a report in.
    pub(crate) fn take(&mut self, rule: &str, id: &ClientId, counts: Counts, agent: &str, now: Timestamp) {
        let key = (rule.to_owned(), id.clone());
        let known = self.clients.remove(&key);
        let covered_nanos =
            known.as_ref().map_or(FIRST_REPORT_NANOS, |known| now.nanos_since(known.reported));
        let mut client = Client {
            reported: now,
            covered_nanos: covered_nanos.max(MIN_REPORT_NANOS),
            last: counts,
            reports: known.as_ref().map_or(0, |known| known.reports) + 1,
            quota: known.as_ref().map_or(0, |known| known.quota),
            quota_until: known.as_ref().map_or(Timestamp::EPOCH, |known| known.quota_until),
            agent: agent.to_owned(),
            history: known.map(|known| known.history).unwrap_or_default(),
        };
        client.history.push(Reported { at: now, covered_nanos: client.covered_nanos, counts });
        self.clients.insert(key, client);
        self.count(rule, counts, now);
        self.forget(now);
    }

    /// Notes what a client was granted.
    pub(crate) fn grant(&mut self, rule: &str, id: &ClientId, quota: u32, until: Timestamp) {
        if let Some(client) = self.clients.get_mut(&(rule.to_owned(), id.clone())) {
            (client.quota, client.quota_until) = (quota, until);
        }
    }

    /// A rule was deleted: its clients start anew should one of that name come again.
    pub(crate) fn forget_rule(&mut self, rule: &str) {
        self.clients.retain(|(other, _), _| other != rule);
    }

    /// The clients of a rule.
    pub(crate) fn clients_of<'a>(
        &'a self,
        rule: &'a str,
    ) -> impl Iterator<Item = (&'a ClientId, &'a Client)> {
        self.clients().filter(move |(other, ..)| *other == rule).map(|(_, id, client)| (id, client))
    }

    /// Rule, id and client.
    pub(crate) fn clients(&self) -> impl Iterator<Item = (&str, &ClientId, &Client)> {
        self.clients.iter().map(|((rule, id), client)| (rule.as_str(), id, client))
    }

    /// The windows, the latest first.
    pub(crate) fn windows(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().rev()
    }

    fn count(&mut self, rule: &str, counts: Counts, now: Timestamp) {
        let start = Timestamp::from_nanos(now.as_nanos() - now.as_nanos() % WINDOW_NANOS);
        // A clock that goes back adds to the latest window.
        if self.windows.back().is_none_or(|latest| latest.start < start) {
            self.windows.push_back(Window { start, rules: BTreeMap::new() });
        }
        while self.windows.len() > MAX_WINDOWS {
            self.windows.pop_front();
        }
        if let Some(latest) = self.windows.back_mut() {
            latest.rules.entry(rule.to_owned()).or_default().add(counts);
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.clients.retain(|_, client| now.nanos_since(client.reported) < FORGET_NANOS);
        while self.clients.len() > MAX_CLIENTS {
            let silent = self.clients.iter().min_by_key(|(_, client)| client.reported);
            let Some(key) = silent.map(|(key, _)| key.clone()) else { return };
            self.clients.remove(&key);
        }
    }
}

pub(crate) fn per_second(count: u64, nanos: u64) -> f64 {
    count as f64 * SECOND as f64 / nanos.max(1) as f64
}
