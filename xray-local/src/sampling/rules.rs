//! The rules of the account: created, changed, deleted, read in pages.

use xray_wire::Timestamp;

use super::{
    SamplingError,
    draft::Draft,
    rule::{Rule, RuleRecord},
};

/// Rules besides the default one (X-Ray endpoints and quotas).
const MAX_CUSTOM_RULES: usize = 25;

/// The rules in the order in which they are asked, the default one last.
#[derive(Debug)]
pub(crate) struct Rules {
    records: Vec<RuleRecord>,
    last_modification: Timestamp,
}

/// How a call names a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RuleKey {
    Name(String),
    Arn(String),
}

impl RuleKey {
    /// By name or by ARN, but not by both.
    pub(crate) fn of(name: Option<String>, arn: Option<String>) -> Result<Self, SamplingError> {
        match (name, arn) {
            (Some(name), None) => Ok(Self::Name(name)),
            (None, Some(arn)) => Ok(Self::Arn(arn)),
            _ => Err(SamplingError::Invalid("expected either RuleName or RuleARN".to_owned())),
        }
    }
}

impl Rules {
    /// The default rule alone.
    pub(crate) fn new(now: Timestamp) -> Self {
        let record = RuleRecord { rule: Rule::default_rule(), created_at: now, modified_at: now };
        Self { records: vec![record], last_modification: now }
    }

    pub(crate) fn create(&mut self, rule: Rule, now: Timestamp) -> Result<RuleRecord, SamplingError> {
        if self.find(&rule.rule_name).is_some() {
            return Err(SamplingError::Invalid(format!("a rule named {:?} exists already", rule.rule_name)));
        }
        if self.records.len() > MAX_CUSTOM_RULES {
            return Err(SamplingError::LimitExceeded(MAX_CUSTOM_RULES));
        }
        let record = RuleRecord { rule, created_at: now, modified_at: now };
        self.insert(record.clone());
        self.last_modification = now;
        Ok(record)
    }

    pub(crate) fn update(&mut self, mut draft: Draft, now: Timestamp) -> Result<RuleRecord, SamplingError> {
        let position = self.position(&RuleKey::of(draft.rule_name.take(), draft.rule_arn.take())?)?;
        let record = &self.records[position];
        if record.rule.is_default() && draft.changes_matching(&record.rule) {
            let message =
                "of the default rule only FixedRate, ReservoirSize and SamplingRateBoost can be changed";
            return Err(SamplingError::Invalid(message.to_owned()));
        }
        let rule = draft.apply_to(record.rule.clone())?;
        let record = RuleRecord { rule, created_at: record.created_at, modified_at: now };
        self.records.remove(position);
        self.insert(record.clone());
        self.last_modification = now;
        Ok(record)
    }

    pub(crate) fn delete(&mut self, key: &RuleKey, now: Timestamp) -> Result<RuleRecord, SamplingError> {
        let position = self.position(key)?;
        if self.records[position].rule.is_default() {
            return Err(SamplingError::Invalid("the default rule can't be deleted".to_owned()));
        }
        self.last_modification = now;
        Ok(self.records.remove(position))
    }

    /// At most so many rules behind the one that the token names, and the token of the next page if there is one.
    pub(crate) fn page(
        &self,
        token: Option<&str>,
        size: usize,
    ) -> Result<(&[RuleRecord], Option<String>), SamplingError> {
        let start = match token {
            None => 0,
            // A rule that was deleted meanwhile still has its place in the order.
            Some(token) => {
                let after = read_token(token)?;
                self.records.partition_point(|record| record.rule.rank() <= after)
            }
        };
        let rest = &self.records[start..];
        let (page, more) = rest.split_at(size.max(1).min(rest.len()));
        let token = page.last().filter(|_| !more.is_empty()).map(|last| write_token(&last.rule));
        Ok((page, token))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Rule> {
        self.iter().find(|rule| rule.rule_name == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.records.iter().map(|record| &record.rule)
    }

    /// When a rule was last created, changed or deleted.
    pub(crate) fn last_modification(&self) -> Timestamp {
        self.last_modification
    }

    fn insert(&mut self, record: RuleRecord) {
        let position = self.records.partition_point(|other| other.rule.rank() < record.rule.rank());
        self.records.insert(position, record);
    }

    fn position(&self, key: &RuleKey) -> Result<usize, SamplingError> {
        let found = self.iter().position(|rule| match key {
            RuleKey::Name(name) => rule.rule_name == *name,
            RuleKey::Arn(arn) => rule.rule_arn == *arn,
        });
        found.ok_or_else(|| {
            let (RuleKey::Name(asked) | RuleKey::Arn(asked)) = key;
            SamplingError::Invalid(format!("expected the name or ARN of a rule, but found {asked:?}"))
        })
    }
}

/// `00100/name`: where the last rule of a page stands.
fn write_token(last: &Rule) -> String {
    format!("{:05}/{}", last.priority, last.rule_name)
}

fn read_token(token: &str) -> Result<(u16, &str), SamplingError> {
    let parts = token.split_once('/').and_then(|(priority, name)| Some((priority.parse().ok()?, name)));
    parts.ok_or_else(|| SamplingError::Invalid("expected a NextToken of an earlier answer".to_owned()))
}
