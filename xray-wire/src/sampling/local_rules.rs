//! The X-Ray SDKs' own rules file.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde_json::{Map, Value};

use super::{Pattern, Rate, Rule};
use crate::limits::{MAX_PATTERN_BYTES, MAX_SAMPLING_BODY_BYTES};

/// Rules from a file in the form of the X-Ray SDKs, version 1 or 2 (X-Ray developer guide, "Sampling rules"):
///
/// ```json
/// {
///   "version": 2,
///   "rules": [
///     { "description": "Payments", "host": "*", "http_method": "*", "url_path": "/pay/*", "fixed_target": 10, "rate": 1.0 }
///   ],
///   "default": { "fixed_target": 1, "rate": 0.05 }
/// }
/// ```
///
/// Rules are asked in their order, `default` last. `fixed_target` is how many requests a second are sampled, in each process and 4,096 at most,
/// and `rate` the share of the others. Version 1 calls the host `service_name`.
///
/// ```
/// use xray_wire::sampling::{LocalRules, Process, Table};
///
/// let rules = LocalRules::parse(r#"{"version": 2, "default": {"fixed_target": 1, "rate": 0.05}}"#)?;
/// let table = Table::local(rules.rules, &Process::default());
/// assert_eq!(table.entries().len(), 1);
/// # Ok::<(), xray_wire::sampling::LocalRulesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRules {
    /// The rules in their order, for [`Table::local`](super::Table::local). The last one matches everything.
    pub rules: Vec<Rule>,
    /// What the file has beyond, which is not looked at.
    pub warnings: Vec<String>,
}

/// The file could not be understood. Says where, what was expected, and what was found.
///
/// ```
/// use xray_wire::sampling::LocalRules;
///
/// let error = LocalRules::parse(r#"{"version": 3}"#).unwrap_err();
/// assert!(error.to_string().contains("1 or 2"), "{error}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRulesError(String);

impl LocalRules {
    /// Reads a file's content.
    ///
    /// # Errors
    /// If it breaks the rules of its version. Keys that the version doesn't know are told in [`warnings`](Self::warnings), but
    /// the host under the other version's name is an error, since the rule would match too much without it.
    pub fn parse(json: &str) -> Result<Self, LocalRulesError> {
        if json.len() > MAX_SAMPLING_BODY_BYTES {
            return Err(LocalRulesError(format!(
                "expected at most {MAX_SAMPLING_BODY_BYTES} bytes, but found {}",
                json.len()
            )));
        }
        let file: Value = serde_json::from_str(json)
            .map_err(|error| LocalRulesError(format!("expected JSON, but {error}")))?;
        let file = Object::new("the file", &file)?;
        let host_key = match file.fields.get("version") {
            Some(version) if *version == 1 => HostKey::ServiceName,
            Some(version) if *version == 2 => HostKey::Host,
            found => return Err(file.wrong("version", "1 or 2", found)),
        };
        let mut warnings = Vec::new();
        file.warn_unless(&["version", "default", "rules"], &mut warnings);

        let mut rules = Vec::new();
        match file.fields.get("rules") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for (at, fields) in list.iter().enumerate() {
                    rules.push(rule(at, fields, host_key, &mut warnings)?);
                }
            }
            found => return Err(file.wrong("rules", "a list", found)),
        }
        let Some(default) = file.fields.get("default") else {
            return Err(file.wrong("default", "an object", None));
        };
        rules.push(default_rule(rules.len(), default, &mut warnings)?);
        Ok(Self { rules, warnings })
    }
}

/// What the host is called.
#[derive(Clone, Copy)]
enum HostKey {
    /// In version 1.
    ServiceName,
    /// In version 2.
    Host,
}

fn rule(
    at: usize,
    fields: &Value,
    host_key: HostKey,
    warnings: &mut Vec<String>,
) -> Result<Rule, LocalRulesError> {
    let place = format!("rule {}", at + 1);
    let object = Object::new(&place, fields)?;
    let (host, other, version) = match host_key {
        HostKey::ServiceName => ("service_name", "host", 1),
        HostKey::Host => ("host", "service_name", 2),
    };
    if object.fields.contains_key(other) {
        return Err(LocalRulesError(format!(
            "{place}: expected `{host}` in version {version}, but found `{other}`"
        )));
    }
    object.warn_unless(
        &["id", "description", host, "http_method", "url_path", "fixed_target", "rate"],
        warnings,
    );
    let name = object.fields.get("description").and_then(Value::as_str).unwrap_or_default();
    // Names tell rules apart, and descriptions may be the same.
    let mut rule = object.rule(format!("{}: {name}", at + 1).trim_end_matches(": "), at)?;
    rule.host = object.pattern(host)?;
    rule.http_method = object.pattern("http_method")?;
    rule.url_path = object.pattern("url_path")?;
    Ok(rule)
}

fn default_rule(at: usize, fields: &Value, warnings: &mut Vec<String>) -> Result<Rule, LocalRulesError> {
    let object = Object::new("default", fields)?;
    for key in ["url_path", "host", "service_name", "http_method"] {
        if object.fields.contains_key(key) {
            return Err(LocalRulesError(format!(
                "default: expected `fixed_target` and `rate`, but found `{key}`; it is for all requests that no rule matches"
            )));
        }
    }
    object.warn_unless(&["description", "fixed_target", "rate"], warnings);
    object.rule(Rule::DEFAULT_NAME, at)
}

/// An object of the file, and what to call it.
struct Object<'v> {
    place: &'v str,
    fields: &'v Map<String, Value>,
}

impl<'v> Object<'v> {
    fn new(place: &'v str, value: &'v Value) -> Result<Self, LocalRulesError> {
        match value {
            Value::Object(fields) => Ok(Self { place, fields }),
            other => {
                Err(LocalRulesError(format!("{place}: expected an object, but found {}", shown(Some(other)))))
            }
        }
    }

    fn rule(&self, name: &str, at: usize) -> Result<Rule, LocalRulesError> {
        let target = self.fields.get("fixed_target");
        let size = target.and_then(Value::as_u64).and_then(|size| u32::try_from(size).ok());
        let size = size.ok_or_else(|| self.wrong("fixed_target", "a whole number", target))?;
        let rate = self.fields.get("rate");
        let share = rate.and_then(Value::as_f64).and_then(Rate::new);
        let share = share.ok_or_else(|| self.wrong("rate", "a number between 0 and 1", rate))?;
        Ok(Rule::for_all(name, u32::try_from(at).unwrap_or(u32::MAX), size, share))
    }

    fn pattern(&self, key: &str) -> Result<Pattern, LocalRulesError> {
        match self.fields.get(key) {
            Some(Value::String(text)) if text.len() <= MAX_PATTERN_BYTES => Ok(Pattern::new(text)),
            found => Err(self.wrong(key, "text, `*` for any,", found)),
        }
    }

    fn wrong(&self, key: &str, expected: &str, found: Option<&Value>) -> LocalRulesError {
        LocalRulesError(format!("{}: expected {expected} as `{key}`, but found {}", self.place, shown(found)))
    }

    fn warn_unless(&self, known: &[&str], warnings: &mut Vec<String>) {
        let unknown = self.fields.keys().filter(|key| !known.contains(&key.as_str()));
        warnings.extend(unknown.map(|key| format!("{}: `{}` is not looked at", self.place, cut(key))));
    }
}

/// A value as an error message shows it.
fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".into(), |value| cut(&value.to_string()).into())
}

fn cut(text: &str) -> &str {
    const SHOWN_CHARS: usize = 40;
    crate::sanitize::truncate(text, SHOWN_CHARS)
}

impl fmt::Display for LocalRulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for LocalRulesError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sampling::{Decision, Process, Request, Stripe, Table};

    const FILE: &str = r#"{
        "version": 2,
        "rules": [
            { "description": "Health", "host": "*", "http_method": "GET", "url_path": "/health*", "fixed_target": 0, "rate": 0 },
            { "host": "pay.*", "http_method": "*", "url_path": "*", "fixed_target": 2, "rate": 0.0 }
        ],
        "default": { "fixed_target": 0, "rate": 1 }
    }"#;

    #[test]
    fn the_first_rule_that_matches_decides() {
        let table = Table::local(LocalRules::parse(FILE).unwrap().rules, &Process::default());
        for (method, path, host, name, decisions) in [
            ("get", "/healthz", "pay.example.com", "1: Health", [Decision::NotSampled; 3]),
            ("POST", "/healthz", "pay.a", "2", [Decision::Quota, Decision::Quota, Decision::NotSampled]),
            ("GET", "/", "example.com", "Default", [Decision::Rate; 3]),
        ] {
            let request = Request {
                http_method: Some(method),
                url_path: Some(path),
                host: Some(host),
                ..Request::UNKNOWN
            };
            let entry = table.find(&request).unwrap();
            assert_eq!(&*entry.rule.name, name);
            assert_eq!(
                [0; 3].map(|now| entry.state.decide([1; 16], || now, Stripe::shared(0))),
                decisions,
                "{name}"
            );
        }
    }

    #[test]
    fn both_versions_and_what_breaks_them() {
        let with = |from: &str, to: &str| FILE.replacen(from, to, 1);
        for (file, expected) in [
            (FILE.to_string(), Ok(0)),
            (FILE.replace("\"host\"", "\"service_name\"").replace(": 2,\n", ": 1,\n"), Ok(0)),
            (with("\"rate\": 0 ", "\"rate\": 0, \"id\": 7, \"attributes\": {} "), Ok(1)),
            (with("\"version\": 2,", ""), Err("the file: expected 1 or 2 as `version`, but found nothing")),
            (
                with("\"version\": 2", "\"version\": 3"),
                Err("the file: expected 1 or 2 as `version`, but found 3"),
            ),
            (
                with("\"host\"", "\"service_name\""),
                Err("rule 1: expected `host` in version 2, but found `service_name`"),
            ),
            (
                with("\"version\": 2", "\"version\": 1"),
                Err("rule 1: expected `service_name` in version 1, but found `host`"),
            ),
            (
                with("\"fixed_target\": 2", "\"fixed_target\": -2"),
                Err("rule 2: expected a whole number as `fixed_target`, but found -2"),
            ),
            (
                with("\"rate\": 1", "\"rate\": 1.5"),
                Err("default: expected a number between 0 and 1 as `rate`, but found 1.5"),
            ),
            (
                with("\"GET\"", "null"),
                Err("rule 1: expected text, `*` for any, as `http_method`, but found null"),
            ),
            (
                with("\"rate\": 1 ", "\"rate\": 1, \"host\": \"*\""),
                Err(
                    "default: expected `fixed_target` and `rate`, but found `host`; it is for all requests that no rule matches",
                ),
            ),
            ("{\"version\":1}".into(), Err("the file: expected an object as `default`, but found nothing")),
            ("[]".into(), Err("the file: expected an object, but found []")),
            ("{".into(), Err("expected JSON, but EOF while parsing an object at line 1 column 1")),
        ] {
            let found = LocalRules::parse(&file);
            let found = found.as_ref().map(|file| file.warnings.len()).map_err(ToString::to_string);
            assert_eq!(found, expected.map_err(ToString::to_string), "{file}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, json in "[\\[\\]{}\":,0-9a-z_ ]{0,80}") {
            let _ = (LocalRules::parse(&text), LocalRules::parse(&json));
        }
    }
}
