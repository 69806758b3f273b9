//! The two calls by which a process asks X-Ray how to sample.

use std::{error::Error, fmt};

use xray_wire::sampling::{ClientId, Report, RulesPage, Targets};

/// X-Ray's sampling API, behind whatever road leads there. Called from the sampler's own thread, which may wait.
///
/// [`HttpSamplingApi`](super::HttpSamplingApi) is the road through the X-Ray daemon or a Collector.
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
