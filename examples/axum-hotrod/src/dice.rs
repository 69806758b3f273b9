//! Chance, from a seed that can be repeated.

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A source of random numbers. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    pub(crate) fn number(&self, range: RangeInclusive<u32>) -> u32 {
        self.roll(|rng| rng.random_range(range))
    }

    pub(crate) fn millis(&self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.roll(|rng| rng.random_range(range)))
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&self, n: u32) -> bool {
        self.number(1..=n) == 1
    }

    fn roll<T>(&self, roll: impl FnOnce(&mut StdRng) -> T) -> T {
        // A generator is never half rolled, so a panic elsewhere leaves it usable.
        roll(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let rolls = |seed| {
            let dice = Dice::new(seed);
            (0..20).map(|_| dice.number(0..=1000)).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
    }
}
