//! The answers to the two calls.

mod read;

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

pub use read::{rules_page, targets};

use super::{Rule, Target};
use crate::limits::MAX_SAMPLING_BODY_BYTES;

/// One page of an answer to GetSamplingRules.
///
/// ```
/// use xray_wire::sampling::{Rule, RulesPage};
///
/// /// All that the account has.
/// fn all(mut page_of: impl FnMut(Option<&str>) -> RulesPage) -> Vec<Rule> {
///     let mut page = page_of(None);
///     let mut rules = page.rules;
///     while let Some(token) = page.next_token.take() {
///         page = page_of(Some(&token));
///         rules.append(&mut page.rules);
///     }
///     rules
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RulesPage {
    /// The rules that can be followed, as they came.
    pub rules: Vec<Rule>,
    /// The others.
    pub skipped: Vec<SkippedRule>,
    /// Names the next page, if there is one.
    pub next_token: Option<String>,
}

/// A rule that can't be followed.
///
/// ```
/// let body = br#"{"SamplingRuleRecords": [{"SamplingRule": {"RuleName": "new", "Version": 2}}]}"#;
/// let page = xray_wire::sampling::rules_page(body)?;
/// assert_eq!((page.skipped[0].name.as_deref(), page.skipped[0].reason), (Some("new"), "expected Version 1"));
/// # Ok::<(), xray_wire::sampling::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRule {
    /// Its name, if it has one.
    pub name: Option<Box<str>>,
    /// Why not, in words.
    pub reason: &'static str,
}

/// An answer to GetSamplingTargets.
///
/// ```
/// use xray_wire::sampling::{Schedule, Table, Targets};
///
/// fn arrived(answer: &Targets, table: &Table, schedule: &mut Schedule, now: u64, epoch_seconds: f64) {
///     table.apply(&answer.targets, now, epoch_seconds);
///     if let Some(modified) = answer.last_rule_modification {
///         schedule.rules_modified(modified);
///     }
///     schedule.targets_arrived(table.next_report(), now);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Targets {
    /// What to do from now on.
    pub targets: Vec<Target>,
    /// When rules were last changed, in epoch seconds.
    pub last_rule_modification: Option<f64>,
    /// Reports that X-Ray has not taken.
    pub unprocessed: Vec<Unprocessed>,
    /// Reports of anomalies that X-Ray has not taken.
    pub unprocessed_boosts: Vec<Unprocessed>,
}

/// A report that X-Ray has not taken.
///
/// ```
/// use xray_wire::sampling::Unprocessed;
///
/// let of = |code: &str| Unprocessed { rule_name: "gone".into(), error_code: code.into(), message: "".into() };
/// assert!(of("400").is_final() && of("InvalidRequestException").is_final());
/// assert!(!of("429").is_final() && !of("500").is_final());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unprocessed {
    /// The rule's name.
    pub rule_name: Box<str>,
    /// A status code, as text, or the name of an error.
    pub error_code: Box<str>,
    /// What X-Ray says of it.
    pub message: Box<str>,
}

impl Unprocessed {
    /// Whether the same report would be refused again: its rule is gone, most likely, or something in it is wrong. Throttling, a
    /// time-out, a failure of X-Ray's own and what isn't known are worth another try.
    #[must_use]
    pub fn is_final(&self) -> bool {
        /// The caller shall come again: request timeout, too many requests.
        const TRANSIENT: [&str; 2] = ["408", "429"];
        let starts_with = |start: &str| {
            self.error_code.get(..start.len()).is_some_and(|code| code.eq_ignore_ascii_case(start))
        };
        starts_with("invalid") || starts_with("4") && !TRANSIENT.iter().any(|code| starts_with(code))
    }
}

/// The body is no answer to the call.
///
/// ```
/// use xray_wire::sampling::{ReadError, rules_page};
///
/// let error = rules_page(br#"{"message": "Missing Authentication Token"}"#).unwrap_err();
/// assert!(matches!(error, ReadError::Missing("SamplingRuleRecords")));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// It has so many bytes, more than [`MAX_SAMPLING_BODY_BYTES`].
    TooLarge(usize),
    /// It is no JSON.
    Json(serde_json::Error),
    /// It is JSON without this list.
    Missing(&'static str),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(bytes) => {
                write!(f, "expected at most {MAX_SAMPLING_BODY_BYTES} bytes, but found {bytes}")
            }
            Self::Json(_) => f.write_str("expected JSON"),
            Self::Missing(list) => write!(f, "expected the list {list}"),
        }
    }
}

impl core::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::TooLarge(_) | Self::Missing(_) => None,
        }
    }
}
