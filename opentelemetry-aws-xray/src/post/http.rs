//! An HTTP client for endpoints that sign our requests themselves: the X-Ray daemon's TCP port, the CloudWatch agent, a Collector.
//!
//! They are near by, so there is neither TLS nor a way through a proxy. It blocks, and needs no runtime.

use std::{
    fmt,
    io::{self, Read},
    net::ToSocketAddrs,
    time::Duration,
};

use ureq::{
    Agent,
    http::{HeaderMap, Uri},
};

use super::{CallError, CallErrorKind, Post, PostRequest, PostResponse};
use crate::{clock::epoch, lookup::Lookup};

/// Where HTTP listens if a URL names no port.
const DEFAULT_PORT: u16 = 80;

/// How an endpoint is called.
#[derive(Debug)]
pub(crate) struct HttpSettings {
    /// `User-Agent`.
    pub(crate) user_agent: String,
    /// The longest wait for the addresses of the host, and again for a connection, within the time for the whole request.
    pub(crate) connect_timeout: Duration,
    /// The most connections that are kept between requests.
    pub(crate) idle_connections: usize,
    /// Whether `X-Amzn-Xray-Timestamp` says when a request was sent.
    pub(crate) is_stamped: bool,
    /// Who is called, in front of the words of an error; `None` where it is told beside them.
    pub(crate) peer: Option<String>,
}

/// Posts to one endpoint, over connections that are kept.
#[derive(Debug)]
pub(crate) struct HttpPost {
    agent: Agent,
    base_url: String,
    connect_timeout: Duration,
    is_stamped: bool,
    peer: Option<String>,
}

impl HttpPost {
    /// A client for a URL without a slash at its end, which stands in front of each path. Does nothing until the first request.
    pub(crate) fn new(base_url: String, settings: HttpSettings) -> Self {
        let HttpSettings { user_agent, connect_timeout, idle_connections, is_stamped, peer } = settings;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(idle_connections)
            .timeout_resolve(Some(connect_timeout))
            .timeout_connect(Some(connect_timeout))
            // A proxy from the environment is for hosts that are far away.
            .proxy(None)
            .user_agent(user_agent)
            .build();
        Self { agent: config.new_agent(), base_url, connect_timeout, is_stamped, peer }
    }
}

impl Post for HttpPost {
    fn post(&self, request: &PostRequest<'_>, timeout: Duration) -> Result<PostResponse, CallError> {
        let mut call = self
            .agent
            .post(format!("{}{}", self.base_url, request.path))
            .config()
            .timeout_global(Some(timeout))
            .build()
            .header("Content-Type", request.content_type);
        if self.is_stamped {
            let now = epoch();
            let stamp = format!("{}.{:09}", now.as_secs(), now.subsec_nanos());
            call = call.header("X-Amzn-Xray-Timestamp", stamp);
        }
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

impl HttpPost {
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
        let message = match &self.peer {
            Some(peer) => format!("{peer}: {error}"),
            None => error.to_string(),
        };
        CallError::new(kind, message)
    }

    /// Whether the host has an address, as far as the URL names one, and the resolver tells in time.
    fn resolves(&self) -> bool {
        let Ok(url) = self.base_url.parse::<Uri>() else { return true };
        let Some(host) = url.host() else { return true };
        let port = url.port_u16().unwrap_or(DEFAULT_PORT);
        let host = format!("{host}:{port}");
        let lookup = Lookup::start(move || Ok(host.to_socket_addrs()?.collect()));
        let found = lookup.answer(self.connect_timeout);
        found.is_some_and(|found| found.is_ok_and(|addresses| !addresses.is_empty()))
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

// Their server takes documents, as the daemon does.
#[cfg(all(test, feature = "daemon-tcp"))]
mod tests;
