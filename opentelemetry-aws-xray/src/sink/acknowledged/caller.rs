//! One call and its answer: what every acknowledged road has to be able to do.

use std::{fmt::Debug, time::Duration};

use crate::{
    exporter::CallFailure,
    post::{CallError, CallErrorKind},
};

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
}
