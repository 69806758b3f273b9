//! Sampling by rules, as X-Ray does it: which requests are recorded.
//!
//! ```text
//! rules (from the API, or a file) + what is known of the process -> Table
//! Request -> Table::find -> RuleState::decide(trace id, now) -> Decision
//! Schedule: when to ask for rules, when to report; Table::take_due -> reports -> targets -> RuleState
//! ```
//!
//! A [`Rule`] is about requests, told by [`Pattern`]s, and samples so many a second, the [`Reservoir`], and a [`Rate`] of the
//! others. The second is for the whole account, so X-Ray hands out quotas: each process reports its [`Counts`] and gets a
//! [`Target`] for some minutes. Until then, and when X-Ray can't be reached, it *borrows* one request a second.
//!
//! Nothing here reads a clock. Times are nanoseconds since any fixed start, of a clock that doesn't go backwards; if it
//! does, nothing breaks.

mod boost;
mod client_id;
mod lint;
mod pattern;
mod rate;
mod report;
mod request;
mod requests;
mod reservoir;
mod rule;
mod schedule;
mod state;
mod statistics;
mod stripe;
mod sync;
mod table;

#[cfg(feature = "sampling-json")]
mod local_rules;
#[cfg(feature = "sampling-json")]
mod responses;

#[cfg(all(test, loom))]
mod interleavings;
#[cfg(test)]
mod simulation;

pub use boost::{Boost, BoostCounts, TargetBoost};
pub use client_id::ClientId;
pub use lint::{Shadowed, shadowed};
#[cfg(feature = "sampling-json")]
pub use local_rules::{LocalRules, LocalRulesError};
pub use pattern::Pattern;
pub use rate::Rate;
pub use report::Report;
pub use request::{Attributes, Field, Process, Request, ResourceArn};
pub use requests::{rules_request, targets_request};
pub use reservoir::Reservoir;
#[cfg(feature = "sampling-json")]
pub use responses::{ReadError, RulesPage, SkippedRule, Targets, Unprocessed, rules_page, targets};
pub use rule::Rule;
pub use schedule::{Call, Schedule};
pub use state::{Decision, RuleState, Target};
pub use statistics::Counts;
pub use stripe::Stripe;
pub use table::{Entry, Table};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;
