//! What has happened up to a moment.

use std::{fmt, time::Duration};

use crate::{OrdersRule, Route};

/// Counts from the start up to a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The time since the start.
    pub at: Duration,
    /// What each instance has decided, by route.
    pub rows: Vec<Row>,
    /// The rule for orders as it was last set.
    pub orders: OrdersRule,
    /// The rate of that rule as the instances know it, from 0 to 1; `None` before they know it.
    pub rates_known: [Option<f64>; 2],
    /// The instances by name, and the ids by which X-Ray knows them; `None` before their first report.
    pub clients: [(&'static str, Option<String>); 2],
}

/// A route, as one instance has decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The route.
    pub route: Route,
    /// The instance's name.
    pub instance: &'static str,
    /// Requests so far.
    pub requests: u64,
    /// Of these, requests that were sampled.
    pub sampled: u64,
    /// Of these, requests that were borrowed, as far as X-Ray was told. `None` before the first report, and if it is no
    /// rule that decides.
    pub borrowed: Option<u64>,
    /// How many requests a second X-Ray lets this instance sample; `None` without a quota.
    pub quota: Option<u32>,
    /// What has decided.
    pub decided_by: DecidedBy,
}

/// What has decided about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecidedBy {
    /// A line of the service's own.
    Override(&'static str),
    /// The account's rule with this name.
    Rule(String),
    /// The fallback, while no rules are known.
    Fallback,
    /// Nothing was sampled yet, so nothing tells.
    Unknown,
}

impl Snapshot {
    /// Requests and sampled requests of a route, of both instances together.
    #[must_use]
    pub fn counts(&self, route: Route) -> (u64, u64) {
        let rows = self.rows.iter().filter(|row| row.route == route);
        rows.fold((0, 0), |(requests, sampled), row| (requests + row.requests, sampled + row.sampled))
    }
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Override(line) => write!(f, "override {line}"),
            Self::Rule(name) => write!(f, "rule {name}"),
            Self::Fallback => f.write_str("fallback"),
            Self::Unknown => Ok(()),
        }
    }
}
