//! The two calls by which a process asks X-Ray how to sample.

use std::{error::Error, fmt};

use xray_wire::sampling::{ClientId, Report, RulesPage, Targets};

/// X-Ray's sampling API, behind whatever road leads there. Called from the sampler's own thread, which may wait.
///
/// [`HttpSamplingApi`](super::HttpSamplingApi) is the road through the X-Ray daemon or a Collector.
///
/// Another road needs the crate `xray-wire`, whose types are what goes over it:
///
/// ```
/// use opentelemetry_aws_xray::sampler::{SamplingApi, SamplingApiError, XraySampler};
/// use xray_wire::sampling::{ClientId, Report, RulesPage, Targets, rules_page};
///
/// /// Rules from a file that was saved with `aws xray get-sampling-rules`, for a test.
/// #[derive(Debug)]
/// struct Saved(Vec<u8>);
///
/// impl SamplingApi for Saved {
///     fn rules(&mut self, _next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
///         rules_page(&self.0).map_err(|error| SamplingApiError::new(error.to_string()))
///     }
///     fn targets(&mut self, _: ClientId, _: u64, _: &[Report]) -> Result<Targets, SamplingApiError> {
///         Ok(Targets::default())
///     }
///     fn endpoint(&self) -> String {
///         "a file".to_owned()
///     }
/// }
/// let sampler = XraySampler::builder().with_api(Saved(br#"{"SamplingRuleRecords": []}"#.to_vec())).build();
/// ```
pub trait SamplingApi: fmt::Debug + Send + 'static {
    /// GetSamplingRules: the first page, or the one that the last page's token names.
    ///
    /// # Errors
    /// In words, if there is no answer or one that can't be read. The sampler keeps its rules and tries again.
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError>;

    /// GetSamplingTargets: at most 25 reports, taken at `epoch_millis`.
    ///
    /// # Errors
    /// As above. What was counted goes back to the counters, for the next report.
    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError>;

    /// Where the API is, for messages.
    fn endpoint(&self) -> String;
}

/// Why a call failed, in words.
///
/// The last one is what [`SamplerStatus::last_error`](super::SamplerStatus::last_error) shows:
///
/// ```
/// use opentelemetry_aws_xray::sampler::SamplingApiError;
///
/// let error = SamplingApiError::new("expected an answer, but the proxy said 503");
/// assert!(error.to_string().ends_with("503"));
/// ```
#[derive(Debug)]
pub struct SamplingApiError(String);

impl SamplingApiError {
    /// The error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The error and what it came from.
    pub(super) fn caused_by(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        Self(text)
    }
}

impl fmt::Display for SamplingApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for SamplingApiError {}
