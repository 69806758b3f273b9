//! Chance from a seed: the same draws on every run and machine.

/// A stream of draws (`SplitMix64`, by Steele, Lea and Flood).
#[derive(Debug, Clone)]
pub(super) struct Draws(u64);

/// The step of `SplitMix64`: the golden ratio in 64 bits.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draws {
    /// The stream with this number under a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed) ^ mix(stream.wrapping_add(STEP)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Whether chance strikes, which it does for this share of draws.
    pub(super) fn strikes(&mut self, share: f64) -> bool {
        is_within(self.next(), share)
    }
}

/// A draw that depends on a text and nothing else.
pub(super) fn draw_for(seed: u64, text: &[u8]) -> u64 {
    text.iter().fold(mix(seed), |state, &byte| mix(state ^ u64::from(byte)))
}

/// Whether a draw lies in this share of all draws: never for 0, always for 1.
pub(super) fn is_within(draw: u64, share: f64) -> bool {
    // The 53 bits that an f64 holds exactly, as a number from 0 up to but not including 1.
    ((draw >> 11) as f64) / ((1_u64 << 53) as f64) < share
}

fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_and_everything_are_certain(draw: u64, seed: u64, text: Vec<u8>) {
            prop_assert!(!is_within(draw, 0.0));
            prop_assert!(is_within(draw, 1.0));
            prop_assert_eq!(draw_for(seed, &text), draw_for(seed, &text));
        }

        #[test]
        fn a_share_is_kept_in_the_long_run(seed: u64, stream in 0_u64..100, share in 0.0..1.0_f64) {
            let mut draws = Draws::new(seed, stream);
            let struck = (0..4_000).filter(|_| draws.strikes(share)).count() as f64;
            // Six standard deviations at most.
            prop_assert!((struck / 4_000.0 - share).abs() < 0.05, "{struck}");
        }
    }
}
