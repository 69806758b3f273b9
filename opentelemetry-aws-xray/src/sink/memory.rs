//! A sink for tests: documents stay in memory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Documents, Report, SegmentSink};

/// Keeps every document. Clones share them: give one to the exporter and ask the other.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// use opentelemetry_aws_xray::{Xray, sink::MemorySink};
///
/// let sink = MemorySink::default();
/// let xray = Xray::builder()
///     .with_service_name("checkout")
///     .with_exporter(|exporter| exporter.with_sink(sink.clone()))
///     .build();
/// xray.tracer_provider().tracer("test").in_span("order", |_cx| {});
/// xray.force_flush().unwrap();
/// assert!(sink.take()[0].contains(r#""name":"checkout""#));
/// ```
#[derive(Debug, Clone)]
pub struct MemorySink {
    documents: Arc<Mutex<Vec<String>>>,
    max_document_bytes: usize,
}

impl MemorySink {
    /// A sink that takes documents up to a size in bytes.
    #[must_use]
    pub fn new(max_document_bytes: usize) -> Self {
        Self { documents: Arc::default(), max_document_bytes }
    }

    /// Takes the documents out, in the order in which they came.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.documents.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for MemorySink {
    /// With the size that X-Ray takes.
    fn default() -> Self {
        Self::new(xray_wire::limits::MAX_DOCUMENT_BYTES)
    }
}

impl SegmentSink for MemorySink {
    fn max_document_bytes(&self) -> usize {
        self.max_document_bytes
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        let mut kept = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        for document in documents.iter() {
            kept.push(String::from_utf8_lossy(document.json).into_owned());
            report.sent(document);
        }
    }

    fn shutdown(&mut self, _timeout: Duration, _report: &Report) {}
}
