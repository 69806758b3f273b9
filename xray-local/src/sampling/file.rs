//! Rules from a file: a list, or what the AWS command line prints and takes.

use serde_json::Value;
use xray_wire::Timestamp;

use super::{Draft, Sampling, SamplingError, draft, rule::DEFAULT_RULE};

impl Sampling {
    /// Creates the rules of a file. What a rule does not say matches everything; one that is named `Default` changes
    /// the default rule.
    pub(crate) fn load(&mut self, json: &str, now: Timestamp) -> Result<(), SamplingError> {
        let file = serde_json::from_str(json).map_err(|error| SamplingError::Invalid(error.to_string()))?;
        for (position, entry) in (1..).zip(entries(file)) {
            let loaded = read(entry).and_then(|draft| self.load_rule(draft, now));
            loaded.map_err(|error| SamplingError::Invalid(format!("rule {position}: {error}")))?;
        }
        Ok(())
    }

    fn load_rule(&mut self, mut draft: Draft, now: Timestamp) -> Result<(), SamplingError> {
        // The service gives names of its own.
        draft.rule_arn = None;
        if draft.rule_name.as_deref() == Some(DEFAULT_RULE) {
            return self.update(draft, now).map(drop);
        }
        let rule = draft.into_rule_for_everything()?;
        self.create(rule, now).map(drop)
    }
}

/// The rules of a list, of the answer of `aws xray get-sampling-rules`, or one alone.
fn entries(file: Value) -> Vec<Value> {
    match inner(file, "SamplingRuleRecords") {
        Value::Array(entries) => entries,
        entry => vec![entry],
    }
}

/// A rule, alone or in its record. A field that is misspelt would match everything, so it is an error.
fn read(entry: Value) -> Result<Draft, SamplingError> {
    let rule = inner(entry, "SamplingRule");
    let mut fields = rule.as_object().into_iter().flat_map(serde_json::Map::keys);
    if let Some(unknown) = fields.find(|field| !draft::FIELDS.contains(&field.as_str())) {
        return Err(SamplingError::Invalid(format!(
            "expected a field of a sampling rule, but found {unknown:?}"
        )));
    }
    serde_json::from_value(rule).map_err(|error| SamplingError::Invalid(error.to_string()))
}

/// What stands in this field, or the whole if there is no such field.
fn inner(mut whole: Value, field: &str) -> Value {
    match whole.get_mut(field) {
        Some(inner) => inner.take(),
        None => whole,
    }
}
