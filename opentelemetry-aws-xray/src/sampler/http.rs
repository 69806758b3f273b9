//! The sampling API over HTTP, through a proxy that signs: the X-Ray daemon's TCP port, the CloudWatch agent, or a
//! Collector with the extension `awsproxy`.

use std::time::Duration;

use ureq::Agent;
use xray_wire::{
    limits::MAX_SAMPLING_BODY_BYTES,
    sampling::{ClientId, Report, RulesPage, Targets, rules_page, rules_request, targets, targets_request},
};

use super::api::{SamplingApi, SamplingApiError};

/// The longest wait for a connection. The proxy is near by.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest wait for a whole call: the proxy asks X-Ray, which may be far away.
const CALL_TIMEOUT: Duration = Duration::from_secs(7);

/// X-Ray's sampling API at an endpoint that signs the calls itself. Unencrypted HTTP: for the local host, or a network that
/// is trusted.
#[derive(Debug)]
pub struct HttpSamplingApi {
    agent: Agent,
    endpoint: String,
}

impl HttpSamplingApi {
    /// The API at an endpoint such as `http://127.0.0.1:2000`; `http://` may be left out.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        let endpoint = endpoint.trim().trim_end_matches('/');
        let endpoint =
            if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") };
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(CALL_TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            // A proxy for the internet is no way to the local host.
            .proxy(None)
            .user_agent(concat!("opentelemetry-aws-xray/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: agent.new_agent(), endpoint }
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, SamplingApiError> {
        let request =
            self.agent.post(format!("{}/{path}", self.endpoint)).header("Content-Type", "application/json");
        let mut response = request.send(body).map_err(|error| SamplingApiError::caused_by(&error))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(MAX_SAMPLING_BODY_BYTES as u64).read_to_vec();
        let body = body.map_err(|error| SamplingApiError::caused_by(&error))?;
        if !status.is_success() {
            return Err(SamplingApiError::new(format!("the answer was {status}: {}", shown(&body))));
        }
        Ok(body)
    }
}

impl SamplingApi for HttpSamplingApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        let body = self.post("GetSamplingRules", &rules_request(next_token))?;
        rules_page(&body).map_err(|error| SamplingApiError::caused_by(&error))
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        let body = self.post("SamplingTargets", &targets_request(client, epoch_millis, reports))?;
        targets(&body).map_err(|error| SamplingApiError::caused_by(&error))
    }

    fn endpoint(&self) -> String {
        self.endpoint.clone()
    }
}

/// An answer as far as a person wants to read it.
fn shown(body: &[u8]) -> String {
    const SHOWN_CHARS: usize = 200;
    let text = String::from_utf8_lossy(body);
    xray_wire::sanitize::truncate(text.trim(), SHOWN_CHARS).escape_debug().to_string()
}
