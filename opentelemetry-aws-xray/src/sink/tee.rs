//! Several destinations at once.

use std::{sync::Arc, time::Duration};

use super::{Documents, MAX_SEND_WAIT, Report, SegmentSink};
use crate::clock::{Clock, SystemClock};

/// Sends every document to several destinations: regions, accounts, or a daemon and a file.
///
/// Each destination stands for itself: it holds, retries and drops on its own. Where one takes documents too slowly, a batch waits
/// for it, one second at most for all destinations together, of which each gets its share. Who has used that up is not waited for
/// again before it has taken something, or all others are behind too; what finds no room with it meanwhile is its own loss. One that is
/// away is not waited for at all.
///
/// A [`SegmentSink`] of your own that blocks in `send` blocks the others too, unless it keeps to
/// [`send_within`](SegmentSink::send_within).
///
/// There is no single answer to what became of a span, and the numbers are kept apart. Those of the exporter speak of the **first**
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
    first: Destination,
    others: Vec<(Destination, Report)>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Destination {
    sink: Box<dyn SegmentSink>,
    /// It has used up its time; and how many documents it had taken by then.
    behind_at: Option<u64>,
}

impl TeeSink {
    /// The destination that the exporter's numbers speak of.
    #[must_use]
    pub fn new(first: impl SegmentSink + 'static) -> Self {
        Self { first: Destination::new(first), others: Vec::new(), clock: Arc::new(SystemClock) }
    }

    /// A further destination, and where it counts. The report must be of its own; keep a clone of it to read the numbers.
    #[must_use]
    pub fn with(mut self, sink: impl SegmentSink + 'static, report: Report) -> Self {
        self.others.push((Destination::new(sink), report));
        self
    }

    /// Does something with each destination. All have the same share of the time, and what one leaves goes to those after it:
    /// one that hangs does not take the time of the others.
    fn share(
        &mut self,
        timeout: Duration,
        report: &Report,
        work: impl Fn(&mut Destination, Duration, &Report),
    ) {
        let deadline = self.clock.now().saturating_add(timeout);
        let mut waiting = self.others.len() as u32 + 1;
        let clock = Arc::clone(&self.clock);
        for (destination, report) in self.destinations(report) {
            let left = deadline.saturating_sub(clock.now());
            work(destination, left / waiting, report);
            waiting -= 1;
        }
    }

    /// Each destination, and where it counts.
    fn destinations<'t>(
        &'t mut self,
        report: &'t Report,
    ) -> impl Iterator<Item = (&'t mut Destination, &'t Report)> {
        let others = self.others.iter_mut().map(|(destination, report)| (destination, &*report));
        std::iter::once((&mut self.first, report)).chain(others)
    }
}

impl Destination {
    fn new(sink: impl SegmentSink + 'static) -> Self {
        Self { sink: Box::new(sink), behind_at: None }
    }

    /// Whether it has taken nothing since it used up its time.
    fn is_behind(&mut self, report: &Report) -> bool {
        self.behind_at = self.behind_at.filter(|before| report.stats().documents_sent <= *before);
        self.behind_at.is_some()
    }

    /// Sends a batch, and waits no longer than its share of the time, or not at all if it is behind.
    fn send(&mut self, documents: &Documents, share: Duration, report: &Report, clock: &dyn Clock) {
        let wait = if self.behind_at.is_some() { Duration::ZERO } else { share };
        let start = clock.now();
        self.sink.send_within(documents, wait, report);
        if !wait.is_zero() && clock.now().saturating_sub(start) >= wait {
            self.behind_at = Some(report.stats().documents_sent);
        }
    }
}

impl SegmentSink for TeeSink {
    /// The smallest of all: every destination gets the same documents.
    fn max_document_bytes(&self) -> usize {
        let others = self.others.iter().map(|(other, _)| other.sink.max_document_bytes());
        others.fold(self.first.sink.max_document_bytes(), usize::min)
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.send_within(documents, MAX_SEND_WAIT, report);
    }

    fn send_within(&mut self, documents: &Documents, wait: Duration, report: &Report) {
        for (_, report) in &self.others {
            documents.iter().for_each(|document| report.came(document));
        }
        let behind = self.destinations(report).map(|(destination, report)| destination.is_behind(report));
        // To wait harms nobody where all are behind.
        if behind.filter(|is_behind| *is_behind).count() == self.others.len() + 1 {
            self.destinations(report).for_each(|(destination, _)| destination.behind_at = None);
        }
        let clock = Arc::clone(&self.clock);
        self.share(wait, report, |destination, share, report| {
            destination.send(documents, share, report, &*clock);
        });
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        self.share(timeout, report, |destination, timeout, report| {
            destination.sink.force_flush(timeout, report);
        });
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        self.share(timeout, report, |destination, timeout, report| {
            destination.sink.shutdown(timeout, report);
        });
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

    /// Is there, and takes nothing until it is told to: holds everything, and waits as long as it may.
    #[derive(Debug, Clone)]
    struct Slow {
        clock: ManualClock,
        given: Arc<Mutex<Vec<u64>>>,
        takes: Arc<Mutex<bool>>,
    }

    impl SegmentSink for Slow {
        fn max_document_bytes(&self) -> usize {
            3
        }

        fn send(&mut self, _: &Documents, _: &Report) {
            panic!("waits without a bound");
        }

        fn send_within(&mut self, documents: &Documents, wait: Duration, report: &Report) {
            self.given.lock().unwrap().push(wait.as_millis() as u64);
            for document in documents.iter() {
                report.held(document);
                if *self.takes.lock().unwrap() {
                    report.held_sent(document);
                }
            }
            if !*self.takes.lock().unwrap() {
                self.clock.sleep(wait);
            }
        }

        fn shutdown(&mut self, _: Duration, _: &Report) {}
    }

    #[test]
    fn who_is_behind_is_waited_for_once_until_it_takes_something() {
        let clock = ManualClock::new();
        let slow = || Slow { clock: clock.clone(), given: Arc::default(), takes: Arc::default() };
        let (first, last, healthy) = (slow(), slow(), MemorySink::default());
        let mut tee = TeeSink {
            clock: Arc::new(clock.clone()),
            ..TeeSink::new(first.clone())
                .with(healthy.clone(), Report::default())
                .with(last.clone(), Report::default())
        };
        let mut documents = Documents::default();
        documents.push(1, |out| out.extend(b"{}"));
        let report = Report::default();
        // Who takes documents by then; what each was given of the second, in milliseconds; how long the batch took.
        for (takes, given, took) in [
            ([false, false], [333, 666], 1_000),
            ([false, false], [0, 0], 0),
            ([true, false], [0, 0], 0),
            ([false, false], [333, 0], 333),
            ([false, true], [0, 0], 0),
            ([true, true], [0, 1_000], 0),
            ([true, true], [333, 1_000], 0),
        ] {
            *first.takes.lock().unwrap() = takes[0];
            *last.takes.lock().unwrap() = takes[1];
            let start = clock.now();
            tee.send(&documents, &report);
            let found = [&first, &last].map(|slow| slow.given.lock().unwrap().pop().unwrap());
            assert_eq!(found, given, "{takes:?}");
            assert_eq!((clock.now() - start).as_millis(), took, "{takes:?}");
        }
        assert_eq!(healthy.take().len(), 7);
    }

    #[test]
    fn where_all_are_behind_all_are_waited_for() {
        let clock = ManualClock::new();
        let slow = || Slow { clock: clock.clone(), given: Arc::default(), takes: Arc::default() };
        let sinks = [slow(), slow()];
        let tee = TeeSink::new(sinks[0].clone()).with(sinks[1].clone(), Report::default());
        let mut tee = TeeSink { clock: Arc::new(clock.clone()), ..tee };
        for _ in 0..3 {
            tee.send(&Documents::default(), &Report::default());
        }
        for slow in sinks {
            assert_eq!(*slow.given.lock().unwrap(), [500, 500, 500]);
        }
        assert_eq!(clock.now(), Duration::from_secs(3));
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
