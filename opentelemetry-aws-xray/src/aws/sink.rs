//! The sink that sends straight to X-Ray.

use std::time::Duration;

use super::{AwsPost, Direct};
use crate::{
    config::{self, Environment, Payload},
    sink::{
        Documents, Rejected, Report, SegmentSink,
        acknowledged::{AcknowledgedSink, OnRejected, Rejections},
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
pub struct DirectSink {
    sink: Box<dyn SegmentSink>,
    rejections: Rejections,
}

impl DirectSink {
    /// A sink with these settings, and those of the environment where they say nothing.
    #[must_use]
    pub fn new(direct: Direct) -> Self {
        Self::with_parts(direct, Payload::Segments, Rejections::default(), &Environment::process())
    }

    /// Calls a function with each document that this destination refused, or could not take as often as was tried, as
    /// [`XrayExporterBuilder::with_on_rejected`](crate::XrayExporterBuilder::with_on_rejected) does for the sink that the builder makes
    /// itself. The function runs on a thread that delivers documents, so it should be short.
    ///
    /// ```
    /// use opentelemetry_aws_xray::aws::{Direct, DirectSink};
    ///
    /// let sink = DirectSink::new(Direct::new().with_region("eu-west-1")).with_on_rejected(|rejected| {
    ///     eprintln!("eu-west-1 refused {:?}: {}", rejected.segment_id, rejected.message);
    /// });
    /// # drop(sink);
    /// ```
    ///
    /// Default: none.
    #[must_use]
    pub fn with_on_rejected(self, callback: impl Fn(&Rejected<'_>) + Send + Sync + 'static) -> Self {
        self.rejections.call(OnRejected::new(callback));
        self
    }

    pub(crate) fn with_parts(
        mut direct: Direct,
        payload: Payload,
        rejections: Rejections,
        environment: &Environment,
    ) -> Self {
        let (calls, records) = (direct.calls, direct.telemetry_records.take());
        let post = AwsPost::new(direct);
        let told = rejections.clone();
        let sink: Box<dyn SegmentSink> = match records {
            None => Box::new(AcknowledgedSink::of(payload, post, calls, told)),
            Some(records) => {
                let post = CountingPost::new(post);
                let sink = AcknowledgedSink::of(payload, post.clone(), calls, told);
                let records = config::telemetry_records(records, environment);
                Box::new(TelemetrySink::new(sink, post, records))
            }
        };
        Self { sink, rejections }
    }
}

impl SegmentSink for DirectSink {
    fn max_document_bytes(&self) -> usize {
        self.sink.max_document_bytes()
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.sink.send(documents, report);
    }

    fn send_within(&mut self, documents: &Documents, wait: Duration, report: &Report) {
        self.sink.send_within(documents, wait, report);
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        self.sink.force_flush(timeout, report);
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        self.sink.shutdown(timeout, report);
    }
}

// Their server takes documents, as X-Ray does.
#[cfg(all(test, feature = "daemon-tcp"))]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        aws::test_config,
        sink::{
            TeeSink,
            daemon_tcp::test_server::{Act, Server},
        },
    };

    #[test]
    fn each_destination_tells_what_it_refused() {
        let servers = [(); 2].map(|()| Server::start(vec![Act::TakeBut("0000000000000001")]));
        let told: Arc<Mutex<Vec<(usize, String)>>> = Arc::default();
        let sink = |number: usize| {
            let url = format!("http://{}", servers[number].endpoint());
            let told = Arc::clone(&told);
            DirectSink::new(Direct::new().with_sdk_config(test_config()).with_endpoint(url))
                .with_on_rejected(move |rejected| told.lock().unwrap().push((number, rejected.code.into())))
        };
        let mut tee = TeeSink::new(sink(0)).with(sink(1), Report::default());
        let mut documents = Documents::default();
        let json = r#"{"trace_id":"1-00000001-000000000000000000000001","name":"x","id":"0000000000000001"}"#;
        documents.push(1, |out| out.extend_from_slice(json.as_bytes()));
        let report = Report::default();
        tee.send(&documents, &report);
        tee.shutdown(Duration::from_secs(60), &report);
        let mut told = told.lock().unwrap().clone();
        told.sort();
        assert_eq!(told, [(0, "InvalidName".to_owned()), (1, "InvalidName".to_owned())]);
    }
}
