//! The X-Ray daemon's TCP port: it signs what it is sent, hands it on to X-Ray, and hands the answer back.
//!
//! So a process without credentials learns what X-Ray took. It is plain HTTP, as the daemon speaks it on its own host.

use std::{
    fmt,
    io::{self, Read},
    net::ToSocketAddrs,
    time::Duration,
};

use ureq::{Agent, http::HeaderMap};
use xray_wire::Endpoint;

use super::acknowledged::{AcknowledgedSink, CallSettings, Rejections};
use crate::{
    clock::epoch,
    config::Payload,
    post::{CallError, CallErrorKind, Post, PostRequest, PostResponse},
};

/// A sink for documents by way of a daemon's TCP port. `execution_env` is what `AWS_EXECUTION_ENV` says.
pub(crate) fn sink(
    payload: Payload,
    endpoint: &Endpoint,
    execution_env: Option<&str>,
    rejections: Rejections,
) -> AcknowledgedSink {
    let settings = CallSettings::default();
    let post = DaemonHttp::new(endpoint, execution_env, settings.concurrency);
    AcknowledgedSink::of(payload, post, settings, rejections)
}

/// Posts to a daemon, over connections that are kept.
#[derive(Debug)]
pub(crate) struct DaemonHttp {
    agent: Agent,
    endpoint: Endpoint,
    user_agent: String,
}

impl DaemonHttp {
    /// A client for a daemon. Does nothing until the first call. `execution_env` is what `AWS_EXECUTION_ENV` says.
    pub(crate) fn new(endpoint: &Endpoint, execution_env: Option<&str>, concurrency: usize) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(concurrency)
            // The daemon is near by; a proxy from the environment is for hosts that are not.
            .proxy(None)
            .build();
        Self { agent: config.new_agent(), endpoint: endpoint.clone(), user_agent: user_agent(execution_env) }
    }
}

/// `opentelemetry-aws-xray/<version> exec-env/<AWS_EXECUTION_ENV> OS/<system>-<processor>`, as AWS' own clients name themselves.
fn user_agent(execution_env: Option<&str>) -> String {
    let is_plain = |env: &&str| !env.is_empty() && env.bytes().all(|byte| byte.is_ascii_graphic());
    let env = execution_env.filter(is_plain).unwrap_or("UNKNOWN");
    let version = env!("CARGO_PKG_VERSION");
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("opentelemetry-aws-xray/{version} exec-env/{env} OS/{system}-{processor}")
}

impl Post for DaemonHttp {
    fn post(&self, request: &PostRequest<'_>, timeout: Duration) -> Result<PostResponse, CallError> {
        let now = epoch();
        let mut call = self
            .agent
            .post(format!("http://{}{}", self.endpoint, request.path))
            .config()
            .timeout_global(Some(timeout))
            .build()
            .header("Content-Type", request.content_type)
            .header("User-Agent", &self.user_agent)
            .header("X-Amzn-Xray-Timestamp", format!("{}.{:09}", now.as_secs(), now.subsec_nanos()));
        if let Some(encoding) = request.content_encoding {
            call = call.header("Content-Encoding", encoding);
        }
        let mut response = call.send(request.body).map_err(|error| self.failure(&error))?;
        let mut body = Vec::new();
        let most = PostResponse::MAX_BODY_BYTES as u64;
        response
            .body_mut()
            .as_reader()
            .take(most)
            .read_to_end(&mut body)
            .map_err(|error| self.error(kind(&error), &error))?;
        let header = |name| text(response.headers(), name);
        Ok(PostResponse {
            status: response.status().as_u16(),
            retry_after: header("retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs),
            error_type: header("x-amzn-errortype").map(str::to_owned),
            body,
        })
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

impl DaemonHttp {
    fn failure(&self, error: &ureq::Error) -> CallError {
        use ureq::{Error, Timeout};
        let kind = match error {
            Error::HostNotFound | Error::Timeout(Timeout::Resolve) => CallErrorKind::Unresolved,
            Error::ConnectionFailed | Error::Timeout(Timeout::Connect) => CallErrorKind::Unreachable,
            Error::Timeout(_) => CallErrorKind::Timeout,
            // std has no kind for a name that was not found; so it is looked up once more.
            Error::Io(error) => match kind(error) {
                CallErrorKind::Broken if !self.resolves() => CallErrorKind::Unresolved,
                kind => kind,
            },
            _ => CallErrorKind::Broken,
        };
        self.error(kind, error)
    }

    fn error(&self, kind: CallErrorKind, error: &impl fmt::Display) -> CallError {
        CallError::new(kind, format!("the X-Ray daemon at {} (TCP): {error}", self.endpoint))
    }

    fn resolves(&self) -> bool {
        let Endpoint { host, port } = &self.endpoint;
        self.endpoint.ip().is_some()
            || (host.as_str(), *port).to_socket_addrs().is_ok_and(|mut found| found.next().is_some())
    }
}

fn kind(error: &io::Error) -> CallErrorKind {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => CallErrorKind::Unreachable,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => CallErrorKind::Timeout,
        _ => CallErrorKind::Broken,
    }
}

#[cfg(test)]
pub(super) mod test_server;
#[cfg(test)]
mod tests;
