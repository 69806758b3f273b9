//! The form of a sampling rule: all is text until it is read.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sampling::{BoostDraft, Draft, Rule, SamplingError};

/// The fields of the form. Rates are in percent, as in X-Ray's console.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct RuleForm {
    /// `yes` if there is no such rule yet.
    pub(super) new: String,
    pub(super) name: String,
    pub(super) priority: String,
    pub(super) reservoir: String,
    pub(super) fixed_rate: String,
    pub(super) service_name: String,
    pub(super) service_type: String,
    pub(super) host: String,
    pub(super) http_method: String,
    pub(super) url_path: String,
    pub(super) resource_arn: String,
    /// `key=value`, one a line; `\=`, `\\`, `\n`, `\r` and, at an end, `\s` for a blank stand for what would be read otherwise.
    pub(super) attributes: String,
    /// Empty without a boost.
    pub(super) boost_max_rate: String,
    pub(super) boost_cooldown: String,
}

impl RuleForm {
    /// For a rule that there is not yet.
    pub(super) fn blank() -> Self {
        let rule = Rule::default_rule();
        Self { new: "yes".to_owned(), name: String::new(), priority: "100".to_owned(), ..Self::of(&rule) }
    }

    pub(super) fn of(rule: &Rule) -> Self {
        let boost = rule.sampling_rate_boost;
        Self {
            new: String::new(),
            name: rule.rule_name.clone(),
            priority: rule.priority.to_string(),
            reservoir: rule.reservoir_size.to_string(),
            fixed_rate: as_percent(rule.fixed_rate),
            service_name: rule.service_name.clone(),
            service_type: rule.service_type.clone(),
            host: rule.host.clone(),
            http_method: rule.http_method.clone(),
            url_path: rule.url_path.clone(),
            resource_arn: rule.resource_arn.clone(),
            attributes: rule.attributes.iter().map(line).collect(),
            boost_max_rate: boost.map(|boost| as_percent(boost.max_rate)).unwrap_or_default(),
            boost_cooldown: boost.map(|boost| boost.cooldown_window_minutes.to_string()).unwrap_or_default(),
        }
    }

    pub(super) fn is_new(&self) -> bool {
        self.new == "yes"
    }

    pub(super) fn is_default(&self) -> bool {
        !self.is_new() && self.name == Rule::default_rule().rule_name
    }

    pub(super) fn into_draft(self) -> Result<Draft, SamplingError> {
        let has_boost = !self.boost_max_rate.trim().is_empty();
        let boost = BoostDraft {
            max_rate: if has_boost { share("Boost up to", &self.boost_max_rate)? } else { 0.0 },
            cooldown_window_minutes: match self.boost_cooldown.trim() {
                "" => 0,
                minutes => number("Cooldown", minutes)?,
            },
        };
        let mut draft = Draft {
            rule_name: Some(self.name),
            reservoir_size: Some(number("Reservoir", &self.reservoir)?),
            fixed_rate: Some(share("Fixed rate", &self.fixed_rate)?),
            sampling_rate_boost: has_boost.then_some(boost),
            without_boost: !has_boost,
            ..Draft::default()
        };
        // The form of the default rule has none of these.
        if !self.priority.is_empty() {
            draft.priority = Some(number("Priority", &self.priority)?);
            draft.service_name = Some(self.service_name);
            draft.service_type = Some(self.service_type);
            draft.host = Some(self.host);
            draft.http_method = Some(self.http_method);
            draft.url_path = Some(self.url_path);
            draft.resource_arn = Some(self.resource_arn);
            draft.attributes = Some(attributes(&self.attributes)?);
        }
        Ok(draft)
    }
}

fn attributes(text: &str) -> Result<BTreeMap<String, String>, SamplingError> {
    let lines = text.lines().map(|line| line.trim_matches(BLANK)).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let end = end_of_key(line).ok_or_else(|| expected("lines of key=value in Attributes", line))?;
            Ok((unescaped(&line[..end]), unescaped(&line[end + 1..])))
        })
        .collect()
}

/// Around keys and values they don't count.
const BLANK: [char; 2] = [' ', '\t'];

/// What stands for a character after a backslash. All others stand for themselves, the backslash included.
const ESCAPES: [(char, char); 6] =
    [('=', '='), ('\\', '\\'), ('n', '\n'), ('r', '\r'), ('s', ' '), ('t', '\t')];

/// Where the first `=` is that has no backslash before it.
fn end_of_key(line: &str) -> Option<usize> {
    let mut is_escaped = false;
    line.char_indices().find_map(|(at, char)| {
        let is_end = char == '=' && !is_escaped;
        is_escaped = char == '\\' && !is_escaped;
        is_end.then_some(at)
    })
}

fn line((key, value): (&String, &String)) -> String {
    format!("{}={}\n", escaped(key, &['=']), escaped(value, &[]))
}

fn escaped(text: &str, also: &[char]) -> String {
    let inner = text.trim_matches(BLANK);
    let start = text.len() - text.trim_start_matches(BLANK).len();
    let mut out = String::new();
    for (at, char) in text.char_indices() {
        let is_outer = at < start || at >= start + inner.len();
        let is_special = matches!(char, '\\' | '\n' | '\r') || also.contains(&char) || is_outer;
        match ESCAPES.iter().find(|(_, meant)| is_special && *meant == char) {
            Some((name, _)) => out.extend(['\\', *name]),
            None => out.push(char),
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.trim_matches(BLANK).chars();
    while let Some(char) = chars.next() {
        let after = chars.as_str().chars().next();
        let escape = ESCAPES.iter().find(|(name, _)| char == '\\' && after == Some(*name));
        if escape.is_some() {
            chars.next();
        }
        out.push(escape.map_or(char, |(_, meant)| *meant));
    }
    out
}

fn share(field: &str, percent: &str) -> Result<f64, SamplingError> {
    read_percent(percent.trim()).ok_or_else(|| expected(&format!("{field} as a number"), percent))
}

fn number(field: &str, text: &str) -> Result<i64, SamplingError> {
    text.trim().parse().map_err(|_| expected(&format!("{field} as a whole number"), text))
}

fn expected(what: &str, found: &str) -> SamplingError {
    SamplingError::Invalid(format!("expected {what}, but found {found:?}"))
}

/// 0.05 for `5`. Decimals are moved in the text: a division would be off in the last digit.
fn read_percent(percent: &str) -> Option<f64> {
    format!("{percent}e-2").parse().ok()
}

/// `5` for 0.05: as few digits behind the point as it takes to read the same rate again.
fn as_percent(share: f64) -> String {
    /// An `f64` has no more.
    const MAX_DIGITS: usize = 17;
    let texts = (0..=MAX_DIGITS).map(|digits| format!("{:.digits$}", share * 100.0));
    let mut exact = texts.filter(|text| read_percent(text) == Some(share));
    exact.next().unwrap_or_else(|| (share * 100.0).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_number_is_named() {
        let form = |change: fn(&mut RuleForm)| {
            let mut form = RuleForm { name: "a".to_owned(), ..RuleForm::blank() };
            change(&mut form);
            form.into_draft().and_then(Draft::into_rule_for_everything)
        };
        assert!(form(|_| {}).is_ok());
        for (result, part) in [
            (form(|form| form.name = String::new()), "RuleName"),
            (form(|form| form.priority = "first".to_owned()), "Priority"),
            (form(|form| form.reservoir = "1.5".to_owned()), "Reservoir"),
            (form(|form| form.fixed_rate = "101".to_owned()), "FixedRate"),
            (form(|form| form.attributes = "a\n".to_owned()), "key=value"),
            (form(|form| form.boost_max_rate = "all".to_owned()), "Boost"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_rule_passes_through_its_form(
            fixed_rate in 0_u32..=100_000,
            max_rate in 0_u32..=100_000,
            cooldown in 0_u32..100,
            url_path in "[a-z/*]{0,20}",
            attributes in prop::collection::btree_map("[a-c=\\\\ \t\r\n]{1,9}", "[a-z*=\\\\ \r\n]{1,9}", 0..5),
        ) {
            let draft = Draft {
                rule_name: Some("rule".to_owned()),
                priority: Some(7),
                fixed_rate: Some(f64::from(fixed_rate) / 100_000.0),
                url_path: Some(url_path),
                attributes: Some(attributes),
                sampling_rate_boost: Some(BoostDraft {
                    max_rate: f64::from(max_rate) / 100_000.0,
                    cooldown_window_minutes: cooldown.into(),
                }),
                ..Draft::default()
            };
            let rule = draft.into_rule_for_everything().unwrap();
            let read = RuleForm::of(&rule).into_draft().unwrap().into_rule_for_everything().unwrap();
            prop_assert_eq!(read, rule);
        }
    }
}
