//! When to ask for rules, and when to report.

use core::time::Duration;

use super::SECOND;

/// A call to X-Ray.
///
/// ```
/// use xray_wire::sampling::{Call, Schedule};
///
/// fn path(schedule: &Schedule) -> &'static str {
///     match schedule.next() {
///         (Call::Rules, _due) => "/GetSamplingRules",
///         (Call::Targets, _due) => "/SamplingTargets",
///     }
/// }
/// assert_eq!(path(&Schedule::new(Schedule::RULES_INTERVAL, 0)), "/GetSamplingRules");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// GetSamplingRules.
    Rules,
    /// GetSamplingTargets, for the rules whose report is due.
    Targets,
}

/// When the next call to X-Ray is due.
///
/// Rules are asked for at once, then every five minutes, and earlier when X-Ray says that they have changed. Reports go out when
/// the first of them is due. Calls that fail are repeated after one second, two, four, up to a minute; reports not before the next one is due. Everything is
/// spread a little, so that processes that started together don't call together.
///
/// Times are nanoseconds since a fixed start; `random` is any number, drawn anew for each call.
///
/// ```
/// use xray_wire::sampling::{Call, Schedule};
///
/// const SECOND: u64 = 1_000_000_000;
/// let mut schedule = Schedule::new(Schedule::RULES_INTERVAL, 0);
/// assert_eq!(schedule.next(), (Call::Rules, 0));
/// // They came, and the first report is due in ten seconds.
/// let random = 0;
/// schedule.rules_arrived(0, Some(10 * SECOND), random);
/// assert_eq!(schedule.next(), (Call::Targets, 10 * SECOND));
/// schedule.targets_failed(10 * SECOND, Some(20 * SECOND), random);
/// assert_eq!(schedule.next(), (Call::Targets, 20 * SECOND));
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    rules_interval: u64,
    rules_due: u64,
    rules_tried: Option<u64>,
    rules_failures: u32,
    /// When rules were last received.
    rules_at: Option<u64>,
    /// The last change to the rules that X-Ray told of, in epoch seconds of its clock, which may differ from ours.
    rules_modified: f64,
    targets_due: u64,
    targets_failures: u32,
}

impl Schedule {
    /// The time between two calls for rules, unless another one is chosen. All SDKs have the same.
    pub const RULES_INTERVAL: Duration = Duration::from_secs(300);

    /// Rules that were received longer ago than this don't count any more. All SDKs have the same.
    pub const RULES_LIFETIME: Duration = Duration::from_secs(3_600);

    /// The longest time between two tries.
    pub const MAX_BACKOFF: Duration = Duration::from_secs(60);

    /// Up to this long after they are due, rules are asked for.
    const RULES_SPREAD: u64 = 5 * SECOND;

    /// Up to this long after they are due, reports are sent.
    const TARGETS_SPREAD: u64 = SECOND / 10;

    /// The longest time between two calls for rules, whatever is chosen: half of their lifetime, so that one call may fail.
    pub const MAX_RULES_INTERVAL: Duration = Duration::from_secs(1_800);

    /// The shortest time between two calls for rules, however often they change.
    const MIN_RULES_INTERVAL: u64 = SECOND;

    /// A schedule that begins with a call for rules at once. An interval below one second counts as one second, one above
    /// [`MAX_RULES_INTERVAL`](Self::MAX_RULES_INTERVAL) as that.
    #[must_use]
    pub fn new(rules_interval: Duration, now: u64) -> Self {
        Self {
            rules_interval: nanos(rules_interval.min(Self::MAX_RULES_INTERVAL)).max(Self::MIN_RULES_INTERVAL),
            rules_due: now,
            rules_tried: None,
            rules_failures: 0,
            rules_at: None,
            rules_modified: 0.0,
            targets_due: u64::MAX,
            targets_failures: 0,
        }
    }

    /// The next call, and when it is due. Rules go first.
    #[must_use]
    pub fn next(&self) -> (Call, u64) {
        if self.rules_due <= self.targets_due {
            (Call::Rules, self.rules_due)
        } else {
            (Call::Targets, self.targets_due)
        }
    }

    /// Rules have arrived; the first report is due at `next_report`, if there are any rules.
    pub fn rules_arrived(&mut self, now: u64, next_report: Option<u64>, random: u64) {
        self.rules_at = Some(now);
        self.rules_tried = Some(now);
        self.rules_failures = 0;
        self.rules_due = now.saturating_add(self.rules_interval).saturating_add(random % Self::RULES_SPREAD);
        // Without rules nothing was due.
        if self.targets_failures == 0 || self.targets_due == u64::MAX {
            self.targets_due = spread(next_report, random);
        }
    }

    /// Rules were asked for in vain.
    pub fn rules_failed(&mut self, now: u64, random: u64) {
        self.rules_tried = Some(now);
        self.rules_due = now.saturating_add(backoff(&mut self.rules_failures, random));
    }

    /// Reports have arrived; the next one is due at `next_report`.
    pub fn targets_arrived(&mut self, next_report: Option<u64>, random: u64) {
        self.targets_failures = 0;
        self.nothing_to_report(next_report, random);
    }

    /// A report was due, but no rule had counted anything; the next one is due at `next_report`.
    pub fn nothing_to_report(&mut self, next_report: Option<u64>, random: u64) {
        self.targets_due = spread(next_report, random);
    }

    /// Reports were sent in vain. They will be sent with the next ones, due at `next_report` or later.
    pub fn targets_failed(&mut self, now: u64, next_report: Option<u64>, random: u64) {
        let soonest = now.saturating_add(backoff(&mut self.targets_failures, random));
        self.targets_due = next_report.map_or(u64::MAX, |due| due.max(soonest));
    }

    /// X-Ray has said when rules were last changed, in epoch seconds. If it is later than what it said before, they are asked
    /// for at once. So they are when it says so for the first time: whether they were fetched before or after that can't be
    /// known, since answers with rules tell of edits, but not of rules that were deleted, and our own clock may be wrong.
    pub fn rules_modified(&mut self, epoch_seconds: f64) {
        if epoch_seconds > self.rules_modified {
            self.rules_modified = epoch_seconds;
            self.refresh_rules();
        }
    }

    /// Asks for rules at once, but not twice in a second, and not sooner after a failure than planned.
    pub fn refresh_rules(&mut self) {
        if self.rules_failures == 0 {
            let soonest = self.rules_tried.map_or(0, |tried| tried.saturating_add(Self::MIN_RULES_INTERVAL));
            self.rules_due = self.rules_due.min(soonest);
        }
    }

    /// How old the rules are; `None` if there have never been any.
    #[must_use]
    pub fn rules_age(&self, now: u64) -> Option<Duration> {
        self.rules_at.map(|at| Duration::from_nanos(now.saturating_sub(at)))
    }

    /// When the rules stop to count; `None` if there have never been any.
    #[must_use]
    pub fn rules_end(&self) -> Option<u64> {
        self.rules_at.map(|at| at.saturating_add(nanos(Self::RULES_LIFETIME)))
    }
}

/// Twice as long after each failure. Half of it is chance, so that processes which failed together don't try together.
fn backoff(failures: &mut u32, random: u64) -> u64 {
    let longest = (SECOND << (*failures).min(u64::BITS / 2)).min(nanos(Schedule::MAX_BACKOFF));
    *failures = failures.saturating_add(1);
    longest / 2 + random % (longest / 2 + 1)
}

fn spread(due: Option<u64>, random: u64) -> u64 {
    due.map_or(u64::MAX, |due| due.saturating_add(random % Schedule::TARGETS_SPREAD))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A random number that makes every spread as small as it gets.
    const NONE: u64 = 0;

    fn at(seconds: f64) -> u64 {
        (seconds * SECOND as f64) as u64
    }

    #[test]
    fn rules_then_reports_then_rules_again() {
        let mut schedule = Schedule::new(Schedule::RULES_INTERVAL, 0);
        assert_eq!(schedule.next(), (Call::Rules, 0));
        schedule.rules_arrived(at(1.0), Some(at(11.0)), NONE);
        assert_eq!(schedule.next(), (Call::Targets, at(11.0)));
        schedule.targets_arrived(Some(at(400.0)), NONE);
        assert_eq!(schedule.next(), (Call::Rules, at(301.0)));
        schedule.rules_arrived(at(301.0), None, Schedule::RULES_SPREAD - 1);
        assert_eq!(schedule.next(), (Call::Rules, at(606.0) - 1));
    }

    #[test]
    fn failures_wait_longer_each_time_up_to_a_minute() {
        let mut schedule = Schedule::new(Schedule::RULES_INTERVAL, 0);
        for (random, expected) in [
            (NONE, 0.5),
            (NONE, 1.0),
            (NONE, 2.0),
            (at(2.5), 6.5),
            (NONE, 8.0),
            (NONE, 16.0),
            (NONE, 30.0),
            (at(30.0), 60.0),
        ] {
            schedule.rules_failed(at(1_000.0), random);
            assert_eq!(schedule.next(), (Call::Rules, at(1_000.0 + expected)));
        }
        assert_eq!(schedule.rules_age(at(1_000.0)), None);
        schedule.rules_arrived(at(2_000.0), None, NONE);
        schedule.rules_failed(at(2_000.0), NONE);
        assert_eq!(schedule.next(), (Call::Rules, at(2_000.5)));
        assert_eq!(schedule.rules_end(), Some(at(5_600.0)));
    }

    #[test]
    fn a_change_is_fetched_once_and_not_twice_in_a_second() {
        let mut schedule = Schedule::new(Schedule::RULES_INTERVAL, 0);
        // X-Ray's clock alone counts: no time of ours says whether a change is news.
        let mut now = 10.0;
        for (modified, is_news) in
            [(5_000.0, true), (5_000.0, false), (4_999.0, false), (5_000.5, true), (f64::NAN, false)]
        {
            schedule.rules_arrived(at(now), None, NONE);
            schedule.rules_modified(modified);
            let expected = if is_news { now + 1.0 } else { now + 300.0 };
            assert_eq!(schedule.next(), (Call::Rules, at(expected)), "{modified}");
            now = expected;
        }
        schedule.rules_arrived(at(11.0), None, NONE);
        schedule.rules_modified(5_000.5);
        assert_eq!(schedule.next(), (Call::Rules, at(311.0)));
        schedule.rules_failed(at(311.0), NONE);
        schedule.rules_modified(6_000.0);
        assert_eq!(schedule.next(), (Call::Rules, at(311.5)));
    }

    #[test]
    fn rules_that_arrive_do_not_hurry_reports_that_fail() {
        let mut schedule = Schedule::new(Schedule::RULES_INTERVAL, 0);
        schedule.rules_arrived(0, Some(at(10.0)), NONE);
        for (due, expected) in [(10.0, 10.5), (20.0, 20.0), (10.0, 12.0), (10.0, 14.0)] {
            schedule.targets_failed(at(10.0), Some(at(due)), NONE);
            assert_eq!(schedule.next(), (Call::Targets, at(expected)));
        }
        schedule.rules_arrived(at(11.0), Some(at(11.0)), NONE);
        assert_eq!(schedule.next(), (Call::Targets, at(14.0)));
        // A time without anything to report does not make X-Ray answer.
        schedule.nothing_to_report(Some(at(20.0)), NONE);
        schedule.targets_failed(at(20.0), Some(at(20.0)), NONE);
        assert_eq!(schedule.next(), (Call::Targets, at(28.0)));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_call_without_a_pause(
            steps in prop::collection::vec((0u8..5, any::<u64>(), any::<f64>()), 1..200),
        ) {
            let mut schedule = Schedule::new(Duration::ZERO, 0);
            let mut now = 0;
            let mut calls = 0u64;
            for (answer, random, seconds) in steps {
                let (call, due) = schedule.next();
                now = now.max(due.min(now + 400 * SECOND));
                calls += 1;
                // An honest table: the next report is at least a second away.
                let next_report = Some(now + SECOND);
                match (call, answer) {
                    (Call::Rules, 0) => schedule.rules_failed(now, random),
                    (Call::Rules, _) => schedule.rules_arrived(now, next_report, random),
                    (Call::Targets, 0) => schedule.targets_failed(now, next_report, random),
                    (Call::Targets, _) => schedule.targets_arrived(next_report, random),
                }
                if answer > 2 {
                    schedule.rules_modified(seconds);
                    schedule.refresh_rules();
                }
            }
            // Two kinds of calls, each at most once in half a second.
            prop_assert!(calls <= 2 * (2 * now / SECOND + 2), "{} calls in {} s", calls, now / SECOND);
        }
    }
}
