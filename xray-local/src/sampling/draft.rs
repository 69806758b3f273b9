//! A rule as it is asked for: any field may be missing or wrong. What passes is a [`Rule`].

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    SamplingError,
    rule::{Boost, Rule, arn},
};

// The limits of the shapes `SamplingRule` and `SamplingRuleUpdate` (X-Ray API reference).
const MAX_NAME_CHARS: usize = 32;
const MAX_RESOURCE_ARN_CHARS: usize = 500;
const MAX_SERVICE_CHARS: usize = 64;
const MAX_HTTP_METHOD_CHARS: usize = 10;
const MAX_URL_PATH_CHARS: usize = 128;
const MAX_ATTRIBUTES: usize = 5;
const MAX_ATTRIBUTE_CHARS: usize = 32;
const MAX_PRIORITY: i64 = 9_999;

/// The only version of rules that there is.
const VERSION: i64 = 1;

/// The names of the fields of a [`Draft`].
pub(super) const FIELDS: [&str; 14] = [
    "RuleName",
    "RuleARN",
    "ResourceARN",
    "Priority",
    "FixedRate",
    "ReservoirSize",
    "ServiceName",
    "ServiceType",
    "Host",
    "HTTPMethod",
    "URLPath",
    "Version",
    "Attributes",
    "SamplingRateBoost",
];

/// The fields of a call, of a file, or of a form.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Draft {
    pub(crate) rule_name: Option<String>,
    #[serde(rename = "RuleARN")]
    pub(crate) rule_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    pub(crate) resource_arn: Option<String>,
    pub(crate) priority: Option<i64>,
    pub(crate) fixed_rate: Option<f64>,
    pub(crate) reservoir_size: Option<i64>,
    pub(crate) service_name: Option<String>,
    pub(crate) service_type: Option<String>,
    pub(crate) host: Option<String>,
    #[serde(rename = "HTTPMethod")]
    pub(crate) http_method: Option<String>,
    #[serde(rename = "URLPath")]
    pub(crate) url_path: Option<String>,
    pub(crate) version: Option<i64>,
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    pub(crate) sampling_rate_boost: Option<BoostDraft>,
    /// Takes the boost away, which the API has no word for.
    #[serde(skip)]
    pub(crate) without_boost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BoostDraft {
    pub(crate) max_rate: f64,
    pub(crate) cooldown_window_minutes: i64,
}

impl Draft {
    /// The rule, if nothing is missing that `CreateSamplingRule` requires.
    pub(crate) fn into_new_rule(self) -> Result<Rule, SamplingError> {
        let required = [
            ("RuleName", self.rule_name.is_some()),
            ("ResourceARN", self.resource_arn.is_some()),
            ("Priority", self.priority.is_some()),
            ("FixedRate", self.fixed_rate.is_some()),
            ("ReservoirSize", self.reservoir_size.is_some()),
            ("ServiceName", self.service_name.is_some()),
            ("ServiceType", self.service_type.is_some()),
            ("Host", self.host.is_some()),
            ("HTTPMethod", self.http_method.is_some()),
            ("URLPath", self.url_path.is_some()),
            ("Version", self.version.is_some()),
        ];
        if let Some((field, _)) = required.into_iter().find(|(_, is_there)| !is_there) {
            return Err(invalid(format!("expected the field {field}, but found none")));
        }
        self.into_rule_for_everything()
    }

    /// The rule; what is not said matches everything.
    pub(crate) fn into_rule_for_everything(self) -> Result<Rule, SamplingError> {
        let name = self.rule_name.clone().unwrap_or_default();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            return Err(expected("RuleName of 1 to 32 characters", &name));
        }
        if self.rule_arn.is_some() {
            return Err(invalid("expected RuleName alone: the service gives the ARN"));
        }
        if !self.priority.is_some_and(|priority| (1..=MAX_PRIORITY).contains(&priority)) {
            let found = self.priority.map_or_else(|| "none".to_owned(), |priority| priority.to_string());
            return Err(expected("Priority from 1 to 9999", found));
        }
        let blank = Rule { rule_arn: arn(&name), rule_name: name, ..Rule::default_rule() };
        self.apply_to(blank)
    }

    /// The rule with what the draft says.
    pub(crate) fn apply_to(self, mut rule: Rule) -> Result<Rule, SamplingError> {
        if let Some(version) = self.version.filter(|version| *version != VERSION) {
            return Err(expected("Version 1", version));
        }
        if let Some(priority) = self.priority {
            // The default rule's own priority passes, so that what was read can be written.
            let is_kept = priority == i64::from(rule.priority);
            let checked = u16::try_from(priority).ok();
            rule.priority = checked
                .filter(|_| is_kept || (1..=MAX_PRIORITY).contains(&priority))
                .ok_or_else(|| expected("Priority from 1 to 9999", priority))?;
        }
        if let Some(rate) = self.fixed_rate {
            rule.fixed_rate = share("FixedRate", rate)?;
        }
        if let Some(size) = self.reservoir_size {
            rule.reservoir_size = count("ReservoirSize", size)?;
        }
        for (field, value, max_chars, place) in [
            ("ResourceARN", self.resource_arn, MAX_RESOURCE_ARN_CHARS, &mut rule.resource_arn),
            ("ServiceName", self.service_name, MAX_SERVICE_CHARS, &mut rule.service_name),
            ("ServiceType", self.service_type, MAX_SERVICE_CHARS, &mut rule.service_type),
            ("Host", self.host, MAX_SERVICE_CHARS, &mut rule.host),
            ("HTTPMethod", self.http_method, MAX_HTTP_METHOD_CHARS, &mut rule.http_method),
            ("URLPath", self.url_path, MAX_URL_PATH_CHARS, &mut rule.url_path),
        ] {
            let Some(value) = value else { continue };
            if value.chars().count() > max_chars {
                let found = value.chars().count();
                return Err(invalid(format!(
                    "expected {field} of at most {max_chars} characters, but found {found}"
                )));
            }
            *place = value;
        }
        if let Some(attributes) = self.attributes {
            check_attributes(&attributes)?;
            rule.attributes = attributes;
        }
        if self.without_boost {
            rule.sampling_rate_boost = None;
        } else if let Some(boost) = self.sampling_rate_boost {
            rule.sampling_rate_boost = Some(Boost {
                max_rate: share("MaxRate", boost.max_rate)?,
                cooldown_window_minutes: count("CooldownWindowMinutes", boost.cooldown_window_minutes)?,
            });
        }
        Ok(rule)
    }

    /// Whether it would change what no call may change in the default rule: all but rate, reservoir and boost
    /// (X-Ray developer guide, Configuring sampling rules).
    pub(crate) fn changes_matching(&self, rule: &Rule) -> bool {
        let texts = [
            (&self.resource_arn, &rule.resource_arn),
            (&self.service_name, &rule.service_name),
            (&self.service_type, &rule.service_type),
            (&self.host, &rule.host),
            (&self.http_method, &rule.http_method),
            (&self.url_path, &rule.url_path),
        ];
        texts.into_iter().any(|(new, old)| new.as_ref().is_some_and(|new| new != old))
            || self.priority.is_some_and(|priority| priority != i64::from(rule.priority))
            || self.attributes.as_ref().is_some_and(|attributes| *attributes != rule.attributes)
    }
}

fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), SamplingError> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(expected("at most 5 Attributes", attributes.len()));
    }
    let fits = |text: &String| (1..=MAX_ATTRIBUTE_CHARS).contains(&text.chars().count());
    match attributes.iter().find(|(key, value)| !fits(key) || !fits(value)) {
        Some((key, _)) => {
            Err(expected("keys and values of Attributes of 1 to 32 characters", format!("{key:?}")))
        }
        None => Ok(()),
    }
}

fn share(field: &str, share: f64) -> Result<f64, SamplingError> {
    if !(0.0..=1.0).contains(&share) {
        return Err(expected(&format!("{field} from 0 to 1"), share));
    }
    Ok(share)
}

fn count(field: &str, count: i64) -> Result<u32, SamplingError> {
    u32::try_from(count).map_err(|_| expected(&format!("{field} of at least 0"), count))
}

fn expected(what: &str, found: impl std::fmt::Display) -> SamplingError {
    invalid(format!("expected {what}, but found {found}"))
}

fn invalid(message: impl Into<String>) -> SamplingError {
    SamplingError::Invalid(message.into())
}
