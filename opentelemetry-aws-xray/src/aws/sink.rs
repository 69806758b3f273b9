//! The sink that sends straight to X-Ray.

use std::time::Duration;

use super::{AwsPost, Direct};
use crate::{
    config::{self, Environment, Payload},
    sink::{
        Documents, Report, SegmentSink,
        acknowledged::{AcknowledgedSink, Rejections},
        telemetry::{CountingPost, TelemetrySink},
    },
};

/// Sends documents straight to X-Ray (`PutTraceSegments`), up to fifty in a call, and heeds its answers: what was throttled or lost
/// on the way is sent again, what was refused is told and counted, what can't go yet is held.
///
/// Nothing is connected or looked up before the first document.
///
/// ```
/// use opentelemetry_aws_xray::{XrayExporter, aws::{Direct, DirectSink}, sink::{Report, TeeSink}};
///
/// // To two regions at once, each with its own numbers.
/// let second = Report::default();
/// let tee = TeeSink::new(DirectSink::new(Direct::new().with_region("eu-central-1")))
///     .with(DirectSink::new(Direct::new().with_region("eu-west-1")), second.clone());
/// let exporter = XrayExporter::builder().with_sink(tee).build();
/// # drop(exporter);
/// ```
#[derive(Debug)]
pub struct DirectSink(Box<dyn SegmentSink>);

impl DirectSink {
    /// A sink with these settings, and those of the environment where they say nothing.
    #[must_use]
    pub fn new(direct: Direct) -> Self {
        Self::with_parts(direct, Payload::Segments, Rejections::default(), &Environment::process())
    }

    pub(crate) fn with_parts(
        mut direct: Direct,
        payload: Payload,
        rejections: Rejections,
        environment: &Environment,
    ) -> Self {
        let (calls, records) = (direct.calls, direct.telemetry_records.take());
        let post = AwsPost::new(direct);
        let Some(records) = records else {
            return Self(Box::new(AcknowledgedSink::of(payload, post, calls, rejections)));
        };
        let post = CountingPost::new(post);
        let sink = AcknowledgedSink::of(payload, post.clone(), calls, rejections);
        Self(Box::new(TelemetrySink::new(sink, post, config::telemetry_records(records, environment))))
    }
}

impl SegmentSink for DirectSink {
    fn max_document_bytes(&self) -> usize {
        self.0.max_document_bytes()
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.0.send(documents, report);
    }

    fn send_within(&mut self, documents: &Documents, wait: Duration, report: &Report) {
        self.0.send_within(documents, wait, report);
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        self.0.force_flush(timeout, report);
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        self.0.shutdown(timeout, report);
    }
}
