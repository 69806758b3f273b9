//! The store: documents by trace, bounded, oldest trace out first.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use xray_wire::{SegmentId, Timestamp, TraceId};

use crate::{
    document::{Document, Rejected, Rejection, Source},
    telemetry::{Telemetry, TelemetryCall},
};

/// How much the store holds.
///
/// ```
/// use xray_local::{Limits, XrayLocal};
///
/// let mut limits = Limits::default();
/// limits.traces = 10_000;
/// limits.trace_bytes = 500_000; // As strict as X-Ray.
/// let builder = XrayLocal::builder().with_limits(limits);
/// # drop(builder);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Traces. Default 2,000.
    pub traces: usize,
    /// Bytes of all traces together. Default 128 MiB.
    pub bytes: usize,
    /// Bytes of one trace; documents beyond it are rejected ("trace size exceeded"), as X-Ray does from 100 to
    /// 500 KB on. Default 8 MiB: here one wants to see what was too much.
    pub trace_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { traces: 2_000, bytes: 128 << 20, trace_bytes: 8 << 20 }
    }
}

/// Rejected documents that are kept for a look; the count goes on.
const MAX_REJECTED_KEPT: usize = 200;

/// A trace: its documents, in the order in which they came.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1,"end_time":2,
/// #  "subsegments":[{"name":"DynamoDB","id":"53995c3f42cd8ad9","start_time":1,"end_time":2,
/// #  "namespace":"aws","aws":{"operation":"PutItem","table_name":"orders"}}]}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// # let received = xray.wait_until(|received| !received.traces.is_empty()).await;
/// let trace = &received.traces[0];
/// assert_eq!(trace.id.to_string(), "1-5759e988-bd862e3fe1be46a994272793");
/// assert_eq!(trace.documents.iter().map(|document| document.nodes.len()).sum::<usize>(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// Its id.
    pub id: TraceId,
    /// Its documents, one for each id.
    pub documents: Vec<Arc<Document>>,
    bytes: usize,
    /// Where each id stands in `documents`.
    positions: HashMap<SegmentId, usize>,
}

/// What has happened so far.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1,"end_time":2,
/// #  "subsegments":[{"name":"DynamoDB","id":"53995c3f42cd8ad9","start_time":1,"end_time":2,
/// #  "namespace":"aws","aws":{"operation":"PutItem","table_name":"orders"}}]}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// # let received = xray.wait_until(|received| !received.traces.is_empty()).await;
/// // For a test that all went well:
/// let stats = xray.stats();
/// assert_eq!((stats.accepted, stats.rejected, stats.overflowed), (1, 0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Counts changes: a reader who saw this number has seen all there is.
    pub version: u64,
    /// Traces held.
    pub traces: usize,
    /// Bytes held.
    pub bytes: usize,
    /// Documents accepted, repeated ones included.
    pub accepted: u64,
    /// Documents that came again under the same id and took the place of, or yielded to, the earlier one.
    pub repeated: u64,
    /// Documents and datagrams rejected.
    pub rejected: u64,
    /// Traces that went to make room.
    pub evicted: u64,
    /// Datagrams that came.
    pub datagrams: u64,
    /// Datagrams that were lost here because they came faster than they could be read.
    pub overflowed: u64,
    /// Spans that came as OTLP. Those that are sampled also become documents.
    pub otlp_spans: u64,
    /// Those of them that are not sampled (`T1U`).
    pub otlp_unsampled: u64,
}

/// What the store holds, at one moment.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1,"end_time":2,
/// #  "subsegments":[{"name":"DynamoDB","id":"53995c3f42cd8ad9","start_time":1,"end_time":2,
/// #  "namespace":"aws","aws":{"operation":"PutItem","table_name":"orders"}}]}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// # let received = xray.wait_until(|received| !received.traces.is_empty()).await;
/// use xray_wire::TraceId;
///
/// // The id from `X-Amzn-Trace-Id` of a response:
/// let id = TraceId::parse(b"1-5759e988-bd862e3fe1be46a994272793")?;
/// let trace = received.trace(id).expect("the request is traced");
/// assert_eq!(trace.documents[0].nodes[0].name, "shop");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// The traces, the latest to appear first.
    pub traces: Vec<Arc<Trace>>,
    /// The rejected documents, the latest first; at most 200.
    pub rejected: Vec<Arc<Rejected>>,
    /// The counts.
    pub stats: Stats,
}

impl Snapshot {
    /// The trace with this id.
    #[must_use]
    pub fn trace(&self, id: TraceId) -> Option<&Trace> {
        self.traces.iter().find(|trace| trace.id == id).map(AsRef::as_ref)
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    limits: Limits,
    traces: HashMap<TraceId, Arc<Trace>>,
    /// The traces' ids, the first to appear first.
    order: VecDeque<TraceId>,
    rejected: VecDeque<Arc<Rejected>>,
    telemetry: Telemetry,
    stats: Stats,
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            traces: HashMap::new(),
            order: VecDeque::new(),
            rejected: VecDeque::new(),
            telemetry: Telemetry::default(),
            stats: Stats::default(),
        }
    }

    /// Keeps what [`Document::read`] accepted, lists what it rejected.
    pub(crate) fn insert(
        &mut self,
        document: Result<Document, Rejection>,
        json: &[u8],
        source: Source,
        now: Timestamp,
    ) -> Result<(), Arc<Rejected>> {
        self.stats.version += 1;
        match document.and_then(|document| self.keep(document)) {
            Ok(()) => {
                self.stats.accepted += 1;
                Ok(())
            }
            Err(rejection) => Err(self.reject(Rejected::new(json, rejection, source, now))),
        }
    }

    /// Lists a datagram that did not even have a document.
    pub(crate) fn reject(&mut self, rejected: Rejected) -> Arc<Rejected> {
        let rejected = Arc::new(rejected);
        self.stats.version += 1;
        self.stats.rejected += 1;
        self.rejected.truncate(MAX_REJECTED_KEPT - 1);
        self.rejected.push_front(Arc::clone(&rejected));
        rejected
    }

    /// Counts datagrams that came, and those of them that were lost here.
    pub(crate) fn count_datagrams(&mut self, came: u64, overflowed: u64) {
        self.stats.datagrams += came;
        self.stats.overflowed += overflowed;
        self.stats.version += u64::from(overflowed > 0);
    }

    /// Counts spans that came as OTLP, and those of them that are not sampled.
    pub(crate) fn count_otlp(&mut self, spans: u64, unsampled: u64) {
        self.stats.otlp_spans += spans;
        self.stats.otlp_unsampled += unsampled;
        self.stats.version += 1;
    }

    /// Keeps what a daemon tells of itself.
    pub(crate) fn keep_telemetry(&mut self, call: TelemetryCall, now: Timestamp) {
        self.telemetry.keep(call, now);
    }

    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Something else that the pages show has changed.
    pub(crate) fn touch(&mut self) {
        self.stats.version += 1;
    }

    pub(crate) fn clear(&mut self) {
        self.traces.clear();
        self.order.clear();
        self.rejected.clear();
        self.telemetry.clear();
        self.stats = Stats { version: self.stats.version + 1, ..Stats::default() };
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats { traces: self.traces.len(), ..self.stats }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            traces: self.order.iter().rev().filter_map(|id| self.traces.get(id)).cloned().collect(),
            rejected: self.rejected.iter().cloned().collect(),
            stats: self.stats(),
        }
    }

    pub(crate) fn trace(&self, id: TraceId) -> Option<Arc<Trace>> {
        self.traces.get(&id).cloned()
    }

    fn keep(&mut self, document: Document) -> Result<(), Rejection> {
        let weight = document.weight();
        let trace = self.traces.get(&document.trace_id);
        if trace.map_or(weight, |trace| trace.bytes_with(&document, weight)) > self.limits.trace_bytes {
            return Err(Rejection::new("", "trace size exceeded"));
        }
        let order = &mut self.order;
        let trace = self.traces.entry(document.trace_id).or_insert_with_key(|&id| {
            order.push_back(id);
            Arc::new(Trace { id, documents: Vec::new(), bytes: 0, positions: HashMap::new() })
        });
        let before = trace.bytes;
        self.stats.repeated += u64::from(Arc::make_mut(trace).put(document, weight));
        self.stats.bytes = self.stats.bytes - before + trace.bytes;
        self.evict();
        Ok(())
    }

    /// Lets the oldest traces go until the rest is within bounds; the youngest stays.
    fn evict(&mut self) {
        while self.order.len() > 1
            && (self.order.len() > self.limits.traces || self.stats.bytes > self.limits.bytes)
        {
            let evicted = self.order.pop_front().and_then(|id| self.traces.remove(&id));
            self.stats.bytes -= evicted.map_or(0, |trace| trace.bytes);
            self.stats.evicted += 1;
        }
    }
}

impl Trace {
    /// Puts a document in its place; says whether its id was known.
    fn put(&mut self, document: Document, weight: usize) -> bool {
        let Some(&position) = self.positions.get(&document.id) else {
            self.positions.insert(document.id, self.documents.len());
            self.documents.push(Arc::new(document));
            self.bytes += weight;
            return false;
        };
        let bytes = self.bytes_with(&document, weight);
        let Some(known) = self.documents.get_mut(position) else { return false };
        if known.gives_way_to(&document) {
            self.bytes = bytes;
            *known = Arc::new(document);
        }
        true
    }

    /// How large the trace is once it has this document.
    fn bytes_with(&self, document: &Document, weight: usize) -> usize {
        let known = self.positions.get(&document.id).and_then(|position| self.documents.get(*position));
        match known {
            None => self.bytes + weight,
            Some(known) if known.gives_way_to(document) => self.bytes - known.weight() + weight,
            Some(_) => self.bytes,
        }
    }
}
