//! The SDK's batch processor, with a flush that reaches the sink and a queue that is watched.

use std::{sync::Arc, time::Duration};

use opentelemetry::{Context, otel_warn};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{BatchConfig, BatchSpanProcessor, Span, SpanData, SpanProcessor},
};

use super::{DropReason, ExporterStats, FLUSH_TIMEOUT, Shared, XrayExporter};
use crate::clock::{Clock, SystemClock};

/// As many spans as wait for the exporter, if nobody says otherwise: 80 ms at 100,000 spans a second, which is as long
/// as a busy machine may keep the export thread waiting for a processor. Costs 3 MB. The SDK's own default is a quarter of it.
pub(crate) const DEFAULT_QUEUE_SIZE: usize = 8_192;

/// Batches spans as the SDK does, passes flushes and the time for a shutdown on to the exporter, which the SDK does not, and
/// counts what its queue has no room for.
#[derive(Debug)]
pub(crate) struct FlushingProcessor {
    batches: BatchSpanProcessor,
    exporter: Arc<Shared>,
}

impl FlushingProcessor {
    /// `queue_size` is that of the configuration, which keeps it to itself.
    pub(crate) fn new(exporter: XrayExporter, config: BatchConfig, queue_size: usize) -> Self {
        let shared = Arc::clone(&exporter.shared);
        // A batch that is being exported is out of the queue, and no larger than the queue itself.
        shared.counters.queue_holds(2 * queue_size as u64);
        Self {
            batches: BatchSpanProcessor::builder(exporter).with_batch_config(config).build(),
            exporter: shared,
        }
    }
}

/// What a shutdown cost.
struct Lost {
    /// Spans that never came out of the queue.
    missed: u64,
    /// Spans that did, when there was no time left for them.
    late: u64,
}

impl FlushingProcessor {
    /// Gives up what is still in the queue, and tells of all that is lost.
    fn close(&self, before: &ExporterStats) -> Lost {
        let counters = &self.exporter.counters;
        counters.close_queue();
        let stats = counters.snapshot();
        let late = stats.dropped(DropReason::ShutDown) - before.dropped(DropReason::ShutDown);
        Lost { missed: stats.spans_missed, late }
    }
}

impl Lost {
    fn tell(&self, is_timed_out: bool) {
        if self.missed > 0 && !is_timed_out {
            otel_warn!(
                name: "XrayExporter.QueueFull",
                spans = self.missed,
                message = "spans were lost, since the queue before the exporter was full; a larger one may help: with_queue_size, OTEL_BSP_MAX_QUEUE_SIZE"
            );
        }
        let late = if is_timed_out { self.missed + self.late } else { self.late };
        if late > 0 {
            otel_warn!(
                name: "XrayExporter.NoTime",
                spans = late,
                message = "spans were lost, since the shutdown had no time for them, or the queue before the exporter was full; is the other side slow? shutdown_with_timeout of the provider gives more time"
            );
        }
    }
}

impl SpanProcessor for FlushingProcessor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.batches.on_start(span, parent);
    }

    fn on_end(&self, span: SpanData) {
        self.exporter.counters.span_ended();
        self.batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        let deadline = SystemClock.now().saturating_add(FLUSH_TIMEOUT);
        self.batches.force_flush()?;
        self.exporter.force_flush(deadline.saturating_sub(SystemClock.now()))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let before = self.exporter.counters.snapshot();
        self.exporter.begin_shutdown(timeout);
        let result = self.batches.shutdown_with_timeout(timeout);
        let is_timed_out = match &result {
            Ok(()) => false,
            Err(OTelSdkError::Timeout(_)) => true,
            // It was shut down before, or not at all.
            Err(_) => return result,
        };
        let lost = self.close(&before);
        lost.tell(is_timed_out);
        if lost.late > 0 { Err(OTelSdkError::Timeout(timeout)) } else { result }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

#[cfg(test)]
mod tests;
