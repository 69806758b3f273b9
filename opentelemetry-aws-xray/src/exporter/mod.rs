//! The exporter: spans → documents → sink.

mod attributes;
mod builder;
mod export;
mod index;
mod stack;
mod stats;
mod translate;

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
    time::Duration,
};

pub use builder::XrayExporterBuilder;
use export::Pipeline;
use opentelemetry::otel_error;
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
pub(crate) use stats::Counters;
pub use stats::{DropReason, ExporterStats};

use crate::sink::Report;

/// Turns spans into X-Ray segment documents and delivers them.
///
/// Each span becomes a segment or a subsegment; the spans of one batch that belong together become one document
/// while it fits. A span is never dropped for how it looks: names are sanitised, texts that are too long are cut,
/// and what has no field of its own goes to metadata. Whatever is dropped is counted by reason: see
/// [`stats`](Self::stats).
///
/// The exporter is synchronous underneath: [`export`](SpanExporter::export) returns when the documents were handed to the sink. It
/// needs no async runtime, and opens no spans of its own.
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
pub struct XrayExporter {
    /// `None` once shut down. The SDK never exports concurrently, so the lock is never waited for.
    pipeline: Mutex<Option<Pipeline>>,
    counters: Counters,
}

/// Reads an exporter's numbers wherever the exporter itself has gone. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StatsHandle(Counters);

impl StatsHandle {
    /// The numbers now.
    #[must_use]
    pub fn now(&self) -> ExporterStats {
        self.0.snapshot()
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
        self.counters.snapshot()
    }

    /// A handle to the numbers, for when the exporter is given away.
    #[must_use]
    pub fn stats_handle(&self) -> StatsHandle {
        StatsHandle(self.counters.clone())
    }

    fn with_pipeline<R>(&self, work: impl FnOnce(&mut Option<Pipeline>) -> R) -> R {
        // A panic while the lock was held has been caught and told below; what it left behind is still sound.
        work(&mut self.pipeline.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SpanExporter for XrayExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.counters.spans_in(spans);
        let before = self.counters.snapshot();
        // A panic here would end the SDK's export thread, and with it every later span of the process.
        let work = AssertUnwindSafe(|| {
            self.with_pipeline(|pipeline| match pipeline {
                Some(pipeline) => {
                    pipeline.export(&batch, &self.counters);
                    Ok(())
                }
                None => {
                    self.counters.dropped(spans, DropReason::ShutDown);
                    Err(OTelSdkError::AlreadyShutdown)
                }
            })
        });
        std::panic::catch_unwind(work).unwrap_or_else(|_| {
            let accounted = accounted(&self.counters.snapshot()) - accounted(&before);
            self.counters.dropped(spans.saturating_sub(accounted), DropReason::Internal);
            otel_error!(name: "XrayExporter.Panicked", message = "the X-Ray exporter failed on a batch; this is a bug, please report it");
            Err(OTelSdkError::InternalFailure("the X-Ray exporter panicked".into()))
        })
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let Some(mut pipeline) = self.with_pipeline(Option::take) else {
            return Err(OTelSdkError::AlreadyShutdown);
        };
        let mut report = Report::default();
        pipeline.shutdown(timeout, &mut report);
        self.counters.report(&report);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.with_pipeline(|pipeline| {
            if let Some(pipeline) = pipeline {
                pipeline.set_resource(resource, &self.counters);
            }
        });
    }
}

/// Spans whose fate is known.
fn accounted(stats: &ExporterStats) -> u64 {
    stats.spans_sent + stats.spans_held + stats.spans_dropped()
}

impl fmt::Debug for XrayExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayExporter").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
