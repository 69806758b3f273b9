//! Who polls, and when.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Serialize;
use xray_wire::Timestamp;

use crate::summary::as_seconds;

/// Callers that are remembered; beyond them the most silent one goes.
const MAX_CALLERS: usize = 200;

/// Characters of a `User-Agent` that are kept.
const MAX_AGENT_CHARS: usize = 120;

/// Where a call comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Caller {
    pub(crate) address: IpAddr,
    pub(crate) agent: String,
}

/// How often an operation was called, and when it last was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Polls {
    pub(crate) calls: u64,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) last: Timestamp,
}

/// The polls of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Polled {
    pub(crate) rules: Polls,
    pub(crate) targets: Polls,
}

/// All callers.
#[derive(Debug, Default)]
pub(crate) struct Callers(BTreeMap<Caller, Polled>);

impl Caller {
    pub(crate) fn new(address: IpAddr, agent: &str) -> Self {
        Self { address, agent: agent.chars().take(MAX_AGENT_CHARS).collect() }
    }
}

impl Polls {
    fn count(&mut self, now: Timestamp) {
        *self = Self { calls: self.calls + 1, last: now };
    }
}

impl Polled {
    fn latest(&self) -> Timestamp {
        self.rules.last.max(self.targets.last)
    }
}

impl Callers {
    pub(crate) fn polled_rules(&mut self, caller: &Caller, now: Timestamp) {
        self.of(caller).rules.count(now);
    }

    pub(crate) fn polled_targets(&mut self, caller: &Caller, now: Timestamp) {
        self.of(caller).targets.count(now);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Caller, &Polled)> {
        self.0.iter()
    }

    fn of(&mut self, caller: &Caller) -> &mut Polled {
        if self.0.len() >= MAX_CALLERS && !self.0.contains_key(caller) {
            let silent = self.0.iter().min_by_key(|(_, polled)| polled.latest()).map(|(key, _)| key.clone());
            silent.and_then(|key| self.0.remove(&key));
        }
        self.0.entry(caller.clone()).or_default()
    }
}
