//! Why a request got no answer, or none that helps.

use std::time::Duration;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    /// What decides about another attempt.
    pub(crate) kind: CallErrorKind,
    /// For the person who runs the application: bounded, and without anything that stands in a document.
    pub(crate) message: String,
    /// The other side asked for no attempt before so long.
    pub(crate) retry_after: Option<Duration>,
}

/// What decides about another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "_acknowledged"),
    allow(dead_code, reason = "a sampler alone tells errors in words")
)]
pub(crate) enum CallErrorKind {
    /// The host has no address. Nothing was sent: the documents wait until it has one.
    Unresolved,
    /// Nobody is there. Nothing was sent: the documents wait until somebody is.
    Unreachable,
    /// There are no credentials, or they have expired. Nothing was taken: the documents wait until there are new ones.
    Credentials,
    /// No answer came in time. The documents may have been taken; sending them again does no harm.
    Timeout,
    /// The connection broke off, or what came is no answer. The documents may have been taken, as above.
    Broken,
    /// An HTTP status other than 2xx. 408, 429 and 5xx are worth another attempt, 401 and 403 are taken for missing
    /// credentials, others are final. 400 and 413 may be the fault of one document among several.
    Status(u16),
}

impl CallError {
    /// An error of a kind, without a time to wait for.
    pub(crate) fn new(kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }
}
