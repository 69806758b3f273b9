//! The sampling API at X-Ray itself: signed here, without a daemon in between.

use xray_wire::sampling::{ClientId, Report, RulesPage, Targets};

use super::{
    api::{SamplingApi, SamplingApiError},
    calls::Calls,
};
use crate::aws::{AwsPost, Direct};

/// X-Ray's sampling API with AWS credentials, for processes that have no daemon. Nothing is looked up or connected before the
/// first call.
///
/// The role or user needs `xray:GetSamplingRules` and `xray:GetSamplingTargets`, which are in the managed policy
/// `AWSXRayDaemonWriteAccess`.
///
/// ```
/// use opentelemetry_aws_xray::{aws::Direct, sampler::{DirectSamplingApi, XraySampler}};
///
/// let api = DirectSamplingApi::new(Direct::new().with_region("eu-central-1"));
/// let sampler = XraySampler::builder().with_api(api).build();
/// # drop(sampler);
/// ```
#[derive(Debug)]
pub struct DirectSamplingApi {
    calls: Calls<AwsPost>,
}

impl DirectSamplingApi {
    /// The API with these settings, and those of the environment where they say nothing. An API key is not used: X-Ray takes them
    /// for OTLP only, so these calls are signed with the credentials that are found.
    #[must_use]
    pub fn new(direct: Direct) -> Self {
        let timeout = direct.request_timeout();
        Self { calls: Calls::new(AwsPost::new(direct.signed()), timeout) }
    }
}

impl SamplingApi for DirectSamplingApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        self.calls.rules(next_token)
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        self.calls.targets(client, epoch_millis, reports)
    }

    fn endpoint(&self) -> String {
        "X-Ray itself".to_owned()
    }
}
