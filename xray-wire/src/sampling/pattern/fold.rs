//! Equality regardless of the case of ASCII letters, eight bytes at a time.

/// A one in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Whether two texts of the same length are equal but for the case of ASCII letters; one is in lower case.
#[inline]
pub(super) fn equals_lower_case(text: &[u8], lower_case: &[u8]) -> bool {
    let (Some(last), Some(lower_last)) = (text.last_chunk(), lower_case.last_chunk()) else {
        return is_equal(short_word(text), short_word(lower_case));
    };
    // The end first: paths and hosts of one service have the start or the end in common, and most patterns are short.
    is_equal(word(last), word(lower_last)) && {
        let (words, lower_words) = (text.as_chunks().0, lower_case.as_chunks().0);
        // The last eight may overlap those before.
        words.iter().zip(lower_words).all(|(text, lower_case)| is_equal(word(text), word(lower_case)))
    }
}

const fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_ne_bytes(*bytes)
}

/// Most words that are not equal differ in more than the bit of a letter's case.
#[inline]
const fn is_equal(text: u64, lower_case: u64) -> bool {
    const CASE: u64 = 0x20 * EACH;
    let differ = text ^ lower_case;
    differ == 0 || (differ & !CASE == 0 && to_lower_case(text) == lower_case)
}

/// Up to seven bytes as a word that texts of the same length have in common if they are equal. Some bytes may be in it twice.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return u64::from(u32::from_ne_bytes(*first)) | u64::from(u32::from_ne_bytes(*last)) << 32;
    }
    match *bytes {
        [] => 0,
        [first, .., last] => {
            let middle = bytes[bytes.len() / 2];
            u64::from(first) | u64::from(middle) << 8 | u64::from(last) << 16
        }
        [only] => only.into(),
    }
}

/// Sets the bit that tells lower from upper case in each byte from `A` to `Z`.
#[inline]
const fn to_lower_case(word: u64) -> u64 {
    const HIGH_BITS: u64 = 0x80 * EACH;
    // Without its highest bit no byte carries over into the next one.
    let low = word & !HIGH_BITS;
    let from_a = low + (0x80 - b'A' as u64) * EACH;
    let behind_z = low + (0x7f - b'Z' as u64) * EACH;
    let is_upper_case = from_a & !behind_z & !word & HIGH_BITS;
    word | is_upper_case >> 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_byte_at_every_place_of_every_length() {
        for len in 0..20 {
            for at in 0..len {
                for (byte, other) in
                    (0..=255_u8).flat_map(|byte| [(byte, byte), (byte, byte ^ 0x20), (byte, byte ^ 1)])
                {
                    let (mut text, mut lower_case) = ([b'x'; 20], [b'x'; 20]);
                    (text[at], lower_case[at]) = (byte, other.to_ascii_lowercase());
                    let (text, lower_case) = (&text[..len], &lower_case[..len]);
                    let expected = text.eq_ignore_ascii_case(lower_case);
                    assert_eq!(equals_lower_case(text, lower_case), expected, "{len} {at} {byte} {other}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_library_compares(mut text: std::vec::Vec<u8>, change: (prop::sample::Index, u8)) {
            let lower_case = text.to_ascii_lowercase();
            prop_assert!(equals_lower_case(&text, &lower_case));
            if !text.is_empty() {
                let at = change.0.index(text.len());
                text[at] = change.1;
                prop_assert_eq!(equals_lower_case(&text, &lower_case), text.eq_ignore_ascii_case(&lower_case));
            }
        }
    }
}
