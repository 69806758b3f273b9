//! Time: the only file that reads a clock or sleeps.

use std::fmt::Debug;
use std::sync::LazyLock;
#[cfg(any(test, feature = "test-util"))]
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant};

/// A clock to measure and wait by. [`SystemClock`] in production, `ManualClock` (feature `test-util`) in tests.
///
/// ```
/// use std::time::Duration;
///
/// use opentelemetry_aws_xray::clock::{Clock, SystemClock};
///
/// /// A minute in a second, to show in a talk how quotas run out.
/// #[derive(Debug)]
/// struct Hurried;
///
/// impl Clock for Hurried {
///     fn now(&self) -> Duration {
///         SystemClock.now() * 60
///     }
///     fn sleep(&self, duration: Duration) {
///         SystemClock.sleep(duration / 60);
///     }
/// }
/// let start = Hurried.now();
/// Hurried.sleep(Duration::from_millis(60));
/// assert!(Hurried.now() >= start + Duration::from_millis(60));
/// ```
pub trait Clock: Debug + Send + Sync {
    /// The time since a start that is the clock's own affair. Never goes backwards.
    fn now(&self) -> Duration;

    /// Returns when `duration` has passed.
    fn sleep(&self, duration: Duration);

    /// The time as cheaply as can be, up to a timer tick late (at most 10 ms). Its start may be another one than that of
    /// [`now`](Self::now), and it never goes backwards either.
    fn now_coarse(&self) -> Duration {
        self.now()
    }
}

/// The operating system's monotonic clock. Its start is the first use in the process.
///
/// ```
/// use std::time::Duration;
///
/// use opentelemetry_aws_xray::clock::{Clock, SystemClock};
///
/// let start = SystemClock.now();
/// SystemClock.sleep(Duration::from_millis(1));
/// assert!(SystemClock.now() - start >= Duration::from_millis(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SystemClock;

#[allow(clippy::disallowed_methods, reason = "this file owns the clock")]
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this file owns the clock")]
    fn now(&self) -> Duration {
        // The start first: a clock that is asked before it was started is at zero.
        let start = *START;
        Instant::now().saturating_duration_since(start)
    }

    #[allow(clippy::disallowed_methods, reason = "this file owns the clock")]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn now_coarse(&self) -> Duration {
        platform::monotonic()
    }
}

/// A clock that stands still until it is moved. Clones share their time.
///
/// ```
/// use std::time::Duration;
///
/// use opentelemetry_aws_xray::clock::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let given_away = clock.clone();
/// clock.advance(Duration::from_secs(60));
/// given_away.sleep(Duration::from_secs(3_600)); // Returns at once.
/// assert_eq!(clock.now(), Duration::from_secs(3_660));
/// ```
#[cfg(any(test, feature = "test-util"))]
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    nanos: Arc<AtomicU64>,
}

#[cfg(any(test, feature = "test-util"))]
impl ManualClock {
    /// A clock that stands at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward, at most to 584 years after its start.
    pub fn advance(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let _ = self
            .nanos
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(nanos)));
    }
}

#[cfg(any(test, feature = "test-util"))]
impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    /// Moves the clock forward and returns at once.
    fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

/// The time since the Unix epoch; zero before 1970.
#[allow(clippy::disallowed_methods, reason = "this file owns the clock")]
pub(crate) fn epoch() -> Duration {
    use std::time::{SystemTime, UNIX_EPOCH};

    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Seconds since the Unix epoch, cheaply: up to a timer tick (at most 10 ms) late on Linux.
///
/// Zero before 1970, and `u32::MAX` from 2106 on.
pub(crate) fn epoch_seconds_coarse() -> u32 {
    let seconds = platform::epoch_seconds();
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    /// The kernel keeps the time of its last tick where reading it costs 4 ns; the exact time costs 25.
    pub(super) fn epoch_seconds() -> i64 {
        clock_gettime(ClockId::RealtimeCoarse).tv_sec
    }

    /// The same of the clock that never goes backwards.
    pub(super) fn monotonic() -> Duration {
        let now = clock_gettime(ClockId::MonotonicCoarse);
        // It starts with the machine: there is no time before.
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    use std::time::{SystemTime, UNIX_EPOCH};

    #[allow(clippy::disallowed_methods, reason = "this file owns the clock")]
    pub(super) fn epoch_seconds() -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_system_clock_does_not_go_backwards() {
        let earlier = SystemClock.now();
        SystemClock.sleep(Duration::from_nanos(1));
        assert!(SystemClock.now() >= earlier);

        let earlier = SystemClock.now_coarse();
        SystemClock.sleep(Duration::from_millis(20));
        let passed = SystemClock.now_coarse() - earlier;
        assert!(passed >= Duration::from_millis(10), "{passed:?}");
    }

    #[test]
    fn a_manual_clock_moves_only_when_it_is_told_to() {
        let clock = ManualClock::new();
        let same = clock.clone();
        clock.advance(Duration::from_millis(1_500));
        same.sleep(Duration::from_millis(500));
        assert_eq!((clock.now(), same.now()), (Duration::from_secs(2), Duration::from_secs(2)));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Duration::from_nanos(u64::MAX));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "compares with the exact clock")]
    fn coarse_seconds_are_the_time_of_day() {
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let coarse = u64::from(epoch_seconds_coarse());
        let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!((before - 1..=after).contains(&coarse), "{before} {coarse} {after}");
    }
}
