//! The share of traces that is sampled at random.

use core::fmt;

/// A share of traces, from none to all.
///
/// It draws no random number: whether a trace is in the share follows from its id, in the same way as
/// OpenTelemetry's `TraceIdRatioBased` computes it, so that all services with the same rate choose the same traces.
/// The bits that it looks at are random in X-Ray's ids too, whose time stands in front.
///
/// ```
/// use xray_wire::sampling::Rate;
///
/// let half = Rate::new(0.5).unwrap();
/// let id = 0x5759e988_bd862e3f_61be46a9_94272793_u128.to_be_bytes();
/// assert!(half.samples(id) && !Rate::NEVER.samples(id));
/// assert_eq!((half.as_f64(), Rate::new(1.5)), (0.5, None));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

/// What the random part of an id, of 63 bits, stays below.
const ALL: u64 = 1 << 63;

impl Rate {
    /// No trace.
    pub const NEVER: Self = Self(0);

    /// Every trace.
    pub const ALWAYS: Self = Self(ALL);

    /// The rate of 1 for all and 0 for none; `None` for a number that is not between.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        // The factor is a power of two: nothing is rounded but what is finer than 2^-63.
        (0.0..=1.0).contains(&share).then_some(Self((share * ALL as f64) as u64))
    }

    /// Whether the trace with this id is sampled.
    #[must_use]
    #[inline]
    pub const fn samples(self, trace_id: [u8; 16]) -> bool {
        let random = u128::from_be_bytes(trace_id) as u64 >> 1;
        random < self.0
    }

    /// The rate as a number from 0 to 1.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0 as f64 / ALL as f64
    }

    pub(super) const fn to_bits(self) -> u64 {
        self.0
    }

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rate").field(&self.as_f64()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(random: u64) -> [u8; 16] {
        (0x5759_e988_0000_0000_0000_0000_0000_0000 | u128::from(random)).to_be_bytes()
    }

    #[test]
    fn a_rate_is_between_none_and_all() {
        for (share, expected) in [
            (0.0, Some(Rate::NEVER)),
            (-0.0, Some(Rate::NEVER)),
            (1.0, Some(Rate::ALWAYS)),
            (0.5, Some(Rate(1 << 62))),
            (-0.1, None),
            (1.1, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(Rate::new(share), expected, "{share}");
        }
    }

    #[test]
    fn the_end_of_the_id_decides() {
        let half = Rate::new(0.5).unwrap();
        for (random, sampled) in
            [(0, true), (u64::MAX >> 1, true), ((u64::MAX >> 1) + 1, false), (u64::MAX, false)]
        {
            assert_eq!(half.samples(id(random)), sampled, "{random:x}");
            assert!(Rate::ALWAYS.samples(id(random)));
            assert!(!Rate::NEVER.samples(id(random)));
        }
    }

    proptest! {
        #[test]
        fn a_higher_rate_samples_what_a_lower_one_does(a in 0.0..=1.0, b in 0.0..=1.0, random: u64) {
            let (low, high) = (Rate::new(f64::min(a, b)).unwrap(), Rate::new(f64::max(a, b)).unwrap());
            prop_assert!(!low.samples(id(random)) || high.samples(id(random)));
            prop_assert!((low.as_f64() - f64::min(a, b)).abs() < 1e-15);
        }
    }
}
