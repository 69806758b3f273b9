//! Where finished documents go.
//!
//! A sink owns framing and transport, nothing else: what a document says and how large it may be is decided before. It
//! answers for each document on its own, so that one that fails harms no other.

#[cfg(feature = "_acknowledged")]
pub(crate) mod acknowledged;
pub(crate) mod daemon;
#[cfg(feature = "daemon-tcp")]
pub(crate) mod daemon_tcp;
#[cfg(any(test, feature = "test-util"))]
mod memory;
mod report;
mod tee;
#[cfg(feature = "aws")]
pub(crate) mod telemetry;

use std::{fmt::Debug, time::Duration};

#[cfg(feature = "_acknowledged")]
pub use acknowledged::Rejected;
pub use daemon::DaemonSink;
#[cfg(any(test, feature = "test-util"))]
pub use memory::MemorySink;
pub use report::Report;
pub use tee::TeeSink;

/// The largest document that is sent to X-Ray, in bytes. Its own limit is 64 KB; the margin is for what it may add.
pub(crate) const DOCUMENT_BUDGET: usize = 64_000;

/// A batch waits no longer than this for a receiver that is slow: the SDK's queue is not emptied meanwhile.
const MAX_SEND_WAIT: Duration = Duration::from_secs(1);

/// Takes finished documents and tells what became of each.
///
/// Documents given = sent + dropped + held, and a document that is held is sent or dropped later, at the latest by
/// [`shutdown`](Self::shutdown). Calls never overlap.
///
/// All calls get the same [`Report`]. A sink that learns of a document's fate between two calls, on a thread of its own, keeps
/// a clone and reports to that.
///
/// ```
/// use std::{fs::File, io::{self, Write}, time::Duration};
///
/// use opentelemetry_aws_xray::{DropReason, XrayExporter, sink::{Documents, Report, SegmentSink}};
///
/// /// A document on each line of a file.
/// #[derive(Debug)]
/// struct FileSink(File);
///
/// impl SegmentSink for FileSink {
///     fn max_document_bytes(&self) -> usize {
///         64_000
///     }
///     fn send(&mut self, documents: &Documents, report: &Report) {
///         for document in documents.iter() {
///             match self.0.write_all(&[document.json, b"\n"].concat()) {
///                 Ok(()) => report.sent(document),
///                 Err(_) => report.dropped_for(document, DropReason::Unreachable),
///             }
///         }
///     }
///     fn shutdown(&mut self, _timeout: Duration, _report: &Report) {}
/// }
///
/// fn exporter(path: &str) -> io::Result<XrayExporter> {
///     Ok(XrayExporter::builder().with_sink(FileSink(File::create(path)?)).build())
/// }
/// ```
pub trait SegmentSink: Debug + Send {
    /// The largest document, in bytes, that the transport carries. It does not change.
    fn max_document_bytes(&self) -> usize;

    /// Sends documents, and first what was held back earlier. Blocks until each one's fate is known, as far as the transport
    /// can tell, or until the sink has taken it over to send it from its own threads.
    fn send(&mut self, documents: &Documents, report: &Report);

    /// Like [`send`](Self::send), but does not wait longer than `wait` in all for a receiver that is slow; what can't go by then is
    /// held or dropped. [`TeeSink`] calls it, so that no destination takes the time of the others.
    ///
    /// Default: [`send`](Self::send), which is right for a sink that does not wait for its receiver.
    fn send_within(&mut self, documents: &Documents, _wait: Duration, report: &Report) {
        self.send(documents, report);
    }

    /// Sends what is held back, within the time, and goes on holding what could not be sent.
    ///
    /// Default: does nothing, which is right for a sink that never waits for anything to send what it holds.
    fn force_flush(&mut self, _timeout: Duration, _report: &Report) {}

    /// Sends or drops what is held back, within the time. Nothing comes after this.
    fn shutdown(&mut self, timeout: Duration, report: &Report);
}

/// Finished documents in one buffer, which is reused from batch to batch.
///
/// ```
/// use opentelemetry_aws_xray::sink::{Documents, MemorySink, Report, SegmentSink};
///
/// // To try out a sink without an exporter:
/// let mut documents = Documents::default();
/// documents.push(2, |text| text.extend_from_slice(b"{}"));
/// let (mut sink, report) = (MemorySink::default(), Report::default());
/// sink.send(&documents, &report);
/// assert_eq!((report.stats().documents_sent, report.stats().spans_sent), (1, 2));
/// ```
#[derive(Debug, Default)]
pub struct Documents {
    bytes: Vec<u8>,
    /// Where each document ends, and how many spans it stands for.
    ends: Vec<(usize, u32)>,
    /// When the shutdown has to be over that is under way, on the clock of the system.
    deadline: Option<Duration>,
}

/// One finished document.
///
/// ```
/// use opentelemetry_aws_xray::sink::Documents;
///
/// /// What a batch weighs.
/// fn bytes(documents: &Documents) -> usize {
///     documents.iter().map(|document| document.json.len()).sum()
/// }
/// # let mut documents = Documents::default();
/// # documents.push(1, |text| text.extend_from_slice(b"{}"));
/// # assert_eq!(bytes(&documents), 2);
/// ```
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

    /// Lets whoever sends these wait no longer than to the end of a shutdown that is under way, on the clock of the system.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Duration>) {
        self.deadline = deadline;
    }

    /// Until when whoever sends these may wait for room: so long, or less if there has to be an end before.
    pub(crate) fn wait_until(&self, now: Duration, most: Duration) -> Duration {
        let until = now.saturating_add(most);
        self.deadline.map_or(until, |deadline| until.min(deadline))
    }

    /// Removes all documents and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod contract;
