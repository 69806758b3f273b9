//! Who decides while there are no rules.

use std::sync::Arc;

use opentelemetry_sdk::trace::ShouldSample;
use xray_wire::sampling::{Process, Rule, Table};

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
