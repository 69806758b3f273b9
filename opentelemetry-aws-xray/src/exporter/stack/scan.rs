//! Counts bytes, eight at a time: stack traces are long, and most of their bytes only have to be passed over.

/// Bytes in front of the first line feed; all of them if there is none.
#[inline]
pub(super) fn line_length(text: &[u8]) -> usize {
    /// 1 in each byte, and the highest bit of each.
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut words = text.chunks_exact(8);
    let mut length = 0;
    for word in &mut words {
        // A byte that was a line feed is 0, and the lowest such byte is the lowest whose high bit this sets.
        let zeros = little_endian(word) ^ (ONES * u64::from(b'\n'));
        let found = zeros.wrapping_sub(ONES) & !zeros & HIGHS;
        if found != 0 {
            return length + bytes_below(found);
        }
        length += 8;
    }
    length + words.remainder().iter().take_while(|byte| **byte != b'\n').count()
}

/// Spaces at the beginning.
#[inline]
pub(super) fn leading_spaces(text: &[u8]) -> usize {
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    let mut words = text.chunks_exact(8);
    let mut spaces = 0;
    for word in &mut words {
        let others = little_endian(word) ^ SPACES;
        if others != 0 {
            return spaces + bytes_below(others);
        }
        spaces += 8;
    }
    spaces + words.remainder().iter().take_while(|byte| **byte == b' ').count()
}

#[inline]
fn little_endian(word: &[u8]) -> u64 {
    word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// Whole bytes below the lowest bit that is set.
#[inline]
fn bytes_below(bits: u64) -> usize {
    (bits.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn count_as_one_byte_after_the_other(text in "[\\n \\x0b\\t\u{8a}\u{a0}a]{0,40}") {
            let text = text.as_bytes();
            prop_assert_eq!(line_length(text), text.iter().take_while(|byte| **byte != b'\n').count());
            prop_assert_eq!(leading_spaces(text), text.iter().take_while(|byte| **byte == b' ').count());
        }
    }
}
