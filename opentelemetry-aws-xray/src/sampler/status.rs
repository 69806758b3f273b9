//! What the sampler knows, for people.

use std::{collections::HashMap, sync::Arc, time::Duration};

use xray_wire::sampling::{Counts, RuleState, Table};

/// What an [`XraySampler`](super::XraySampler) knows at one moment.
///
/// ```
/// use opentelemetry_aws_xray::{Xray, sampler::SamplerStatus};
///
/// fn summary(status: &SamplerStatus) -> String {
///     match (status.rules_age, &status.last_error) {
///         (Some(age), _) => format!("{} rules, {} seconds old", status.rules.len(), age.as_secs()),
///         (None, Some(error)) => format!("no rules: {error}"),
///         (None, None) => "no rules yet".to_owned(),
///     }
/// }
/// let xray = Xray::builder().with_central_sampling(|sampler| sampler).build();
/// assert_eq!(xray.sampler_status().as_ref().map(summary).as_deref(), Some("no rules yet"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SamplerStatus {
    /// X-Ray's rules, in the order in which they are asked. Empty before they are known, and when they were received longer ago
    /// than an hour: then the fallback decides.
    pub rules: Vec<RuleStatus>,
    /// How long ago the rules were received; `None` if they never were.
    pub rules_age: Option<Duration>,
    /// Why calls fail at present: those for rules, else those for targets. `None` if neither does.
    pub last_error: Option<String>,
    /// Calls that X-Ray answered.
    pub calls_answered: u64,
    /// Calls that failed.
    pub calls_failed: u64,
    /// Reports of single rules that X-Ray has refused for good; what they counted is lost.
    pub reports_refused: u64,
    /// Whether the sampler's thread has ended, by a shutdown or since it could not be started: rules are those of the end, and the fallback
    /// decides.
    pub has_ended: bool,
    /// What each override has decided, in the order in which they are asked.
    pub overrides: Vec<Counts>,
    /// What the fallback has decided; `None` if that is a sampler of one's own.
    pub fallback: Option<Counts>,
}

/// One of X-Ray's rules, and what X-Ray wants of this process.
///
/// ```
/// use opentelemetry_aws_xray::sampler::{RuleStatus, SamplerStatus};
///
/// /// Rules of which nobody will ever see an effect.
/// fn dead(status: &SamplerStatus) -> Vec<String> {
///     let told = |rule: &RuleStatus| Some(format!("{} is behind {}", rule.name, rule.shadowed_by.as_ref()?));
///     status.rules.iter().filter_map(told).collect()
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RuleStatus {
    /// Its name.
    pub name: String,
    /// Its priority; the lowest is asked first.
    pub priority: u32,
    /// Whether requests of this process can reach it. If not, it is for another service, or behind a rule that takes all of its
    /// requests.
    pub is_live: bool,
    /// The rule that takes all of its requests before, if there is one.
    pub shadowed_by: Option<String>,
    /// The rate that holds now, from 0 to 1.
    pub fixed_rate: f64,
    /// How many requests a second are sampled before the rate applies; `None` without a quota, when one a second is borrowed if the
    /// rule has a reservoir.
    pub quota: Option<u32>,
    /// What it has decided since it was first heard of.
    pub decisions: Counts,
}

/// The rules of a table as people read them, with those that are shadowed and by which.
pub(super) fn rules(table: &Table, shadowed: &HashMap<Arc<str>, Arc<str>>, now: u64) -> Vec<RuleStatus> {
    let is_live = |state: &RuleState| table.live().any(|live| std::ptr::eq(&*live.state, state));
    let status = table.entries().iter().map(|entry| {
        let shadowed_by = shadowed.get(&entry.rule.name).map(ToString::to_string);
        RuleStatus {
            name: entry.rule.name.to_string(),
            priority: entry.rule.priority,
            is_live: shadowed_by.is_none() && is_live(&entry.state),
            shadowed_by,
            fixed_rate: entry.state.rate_at(now).as_f64(),
            quota: entry.state.quota(now),
            decisions: entry.state.total(),
        }
    });
    status.collect()
}
