//! So many requests a second, and never more.

use alloc::boxed::Box;

use super::{
    SECOND,
    sync::{AtomicU64, Ordering},
};

/// Grants so many requests a second: in *any* second, not only from one full second to the next, and all of them at once if
/// they are asked for at once.
///
/// Each grant is a token that comes back a second after it was taken. Tokens are taken in turn, so the next one is the one
/// that was taken first; if it is not back, none is.
///
/// A token bucket would do with one number, but grants up to twice the rate in the second after a pause, and one small enough
/// not to do so refuses requests that merely come together.
///
/// ```
/// use xray_wire::sampling::Reservoir;
///
/// const SECOND: u64 = 1_000_000_000;
/// let reservoir = Reservoir::new(2);
/// let take = |now| reservoir.take(2, now, || now);
/// assert_eq!([take(0), take(0), take(SECOND - 1)], [true, true, false]);
/// assert!(take(SECOND));
/// ```
#[derive(Debug)]
pub struct Reservoir {
    /// When each token is back, in nanoseconds.
    back_at: Box<[AtomicU64]>,
    /// How many have been taken, which tells the next one. It may lag behind for a moment, never for long.
    turn: AtomicU64,
}

/// A token that was never taken is back since the start.
const ALWAYS: u64 = 0;

/// A token that went over to a reservoir of another size is never back, 584 years after the start.
const MOVED: u64 = u64::MAX;

/// Tokens that are tried, for the case that other threads took some and have not said so.
const TRIES: u32 = 4;

impl Reservoir {
    /// The most that a reservoir grants in a second, whatever it is told: X-Ray takes 2,600 segments a second of a whole
    /// account (X-Ray quotas). What is asked for beyond is left to the rate. It costs 8 bytes for each.
    pub const MAX_SIZE: u32 = 4_096;

    /// A reservoir that grants up to `size` requests a second, at most [`MAX_SIZE`](Self::MAX_SIZE).
    #[must_use]
    pub fn new(size: u32) -> Self {
        let back_at = (0..size.min(Self::MAX_SIZE)).map(|_| AtomicU64::new(ALWAYS)).collect();
        Self { back_at, turn: AtomicU64::new(0) }
    }

    /// Whether a reservoir of this size is like this one.
    pub(super) fn has_size(&self, size: u32) -> bool {
        self.back_at.len() == size.min(Self::MAX_SIZE) as usize
    }

    /// A reservoir of another size, to which the tokens go over, so that nobody who still asks this one gets any: whatever
    /// the order, no token is granted by both. Up to a second passes until they are taken in turn again.
    #[must_use]
    pub fn resized(&self, size: u32) -> Self {
        let resized = Self::new(size);
        for (at, token) in self.back_at.iter().enumerate() {
            let back_at = token.swap(MOVED, Ordering::Relaxed);
            if let Some(to) = resized.back_at.get(at) {
                to.store(back_at, Ordering::Relaxed);
            }
        }
        resized.turn.store(self.turn.load(Ordering::Relaxed), Ordering::Relaxed);
        resized
    }

    /// Takes one of `quota` tokens, if one is there; `now` is in nanoseconds after any fixed start.
    ///
    /// A quota beyond the size counts as the size. While it changes, a second has at most as many grants as the larger of
    /// both.
    ///
    /// `clock` tells what `now` is by then. It is asked where `now` is a second or more before another thread took a token:
    /// this thread was held up since it read the clock, or the clock has jumped back, which brings the token back.
    #[inline]
    pub fn take(&self, quota: u32, now: u64, clock: impl Fn() -> u64) -> bool {
        let quota = quota.min(self.back_at.len() as u32);
        if quota == 0 {
            return false;
        }
        let turn = self.turn.load(Ordering::Relaxed);
        let mut place = if quota == 1 { 0 } else { turn as u32 % quota };
        for tried in 0..TRIES.min(quota) {
            let token = &self.back_at[place as usize];
            let back_at = token.load(Ordering::Relaxed);
            let taken_at = if now >= back_at { Some(now) } else { taken_late(back_at, now, &clock) };
            if let Some(taken_at) = taken_at
                && token
                    .compare_exchange(
                        back_at,
                        taken_at.saturating_add(SECOND),
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    )
                    .is_ok()
            {
                self.turn.fetch_max(turn + u64::from(tried) + 1, Ordering::Relaxed);
                return true;
            }
            place = if place + 1 == quota { 0 } else { place + 1 };
        }
        false
    }
}

/// When a token is taken that is not back by `now`; `None` if it isn't there.
#[inline]
fn taken_late(back_at: u64, now: u64, clock: &impl Fn() -> u64) -> Option<u64> {
    // A token that was taken less than a second after `now` is away by any clock.
    if back_at - now < 2 * SECOND || back_at == MOVED {
        return None;
    }
    let now = clock();
    (now >= back_at || back_at - now >= 2 * SECOND).then_some(now)
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    const MILLISECOND: u64 = SECOND / 1_000;

    /// By a clock that stands still.
    fn take(reservoir: &Reservoir, quota: u32, now: u64) -> bool {
        reservoir.take(quota, now, || now)
    }

    /// How many of the requests at these milliseconds are granted.
    fn granted(reservoir: &Reservoir, quota: u32, milliseconds: impl IntoIterator<Item = u64>) -> usize {
        milliseconds.into_iter().filter(|at| take(reservoir, quota, at * MILLISECOND)).count()
    }

    #[test]
    fn the_quota_is_there_at_once_and_again_a_second_later() {
        let reservoir = Reservoir::new(10);
        for (at, expected) in [(0, 10), (1, 0), (999, 0), (1_000, 10), (1_999, 0), (5_000, 10)] {
            assert_eq!(granted(&reservoir, 10, [at; 50]), expected, "{at} ms");
        }
    }

    #[test]
    fn frequent_calls_starve_nobody() {
        // Limiters that refill in whole units lose what passes between two calls.
        assert_eq!(granted(&Reservoir::new(1), 1, 0..3_600_000), 3_600);
        assert_eq!(granted(&Reservoir::new(3), 3, 0..60_000), 180);
    }

    #[test]
    fn a_clock_that_jumps_costs_two_seconds_at_most() {
        let hour: i64 = 3_600_000;
        for jump in [-hour, -1_500, -999, -1, 0, 1, 999, hour, 1_000 * hour] {
            let reservoir = Reservoir::new(5);
            let start = 2 * hour;
            assert_eq!(granted(&reservoir, 5, [start as u64; 10]), 5);
            let after = (start + jump) as u64;
            assert!(granted(&reservoir, 5, after..after + 2_010) >= 5, "{jump}");
        }
    }

    #[test]
    fn who_was_held_up_frees_no_token_of_a_later_second() {
        // A thread reads the clock, another one takes the only token, the first goes on: milliseconds after it read.
        for (taken, goes_on, is_granted, back) in [
            (0, 10_000, false, 1_000),
            (999, 999, false, 1_999),
            (1_000, 1_500, false, 2_000),
            (1_000, 2_000, true, 3_000),
            (60_000, 60_001, false, 61_000),
            // The clock has jumped back by a minute.
            (60_000, 0, true, 1_000),
        ] {
            let reservoir = Reservoir::new(1);
            let read = 5_000;
            assert!(take(&reservoir, 1, (read + taken) * MILLISECOND));
            let late = reservoir.take(1, read * MILLISECOND, || (read + goes_on) * MILLISECOND);
            assert_eq!(late, is_granted, "{taken} {goes_on}");
            let later = [back - 1, back, back].map(|at| take(&reservoir, 1, (read + at) * MILLISECOND));
            assert_eq!(later, [false, true, false], "{taken} {goes_on}");
        }
    }

    #[test]
    fn tokens_that_went_over_are_granted_once() {
        for (before, after) in [(5, 5), (5, 8), (8, 5), (1, 4_096)] {
            let old = Reservoir::new(before);
            assert_eq!(granted(&old, before, [0; 2]), 2.min(before as usize));
            let new = old.resized(after);
            let granted = granted(&old, before, [1; 9]) + granted(&new, after, [1; 5_000]);
            assert!(granted + 2.min(before as usize) <= before.max(after) as usize, "{before} -> {after}");
            assert!(!take(&old, before, u64::MAX - 1), "{before} -> {after}");
        }
    }

    #[test]
    fn a_change_of_the_quota_neither_fills_nor_empties() {
        let reservoir = Reservoir::new(10);
        for (at, quota, expected) in
            [(0, 1, 1), (10, 10, 9), (20, 5, 0), (999, 10, 0), (1_000, 1, 1), (1_010, 10, 9)]
        {
            assert_eq!(granted(&reservoir, quota, [at; 50]), expected, "{at} ms");
        }
        let smaller = reservoir.resized(5);
        assert_eq!(granted(&smaller, 10, [1_020; 50]), 0);
        assert_eq!(granted(&smaller, 10, [2_020; 50]), 5);
        let larger = smaller.resized(8);
        assert!(granted(&larger, 8, [2_030; 50]) <= 3);
        assert_eq!(granted(&larger, 8, [3_031; 50]), 8);
        assert_eq!(granted(&Reservoir::new(0), 10, [0; 50]), 0);
    }

    proptest! {
        #[test]
        fn never_over_the_quota_in_any_second_and_never_below_with_demand(
            quota in 1u32..12,
            steps in prop::collection::vec((0u64..400, 1usize..8), 1..200),
        ) {
            let reservoir = Reservoir::new(quota);
            let mut last_second: VecDeque<u64> = VecDeque::new();
            let mut now = 0;
            for (pause, requests) in steps {
                now += pause * MILLISECOND;
                for _ in 0..requests {
                    while last_second.front().is_some_and(|at| at + SECOND <= now) {
                        last_second.pop_front();
                    }
                    let is_free = last_second.len() < quota as usize;
                    prop_assert_eq!(take(&reservoir, quota, now), is_free);
                    if is_free {
                        last_second.push_back(now);
                    }
                }
            }
        }

        #[test]
        fn a_changing_quota_holds_in_any_second(
            steps in prop::collection::vec((0u64..600, 0u32..12, 1usize..20), 1..100),
        ) {
            let reservoir = Reservoir::new(12);
            let mut grants: Vec<u64> = Vec::new();
            let mut quotas: Vec<(u64, u32)> = Vec::new();
            let mut now = 0;
            for (pause, quota, requests) in steps {
                now += pause * MILLISECOND;
                quotas.push((now, quota));
                grants.extend((0..requests).filter(|_| take(&reservoir, quota, now)).map(|_| now));
            }
            for start in &grants {
                let in_window = grants.iter().filter(|at| (*start..start + SECOND).contains(at)).count();
                let in_force = quotas.iter().filter(|(at, _)| (*start..start + SECOND).contains(at));
                let most = in_force.map(|(_, quota)| *quota).max().unwrap();
                prop_assert!(in_window <= most as usize, "{} > {}", in_window, most);
            }
        }
    }
}
