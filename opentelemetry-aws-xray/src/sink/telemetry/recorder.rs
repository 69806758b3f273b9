//! Minutes that wait to be reported.

use std::collections::VecDeque;

use super::record::{Counts, Record};

/// The most records that wait: half an hour, as the daemon keeps.
pub(super) const MAX_WAITING: usize = 30;

/// The most records of a request, as the daemon sends.
pub(super) const MAX_IN_REQUEST: usize = 10;

/// Cuts counts into minutes, and keeps those that could not be reported yet.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    reported: Counts,
    /// Oldest first.
    waiting: VecDeque<Record>,
}

impl Recorder {
    /// Ends a minute. One in which nothing happened leaves no record; when too many wait, the oldest goes.
    pub(super) fn end_minute(&mut self, timestamp: u32, total: Counts) {
        let counts = total.since(&self.reported);
        if counts.is_zero() {
            return;
        }
        self.reported = total;
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Record { timestamp, counts });
    }

    /// What the next request says: the newest records, newest first, since they matter most. None if there is nothing to say.
    pub(super) fn next(&self) -> Vec<Record> {
        self.waiting.iter().rev().take(MAX_IN_REQUEST).copied().collect()
    }

    /// That [`next`](Self::next) request was taken.
    pub(super) fn taken(&mut self) {
        self.waiting.truncate(self.waiting.len().saturating_sub(MAX_IN_REQUEST));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(received: u64) -> Counts {
        Counts { received, ..Counts::default() }
    }

    #[test]
    fn minutes_without_anything_are_not_reported() {
        let mut recorder = Recorder::default();
        for (minute, received) in [(1, 0), (2, 5), (3, 5), (4, 6)] {
            recorder.end_minute(minute, total(received));
        }
        let expected =
            [(4, 1), (2, 5)].map(|(timestamp, received)| Record { timestamp, counts: total(received) });
        assert_eq!(recorder.next(), expected);
        recorder.taken();
        assert_eq!(recorder.next(), []);
    }

    #[test]
    fn thirty_wait_and_go_in_tens_newest_first() {
        let mut recorder = Recorder::default();
        for minute in 1..=40 {
            recorder.end_minute(minute, total(minute.into()));
        }
        let mut requests = Vec::new();
        while !recorder.next().is_empty() {
            requests.push(recorder.next().iter().map(|record| record.timestamp).collect::<Vec<_>>());
            recorder.taken();
        }
        let expected: Vec<Vec<u32>> =
            [31..=40, 21..=30, 11..=20].map(|minutes| minutes.rev().collect()).into();
        // Three tens, and no empty request after them.
        assert_eq!(requests, expected);
    }

    proptest! {
        /// What is reported adds up to what happened, unless more waits than there is room for.
        #[test]
        fn nothing_is_reported_twice_or_forgotten(
            minutes in prop::collection::vec((0_u64..5, any::<bool>()), 0..MAX_WAITING),
        ) {
            let mut recorder = Recorder::default();
            let (mut received, mut reported) = (0, 0);
            let mut report = |recorder: &mut Recorder| {
                let records = recorder.next();
                assert!(records.len() <= MAX_IN_REQUEST);
                reported += records.iter().map(|record| record.counts.received).sum::<u64>();
                recorder.taken();
                records.is_empty()
            };
            for (minute, (more, reachable)) in (0..).zip(minutes) {
                received += more;
                recorder.end_minute(minute, total(received));
                if reachable {
                    report(&mut recorder);
                }
            }
            while !report(&mut recorder) {}
            prop_assert_eq!(reported, received);
        }
    }
}
