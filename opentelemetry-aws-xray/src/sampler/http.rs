//! The sampling API over HTTP, through a proxy that signs: the X-Ray daemon's TCP port, the CloudWatch agent, or a
//! Collector with the extension `awsproxy`.

use std::{fmt, time::Duration};

use xray_wire::sampling::{ClientId, Report, RulesPage, Targets};

use super::{
    api::{SamplingApi, SamplingApiError},
    calls::Calls,
};
use crate::{
    config,
    post::{HttpPost, HttpSettings},
};

/// The longest wait for a connection. The proxy is near by.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest wait for a whole call: the proxy asks X-Ray, which may be far away.
const CALL_TIMEOUT: Duration = Duration::from_secs(7);

/// X-Ray's sampling API at an endpoint that signs the calls itself. Unencrypted HTTP: for the local host, or a network that
/// is trusted.
///
/// ```
/// use opentelemetry_aws_xray::sampler::{HttpSamplingApi, SamplingApi, XraySampler};
///
/// let api = HttpSamplingApi::new("xray-daemon.internal:2000");
/// assert_eq!(api.endpoint(), "http://xray-daemon.internal:2000");
/// let sampler = XraySampler::builder().with_api(api).build();
/// ```
pub struct HttpSamplingApi {
    calls: Calls<HttpPost>,
    endpoint: String,
}

impl HttpSamplingApi {
    /// The API at an endpoint such as `http://127.0.0.1:2000`; `http://` may be left out. User and password before an `@` are sent
    /// (HTTP's Basic authentication), and shown nowhere.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        let endpoint = endpoint.trim().trim_end_matches('/');
        let endpoint =
            if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") };
        let settings = HttpSettings {
            user_agent: concat!("opentelemetry-aws-xray/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: CONNECT_TIMEOUT,
            // Calls come one after the other.
            idle_connections: 1,
            is_stamped: false,
            // The sampler's warnings name the endpoint themselves.
            peer: None,
        };
        // What is shown of it stands in warnings.
        let shown = config::without_user(&endpoint).into_owned();
        Self { calls: Calls::new(HttpPost::new(endpoint, settings), CALL_TIMEOUT), endpoint: shown }
    }
}

/// Without user and password.
impl fmt::Debug for HttpSamplingApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSamplingApi").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl SamplingApi for HttpSamplingApi {
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
        self.endpoint.clone()
    }
}
