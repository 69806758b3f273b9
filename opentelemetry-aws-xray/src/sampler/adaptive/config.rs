//! What counts as an anomaly, and how many are captured.

use opentelemetry_sdk::trace::SpanData;

use super::anomaly::{Anomaly, AnomalyCondition, End};
use crate::config::{self, Environment};

/// The local side of adaptive sampling. As it is by default, X-Ray hears of faults, and nothing is captured.
///
/// ```
/// use std::time::Duration;
/// use opentelemetry_aws_xray::sampler::adaptive::{AdaptiveSampling, AnomalyCondition};
///
/// let slow = AnomalyCondition::new().with_operations(["POST /pay"]).with_slower_than(Duration::from_millis(500));
/// let failed = AnomalyCondition::new().with_status_codes("5..")?;
/// let adaptive = AdaptiveSampling::new().with_conditions([slow, failed]).with_captured_per_second(1);
/// # Ok::<(), opentelemetry_aws_xray::sampler::adaptive::InvalidPattern>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdaptiveSampling {
    pub(super) conditions: Option<Vec<AnomalyCondition>>,
    pub(super) captured_per_second: u32,
}

impl AdaptiveSampling {
    /// How many traces with an anomaly are captured in a second, if there is a configuration that does not say.
    pub const DEFAULT_CAPTURED_PER_SECOND: u32 = 1;

    /// X-Ray hears of faults, and nothing is captured.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As `AWS_XRAY_ADAPTIVE_SAMPLING_CONFIG` says, which holds YAML or JSON, or names a file that does. If it is not set, or can't be
    /// understood, which a warning tells, it is as by default.
    #[must_use]
    pub fn from_environment() -> Self {
        config::adaptive_sampling(&Environment::process())
    }

    /// What is an anomaly, instead of faults: status codes of 500 and more, and spans that are errors and have none. With an empty
    /// list nothing is.
    ///
    /// Default: faults are.
    #[must_use]
    pub fn with_conditions(mut self, conditions: impl IntoIterator<Item = AnomalyCondition>) -> Self {
        self.conditions = Some(conditions.into_iter().collect());
        self
    }

    /// How many traces are captured in a second that have an anomaly and are not sampled. Only new ones count: of those that are captured,
    /// all further spans are.
    ///
    /// Default: 0; 1 with a configuration from the environment that does not say.
    #[must_use]
    pub fn with_captured_per_second(mut self, traces: u32) -> Self {
        self.captured_per_second = traces;
        self
    }

    /// Whether anything may be captured.
    pub(super) fn captures(&self) -> bool {
        self.captured_per_second > 0
    }

    /// What a span is an anomaly for. `default_detection` is whether its rule takes faults for anomalies.
    pub(super) fn detect(&self, span: &SpanData, default_detection: bool) -> Anomaly {
        let end = End::of(span);
        match &self.conditions {
            Some(conditions) => Anomaly::by(conditions, &end),
            None if default_detection => Anomaly::by_default(&end),
            None => Anomaly::default(),
        }
    }
}
