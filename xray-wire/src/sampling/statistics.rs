//! How often a rule was asked, and what it answered.

use super::{
    Decision, Stripe,
    sync::{AtomicU64, Ordering},
};

/// Counters that threads don't share: each thread adds to a [`Stripe`] of its own, as far as there are enough.
///
/// A decision adds to exactly one counter, so that no moment shows a request without its answer. Counters never fall: how much of
/// them was taken is kept beside them.
#[derive(Debug)]
pub(super) struct Statistics {
    stripes: [Padded; Stripe::COUNT],
    taken: Counters,
}

/// Two cache lines, since processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Padded(Counters);

#[derive(Debug)]
struct Counters {
    not_sampled: AtomicU64,
    sampled: AtomicU64,
    borrowed: AtomicU64,
}

/// What a rule decided in some time.
///
/// ```
/// use xray_wire::sampling::Counts;
///
/// let counts = Counts { not_sampled: 90, sampled: 9, borrowed: 1 };
/// assert_eq!((counts.requests(), counts.all_sampled()), (100, 10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests that were not sampled.
    pub not_sampled: u64,
    /// Requests that were sampled by quota or rate.
    pub sampled: u64,
    /// Requests that were sampled by borrowing.
    pub borrowed: u64,
}

impl Counts {
    /// All requests.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.not_sampled.saturating_add(self.all_sampled())
    }

    /// All requests that were sampled, for whatever reason.
    #[must_use]
    pub const fn all_sampled(&self) -> u64 {
        self.sampled.saturating_add(self.borrowed)
    }
}

impl Statistics {
    pub(super) fn new() -> Self {
        Self { stripes: core::array::from_fn(|_| Padded(Counters::new())), taken: Counters::new() }
    }

    #[inline]
    pub(super) fn count(&self, decision: Decision, stripe: Stripe) {
        let Padded(counters) = &self.stripes[stripe.place()];
        let counter = match decision {
            Decision::NotSampled => &counters.not_sampled,
            Decision::Quota | Decision::Rate => &counters.sampled,
            Decision::Borrowed => &counters.borrowed,
        };
        if stripe.is_own() {
            // No other thread writes, and to lock the cache line would cost more than the rest of the decision.
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        } else {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All that was counted so far, taken or not.
    pub(super) fn total(&self) -> Counts {
        self.stripes.iter().fold(Counts::default(), |total, Padded(counters)| Counts {
            not_sampled: total.not_sampled + counters.not_sampled.load(Ordering::Relaxed),
            sampled: total.sampled + counters.sampled.load(Ordering::Relaxed),
            borrowed: total.borrowed + counters.borrowed.load(Ordering::Relaxed),
        })
    }

    /// Takes what was counted so far: each decision is in exactly one answer.
    pub(super) fn take(&self) -> Counts {
        let total = self.total();
        // Of two that take at once, each gets what the other did not.
        let rest =
            |taken: &AtomicU64, total: u64| total.saturating_sub(taken.fetch_max(total, Ordering::Relaxed));
        Counts {
            not_sampled: rest(&self.taken.not_sampled, total.not_sampled),
            sampled: rest(&self.taken.sampled, total.sampled),
            borrowed: rest(&self.taken.borrowed, total.borrowed),
        }
    }

    /// Takes back what was taken.
    pub(super) fn give_back(&self, counts: Counts) {
        if counts == Counts::default() {
            return;
        }
        self.taken.not_sampled.fetch_sub(counts.not_sampled, Ordering::Relaxed);
        self.taken.sampled.fetch_sub(counts.sampled, Ordering::Relaxed);
        self.taken.borrowed.fetch_sub(counts.borrowed, Ordering::Relaxed);
    }
}

impl Counters {
    fn new() -> Self {
        Self { not_sampled: AtomicU64::new(0), sampled: AtomicU64::new(0), borrowed: AtomicU64::new(0) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_stays_in_the_total() {
        let statistics = Statistics::new();
        let [own, other] = [0, 1].map(|number| Stripe::own(number).unwrap());
        let shared = Stripe::shared(40);
        for (stripe, decision) in
            [(own, Decision::Borrowed), (other, Decision::Rate), (shared, Decision::NotSampled)]
        {
            statistics.count(decision, stripe);
        }
        let all = Counts { not_sampled: 1, sampled: 1, borrowed: 1 };
        assert_eq!((statistics.take(), statistics.take()), (all, Counts::default()));
        statistics.give_back(all);
        statistics.count(Decision::Quota, shared);
        assert_eq!(statistics.take(), Counts { sampled: 2, ..all });
        assert_eq!(statistics.total(), Counts { sampled: 2, ..all });
    }
}
