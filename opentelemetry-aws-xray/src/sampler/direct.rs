//! The sampling API at X-Ray itself: signed here, without a daemon in between.

use xray_wire::sampling::{
    ClientId, Report, RulesPage, Targets, rules_page, rules_request, targets, targets_request,
};

use super::api::{SamplingApi, SamplingApiError};
use crate::{
    aws::{AwsPost, Direct},
    post::{Post, PostRequest, PostResponse},
};

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
    post: AwsPost,
    timeout: std::time::Duration,
}

impl DirectSamplingApi {
    /// The API with these settings, and those of the environment where they say nothing.
    #[must_use]
    pub fn new(direct: Direct) -> Self {
        Self { timeout: direct.request_timeout(), post: AwsPost::new(direct) }
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, SamplingApiError> {
        let request = PostRequest { path, content_type: "application/json", content_encoding: None, body };
        let answer = self.post.post(&request, self.timeout);
        let PostResponse { status, body, error_type, .. } =
            answer.map_err(|error| SamplingApiError::new(error.message))?;
        if !(200..300).contains(&status) {
            let error_type = error_type.unwrap_or_default();
            return Err(SamplingApiError::new(format!(
                "the answer was {status} {}",
                error_type.escape_debug()
            )));
        }
        Ok(body)
    }
}

impl SamplingApi for DirectSamplingApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        let body = self.post("/GetSamplingRules", &rules_request(next_token))?;
        rules_page(&body).map_err(|error| SamplingApiError::caused_by(&error))
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        let body = self.post("/SamplingTargets", &targets_request(client, epoch_millis, reports))?;
        targets(&body).map_err(|error| SamplingApiError::caused_by(&error))
    }

    fn endpoint(&self) -> String {
        "X-Ray itself".to_owned()
    }
}
