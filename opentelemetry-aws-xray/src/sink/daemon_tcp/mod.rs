//! The X-Ray daemon's TCP port: it signs what it is sent, hands it on to X-Ray, and hands the answer back.
//!
//! So a process without credentials learns what X-Ray took. It is plain HTTP, as the daemon speaks it on its own host.

use std::time::Duration;

use xray_wire::Endpoint;

use super::acknowledged::{AcknowledgedSink, CallSettings, Rejections};
use crate::{
    config::Payload,
    post::{HttpPost, HttpSettings},
};

/// Who has not answered by then, or whose name has no address by then, is away. The daemon is near by: even where the first packet
/// is lost, the second one goes after one second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A sink for documents by way of a daemon's TCP port. `execution_env` is what `AWS_EXECUTION_ENV` says.
pub(crate) fn sink(
    payload: Payload,
    endpoint: &Endpoint,
    execution_env: Option<&str>,
    rejections: Rejections,
) -> AcknowledgedSink {
    let settings = CallSettings::default();
    let post = daemon(endpoint, execution_env, settings.concurrency);
    AcknowledgedSink::of(payload, post, settings, rejections)
}

/// A client for a daemon. Does nothing until the first call.
fn daemon(endpoint: &Endpoint, execution_env: Option<&str>, concurrency: usize) -> HttpPost {
    let settings = HttpSettings {
        user_agent: user_agent(execution_env),
        connect_timeout: CONNECT_TIMEOUT,
        idle_connections: concurrency,
        is_stamped: true,
        peer: Some(format!("the X-Ray daemon at {endpoint} (TCP)")),
    };
    HttpPost::new(format!("http://{endpoint}"), settings)
}

/// `opentelemetry-aws-xray/<version> exec-env/<AWS_EXECUTION_ENV> OS/<system>-<processor>`, as AWS' own clients name themselves.
fn user_agent(execution_env: Option<&str>) -> String {
    let is_plain = |env: &&str| !env.is_empty() && env.bytes().all(|byte| byte.is_ascii_graphic());
    let env = execution_env.filter(is_plain).unwrap_or("UNKNOWN");
    let version = env!("CARGO_PKG_VERSION");
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("opentelemetry-aws-xray/{version} exec-env/{env} OS/{system}-{processor}")
}

#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;
