//! The SDK's batch processor, with a flush that reaches the sink and a queue that is watched.

use std::{sync::Arc, time::Duration};

use opentelemetry::{Context, otel_warn};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfig, BatchSpanProcessor, Span, SpanData, SpanProcessor},
};

use super::{FLUSH_TIMEOUT, Shared, XrayExporter};
use crate::clock::{Clock, SystemClock};

/// What a shutdown by way of the SDK leaves of its time for the way back: the SDK gives up waiting at the very end.
const WAY_BACK: Duration = Duration::from_millis(50);

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

impl FlushingProcessor {
    /// Once nothing is in the queue any more, what has ended and not come in found it full.
    fn tell_missed(&self) {
        let counters = &self.exporter.counters;
        counters.queue_holds(0);
        let missed = counters.snapshot().spans_missed;
        if missed > 0 {
            otel_warn!(
                name: "XrayExporter.QueueFull",
                spans = missed,
                message = "spans were lost, since the queue before the exporter was full; a larger one may help: with_queue_size, OTEL_BSP_MAX_QUEUE_SIZE"
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
        let within = timeout.saturating_sub(WAY_BACK);
        self.exporter.shut_down_by(SystemClock.now().saturating_add(within));
        let result = self.batches.shutdown_with_timeout(timeout);
        if result.is_ok() {
            self.tell_missed();
        }
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}
