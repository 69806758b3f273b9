//! How a sink tells what became of its documents.

#[cfg(feature = "_acknowledged")]
use std::time::Duration;

use super::Document;
#[cfg(feature = "_acknowledged")]
use crate::exporter::CallFailure;
use crate::exporter::{Counters, DropReason, ExporterStats};

/// The numbers of an exporter, for its sink to count in. Cheap to clone; clones count together, from any thread.
///
/// Each document is reported once when it comes (sent, held or dropped) and, if it is held, once more when it no longer is. So
/// the numbers add up at any time. The default has numbers of its own, to test a sink without an exporter.
///
/// ```
/// use opentelemetry_aws_xray::{DropReason, sink::{Documents, Report}};
///
/// let mut documents = Documents::default();
/// documents.push(3, |text| text.extend_from_slice(b"{}"));
/// let report = Report::default();
/// // A sink that waits for an answer, and gets none.
/// documents.iter().for_each(|document| report.held(document));
/// assert_eq!(report.stats().spans_held, 3);
/// documents.iter().for_each(|document| report.held_dropped_for(document, DropReason::Unanswered));
/// assert_eq!((report.stats().spans_held, report.stats().dropped(DropReason::Unanswered)), (0, 3));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Report(Counters);

impl Report {
    pub(crate) fn new(counters: Counters) -> Self {
        Self(counters)
    }

    /// A document came. The exporter has counted its spans already where there is one.
    pub(crate) fn came(&self, document: Document<'_>) {
        self.0.update(|stats| stats.spans_in += u64::from(document.spans));
    }

    /// A new document was sent.
    pub fn sent(&self, document: Document<'_>) {
        self.0.update(|stats| stats.sent(document));
    }

    /// A new document was dropped.
    pub fn dropped_for(&self, document: Document<'_>, reason: DropReason) {
        self.0.update(|stats| stats.drop_spans(u64::from(document.spans), reason));
    }

    /// A new document is held back, or on its way.
    pub fn held(&self, document: Document<'_>) {
        self.0.update(|stats| stats.spans_held += u64::from(document.spans));
    }

    /// A document that was [`held`](Self::held) was sent.
    pub fn held_sent(&self, document: Document<'_>) {
        self.0.update(|stats| {
            stats.release(document);
            stats.sent(document);
        });
    }

    /// A document that was [`held`](Self::held) was dropped.
    pub fn held_dropped_for(&self, document: Document<'_>, reason: DropReason) {
        self.0.update(|stats| {
            stats.release(document);
            stats.drop_spans(u64::from(document.spans), reason);
        });
    }

    /// The receiver let the sender know that it is not there.
    pub fn refused(&self) {
        self.0.update(|stats| stats.refused += 1);
    }

    /// The receiver was seen to have lost so many datagrams, of whatever sender, since its buffer was full.
    pub fn overflowed(&self, datagrams: u64) {
        self.0.update(|stats| stats.overflowed += datagrams);
    }

    /// A call to the other side was made, and took so long.
    #[cfg(feature = "_acknowledged")]
    pub(crate) fn called(&self, took: Duration, failure: Option<CallFailure>) {
        self.0.called(took, failure);
    }

    /// The numbers now.
    #[must_use]
    pub fn stats(&self) -> ExporterStats {
        self.0.snapshot()
    }
}

impl ExporterStats {
    fn sent(&mut self, document: Document<'_>) {
        self.spans_sent += u64::from(document.spans);
        self.documents_sent += 1;
        self.bytes_sent += document.json.len() as u64;
    }

    /// A sink that lets go of what it never held is wrong, but no reason to panic.
    fn release(&mut self, document: Document<'_>) {
        self.spans_held = self.spans_held.saturating_sub(u64::from(document.spans));
    }
}
