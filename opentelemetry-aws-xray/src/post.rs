//! A POST to X-Ray's API, whoever signs it: the daemon behind its TCP port, or we ourselves.

mod error;
#[cfg(any(feature = "daemon-tcp", feature = "sampler"))]
mod http;
#[cfg(any(feature = "aws", feature = "daemon-tcp"))]
mod identity;

use std::{fmt::Debug, time::Duration};

pub(crate) use self::error::{CallError, CallErrorKind};
#[cfg(any(feature = "daemon-tcp", feature = "sampler"))]
pub(crate) use self::http::{HttpPost, HttpSettings};
#[cfg(any(feature = "aws", feature = "daemon-tcp"))]
pub(crate) use self::identity::Identity;

/// Sends HTTP requests to one X-Ray endpoint. Blocks; any number of threads may call at once.
pub(crate) trait Post: Debug + Send + Sync + 'static {
    /// Sends a request and reads the answer, within the time. Any status is an answer; an error means that there was none.
    fn post(&self, request: &PostRequest<'_>, timeout: Duration) -> Result<PostResponse, CallError>;
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PostRequest<'r> {
    /// The path, with a leading slash.
    pub(crate) path: &'r str,
    /// `Content-Type`.
    pub(crate) content_type: &'r str,
    /// `Content-Encoding`, if the body is compressed.
    pub(crate) content_encoding: Option<&'r str>,
    /// The body, as it goes over the wire.
    pub(crate) body: &'r [u8],
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PostResponse {
    /// The HTTP status.
    pub(crate) status: u16,
    /// `Retry-After`, if it was a number of seconds.
    pub(crate) retry_after: Option<Duration>,
    /// `x-amzn-errortype`, the name of an AWS error, if it came.
    pub(crate) error_type: Option<String>,
    /// The body, cut at [`MAX_BODY_BYTES`](Self::MAX_BODY_BYTES).
    pub(crate) body: Vec<u8>,
}

impl PostResponse {
    /// The most bytes of an answer that are read. The longest are pages of sampling rules; what is said of fifty documents takes
    /// less. One more than these may have, so that what was cut is told to be too long.
    pub(crate) const MAX_BODY_BYTES: usize = xray_wire::limits::MAX_SAMPLING_BODY_BYTES + 1;
}
