//! The client with which the frontend calls the other services: reqwest, with the layer that makes a span of each
//! call and tells the other side which trace it belongs to.

use std::{fmt, net::SocketAddr, time::Duration};

use opentelemetry_aws_xray::tower::{XrayClient, XrayClientLayer};
use reqwest::{Method, Request, StatusCode, Url};
use serde::de::DeserializeOwned;
use tower::{Layer, ServiceExt};

/// A service that takes longer than this is treated as gone.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A traced HTTP client. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Client(XrayClient<reqwest::Client>);

impl Client {
    /// A client that knows services by name, as DNS does in a cluster: `http://driver/…` goes to the address that
    /// `directory` has for `driver`.
    pub(crate) fn new(layer: &XrayClientLayer, directory: &[(&str, SocketAddr)]) -> reqwest::Result<Self> {
        let builder = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        let client =
            directory.iter().fold(builder, |builder, (name, addr)| builder.resolve(name, *addr)).build()?;
        Ok(Self(layer.layer(client)))
    }

    /// `GET`s a URL and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, url: &str) -> Result<T, CallError> {
        let url = Url::parse(url).map_err(|_| CallError::Url)?;
        let request = Request::new(Method::GET, url);
        let response = self.0.clone().oneshot(request).await.map_err(CallError::Http)?;
        if !response.status().is_success() {
            return Err(CallError::Status(response.status()));
        }
        response.json().await.map_err(CallError::Http)
    }
}

/// A call failed.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The URL is none.
    Url,
    /// The service answered, but not with success.
    Status(StatusCode),
    /// The service could not be reached, or its answer could not be read.
    Http(reqwest::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("not a URL"),
            Self::Status(status) => write!(f, "it answered {status}"),
            Self::Http(error) if error.is_timeout() => f.write_str("it took too long"),
            Self::Http(_) => f.write_str("it could not be reached"),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Http(error) => Some(error),
            Self::Url | Self::Status(_) => None,
        }
    }
}
