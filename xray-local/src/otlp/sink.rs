//! The exporter's way into the store.

use std::time::Duration;

use opentelemetry_aws_xray::sink::{Documents, Report, SegmentSink};
use xray_wire::limits::MAX_DOCUMENT_BYTES;

use crate::{document::Source, shared::SharedStore};

/// Hands documents to the store, which judges them as if they had come in a datagram.
#[derive(Debug)]
pub(super) struct StoreSink {
    store: SharedStore,
    source: Source,
}

impl StoreSink {
    pub(super) fn new(store: SharedStore, source: Source) -> Self {
        Self { store, source }
    }
}

impl SegmentSink for StoreSink {
    fn max_document_bytes(&self) -> usize {
        MAX_DOCUMENT_BYTES
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        for document in documents.iter() {
            // A rejection is listed by the store.
            let _ = self.store.receive(document.json, self.source);
            report.sent(document);
        }
    }

    fn force_flush(&mut self, _timeout: Duration, _report: &Report) {}

    fn shutdown(&mut self, _timeout: Duration, _report: &Report) {}
}
