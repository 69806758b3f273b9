//! A client for metadata services near by: one deadline for all calls, bodies bounded, no way through a proxy.

use std::time::Duration;

use opentelemetry::otel_debug;
use ureq::{Agent, Body, Error, http::Response};

use crate::clock::{Clock, SystemClock};

/// More than the metadata of a task with the most containers that ECS allows.
const MAX_BODY_BYTES: u64 = 256 * 1024;

/// What all detection together may ask until it is too late.
#[derive(Debug, Clone)]
pub(super) struct MetadataClient {
    agent: Agent,
    deadline: Duration,
}

impl MetadataClient {
    /// A client whose calls end by then, by [`SystemClock`].
    pub(super) fn until(deadline: Duration) -> Self {
        // Link-local addresses are asked directly, and answer themselves.
        let agent = Agent::config_builder().proxy(None).max_redirects(0).build().new_agent();
        Self { agent, deadline }
    }

    /// The body of what is there, with a header if it asks for one.
    pub(super) fn get(&self, url: &str, header: Option<(&str, &str)>) -> Option<Vec<u8>> {
        let mut request = self.agent.get(url).config().timeout_global(Some(self.left()?)).build();
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        body(url, request.call())
    }

    /// The body of the answer to a PUT without one.
    pub(super) fn put(&self, url: &str, (name, value): (&str, &str)) -> Option<Vec<u8>> {
        let request = self.agent.put(url).config().timeout_global(Some(self.left()?)).build();
        body(url, request.header(name, value).send_empty())
    }

    fn left(&self) -> Option<Duration> {
        self.deadline.checked_sub(SystemClock.now()).filter(|left| !left.is_zero())
    }
}

fn body(url: &str, answer: Result<Response<Body>, Error>) -> Option<Vec<u8>> {
    let read =
        |mut answer: Response<Body>| answer.body_mut().with_config().limit(MAX_BODY_BYTES).read_to_vec();
    match answer.and_then(read) {
        Ok(body) => Some(body),
        Err(error) => {
            // That nobody answers is usual outside of AWS.
            otel_debug!(name: "XrayResource.NoMetadata", url = url, error = error.to_string());
            None
        }
    }
}
