//! Telemetry records: what the daemon tells X-Ray about its own work, told by whoever takes its place.

mod counting;
mod record;
mod recorder;
mod worker;

use std::time::Duration;

pub(crate) use counting::CountingPost;
use opentelemetry::otel_warn;
use record::Reporter;
use worker::Worker;

use super::{Documents, Report, SegmentSink};
use crate::clock::{Clock, SystemClock};

/// Settings for telemetry records (`PutTelemetryRecords`): once a minute, how many segments came, were sent, dropped and refused,
/// and how calls failed. Only minutes in which something happened are told. The role or user needs
/// `xray:PutTelemetryRecords`.
///
/// ```
/// use opentelemetry_aws_xray::{XrayExporter, aws::{Direct, TelemetryRecords}};
///
/// let records = TelemetryRecords::new().with_hostname("checkout-1").with_instance_id("i-0123456789abcdef0");
/// let direct = Direct::new().with_telemetry_records(records);
/// let exporter = XrayExporter::builder().with_direct(direct).build();
/// # drop(exporter);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "settings do nothing until an exporter is built with them"]
pub struct TelemetryRecords(Reporter);

impl TelemetryRecords {
    /// Records that say nothing of who sends them.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the host.
    ///
    /// Default: `AWS_HOSTNAME`, else none.
    pub fn with_hostname(mut self, hostname: impl Into<String>) -> Self {
        self.0.hostname = Some(hostname.into());
        self
    }

    /// The id of the EC2 instance.
    ///
    /// Default: `AWS_INSTANCE_ID`, else none. The instance's metadata is not asked.
    pub fn with_instance_id(mut self, id: impl Into<String>) -> Self {
        self.0.instance_id = Some(id.into());
        self
    }

    /// The ARN of the AWS resource that sends.
    ///
    /// Default: none.
    pub fn with_resource_arn(mut self, arn: impl Into<String>) -> Self {
        self.0.resource_arn = Some(arn.into());
        self
    }

    /// Fills in what was not set.
    pub(crate) fn or(mut self, hostname: Option<String>, instance_id: Option<String>) -> Self {
        self.0.hostname = self.0.hostname.or(hostname);
        self.0.instance_id = self.0.instance_id.or(instance_id);
        self
    }
}

/// A sink whose work is told to X-Ray.
#[derive(Debug)]
pub(crate) struct TelemetrySink<S> {
    sink: S,
    road: CountingPost,
    reporter: Reporter,
    worker: Option<Worker>,
}

impl<S: SegmentSink> TelemetrySink<S> {
    /// Tells of a sink that sends over this road. Starts with the first documents.
    pub(crate) fn new(sink: S, road: CountingPost, settings: TelemetryRecords) -> Self {
        Self { sink, road, reporter: settings.0, worker: None }
    }

    fn start(&mut self, report: &Report) {
        if self.worker.is_some() {
            return;
        }
        match Worker::start(self.road.clone(), self.reporter.clone(), report.clone()) {
            Ok(worker) => self.worker = Some(worker),
            Err(error) => {
                otel_warn!(
                    name: "XrayTelemetry.NoThread",
                    error = error.to_string(),
                    message = "telemetry records are not sent"
                );
            }
        }
    }
}

impl<S: SegmentSink> SegmentSink for TelemetrySink<S> {
    fn max_document_bytes(&self) -> usize {
        self.sink.max_document_bytes()
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.start(report);
        self.sink.send(documents, report);
    }

    fn send_within(&mut self, documents: &Documents, wait: Duration, report: &Report) {
        self.start(report);
        self.sink.send_within(documents, wait, report);
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        self.sink.force_flush(timeout, report);
    }

    /// The last minute is told when all else has been done, if there is time left.
    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        let deadline = SystemClock.now().saturating_add(timeout);
        self.sink.shutdown(timeout, report);
        if let Some(worker) = self.worker.take() {
            worker.stop(deadline.saturating_sub(SystemClock.now()));
        }
    }
}

#[cfg(test)]
mod tests;
