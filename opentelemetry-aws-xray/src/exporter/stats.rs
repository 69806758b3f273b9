//! What became of the spans: every one is sent, held or dropped for a reason.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use opentelemetry::{KeyValue, metrics::Histogram};

/// Why a span was dropped. Nothing else makes one disappear.
///
/// ```
/// use opentelemetry_aws_xray::{DropReason, ExporterStats};
///
/// /// The lines of a page of metrics.
/// fn dropped(stats: &ExporterStats) -> String {
///     let line = |reason| format!("spans_dropped{{reason=\"{reason}\"}} {}\n", stats.dropped(reason));
///     DropReason::ALL.into_iter().map(line).collect()
/// }
/// assert!(dropped(&ExporterStats::default()).contains("spans_dropped{reason=\"unreachable\"} 0\n"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The span was recorded without being sampled, and the exporter does not export such spans.
    NotSampled,
    /// Its trace id or its own id is all zero, so that it can't be named.
    InvalidId,
    /// Its trace id names a time too far from the span's start, and the exporter was told to drop such spans:
    /// [`TraceIdPolicy::DropInvalid`](crate::TraceIdPolicy::DropInvalid).
    TraceIdTime,
    /// Its document is larger than the transport carries, even with all that can be cut gone.
    TooLarge,
    /// Nobody was there: the port was closed, or the operating system would not send, until the documents that were held back
    /// were too many, or until shutdown.
    Unreachable,
    /// The host name could not be resolved, until the same point.
    Unresolved,
    /// There were no valid credentials, until the same point.
    NoCredentials,
    /// The other side was there, but took documents more slowly than they came, until those that waited were too many.
    Overflow,
    /// The other side answered that it can't take the document now, or did not answer at all, as often as was tried, or until
    /// shutdown. Documents whose answer was lost may have been taken.
    Unanswered,
    /// The other side refused the document, or the whole call, for good.
    Rejected,
    /// The exporter was shut down before the span came, or before there was time for its document.
    ShutDown,
    /// The exporter itself failed: a bug, please report it.
    Internal,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 12] = [
        Self::NotSampled,
        Self::InvalidId,
        Self::TraceIdTime,
        Self::TooLarge,
        Self::Unreachable,
        Self::Unresolved,
        Self::NoCredentials,
        Self::Overflow,
        Self::Unanswered,
        Self::Rejected,
        Self::ShutDown,
        Self::Internal,
    ];

    /// The reason in snake case, for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSampled => "not_sampled",
            Self::InvalidId => "invalid_id",
            Self::TraceIdTime => "trace_id_time",
            Self::TooLarge => "too_large",
            Self::Unreachable => "unreachable",
            Self::Unresolved => "unresolved",
            Self::NoCredentials => "no_credentials",
            Self::Overflow => "overflow",
            Self::Unanswered => "unanswered",
            Self::Rejected => "rejected",
            Self::ShutDown => "shut_down",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The numbers of an exporter since it was built. They add up whenever no batch is being exported:
/// [`spans_in`](Self::spans_in) = [`spans_sent`](Self::spans_sent) + [`spans_held`](Self::spans_held) +
/// [`spans_dropped`](Self::spans_dropped).
///
/// "Sent" means handed to the operating system with no sign that the daemon's port is closed, since UDP knows no more; on a road on
/// which the other side answers, that it took the document.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// # use opentelemetry_aws_xray::{XrayExporter, sink::MemorySink};
/// # let exporter = XrayExporter::builder().with_sink(MemorySink::default()).build();
/// # let handle = exporter.stats_handle();
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_simple_exporter(exporter).build();
///
/// provider.tracer("shop").in_span("order", |_cx| {});
/// let stats = handle.now();
/// assert_eq!((stats.spans_in, stats.spans_sent, stats.documents_sent), (1, 1, 1));
/// assert_eq!(stats.spans_in, stats.spans_sent + stats.spans_held + stats.spans_dropped());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExporterStats {
    /// Spans that ended and were put into the queue before the exporter, as far as the exporter was built by [`Xray`](crate::Xray), else
    /// zero. They are in the queue, [missed](Self::spans_missed), or [came in](Self::spans_in).
    pub spans_ended: u64,
    /// Spans of these that found the queue full, came after the shutdown, or were still in the queue when its time was over, and are lost. While spans
    /// still come, those are counted of which it is certain; after [`shutdown`](crate::Xray::shutdown), all.
    pub spans_missed: u64,
    /// Spans that came in.
    pub spans_in: u64,
    /// Spans that were sent.
    pub spans_sent: u64,
    /// Spans whose documents wait for a daemon that could not be reached.
    pub spans_held: u64,
    /// Documents that were sent. Nested spans share one.
    pub documents_sent: u64,
    /// Bytes of these documents, without datagram headers.
    pub bytes_sent: u64,
    /// Texts and lists that were cut, and entries that were left out, because a limit of X-Ray's or the size of a document
    /// demanded it. The spans themselves are sent.
    pub cut: u64,
    /// Calls that were made, on roads on which the other side answers.
    pub calls: u64,
    /// Calls of these that failed as a whole. Their documents are sent again if that may help.
    pub calls_failed: u64,
    /// How often the operating system reported that the daemon's port was closed.
    pub refused: u64,
    /// Datagrams that a daemon in the same network namespace was seen to have lost, of this or other senders, since its
    /// socket's buffer was full. Linux counts them for each socket.
    pub overflowed: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl ExporterStats {
    /// Spans that were dropped for a reason.
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Spans that were dropped, whatever the reason.
    #[must_use]
    pub fn spans_dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    pub(crate) fn drop_spans(&mut self, spans: u64, reason: DropReason) {
        self.dropped[reason as usize] += spans;
    }
}

impl fmt::Debug for ExporterStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("ExporterStats");
        for (name, number) in [
            ("spans_ended", self.spans_ended),
            ("spans_missed", self.spans_missed),
            ("spans_in", self.spans_in),
            ("spans_sent", self.spans_sent),
            ("spans_held", self.spans_held),
            ("documents_sent", self.documents_sent),
            ("bytes_sent", self.bytes_sent),
            ("cut", self.cut),
            ("calls", self.calls),
            ("calls_failed", self.calls_failed),
            ("refused", self.refused),
            ("overflowed", self.overflowed),
        ] {
            fields.field(name, &number);
        }
        // Reasons that never held would only be in the way.
        for reason in DropReason::ALL.into_iter().filter(|reason| self.dropped(*reason) > 0) {
            fields.field(reason.as_str(), &self.dropped(reason));
        }
        fields.finish()
    }
}

/// The live numbers behind [`ExporterStats`]. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    /// Under one lock, so that what is read adds up.
    stats: Mutex<ExporterStats>,
    /// Not under it: counted by the threads of the application.
    spans_ended: AtomicU64,
    /// How many spans at most may have ended and not come in.
    queue: AtomicU64,
    /// Whether what is in the queue has been given up. Changes only under the lock.
    is_closed: AtomicBool,
    last_failure: Mutex<Option<CallFailure>>,
    /// Where the time that calls take is recorded, if anybody wants to know.
    call_duration: OnceLock<Histogram<f64>>,
}

/// How the last call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallFailure {
    /// A word for metrics (`error.type`): `timeout`, or an HTTP status.
    pub(crate) error_type: Cow<'static, str>,
    /// For a person: bounded, and without anything that stands in a document.
    pub(crate) message: String,
}

impl Counters {
    /// The numbers now.
    pub(crate) fn snapshot(&self) -> ExporterStats {
        let ended = self.0.spans_ended.load(Relaxed);
        let queue = self.0.queue.load(Relaxed);
        self.update(|stats| {
            stats.spans_ended = ended;
            let missed = ended.saturating_sub(stats.spans_in.saturating_add(queue));
            stats.spans_missed = stats.spans_missed.max(missed);
            *stats
        })
    }

    /// So many spans at most wait in the queue before the exporter.
    pub(crate) fn queue_holds(&self, spans: u64) {
        self.0.queue.store(spans, Relaxed);
    }

    /// Nobody takes spans out of the queue any more: what has ended and not come in is missed.
    pub(crate) fn close_queue(&self) {
        self.update(|_| {
            self.0.is_closed.store(true, Relaxed);
            self.0.queue.store(0, Relaxed);
        });
    }

    /// A span has ended and goes into the queue, if there is room.
    pub(crate) fn span_ended(&self) {
        self.0.spans_ended.fetch_add(1, Relaxed);
    }

    /// Records the time of calls from now on.
    pub(crate) fn record_calls(&self, histogram: Histogram<f64>) {
        // The first one stays.
        let _ = self.0.call_duration.set(histogram);
    }

    /// How the last call failed, if it did.
    pub(crate) fn last_failure(&self) -> Option<CallFailure> {
        self.0.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A call was made and took so long.
    #[cfg_attr(not(feature = "_acknowledged"), allow(dead_code, reason = "no road of this build answers"))]
    pub(crate) fn called(&self, took: Duration, failure: Option<CallFailure>) {
        self.update(|stats| {
            stats.calls += 1;
            stats.calls_failed += u64::from(failure.is_some());
        });
        if let Some(histogram) = self.0.call_duration.get() {
            let error = failure.iter().map(|failure| KeyValue::new("error.type", failure.error_type.clone()));
            histogram.record(took.as_secs_f64(), &error.collect::<Vec<_>>());
        }
        *self.0.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Counts spans that come in, unless they have been counted as missed.
    #[must_use]
    pub(crate) fn spans_in(&self, spans: u64) -> bool {
        self.update(|stats| {
            let is_open = !self.0.is_closed.load(Relaxed);
            stats.spans_in += if is_open { spans } else { 0 };
            is_open
        })
    }

    pub(crate) fn cut(&self, texts: u64) {
        self.update(|stats| stats.cut += texts);
    }

    pub(crate) fn dropped(&self, spans: u64, reason: DropReason) {
        self.update(|stats| stats.drop_spans(spans, reason));
    }

    /// Changes several numbers at once. `change` must be short.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut ExporterStats) -> R) -> R {
        change(&mut self.0.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
