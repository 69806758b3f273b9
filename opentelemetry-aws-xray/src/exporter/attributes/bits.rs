//! A set of small numbers.

/// Numbers below a bound, one bit for each.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits(Vec<u64>);

const WORD_BITS: usize = u64::BITS as usize;

impl Bits {
    /// Empties the set, for numbers below `bound`.
    #[inline]
    pub(super) fn reset(&mut self, bound: usize) {
        self.0.clear();
        self.0.resize(bound.div_ceil(WORD_BITS), 0);
    }

    /// Makes this the same as another.
    #[inline]
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.0.clear();
        self.0.extend_from_slice(&other.0);
    }

    /// Adds a number; one beyond the bound is left out.
    #[inline]
    pub(super) fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / WORD_BITS) {
            *word |= 1 << (number % WORD_BITS);
        }
    }

    #[inline]
    pub(super) fn contains(&self, number: usize) -> bool {
        self.0.get(number / WORD_BITS).is_some_and(|word| word & 1 << (number % WORD_BITS) != 0)
    }

    /// The first number below `bound`, not below `from`, that is not in the set.
    #[inline]
    pub(super) fn first_missing(&self, from: usize, bound: usize) -> Option<usize> {
        let mut start = from;
        while start < bound {
            let word = self.0.get(start / WORD_BITS)?;
            let missing = !word >> (start % WORD_BITS);
            if missing != 0 {
                let found = start + missing.trailing_zeros() as usize;
                return (found < bound).then_some(found);
            }
            start = (start / WORD_BITS + 1) * WORD_BITS;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_missing_is_found_in_order(
            numbers in prop::collection::hash_set(0usize..200, 0..200),
            bound in 0usize..200,
        ) {
            let mut bits = Bits::default();
            bits.reset(bound);
            numbers.iter().for_each(|number| bits.insert(*number));
            let mut missing = Vec::new();
            let mut from = 0;
            while let Some(found) = bits.first_missing(from, bound) {
                missing.push(found);
                from = found + 1;
            }
            let expected: Vec<_> = (0..bound).filter(|number| !numbers.contains(number)).collect();
            prop_assert_eq!(missing, expected);
            for number in 0..bound {
                prop_assert_eq!(bits.contains(number), numbers.contains(&number));
            }
        }
    }
}
