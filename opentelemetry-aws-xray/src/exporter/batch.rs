//! The SDK's batch processor, with a flush that reaches the sink.

use std::{sync::Arc, time::Duration};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfig, BatchSpanProcessor, Span, SpanData, SpanProcessor},
};

use super::{FLUSH_TIMEOUT, Shared, XrayExporter};
use crate::clock::{Clock, SystemClock};

/// What a shutdown by way of the SDK leaves of its time for the way back: the SDK gives up waiting at the very end.
const WAY_BACK: Duration = Duration::from_millis(50);

/// Batches spans as the SDK does, and passes flushes and the time for a shutdown on to the exporter, which the SDK does not.
#[derive(Debug)]
pub(crate) struct FlushingProcessor {
    batches: BatchSpanProcessor,
    exporter: Arc<Shared>,
}

impl FlushingProcessor {
    pub(crate) fn new(exporter: XrayExporter, config: BatchConfig) -> Self {
        let shared = Arc::clone(&exporter.shared);
        Self {
            batches: BatchSpanProcessor::builder(exporter).with_batch_config(config).build(),
            exporter: shared,
        }
    }
}

impl SpanProcessor for FlushingProcessor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.batches.on_start(span, parent);
    }

    fn on_end(&self, span: SpanData) {
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
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}
