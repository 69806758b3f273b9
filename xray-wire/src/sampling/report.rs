//! What a rule has counted, on its way to X-Ray.

use alloc::sync::Arc;

use super::{BoostCounts, Counts, Rule, RuleState};

/// What a rule has counted since its last report. Unless it is [accepted](Self::accept), it goes back to the counters
/// when it is dropped: a call that fails, in whatever way, loses nothing.
///
/// ```
/// use xray_wire::sampling::{Process, Rate, Rule, Stripe, Table};
///
/// const SECOND: u64 = 1_000_000_000;
/// let table = Table::new(vec![Rule::for_all("Default", 10_000, 1, Rate::NEVER)], &Process::default(), None, 0);
/// table.entries()[0].state.decide([1; 16], || 0, Stripe::shared(0));
///
/// // The call fails: what is dropped goes back.
/// drop(table.take_due(10 * SECOND));
/// let mut reports = table.take_due(20 * SECOND);
/// let report = reports.remove(0);
/// assert_eq!((report.rule_name(), report.counts().borrowed), ("Default", 1));
/// report.accept();
/// assert!(table.take_due(30 * SECOND).is_empty());
/// ```
#[derive(Debug)]
#[must_use = "counts that are dropped go back to where they came from"]
pub struct Report {
    rule: Arc<Rule>,
    state: Arc<RuleState>,
    service_name: Arc<str>,
    counts: Counts,
    boost_counts: BoostCounts,
}

impl Report {
    /// Takes a rule's counts; `None` if there are none.
    pub(super) fn take(rule: &Arc<Rule>, state: &Arc<RuleState>, service_name: &Arc<str>) -> Option<Self> {
        let (counts, boost_counts) = (state.take_counts(), state.take_boost_counts());
        let report = || Self {
            rule: rule.clone(),
            state: state.clone(),
            service_name: service_name.clone(),
            counts,
            boost_counts,
        };
        (counts.requests() > 0 || boost_counts != BoostCounts::default()).then(report)
    }

    /// The rule's name.
    #[must_use]
    pub fn rule_name(&self) -> &str {
        &self.rule.name
    }

    /// The name of the service that counted, as reports of anomalies have it.
    #[must_use]
    pub fn service_name(&self) -> &str {
        &self.service_name
    }

    /// What it has counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What it has counted of anomalies.
    #[must_use]
    pub const fn boost_counts(&self) -> BoostCounts {
        self.boost_counts
    }

    /// X-Ray has taken the requests, or will never do: their counts are gone.
    pub fn accept_counts(&mut self) {
        self.counts = Counts::default();
    }

    /// X-Ray has taken the anomalies, or will never do: their counts are gone.
    pub fn accept_boost_counts(&mut self) {
        self.boost_counts = BoostCounts::default();
    }

    /// X-Ray has taken all of it, or will never do.
    pub fn accept(mut self) {
        self.accept_counts();
        self.accept_boost_counts();
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.state.give_back(self.counts, self.boost_counts);
    }
}
