//! A sampling rule, within the API's limits.

use std::collections::BTreeMap;

use serde::Serialize;
use xray_wire::Timestamp;

use crate::summary::as_seconds;

/// The rule that is always there and matches what no other does.
pub(crate) const DEFAULT_RULE: &str = "Default";

/// Behind all others, which end at 9999.
const DEFAULT_PRIORITY: u16 = 10_000;

/// As in a new account: one request a second and 5 % of the rest (X-Ray developer guide, Sampling rules).
const DEFAULT_RESERVOIR_SIZE: u32 = 1;
const DEFAULT_FIXED_RATE: f64 = 0.05;

/// A rule as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Rule {
    pub(crate) rule_name: String,
    #[serde(rename = "RuleARN")]
    pub(crate) rule_arn: String,
    #[serde(rename = "ResourceARN")]
    pub(crate) resource_arn: String,
    /// The lowest first.
    pub(crate) priority: u16,
    /// From 0 to 1, of what the reservoir leaves.
    pub(crate) fixed_rate: f64,
    /// Requests a second, of all clients together.
    pub(crate) reservoir_size: u32,
    pub(crate) service_name: String,
    pub(crate) service_type: String,
    pub(crate) host: String,
    #[serde(rename = "HTTPMethod")]
    pub(crate) http_method: String,
    #[serde(rename = "URLPath")]
    pub(crate) url_path: String,
    pub(crate) version: u32,
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sampling_rate_boost: Option<Boost>,
}

/// How far, and how often, the rate may rise when something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Boost {
    /// From 0 to 1.
    pub(crate) max_rate: f64,
    /// In these minutes only one boost begins.
    pub(crate) cooldown_window_minutes: u32,
}

/// A rule and its dates.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RuleRecord {
    #[serde(rename = "SamplingRule")]
    pub(crate) rule: Rule,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) created_at: Timestamp,
    #[serde(serialize_with = "as_seconds")]
    pub(crate) modified_at: Timestamp,
}

impl Rule {
    pub(crate) fn default_rule() -> Self {
        let all = || "*".to_owned();
        Self {
            rule_name: DEFAULT_RULE.to_owned(),
            rule_arn: arn(DEFAULT_RULE),
            resource_arn: all(),
            priority: DEFAULT_PRIORITY,
            fixed_rate: DEFAULT_FIXED_RATE,
            reservoir_size: DEFAULT_RESERVOIR_SIZE,
            service_name: all(),
            service_type: all(),
            host: all(),
            http_method: all(),
            url_path: all(),
            version: 1,
            attributes: BTreeMap::new(),
            sampling_rate_boost: None,
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        self.rule_name == DEFAULT_RULE
    }

    /// What it is sorted by: the priority, then the name.
    pub(crate) fn rank(&self) -> (u16, &str) {
        (self.priority, &self.rule_name)
    }
}

/// The ARN of a rule of this name: of no region and no account.
pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:xray:local:000000000000:sampling-rule/{name}")
}
