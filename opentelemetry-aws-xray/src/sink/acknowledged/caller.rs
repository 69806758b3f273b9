//! One call and its answer: what every acknowledged road has to be able to do.

use std::{fmt::Debug, time::Duration};

use crate::exporter::CallFailure;

/// A road on which the other side answers. It makes one attempt and says how that ended; queues, batches, retries and
/// counting are the business of the sink around it.
///
/// Calls block, and come from several of the sink's own threads at once, on which telemetry is suppressed.
pub(crate) trait Caller: Debug + Send + Sync + 'static {
    /// What fits into one call. It does not change.
    fn limits(&self) -> CallLimits;

    /// Sends the documents of one call, never none and never more than fit, and waits for the answer no longer than `timeout`.
    fn call(&self, documents: &[&[u8]], timeout: Duration) -> Answer;
}

/// What fits into one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallLimits {
    /// The largest document, in bytes.
    pub(crate) max_document_bytes: usize,
    /// The most documents; at least one.
    pub(crate) max_documents: usize,
    /// The most bytes of all documents together. A single document may always go.
    pub(crate) max_call_bytes: usize,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The other side took the call, and all of its documents but those named.
    Accepted {
        /// Documents that were not taken.
        unprocessed: Vec<Unprocessed>,
    },
    /// The other side took the call, whose single document stands for many spans, but refused some of these for good (OTLP's
    /// partial success).
    #[allow(dead_code, reason = "X-Ray answers for each segment document; only OTLP answers like this")]
    PartlyAccepted {
        /// How many spans were refused.
        rejected_spans: u32,
        /// Why, in the other side's words.
        message: String,
    },
    /// No document was taken, as far as is known.
    Failed(CallError),
}

/// A document that was not taken, as the other side describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unprocessed {
    /// The segment's id, if it could be read.
    pub(crate) id: Option<String>,
    /// The kind of failure, such as `InvalidName`.
    pub(crate) code: String,
    /// More about it.
    pub(crate) message: String,
}

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
    /// An HTTP status other than 2xx. 408, 429 and 5xx are worth another attempt, 401 and 403 are taken for missing credentials, others are final. 400 and 413 may be the
    /// fault of one document among several.
    Status(u16),
}

impl CallError {
    /// The failure as it is counted.
    pub(crate) fn to_failure(&self) -> CallFailure {
        let error_type = match self.kind {
            CallErrorKind::Unresolved => "unresolved".into(),
            CallErrorKind::Unreachable => "unreachable".into(),
            CallErrorKind::Credentials => "credentials".into(),
            CallErrorKind::Timeout => "timeout".into(),
            CallErrorKind::Broken => "broken".into(),
            CallErrorKind::Status(status) => status.to_string().into(),
        };
        CallFailure { error_type, message: self.message.clone() }
    }

    /// An error of a kind, without a time to wait for.
    pub(crate) fn new(kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }
}
