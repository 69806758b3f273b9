//! What an anomaly is.

use std::{borrow::Cow, fmt, time::Duration};

use opentelemetry::{KeyValue, Value, trace::Status};
use opentelemetry_sdk::trace::SpanData;

/// When a span is an anomaly: if its status code is one of those given, and if it took as long as given. Of the two, those that are
/// given must hold; with neither, nothing is an anomaly.
///
/// ```
/// use std::time::Duration;
///
/// use opentelemetry_aws_xray::sampler::adaptive::{AnomalyCondition, AnomalyUsage};
///
/// // Faults and throttling of payments, if they took their time.
/// let condition = AnomalyCondition::new()
///     .with_operations(["POST /pay"])
///     .with_status_codes("5..|429")?
///     .with_slower_than(Duration::from_millis(500))
///     .with_usage(AnomalyUsage::SamplingBoost);
/// # Ok::<(), opentelemetry_aws_xray::sampler::adaptive::InvalidPattern>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnomalyCondition {
    statuses: Option<Statuses>,
    operations: Vec<String>,
    slower_than: Option<Duration>,
    usage: AnomalyUsage,
}

/// What an anomaly is used for.
///
/// ```
/// use opentelemetry_aws_xray::sampler::adaptive::{AdaptiveSampling, AnomalyCondition, AnomalyUsage};
///
/// // Every fault is told to X-Ray; only payments are worth a trace.
/// let fault = AnomalyCondition::new().with_status_codes("5..")?;
/// let adaptive = AdaptiveSampling::new().with_captured_per_second(1).with_conditions([
///     fault.clone().with_usage(AnomalyUsage::SamplingBoost),
///     fault.with_operations(["POST /pay"]).with_usage(AnomalyUsage::AnomalyTraceCapture),
/// ]);
/// # Ok::<(), opentelemetry_aws_xray::sampler::adaptive::InvalidPattern>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AnomalyUsage {
    /// For both of the others.
    #[default]
    Both,
    /// X-Ray hears of it, and may raise the rate of its rule.
    SamplingBoost,
    /// Its trace is captured, even if it is not sampled.
    AnomalyTraceCapture,
}

/// A pattern of status codes is no regular expression.
///
/// ```
/// use opentelemetry_aws_xray::sampler::adaptive::AnomalyCondition;
///
/// let error = AnomalyCondition::new().with_status_codes("5[").unwrap_err();
/// assert!(error.to_string().starts_with("expected a regular expression for status codes: "));
/// ```
#[derive(Debug)]
pub struct InvalidPattern(regex_lite::Error);

impl AnomalyCondition {
    /// A condition that nothing fulfils yet, on all operations, for both usages.
    #[must_use]
    pub fn new() -> Self {
        Self { statuses: None, operations: Vec::new(), slower_than: None, usage: AnomalyUsage::Both }
    }

    /// Status codes, as a regular expression for the whole of them, such as `5..|429`. They are those of HTTP, from 100 to 599.
    ///
    /// # Errors
    /// If it is no regular expression.
    pub fn with_status_codes(mut self, pattern: &str) -> Result<Self, InvalidPattern> {
        self.statuses = Some(Statuses::matching(pattern)?);
        Ok(self)
    }

    /// Operations: `aws.local.operation` of a span, else its method and the first part of its path, such as `GET /orders`, else
    /// `UnknownOperation`.
    ///
    /// Default: all of them.
    #[must_use]
    pub fn with_operations(mut self, operations: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.operations = operations.into_iter().map(Into::into).collect();
        self
    }

    /// How long a span takes at least.
    ///
    /// Default: that does not matter.
    #[must_use]
    pub fn with_slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }

    /// What it is used for.
    ///
    /// Default: [`AnomalyUsage::Both`].
    #[must_use]
    pub fn with_usage(mut self, usage: AnomalyUsage) -> Self {
        self.usage = usage;
        self
    }

    fn holds(&self, end: &End<'_>) -> bool {
        let is_status = self.statuses.as_ref().map(|statuses| end.status.is_some_and(|it| statuses.has(it)));
        let is_slow = self.slower_than.map(|slow| end.took >= slow);
        // The cheapest first: an operation may have to be put together.
        is_status.or(is_slow).is_some()
            && is_status.unwrap_or(true)
            && is_slow.unwrap_or(true)
            && (self.operations.is_empty() || self.operations.contains(&end.operation().into_owned()))
    }
}

impl Default for AnomalyCondition {
    fn default() -> Self {
        Self::new()
    }
}

impl AnomalyUsage {
    const fn of(self) -> Anomaly {
        Anomaly {
            boost: matches!(self, Self::Both | Self::SamplingBoost),
            capture: matches!(self, Self::Both | Self::AnomalyTraceCapture),
        }
    }
}

/// What a span is an anomaly for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Anomaly {
    pub(super) boost: bool,
    pub(super) capture: bool,
}

impl Anomaly {
    /// By conditions of one's own.
    pub(super) fn by(conditions: &[AnomalyCondition], end: &End<'_>) -> Self {
        let mut found = Self::default();
        for condition in conditions {
            let usage = condition.usage.of();
            let adds = (usage.boost && !found.boost) || (usage.capture && !found.capture);
            if adds && condition.holds(end) {
                found.boost |= usage.boost;
                found.capture |= usage.capture;
            }
        }
        found
    }

    /// Without: a status of the server's failure, or, without a status, a span that is an error.
    pub(super) fn by_default(end: &End<'_>) -> Self {
        let is_failure = end.status.map_or(end.is_error, |status| status > 499);
        Self { boost: is_failure, capture: is_failure }
    }
}

/// How a span ended.
#[derive(Debug)]
pub(super) struct End<'a> {
    status: Option<u16>,
    is_error: bool,
    took: Duration,
    attributes: &'a [KeyValue],
}

impl<'a> End<'a> {
    pub(super) fn of(span: &'a SpanData) -> Self {
        let mut end = Self {
            status: None,
            is_error: matches!(span.status, Status::Error { .. }),
            took: span.end_time.duration_since(span.start_time).unwrap_or_default(),
            attributes: &span.attributes,
        };
        let status = end.last("http.response.status_code").or_else(|| end.last("http.status_code"));
        end.status = status.and_then(|status| match status {
            Value::I64(code) => u16::try_from(*code).ok(),
            Value::String(text) => text.as_str().parse().ok(),
            _ => None,
        });
        end
    }

    fn operation(&self) -> Cow<'a, str> {
        if let Some(operation) = self.text("aws.local.operation") {
            return operation.into();
        }
        let method = self.text("http.request.method").or_else(|| self.text("http.method"));
        let path = self.text("url.path").or_else(|| self.text("http.target"));
        match (method, path) {
            (Some(method), Some(path)) => {
                let path = path.trim_start_matches('/');
                let first = path.split(['/', '?', '#']).next().unwrap_or_default();
                format!("{method} /{first}").into()
            }
            _ => "UnknownOperation".into(),
        }
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        match self.last(key)? {
            Value::String(text) if !text.as_str().is_empty() => Some(text.as_str()),
            _ => None,
        }
    }

    /// The SDK keeps every value that was set for a key; the last one counts.
    fn last(&self, key: &str) -> Option<&'a Value> {
        let attribute = self.attributes.iter().rev().find(|attribute| attribute.key.as_str() == key);
        attribute.map(|attribute| &attribute.value)
    }
}

/// A set of status codes, so that no regular expression runs while requests do.
#[derive(Clone, PartialEq, Eq)]
struct Statuses(Box<[bool; Self::COUNT]>);

impl Statuses {
    const FIRST: u16 = 100;
    const COUNT: usize = 500;

    fn matching(pattern: &str) -> Result<Self, InvalidPattern> {
        let regex = regex_lite::Regex::new(&format!("^(?:{pattern})$")).map_err(InvalidPattern)?;
        let mut codes = Box::new([false; Self::COUNT]);
        for (code, is_in) in (Self::FIRST..).zip(codes.iter_mut()) {
            *is_in = regex.is_match(&code.to_string());
        }
        Ok(Self(codes))
    }

    fn has(&self, code: u16) -> bool {
        let index = code.checked_sub(Self::FIRST).map(usize::from);
        index.and_then(|index| self.0.get(index)).copied().unwrap_or(false)
    }
}

impl fmt::Debug for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = (Self::FIRST..).zip(self.0.iter()).filter(|(_, is_in)| **is_in).map(|(code, _)| code);
        f.debug_set().entries(codes).finish()
    }
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a regular expression for status codes: {}", self.0)
    }
}

impl std::error::Error for InvalidPattern {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
