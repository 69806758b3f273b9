//! A document as it is kept, and why others are turned away.

use std::fmt;

use xray_wire::{SegmentId, Timestamp, TraceId, decode, validate};

use crate::node::{Node, nodes};

/// A document that was accepted.
///
/// ```
/// use xray_local::Snapshot;
///
/// /// Everything that was accepted, as it came: a document on each line.
/// fn lines(received: &Snapshot) -> String {
///     let documents = received.traces.iter().flat_map(|trace| &trace.documents);
///     documents.map(|document| document.json.clone() + "\n").collect()
/// }
/// # assert_eq!(lines(&Snapshot::default()), "");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// The JSON, as it came.
    pub json: String,
    /// The id of the segment or subsegment that it describes.
    pub id: SegmentId,
    /// Its trace.
    pub trace_id: TraceId,
    /// When it came.
    pub received: Timestamp,
    /// Its segment and subsegments, outermost first.
    pub nodes: Vec<Node>,
    /// Fields that could not be read and were passed over.
    pub skipped: usize,
}

/// A document, or datagram, that was turned away.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"today","start_time":1,"end_time":2}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// # let received = xray.wait_until(|received| !received.rejected.is_empty()).await;
/// // For a test that wants to see none:
/// let said: Vec<_> = received.rejected.iter().map(|rejected| rejected.rejection.to_string()).collect();
/// # assert_eq!(said.len(), 1, "{said:?}");
/// # assert!(said[0].starts_with("trace_id: expected "), "{said:?}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// When it came.
    pub received: Timestamp,
    /// How it came.
    pub source: Source,
    /// Why.
    pub rejection: Rejection,
    /// Its `id`, if it has one that can be read.
    pub id: Option<String>,
    /// How many bytes it had.
    pub bytes: usize,
    /// Its beginning, at most [`EXCERPT_CHARS`] characters.
    pub excerpt: String,
}

/// How a document came.
///
/// ```
/// use xray_local::{Snapshot, Source};
///
/// /// Whether all that was turned away came from senders that nobody answers.
/// fn is_untold(received: &Snapshot) -> bool {
///     received.rejected.iter().all(|rejected| rejected.source == Source::Udp)
/// }
/// assert_eq!(Source::Http.as_str(), "http");
/// # assert!(is_untold(&Snapshot::default()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In a datagram.
    Udp,
    /// In a `PutTraceSegments` call.
    Http,
}

impl Source {
    /// `udp` or `http`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Http => "http",
        }
    }
}

/// Why a document was turned away.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"today","start_time":1,"end_time":2}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// # let received = xray.wait_until(|received| !received.rejected.is_empty()).await;
/// // A document with the trace id "today":
/// let rejection = &received.rejected[0].rejection;
/// assert_eq!((rejection.code, rejection.field.as_str()), ("InvalidTraceId", "trace_id"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The error code of X-Ray's `UnprocessedTraceSegments`.
    pub code: &'static str,
    /// The field that offends; empty if it is the whole.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Characters of a rejected document that are kept: enough to recognise it.
pub const EXCERPT_CHARS: usize = 600;

impl Document {
    /// Reads a document and judges it as X-Ray would.
    ///
    /// # Errors
    /// What X-Ray would say in `UnprocessedTraceSegments`.
    pub(crate) fn read(json: &[u8], now: Timestamp) -> Result<Self, Rejection> {
        validate::validate(json).map_err(|found| Rejection::new(found.field, found.reason))?;
        let decoded = decode::decode(json).map_err(|found| Rejection::new(found.field, found.reason))?;
        let segment = &decoded.segment;
        let trace_id = segment
            .trace_id
            .ok_or_else(|| Rejection::new("trace_id", "expected a trace id, but found none"))?;
        let text = std::str::from_utf8(json).map_err(|_| Rejection::new("", "expected UTF-8"))?;
        Ok(Self {
            json: text.to_owned(),
            id: segment.id,
            trace_id,
            received: now,
            nodes: nodes(segment),
            skipped: decoded.skipped.len(),
        })
    }

    /// The node that encloses all others.
    pub(crate) fn outermost(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// Whether the outermost node has not ended.
    pub(crate) fn in_progress(&self) -> bool {
        self.outermost().is_some_and(|node| node.end_time.is_none())
    }

    /// Whether a later document of the same id takes its place: the last one wins, but an account of work in progress never does over
    /// a complete one.
    pub(crate) fn gives_way_to(&self, later: &Self) -> bool {
        self.in_progress() || !later.in_progress()
    }

    /// Roughly how much memory it takes, for the store's bound.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.json.len() + self.nodes.iter().map(node_weight).sum::<usize>()
    }
}

fn node_weight(node: &Node) -> usize {
    let texts = [&node.span_name, &node.origin, &node.method, &node.url, &node.operation]
        .map(|text| text.as_ref().map_or(0, String::len));
    let annotations: usize = node.annotations.iter().map(|(key, value)| 48 + key.len() + value.len()).sum();
    size_of::<Node>() + node.name.len() + texts.iter().sum::<usize>() + annotations
}

impl Rejection {
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        let field = field.into();
        Self { code: code(&field), field, reason: reason.into() }
    }
}

/// X-Ray's error code for a fault in this field, wherever it stands: `name`, `subsegments[0].name`.
fn code(field: &str) -> &'static str {
    match field.rsplit('.').next().unwrap_or(field) {
        "trace_id" => "InvalidTraceId",
        "name" => "InvalidName",
        "parent_id" => "MissingParentId",
        _ => "InvalidSegment",
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", self.field, self.reason)
        }
    }
}

impl Rejected {
    pub(crate) fn new(document: &[u8], rejection: Rejection, source: Source, now: Timestamp) -> Self {
        Self {
            received: now,
            source,
            rejection,
            id: id_of(document),
            bytes: document.len(),
            excerpt: excerpt(document),
        }
    }
}

/// The `id` of a document that may be wrong in every other way.
pub(crate) fn id_of(document: &[u8]) -> Option<String> {
    /// Longer text is no id and would only be shown.
    const MAX_ID_CHARS: usize = 64;
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    let Id { id } = serde_json::from_slice(document).ok()?;
    (id.len() <= MAX_ID_CHARS).then_some(id)
}

fn excerpt(document: &[u8]) -> String {
    // A character has at most four bytes.
    let head = &document[..document.len().min(4 * EXCERPT_CHARS)];
    String::from_utf8_lossy(head).chars().take(EXCERPT_CHARS).collect()
}
