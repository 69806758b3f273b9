//! Where to and as whom.

use std::{fmt, time::Duration};

use aws_config::SdkConfig;

use crate::sink::{acknowledged::CallSettings, telemetry::TelemetryRecords};

/// Settings for sending straight to X-Ray.
///
/// Without any, region and credentials are found as every AWS SDK and the AWS CLI find them: environment, profile, web identity,
/// container, instance. Nothing is looked up or connected before the first document; while there are no credentials, documents
/// wait.
///
/// The role or user needs `xray:PutTraceSegments` (in the managed policy `AWSXRayDaemonWriteAccess`), and
/// `xray:PutTelemetryRecords` for telemetry records.
///
/// ```
/// use opentelemetry_aws_xray::aws::Direct;
///
/// let here = Direct::new();
/// let other_account = Direct::new()
///     .with_region("eu-central-1")
///     .with_role("arn:aws:iam::123456789012:role/traces", Some("our-external-id"));
/// # drop((here, other_account));
/// ```
#[derive(Clone, Default)]
#[must_use = "settings do nothing until a sink is made of them"]
pub struct Direct {
    pub(super) sdk_config: Option<SdkConfig>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) role: Option<Role>,
    pub(super) fips: Option<bool>,
    pub(super) dual_stack: Option<bool>,
    pub(super) api_key: Option<String>,
    pub(super) calls: CallSettings,
    pub(super) telemetry_records: Option<TelemetryRecords>,
}

/// A role that is assumed with the credentials that were found.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
}

impl Direct {
    /// Region and credentials as the environment has them.
    pub fn new() -> Self {
        Self::default()
    }

    /// The AWS configuration of the application, instead of one of our own: its region, its credentials, its HTTP client.
    /// Settings made here win over it. Its retries are not used; the sink has its own.
    ///
    /// ```no_run
    /// # async fn run() {
    /// use aws_config::BehaviorVersion;
    /// use opentelemetry_aws_xray::aws::Direct;
    ///
    /// let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    /// let direct = Direct::new().with_sdk_config(config);
    /// # drop(direct);
    /// # }
    /// ```
    ///
    /// Default: `aws_config`'s default chain.
    pub fn with_sdk_config(mut self, config: SdkConfig) -> Self {
        self.sdk_config = Some(config);
        self
    }

    /// The region, such as `eu-central-1`.
    ///
    /// Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's region, that of the instance.
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The URL to send to, for a VPC endpoint of one's own or a test.
    ///
    /// ```
    /// use opentelemetry_aws_xray::aws::Direct;
    ///
    /// let direct = Direct::new().with_endpoint("https://vpce-0123-abcd.xray.eu-central-1.vpce.amazonaws.com");
    /// # drop(direct);
    /// ```
    ///
    /// Default: `AWS_ENDPOINT_URL_XRAY`, `AWS_ENDPOINT_URL`, the profile's endpoint, else that of X-Ray in the region.
    pub fn with_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// A role to assume, to send to another account: its ARN, and the external id that its trust policy may ask for.
    ///
    /// Default: none.
    pub fn with_role(mut self, arn: impl Into<String>, external_id: Option<&str>) -> Self {
        self.role = Some(Role { arn: arn.into(), external_id: external_id.map(Into::into) });
        self
    }

    /// Whether the endpoint is the one with validated cryptography (FIPS 140).
    ///
    /// Default: `AWS_USE_FIPS_ENDPOINT`, the profile's `use_fips_endpoint`, else `false`.
    pub fn with_fips(mut self, fips: bool) -> Self {
        self.fips = Some(fips);
        self
    }

    /// Whether the endpoint is the one with IPv6 beside IPv4.
    ///
    /// Default: `AWS_USE_DUALSTACK_ENDPOINT`, the profile's `use_dualstack_endpoint`, else `false`.
    pub fn with_dual_stack(mut self, dual_stack: bool) -> Self {
        self.dual_stack = Some(dual_stack);
        self
    }

    /// An X-Ray API key, which is sent as a bearer token instead of a signature. X-Ray takes such keys for OTLP only. No
    /// credentials are looked for then, and the key leaves the machine over HTTPS only. Calls for sampling rules are signed all the same, and
    /// need credentials.
    ///
    /// Default: none; requests are signed.
    pub fn with_api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// The longest that one call may take, from finding credentials to the last byte of the answer. Credentials that have not come
    /// after five sixths of it are taken for missing, and the documents wait for them.
    ///
    /// Default: thirty seconds.
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.calls.timeout = timeout;
        self
    }

    /// Calls that may be under way at once, at least one.
    ///
    /// Default: eight, as the daemon has.
    pub fn with_concurrency(mut self, calls: usize) -> Self {
        self.calls.concurrency = calls.max(1);
        self
    }

    /// Tells X-Ray once a minute how the sending goes, as the daemon does.
    ///
    /// Default: it is not told.
    pub fn with_telemetry_records(mut self, records: TelemetryRecords) -> Self {
        self.telemetry_records = Some(records);
        self
    }

    /// The same, with calls that take no longer than this.
    pub(crate) fn within(mut self, most: Duration) -> Self {
        self.calls.timeout = self.calls.timeout.min(most);
        self
    }

    /// The longest that one call may take.
    #[cfg(feature = "sampler")]
    pub(crate) fn request_timeout(&self) -> Duration {
        self.calls.timeout
    }

    /// The same, signing its calls whatever key there is: for parts of X-Ray's API that take none.
    #[cfg(feature = "sampler")]
    pub(crate) fn signed(self) -> Self {
        Self { api_key: None, ..self }
    }

    /// The same for a second sink, whose work is not told apart from the first.
    pub(crate) fn twin(&self) -> Self {
        Self { telemetry_records: None, ..self.clone() }
    }
}

impl fmt::Debug for Direct {
    /// Without the API key and the external id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("role", &self.role.as_ref().map(|role| &role.arn))
            .field("fips", &self.fips)
            .field("dual_stack", &self.dual_stack)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let direct = Direct::new().with_api_key("hidden").with_role("arn:aws:iam::1:role/r", Some("hidden"));
        let shown = format!("{direct:?}");
        assert!(shown.contains("role/r") && !shown.contains("hidden"), "{shown}");
    }
}
