//! Several destinations at once.

use std::{sync::Arc, time::Duration};

use super::{Documents, Report, SegmentSink};
use crate::clock::{Clock, SystemClock};

/// Sends every document to several destinations: regions, accounts, or a daemon and a file.
///
/// Each destination stands for itself: it holds, retries and drops on its own, and one that is away harms no other. One that is there
/// and takes documents too slowly may let the export wait, one second a batch at most. There is
/// no single answer to what became of a span, and the numbers are kept apart. Those of the exporter speak of the **first**
/// destination; each further one counts in the [`Report`] that it was added with.
///
/// ```
/// use opentelemetry_aws_xray::{DaemonAddress, XrayExporter, sink::{DaemonSink, Report, TeeSink}};
///
/// let here: DaemonAddress = "127.0.0.1:2000".parse()?;
/// let there: DaemonAddress = "10.0.0.1:2000".parse()?;
/// let numbers = Report::default();
/// let tee = TeeSink::new(DaemonSink::new(here.udp)).with(DaemonSink::new(there.udp), numbers.clone());
/// let exporter = XrayExporter::builder().with_sink(tee).build();
/// assert_eq!((exporter.stats().spans_sent, numbers.stats().spans_sent), (0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TeeSink {
    first: Box<dyn SegmentSink>,
    others: Vec<(Box<dyn SegmentSink>, Report)>,
    clock: Arc<dyn Clock>,
}

impl TeeSink {
    /// The destination that the exporter's numbers speak of.
    #[must_use]
    pub fn new(first: impl SegmentSink + 'static) -> Self {
        Self { first: Box::new(first), others: Vec::new(), clock: Arc::new(SystemClock) }
    }

    /// A further destination, and where it counts. The report must be of its own; keep a clone of it to read the numbers.
    #[must_use]
    pub fn with(mut self, sink: impl SegmentSink + 'static, report: Report) -> Self {
        self.others.push((Box::new(sink), report));
        self
    }

    /// Does something with each destination. All have the same share of the time, and what one leaves goes to those after it:
    /// one that hangs does not take the time of the others.
    fn share(
        &mut self,
        timeout: Duration,
        report: &Report,
        work: impl Fn(&mut dyn SegmentSink, Duration, &Report),
    ) {
        let deadline = self.clock.now().saturating_add(timeout);
        let mut waiting = self.others.len() as u32 + 1;
        let first = (&mut self.first, report);
        let others = self.others.iter_mut().map(|(sink, report)| (sink, &*report));
        for (sink, report) in std::iter::once(first).chain(others) {
            let left = deadline.saturating_sub(self.clock.now());
            work(sink.as_mut(), left / waiting, report);
            waiting -= 1;
        }
    }
}

impl SegmentSink for TeeSink {
    /// The smallest of all: every destination gets the same documents.
    fn max_document_bytes(&self) -> usize {
        let others = self.others.iter().map(|(sink, _)| sink.max_document_bytes());
        others.fold(self.first.max_document_bytes(), usize::min)
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.first.send(documents, report);
        for (sink, report) in &mut self.others {
            for document in documents.iter() {
                report.came(document);
            }
            sink.send(documents, report);
        }
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        self.share(timeout, report, |sink, timeout, report| sink.force_flush(timeout, report));
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        self.share(timeout, report, |sink, timeout, report| sink.shutdown(timeout, report));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{clock::ManualClock, exporter::DropReason, sink::MemorySink};

    /// Nobody is there: holds everything and takes all the time that it is given.
    #[derive(Debug, Clone)]
    struct Away {
        clock: ManualClock,
        given: Arc<Mutex<Vec<u64>>>,
    }

    impl SegmentSink for Away {
        fn max_document_bytes(&self) -> usize {
            3
        }

        fn send(&mut self, documents: &Documents, report: &Report) {
            for document in documents.iter() {
                report.dropped_for(document, DropReason::TooLarge);
            }
        }

        fn force_flush(&mut self, timeout: Duration, _: &Report) {
            self.given.lock().unwrap().push(timeout.as_secs());
            self.clock.sleep(timeout);
        }

        fn shutdown(&mut self, timeout: Duration, report: &Report) {
            self.force_flush(timeout, report);
        }
    }

    #[test]
    fn each_destination_gets_all_and_counts_for_itself() {
        let (first, last) = (MemorySink::default(), MemorySink::default());
        let away = Away { clock: ManualClock::new(), given: Arc::default() };
        let [report, of_away, of_last] = [(); 3].map(|()| Report::default());
        let mut tee =
            TeeSink::new(first.clone()).with(away, of_away.clone()).with(last.clone(), of_last.clone());
        assert_eq!(tee.max_document_bytes(), 3);
        let mut documents = Documents::default();
        documents.push(2, |out| out.extend(b"{}"));
        documents.push(1, |out| out.extend(b"[]"));
        tee.send(&documents, &report);
        for (numbers, sent, dropped) in [(&report, 3, 0), (&of_away, 0, 3), (&of_last, 3, 0)] {
            let stats = numbers.stats();
            assert_eq!((stats.spans_sent, stats.spans_dropped()), (sent, dropped));
        }
        // The exporter counts what comes in for the first.
        let came = [&report, &of_away, &of_last].map(|report| report.stats().spans_in);
        assert_eq!(came, [0, 3, 3]);
        assert_eq!(
            (first.take(), last.take()),
            (vec!["{}".into(), "[]".into()], vec!["{}".into(), "[]".into()])
        );
    }

    #[test]
    fn who_hangs_does_not_take_the_time_of_others() {
        let clock = ManualClock::new();
        let given = Arc::default();
        let away = || Away { clock: clock.clone(), given: Arc::clone(&given) };
        let mut tee = TeeSink {
            clock: Arc::new(clock.clone()),
            ..TeeSink::new(away())
                .with(MemorySink::default(), Report::default())
                .with(away(), Report::default())
        };
        tee.force_flush(Duration::from_secs(9), &Report::default());
        tee.shutdown(Duration::from_secs(6), &Report::default());
        // What the one in the middle left went to the last.
        assert_eq!(*given.lock().unwrap(), [3, 6, 2, 4]);
    }
}
