//! AWS's configuration of adaptive sampling, in YAML or JSON (X-Ray developer guide, "Adaptive sampling").

use std::{borrow::Cow, error::Error, fmt, str::FromStr, time::Duration};

use yaml_rust2::{ScanError, Yaml, YamlLoader};

use super::{
    anomaly::{AnomalyCondition, AnomalyUsage, InvalidPattern},
    config::AdaptiveSampling,
};

/// A text is no configuration of adaptive sampling.
///
/// ```
/// use opentelemetry_aws_xray::sampler::adaptive::{AdaptiveSampling, ParseAdaptiveSamplingError};
///
/// let error = "{version: 1.0, anomalyConditions: none}".parse::<AdaptiveSampling>().unwrap_err();
/// assert_eq!(error.to_string(), "expected as `anomalyConditions` a list");
/// assert!(matches!("{}".parse::<AdaptiveSampling>(), Err(ParseAdaptiveSamplingError::Version)));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ParseAdaptiveSamplingError {
    /// It is no YAML.
    Yaml(ScanError),
    /// It is of another version than this.
    Version,
    /// A key has no such value.
    Expected {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// An `errorCodeRegex` is none.
    Pattern(InvalidPattern),
}

/// ```
/// use opentelemetry_aws_xray::sampler::adaptive::AdaptiveSampling;
///
/// let adaptive: AdaptiveSampling = r#"
/// version: 1.0
/// anomalyConditions:
///   - errorCodeRegex: "^5\\d\\d$"
///     operations: ["POST /pay"]
///     highLatencyMs: 500
///     usage: both
/// anomalyCaptureLimit:
///   anomalyTracesPerSecond: 1
/// "#.parse()?;
/// # Ok::<(), opentelemetry_aws_xray::sampler::adaptive::ParseAdaptiveSamplingError>(())
/// ```
impl FromStr for AdaptiveSampling {
    type Err = ParseAdaptiveSamplingError;

    /// Reads YAML, and JSON, which is YAML too. Keys that are not known are passed over.
    ///
    /// # Errors
    /// If it is neither, of another version, or holds what a key can't have.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let documents = YamlLoader::load_from_str(text).map_err(ParseAdaptiveSamplingError::Yaml)?;
        let root = documents.first().unwrap_or(&Yaml::BadValue);
        let version = number(&root["version"]).ok_or(ParseAdaptiveSamplingError::Version)?;
        if !(1.0..2.0).contains(&version) {
            return Err(ParseAdaptiveSamplingError::Version);
        }
        let conditions = list(&root["anomalyConditions"], "anomalyConditions", "a list")?
            .map(|conditions| conditions.iter().map(condition).collect::<Result<_, _>>())
            .transpose()?;
        let limit = &root["anomalyCaptureLimit"]["anomalyTracesPerSecond"];
        Ok(Self {
            conditions,
            // A part of a trace is rounded up: who asks for some shall get one. A cast ends at the largest number.
            captured_per_second: amount(limit, "anomalyTracesPerSecond")?
                .map_or(Self::DEFAULT_CAPTURED_PER_SECOND, |limit| limit.ceil() as u32),
        })
    }
}

fn condition(fields: &Yaml) -> Result<AnomalyCondition, ParseAdaptiveSamplingError> {
    let mut condition = AnomalyCondition::new().with_usage(usage(&fields["usage"])?);
    if let Some(pattern) = text(&fields["errorCodeRegex"], "errorCodeRegex")? {
        condition = condition.with_status_codes(&pattern).map_err(ParseAdaptiveSamplingError::Pattern)?;
    }
    if let Some(operations) = list(&fields["operations"], "operations", "a list of texts")? {
        let operations = operations.iter().map(|operation| text(operation, "operations"));
        let operations: Vec<_> = operations.collect::<Result<_, _>>()?;
        condition = condition.with_operations(operations.into_iter().flatten());
    }
    if let Some(millis) = amount(&fields["highLatencyMs"], "highLatencyMs")? {
        let duration = Duration::try_from_secs_f64(millis / 1e3).unwrap_or(Duration::MAX);
        condition = condition.with_slower_than(duration);
    }
    Ok(condition)
}

fn usage(value: &Yaml) -> Result<AnomalyUsage, ParseAdaptiveSamplingError> {
    Ok(match text(value, "usage")?.as_deref() {
        None | Some("both") => AnomalyUsage::Both,
        Some("sampling-boost") => AnomalyUsage::SamplingBoost,
        Some("anomaly-trace-capture") => AnomalyUsage::AnomalyTraceCapture,
        Some(_) => {
            let expected = "`both`, `sampling-boost` or `anomaly-trace-capture`";
            return Err(ParseAdaptiveSamplingError::Expected { key: "usage", expected });
        }
    })
}

fn is_absent(value: &Yaml) -> bool {
    matches!(value, Yaml::BadValue | Yaml::Null)
}

fn list<'y>(
    value: &'y Yaml,
    key: &'static str,
    expected: &'static str,
) -> Result<Option<&'y [Yaml]>, ParseAdaptiveSamplingError> {
    match value {
        Yaml::Array(values) => Ok(Some(values)),
        value if is_absent(value) => Ok(None),
        _ => Err(ParseAdaptiveSamplingError::Expected { key, expected }),
    }
}

/// Text. A pattern without quotes that is a number, such as `500`, is meant as text.
fn text<'y>(value: &'y Yaml, key: &'static str) -> Result<Option<Cow<'y, str>>, ParseAdaptiveSamplingError> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Ok(Some(Cow::Borrowed(text))),
        Yaml::Integer(number) => Ok(Some(Cow::Owned(number.to_string()))),
        value if is_absent(value) => Ok(None),
        _ => Err(ParseAdaptiveSamplingError::Expected { key, expected: "text; put it into quotes" }),
    }
}

/// A number, whole or not: `500` and `500.0` are the same to YAML's other readers.
fn amount(value: &Yaml, key: &'static str) -> Result<Option<f64>, ParseAdaptiveSamplingError> {
    let found = match value {
        Yaml::Integer(number) => Some(*number as f64),
        Yaml::Real(text) => text.parse().ok(),
        value if is_absent(value) => return Ok(None),
        _ => None,
    };
    match found {
        Some(number) if number >= 0.0 => Ok(Some(number)),
        _ => Err(ParseAdaptiveSamplingError::Expected { key, expected: "a number, 0 or more" }),
    }
}

/// A number, or text that is one: versions come in both forms.
fn number(value: &Yaml) -> Option<f64> {
    match value {
        Yaml::Integer(number) => Some(*number as f64),
        Yaml::Real(text) | Yaml::String(text) => text.parse().ok(),
        _ => None,
    }
}

impl fmt::Display for ParseAdaptiveSamplingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yaml(error) => write!(f, "expected YAML or JSON: {error}"),
            Self::Version => f.write_str("expected `version: 1.0`, or another number from 1 to below 2"),
            Self::Expected { key, expected } => write!(f, "expected as `{key}` {expected}"),
            Self::Pattern(error) => error.fmt(f),
        }
    }
}

impl Error for ParseAdaptiveSamplingError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Yaml(error) => Some(error),
            Self::Pattern(error) => Some(error),
            Self::Version | Self::Expected { .. } => None,
        }
    }
}
