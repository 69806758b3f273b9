//! Shutdowns that have too little time for what is queued.

use std::sync::mpsc::{self, Receiver, Sender};

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::trace::{BatchConfig, SdkTracerProvider};

use super::*;
use crate::{
    exporter::StatsHandle,
    sink::{Documents, Report, SegmentSink},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A provider whose queue has room for everything.
fn provider(sink: impl SegmentSink + 'static) -> (SdkTracerProvider, StatsHandle) {
    let exporter = XrayExporter::builder().with_sink(sink).build();
    let stats = exporter.stats_handle();
    let processor = FlushingProcessor::new(exporter, BatchConfig::default(), DEFAULT_QUEUE_SIZE);
    (SdkTracerProvider::builder().with_span_processor(processor).build(), stats)
}

fn end_spans(provider: &SdkTracerProvider, count: usize) {
    let tracer = provider.tracer("test");
    for _ in 0..count {
        tracer.in_span("job", |_| {});
    }
}

/// Says when documents have come, and takes them when it is let.
#[derive(Debug)]
struct Gate {
    entered: Sender<()>,
    opened: Receiver<()>,
    is_over: Sender<()>,
}

impl SegmentSink for Gate {
    fn max_document_bytes(&self) -> usize {
        64_000
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        let _ = self.entered.send(());
        let _ = self.opened.recv_timeout(PATIENCE);
        documents.iter().for_each(|document| report.sent(document));
    }

    fn shutdown(&mut self, _: Duration, _: &Report) {
        let _ = self.is_over.send(());
    }
}

#[test]
fn what_is_queued_when_time_is_up_is_missed_and_stays_so() {
    let ((entered, has_entered), (open, opened), (over, is_over)) =
        (mpsc::channel(), mpsc::channel(), mpsc::channel());
    let (provider, stats) = provider(Gate { entered, opened, is_over: over });
    // More than the SDK exports at once, by default.
    end_spans(&provider, 1_100);
    has_entered.recv_timeout(PATIENCE).unwrap();
    assert!(provider.shutdown_with_timeout(Duration::from_millis(100)).is_err());
    let numbers = || (stats.now().spans_ended, stats.now().spans_in, stats.now().spans_missed);
    assert_eq!(numbers(), (1_100, 512, 588));
    // A process that goes on does not count them again.
    open.send(()).unwrap();
    is_over.recv_timeout(PATIENCE).unwrap();
    assert_eq!(numbers(), (1_100, 512, 588));
    assert_eq!(stats.now().spans_sent, 512);
}

/// Waits for room as long as it may.
#[derive(Debug)]
struct Full(Receiver<()>);

impl SegmentSink for Full {
    fn max_document_bytes(&self) -> usize {
        64_000
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        let now = SystemClock.now();
        let until = documents.wait_until(now, Duration::from_secs(1));
        let _ = self.0.recv_timeout(until - now);
        documents.iter().for_each(|document| report.sent(document));
    }

    fn shutdown(&mut self, _: Duration, _: &Report) {}
}

#[test]
fn a_sink_that_waits_for_room_does_not_use_up_a_shutdown() {
    let (_never, room) = mpsc::channel();
    let (provider, stats) = provider(Full(room));
    // Each batch alone may wait for a second.
    end_spans(&provider, 10 * 512);
    let result = provider.shutdown_with_timeout(Duration::from_millis(1_500));
    assert!(result.is_err(), "there was not time for all");
    let now = stats.now();
    assert_eq!(now.spans_ended, now.spans_in + now.spans_missed, "{now:?}");
    assert!(now.spans_sent < now.spans_ended, "{now:?}");
    // On a busy machine the last batch may still be with the sink.
    let deadline = SystemClock.now() + PATIENCE;
    let is_told = |now: ExporterStats| now.spans_in == now.spans_sent + now.dropped(DropReason::ShutDown);
    while !is_told(stats.now()) && SystemClock.now() < deadline {
        std::thread::yield_now();
    }
    assert!(is_told(stats.now()), "{:?}", stats.now());
}
