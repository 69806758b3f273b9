//! Where a thread counts, so that it meets no other.

use core::marker::PhantomData;

/// A thread's part of a rule's counters.
///
/// To add to a counter that other threads add to as well takes as long as the rest of a decision. So a thread should have a
/// stripe of its own; if there is none left, it shares one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stripe {
    place: u8,
    /// What belongs to a thread stays with it: `Stripe` is not `Send`.
    of_this_thread: PhantomData<*const ()>,
}

impl Stripe {
    /// How many threads at once can have one of their own: as many as work in most processes. Each costs 128 bytes a rule.
    pub const OWN: u8 = if cfg!(all(test, loom)) { 2 } else { 24 };

    /// How many there are for the other threads.
    const SHARED: u8 = if cfg!(all(test, loom)) { 1 } else { 8 };

    /// All of them.
    pub(super) const COUNT: usize = Self::OWN as usize + Self::SHARED as usize;

    /// The stripe with this number, below [`OWN`](Self::OWN), for one thread alone. Where two threads count in it at the same
    /// time, some of what they count is lost. A thread may have it after another that is done with it, and of which it knows.
    #[must_use]
    #[inline]
    pub const fn own(number: u8) -> Option<Self> {
        if number < Self::OWN { Some(Self::at(number)) } else { None }
    }

    /// A stripe that threads share. Different numbers spread them.
    #[must_use]
    pub const fn shared(number: usize) -> Self {
        Self::at(Self::OWN + (number % Self::SHARED as usize) as u8)
    }

    const fn at(place: u8) -> Self {
        Self { place, of_this_thread: PhantomData }
    }

    #[inline]
    pub(super) const fn is_own(self) -> bool {
        self.place < Self::OWN
    }

    #[inline]
    pub(super) const fn place(self) -> usize {
        self.place as usize % Self::COUNT
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn threads_with_one_of_their_own_meet_nobody() {
        let own: HashSet<usize> = (0..=u8::MAX).filter_map(Stripe::own).map(Stripe::place).collect();
        assert_eq!(own.len(), usize::from(Stripe::OWN));
        for shared in (0..1_000).map(Stripe::shared) {
            assert!(!shared.is_own() && shared.place() < Stripe::COUNT);
            assert!(!own.contains(&shared.place()));
        }
    }
}
