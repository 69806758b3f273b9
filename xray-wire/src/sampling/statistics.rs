//! How often a rule was asked, and what it answered.

use super::{
    Decision,
    sync::{AtomicU64, Ordering},
};

/// Counters that threads don't share: each thread adds to a stripe of its own, as far as there are enough.
///
/// A decision adds to exactly one counter, so that no moment shows a request without its answer.
#[derive(Debug)]
pub(super) struct Statistics {
    stripes: [Stripe; Statistics::STRIPES],
}

/// Two cache lines, since processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe {
    not_sampled: AtomicU64,
    sampled: AtomicU64,
    borrowed: AtomicU64,
}

/// What a rule decided in some time.
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
    /// As many threads as this count without meeting. More share.
    const STRIPES: usize = 16;

    pub(super) fn new() -> Self {
        Self {
            stripes: core::array::from_fn(|_| Stripe {
                not_sampled: AtomicU64::new(0),
                sampled: AtomicU64::new(0),
                borrowed: AtomicU64::new(0),
            }),
        }
    }

    #[inline]
    pub(super) fn count(&self, decision: Decision, stripe: usize) {
        let stripe = &self.stripes[stripe % Self::STRIPES];
        let counter = match decision {
            Decision::NotSampled => &stripe.not_sampled,
            Decision::Quota | Decision::Rate => &stripe.sampled,
            Decision::Borrowed => &stripe.borrowed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes what was counted so far: each decision is in exactly one answer.
    pub(super) fn take(&self) -> Counts {
        let mut counts = Counts::default();
        for stripe in &self.stripes {
            counts.not_sampled += take(&stripe.not_sampled);
            counts.sampled += take(&stripe.sampled);
            counts.borrowed += take(&stripe.borrowed);
        }
        counts
    }

    /// Takes back what was taken.
    pub(super) fn give_back(&self, counts: Counts) {
        if counts == Counts::default() {
            return;
        }
        let [stripe, ..] = &self.stripes;
        stripe.not_sampled.fetch_add(counts.not_sampled, Ordering::Relaxed);
        stripe.sampled.fetch_add(counts.sampled, Ordering::Relaxed);
        stripe.borrowed.fetch_add(counts.borrowed, Ordering::Relaxed);
    }
}

/// Most counters of most stripes are zero, and reading is cheaper for those who count than writing.
fn take(counter: &AtomicU64) -> u64 {
    if counter.load(Ordering::Relaxed) == 0 { 0 } else { counter.swap(0, Ordering::Relaxed) }
}
