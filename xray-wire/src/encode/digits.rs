//! Points in time as decimal digits.

use alloc::vec::Vec;

use crate::Timestamp;

/// Appends epoch seconds with exactly nine digits after the point.
#[inline]
pub(super) fn timestamp(time: Timestamp, out: &mut Vec<u8>) {
    let Some(time) = Usual::of(time) else { return unusual(time, out) };
    let mut text = [0; Usual::LEN];
    time.write(&mut text);
    out.extend_from_slice(&text);
}

/// Any time from 2001 to 2106, whose seconds have ten digits.
#[derive(Clone, Copy)]
pub(super) struct Usual {
    seconds: u32,
    nanos: u32,
}

impl Usual {
    /// The length of its text.
    pub(super) const LEN: usize = 20;

    #[inline]
    pub(super) fn of(time: Timestamp) -> Option<Self> {
        let (seconds, nanos) = parts(time);
        let seconds = u32::try_from(seconds).ok().filter(|seconds| *seconds >= 1_000_000_000)?;
        Some(Self { seconds, nanos })
    }

    /// Seconds with exactly nine digits after the point.
    #[inline]
    pub(super) fn write(self, text: &mut [u8; Self::LEN]) {
        let Self { seconds, nanos } = self;
        let tens = (seconds / EIGHT_DIGITS) as u8;
        (text[0], text[1]) = (b'0' + tens / 10, b'0' + tens % 10);
        text[2..10].copy_from_slice(&eight(seconds % EIGHT_DIGITS));
        text[10] = b'.';
        text[11] = b'0' + (nanos / EIGHT_DIGITS) as u8;
        text[12..].copy_from_slice(&eight(nanos % EIGHT_DIGITS));
    }
}

/// Seconds, and the nanoseconds beyond.
#[inline]
const fn parts(time: Timestamp) -> (u64, u32) {
    const NANOS_PER_SECOND: u64 = 1_000_000_000;
    (time.as_nanos() / NANOS_PER_SECOND, (time.as_nanos() % NANOS_PER_SECOND) as u32)
}

#[cold]
fn unusual(time: Timestamp, out: &mut Vec<u8>) {
    let (seconds, nanos) = parts(time);
    super::json::integer(seconds, out);
    let mut text = *b".000000000";
    text[1] = b'0' + (nanos / EIGHT_DIGITS) as u8;
    text[2..].copy_from_slice(&eight(nanos % EIGHT_DIGITS));
    out.extend_from_slice(&text);
}

const EIGHT_DIGITS: u32 = 100_000_000;

/// A number below 10^8, zeros in front. It is split into halves, quarters and digits, all parts of a step at once:
/// they stand beside each other in one word, the first part lowest.
#[inline]
const fn eight(number: u32) -> [u8; 8] {
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
    let halves = (number / 10_000) as u64 | ((number % 10_000) as u64) << 32;
    // n / 100 = n * 5243 >> 19 for n < 10^4, and n / 10 = n * 103 >> 10 for n < 100.
    let hundreds = ((halves * 5_243) >> 19) & 0x0000_007f_0000_007f;
    let quarters = hundreds | (halves - hundreds * 100) << 16;
    let tens = ((quarters * 103) >> 10) & 0x000f_000f_000f_000f;
    let digits = tens | (quarters - tens * 10) << 8;
    (digits + ZEROS).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use std::{format, string::String};

    use proptest::prelude::*;

    use super::*;

    fn written(nanos: u64) -> String {
        let mut out = Vec::new();
        timestamp(Timestamp::from_nanos(nanos), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_have_nine_exact_digits() {
        for (nanos, expected) in [
            (0, "0.000000000"),
            (1, "0.000000001"),
            (999_999_999_999_999_999, "999999999.999999999"),
            (1_000_000_000_000_000_000, "1000000000.000000000"),
            (1_499_473_411_677_000_001, "1499473411.677000001"),
            (4_294_967_295_999_999_999, "4294967295.999999999"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(written(nanos), expected);
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_library_writes_them(nanos: u64) {
            let expected = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
            prop_assert_eq!(written(nanos), expected);
        }

        #[test]
        fn eight_digits(number in 0..EIGHT_DIGITS) {
            prop_assert_eq!(eight(number).to_vec(), format!("{number:08}").into_bytes());
        }
    }
}
