//! Who decides while there are no rules.

use std::sync::Arc;

use opentelemetry_sdk::trace::ShouldSample;
use xray_wire::sampling::{Counts, Process, Rule, Table};

/// Decides while there are no rules from X-Ray, or none that matches.
#[derive(Debug, Clone)]
pub(super) enum Fallback {
    /// Rules of this process's own.
    Rules(Arc<Table>),
    /// Another sampler.
    Sampler(Arc<dyn ShouldSample>),
}

impl Default for Fallback {
    /// One request a second, and 5 % of the others.
    fn default() -> Self {
        Self::Rules(Arc::new(Table::local(vec![Rule::fallback()], &Process::default())))
    }
}

impl Fallback {
    /// What it has decided, if it counts that.
    pub(super) fn decisions(&self) -> Option<Counts> {
        let Self::Rules(table) = self else { return None };
        let counts = table.entries().iter().map(|entry| entry.state.total());
        Some(counts.fold(Counts::default(), |all, of_rule| Counts {
            not_sampled: all.not_sampled + of_rule.not_sampled,
            sampled: all.sampled + of_rule.sampled,
            borrowed: all.borrowed + of_rule.borrowed,
        }))
    }
}
