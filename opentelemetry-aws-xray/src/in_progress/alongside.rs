//! Segments in progress and the processor of what has ended as one: the SDK has processors flush and shut down one after the
//! other, each with all of the time.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use super::{FLUSH_TIMEOUT, InProgressProcessor};
use crate::clock::{Clock, SystemClock};

/// Both processors, which work at the same time.
#[derive(Debug)]
pub(crate) struct Alongside<P> {
    early: InProgressProcessor,
    ended: P,
}

impl<P: SpanProcessor> Alongside<P> {
    pub(crate) const fn new(early: InProgressProcessor, ended: P) -> Self {
        Self { early, ended }
    }
}

impl<P: SpanProcessor> SpanProcessor for Alongside<P> {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.early.on_start(span, parent);
        self.ended.on_start(span, parent);
    }

    /// A span that ends is first taken off the list of those to show.
    fn on_end(&self, span: SpanData) {
        self.early.has_ended(&span);
        self.ended.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        let deadline = SystemClock.now().saturating_add(FLUSH_TIMEOUT);
        let early = self.early.begin_flush(deadline);
        let ended = self.ended.force_flush();
        ended.and(early.and_then(|answer| answer.by(deadline)))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let deadline = SystemClock.now().saturating_add(timeout);
        let early = self.early.begin_shutdown(deadline);
        let ended = self.ended.shutdown_with_timeout(timeout);
        ended.and(early.and_then(|answer| answer.by(deadline)))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.early.set_resource(resource);
        self.ended.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        mpsc::{self, Receiver, Sender},
    };

    use super::*;
    use crate::{
        exporter::XrayExporter,
        sink::{Documents, Report, SegmentSink},
    };

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Is done when the other one has been asked too.
    #[derive(Debug)]
    struct Waits(Receiver<()>);

    impl Waits {
        fn wait(&self) {
            self.0.recv_timeout(PATIENCE).unwrap();
        }
    }

    impl SegmentSink for Waits {
        fn max_document_bytes(&self) -> usize {
            64_000
        }

        fn send(&mut self, _: &Documents, _: &Report) {}

        fn force_flush(&mut self, _: Duration, _: &Report) {
            self.wait();
        }

        fn shutdown(&mut self, _: Duration, _: &Report) {
            self.wait();
        }
    }

    #[derive(Debug)]
    struct Asked(Mutex<Sender<()>>);

    impl Asked {
        fn answer(&self) -> OTelSdkResult {
            self.0.lock().unwrap().send(()).unwrap();
            Ok(())
        }
    }

    impl SpanProcessor for Asked {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, _: SpanData) {}

        fn force_flush(&self) -> OTelSdkResult {
            self.answer()
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            self.answer()
        }
    }

    #[test]
    fn both_are_asked_before_either_is_waited_for() {
        let (asked, is_asked) = mpsc::channel();
        let early = XrayExporter::builder().with_sink(Waits(is_asked)).build();
        let early = InProgressProcessor::new(early, InProgressProcessor::DEFAULT_DELAY);
        let both = Alongside::new(early, Asked(Mutex::new(asked)));
        // One after the other, the first would not be done in time.
        both.force_flush().unwrap();
        both.shutdown_with_timeout(PATIENCE).unwrap();
    }
}
