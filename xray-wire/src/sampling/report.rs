//! What a rule has counted, on its way to X-Ray.

use alloc::sync::Arc;

use super::{Counts, Rule, RuleState};

/// What a rule has counted since its last report. Unless it is [accepted](Self::accept), it goes back to the counters
/// when it is dropped: a call that fails, in whatever way, loses nothing.
#[derive(Debug)]
#[must_use = "counts that are dropped go back to where they came from"]
pub struct Report {
    rule: Arc<Rule>,
    state: Arc<RuleState>,
    counts: Counts,
}

impl Report {
    /// Takes a rule's counts; `None` if there are none.
    pub(super) fn take(rule: &Arc<Rule>, state: &Arc<RuleState>) -> Option<Self> {
        let counts = state.take_counts();
        (counts.requests() > 0).then(|| Self { rule: rule.clone(), state: state.clone(), counts })
    }

    /// The rule's name.
    #[must_use]
    pub fn rule_name(&self) -> &str {
        &self.rule.name
    }

    /// What it has counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// X-Ray has taken it, or will never do: the counts are gone.
    pub fn accept(mut self) {
        self.counts = Counts::default();
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if self.counts != Counts::default() {
            self.state.give_back(self.counts);
        }
    }
}
