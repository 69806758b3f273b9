//! Where finished documents go.
//!
//! A sink owns framing and transport, nothing else: what a document says and how large it may be is decided before. It
//! answers for each document on its own, so that one that fails harms no other.

#[cfg(feature = "_acknowledged")]
pub(crate) mod acknowledged;
mod daemon;
#[cfg(any(test, feature = "test-util"))]
mod memory;

use std::{fmt::Debug, time::Duration};

pub use daemon::DaemonSink;
#[cfg(any(test, feature = "test-util"))]
pub use memory::MemorySink;

use crate::exporter::DropReason;

/// Takes finished documents and tells what became of each.
///
/// Documents given = sent + dropped + held, and a document that is held is sent or dropped later, at the latest by
/// [`shutdown`](Self::shutdown). Calls never overlap.
pub trait SegmentSink: Debug + Send {
    /// The largest document, in bytes, that the transport carries. It does not change.
    fn max_document_bytes(&self) -> usize;

    /// Sends documents, and first what was held back earlier. Blocks until each one's fate is known, as far as the transport
    /// can tell.
    fn send(&mut self, documents: &Documents, report: &mut Report);

    /// Sends or drops what is held back, within the time. Nothing comes after this.
    fn shutdown(&mut self, timeout: Duration, report: &mut Report);
}

/// Finished documents in one buffer, which is reused from batch to batch.
#[derive(Debug, Default)]
pub struct Documents {
    bytes: Vec<u8>,
    /// Where each document ends, and how many spans it stands for.
    ends: Vec<(usize, u32)>,
}

/// One finished document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'d> {
    /// The JSON text.
    pub json: &'d [u8],
    /// How many spans it stands for.
    pub spans: u32,
}

impl Documents {
    /// Appends a document that stands for so many spans, by letting `write` append its text.
    pub fn push(&mut self, spans: u32, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push((self.bytes.len(), spans));
    }

    /// The documents in their order.
    pub fn iter(&self) -> impl Iterator<Item = Document<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&(end, spans)| {
            let json = &self.bytes[start..end];
            start = end;
            Document { json, spans }
        })
    }

    /// Removes all documents and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// What became of documents, counted in spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub(crate) spans_sent: u64,
    pub(crate) spans_held: u64,
    pub(crate) documents_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) refused: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Report {
    /// The document was sent.
    pub fn sent(&mut self, document: Document<'_>) {
        self.spans_sent += u64::from(document.spans);
        self.documents_sent += 1;
        self.bytes_sent += document.json.len() as u64;
    }

    /// The document was dropped.
    pub fn dropped_for(&mut self, document: Document<'_>, reason: DropReason) {
        self.dropped[reason as usize] += u64::from(document.spans);
    }

    /// So many spans are held back altogether, after this call.
    pub fn holds(&mut self, spans: u64) {
        self.spans_held = spans;
    }

    /// The receiver let the sender know that it is not there.
    pub fn refused(&mut self) {
        self.refused += 1;
    }

    /// Spans whose documents were sent.
    #[must_use]
    pub const fn spans_sent(&self) -> u64 {
        self.spans_sent
    }

    /// Spans whose documents are held back.
    #[must_use]
    pub const fn spans_held(&self) -> u64 {
        self.spans_held
    }

    /// Spans whose documents were dropped for a reason.
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }
}
