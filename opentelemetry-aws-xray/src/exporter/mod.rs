//! The exporter: spans → documents → sink.

mod attributes;
mod batch;
mod builder;
mod export;
mod index;
#[cfg(feature = "otlp")]
mod otlp;
mod prefixes;
mod stack;
mod stats;
mod trace_id_policy;
mod translate;

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub(crate) use attributes::is_known;
pub(crate) use batch::{DEFAULT_QUEUE_SIZE, FlushingProcessor};
pub use builder::XrayExporterBuilder;
use export::Pipeline;
pub(crate) use index::matches;
use opentelemetry::{metrics::Histogram, otel_error};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
pub(crate) use prefixes::name_before_adoption;
pub(crate) use stats::{CallFailure, Counters};
pub use stats::{DropReason, ExporterStats};
pub use trace_id_policy::{TraceIdPolicy, TraceIdWindow};
pub(crate) use translate::{Flags, is_sql, json_without_secrets};

use crate::clock::{Clock, SystemClock};

/// Turns spans into X-Ray segment documents and delivers them.
///
/// Each span becomes a segment or a subsegment; the spans of one batch that belong together become one document
/// while it fits. A span is never dropped for how it looks: names are sanitised, texts that are too long are cut,
/// and what has no field of its own goes to metadata. Whatever is dropped is counted by reason: see
/// [`stats`](Self::stats).
///
/// The exporter is synchronous underneath: [`export`](SpanExporter::export) returns when the documents were handed to the sink. It
/// needs no async runtime, and opens no spans of its own. A sink that waits for answers still holds documents then;
/// [`force_flush`](SpanExporter::force_flush) waits for it. The SDK's batch processor does not call that, but the one that
/// [`Xray`](crate::Xray) installs does.
///
/// ```
/// use opentelemetry_aws_xray::{XrayExporter, XrayIdGenerator};
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let exporter = XrayExporter::builder().with_daemon_address("127.0.0.1:2000").build();
/// let stats = exporter.stats_handle();
/// let provider = SdkTracerProvider::builder()
///     .with_batch_exporter(exporter)
///     .with_id_generator(XrayIdGenerator::default())
///     .build();
/// assert_eq!(stats.now().spans_in, 0);
/// # drop(provider);
/// ```
#[derive(Debug)]
pub struct XrayExporter {
    shared: Arc<Shared>,
}

/// What an exporter shares with the processor that flushes it.
struct Shared {
    /// `None` once shut down. The SDK never exports concurrently, so the lock is waited for only while a flush lasts.
    pipeline: Mutex<Option<Pipeline>>,
    counters: Counters,
    /// When a shutdown has to be over, on [`SystemClock`]: it comes by way of the SDK, behind all that is in its queue, and the SDK
    /// does not pass its own timeout on.
    shut_down_by: Mutex<Option<Duration>>,
}

/// Reads an exporter's numbers wherever the exporter itself has gone. Cheap to clone.
///
/// ```
/// use opentelemetry_aws_xray::{StatsHandle, XrayExporter};
/// # use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// /// For a page of the service's health.
/// fn health(exporter: &StatsHandle) -> String {
///     let lost = exporter.now().spans_dropped();
///     match exporter.last_failure() {
///         Some(failure) => format!("tracing: {lost} spans lost; {failure}"),
///         None => format!("tracing: {lost} spans lost"),
///     }
/// }
/// let exporter = XrayExporter::builder().build();
/// let handle = exporter.stats_handle();
/// let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
/// assert_eq!(health(&handle), "tracing: 0 spans lost");
/// # drop(provider);
/// ```
#[derive(Debug, Clone)]
pub struct StatsHandle(Counters);

impl StatsHandle {
    /// The numbers now.
    #[must_use]
    pub fn now(&self) -> ExporterStats {
        self.0.snapshot()
    }

    pub(crate) fn record_calls(&self, histogram: Histogram<f64>) {
        self.0.record_calls(histogram);
    }

    pub(crate) fn failure(&self) -> Option<CallFailure> {
        self.0.last_failure()
    }

    /// Why the last call failed, on roads on which the other side answers; `None` after one that succeeded. For a person: bounded, and
    /// without anything that stands in a document.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.0.last_failure().map(|failure| failure.message)
    }
}

impl XrayExporter {
    /// Starts to build an exporter.
    pub fn builder() -> XrayExporterBuilder {
        XrayExporterBuilder::default()
    }

    /// The numbers now.
    #[must_use]
    pub fn stats(&self) -> ExporterStats {
        self.shared.counters.snapshot()
    }

    /// A handle to the numbers, for when the exporter is given away.
    #[must_use]
    pub fn stats_handle(&self) -> StatsHandle {
        StatsHandle(self.shared.counters.clone())
    }
}

impl XrayExporter {
    /// Waits until what is held has been sent, for so long at most.
    pub(crate) fn flush_within(&self, timeout: Duration) -> OTelSdkResult {
        self.shared.force_flush(timeout)
    }

    /// Tells that a shutdown begins before what is left is exported.
    pub(crate) fn begin_shutdown(&self, timeout: Duration) {
        self.shared.begin_shutdown(timeout);
    }

    /// What an export is underneath.
    pub(crate) fn export_now(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let counters = &self.shared.counters;
        if !counters.spans_in(spans) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let before = counters.snapshot();
        // A panic here would end the SDK's export thread, and with it every later span of the process.
        let work = AssertUnwindSafe(|| {
            self.shared.with_pipeline(|pipeline| match (pipeline, self.shared.shut_down_by()) {
                (Some(pipeline), by) if by.is_none_or(|by| SystemClock.now() < by) => {
                    pipeline.prepare(&mut batch);
                    pipeline.export(&batch, by, counters);
                    Ok(())
                }
                (Some(_), _) => {
                    // Told once, at the end, for all batches.
                    counters.dropped(spans, DropReason::ShutDown);
                    Ok(())
                }
                (None, _) => {
                    counters.dropped(spans, DropReason::ShutDown);
                    Err(OTelSdkError::AlreadyShutdown)
                }
            })
        });
        std::panic::catch_unwind(work).unwrap_or_else(|_| {
            let accounted = accounted(&counters.snapshot()) - accounted(&before);
            counters.dropped(spans.saturating_sub(accounted), DropReason::Internal);
            otel_error!(name: "XrayExporter.Panicked", message = "the X-Ray exporter failed on a batch; this is a bug, please report it");
            Err(OTelSdkError::InternalFailure("the X-Ray exporter panicked".into()))
        })
    }
}

impl Shared {
    fn new(pipeline: Pipeline) -> Self {
        Self {
            pipeline: Mutex::new(Some(pipeline)),
            counters: Counters::default(),
            shut_down_by: Mutex::default(),
        }
    }

    fn with_pipeline<R>(&self, work: impl FnOnce(&mut Option<Pipeline>) -> R) -> R {
        // A panic while the lock was held has been caught and told below; what it left behind is still sound.
        work(&mut self.pipeline.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn force_flush(&self, timeout: Duration) -> OTelSdkResult {
        let deadline = SystemClock.now().saturating_add(timeout);
        self.with_pipeline(|pipeline| {
            let pipeline = pipeline.as_mut().ok_or(OTelSdkError::AlreadyShutdown)?;
            pipeline.force_flush(deadline.saturating_sub(SystemClock.now()), &self.counters);
            if SystemClock.now() < deadline { Ok(()) } else { Err(OTelSdkError::Timeout(timeout)) }
        })
    }

    fn shut_down(&self, timeout: Duration) -> OTelSdkResult {
        let now = SystemClock.now();
        let deadline = now.saturating_add(timeout).min(self.shut_down_by().unwrap_or(Duration::MAX));
        let mut pipeline = self.with_pipeline(Option::take).ok_or(OTelSdkError::AlreadyShutdown)?;
        pipeline.shutdown(deadline.saturating_sub(SystemClock.now()), &self.counters);
        Ok(())
    }

    /// A shutdown begins, of which the caller waits so long for the end: all that still comes has to be sent within that.
    fn begin_shutdown(&self, timeout: Duration) {
        let deadline = SystemClock.now().saturating_add(timeout.saturating_sub(WAY_BACK));
        *self.shut_down_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
    }

    fn shut_down_by(&self) -> Option<Duration> {
        *self.shut_down_by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanExporter for XrayExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.export_now(batch)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.shared.shut_down(timeout)
    }

    /// Sends what the sink still holds, within five seconds; what can't be sent stays held.
    fn force_flush(&self) -> OTelSdkResult {
        self.shared.force_flush(FLUSH_TIMEOUT)
    }

    fn set_resource(&mut self, resource: &Resource) {
        // A user's rule may panic, and the service that starts here shall not end by it.
        let work = AssertUnwindSafe(|| {
            self.shared.with_pipeline(|pipeline| {
                if let Some(pipeline) = pipeline {
                    pipeline.set_resource(resource, &self.shared.counters);
                }
            });
        });
        if std::panic::catch_unwind(work).is_err() {
            otel_error!(name: "XrayExporter.Panicked", message = "segments say nothing of the resource, since the exporter or its redaction failed on it");
        }
    }
}

/// What a shutdown leaves of its time for the way back: its caller gives up waiting at the very end.
const WAY_BACK: Duration = Duration::from_millis(50);

/// As long as the SDK's batch processor takes for a flush.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Spans whose fate is known.
fn accounted(stats: &ExporterStats) -> u64 {
    stats.spans_sent + stats.spans_held + stats.spans_dropped()
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("stats", &self.counters.snapshot()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
