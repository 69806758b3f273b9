//! Counts bytes, eight at a time: stack traces are long, and most of their bytes only have to be passed over.

/// Bytes in front of the first line feed; all of them if there is none.
#[inline]
pub(super) fn line_length(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<16>();
    let mut length = 0;
    for block in blocks {
        // Without an early end, so that the compiler compares all bytes of the block at once.
        if block.iter().fold(false, |found, byte| found | (*byte == b'\n')) {
            return length + line_length_in_block(block);
        }
        length += block.len();
    }
    length + rest.iter().take_while(|byte| **byte != b'\n').count()
}

#[inline]
fn line_length_in_block(block: &[u8; 16]) -> usize {
    let [low, high] = [little_endian(&block[..8]), little_endian(&block[8..])].map(line_feeds);
    if low != 0 { bytes_below(low) } else { 8 + bytes_below(high) }
}

/// Nonzero if any of eight bytes is a line feed; the lowest bit that is set is the first one's.
#[inline]
fn line_feeds(word: u64) -> u64 {
    /// 1 in each byte, and the highest bit of each.
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let zeros = word ^ (ONES * u64::from(b'\n'));
    zeros.wrapping_sub(ONES) & !zeros & HIGHS
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

/// Bytes of spaces, a number, a colon and a space, as in `  12: `, if the first eight hold all of these.
#[inline]
pub(super) fn numbering_length(text: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_le_bytes(*text.first_chunk()?);
    let spaces = (word ^ (u64::from(b' ') * EACH)).trailing_zeros() & !7;
    let number = word.checked_shr(spaces)?;
    // A digit becomes its value, all else more than nine: the sum has the high bit, or the byte had it before.
    let values = number ^ (u64::from(b'0') * EACH);
    let others = (values.wrapping_add(0x76 * EACH) | values) & (0x80 * EACH);
    let digits = others.trailing_zeros() & !7;
    let behind = number.checked_shr(digits)?.to_le_bytes();
    (digits > 0 && behind.starts_with(b": ")).then_some((spaces + digits) as usize / 8 + ": ".len())
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

    /// As [`numbering_length`], one byte after the other.
    fn length_of_numbering(text: &str) -> Option<usize> {
        let number = text.trim_start_matches(' ');
        let behind = number.trim_start_matches(|c: char| c.is_ascii_digit());
        let length = text.len() - behind.strip_prefix(": ")?.len();
        (text.len() >= 8 && length <= 8 && behind.len() < number.len()).then_some(length)
    }

    proptest! {
        #[test]
        fn numbering_ends_behind_the_colon(text in " {0,5}[0-9]{0,5}(: |[:0/;a]?)[ -~]{0,9}|[ 0:é]{0,12}") {
            prop_assert_eq!(numbering_length(text.as_bytes()), length_of_numbering(&text));
        }

        #[test]
        fn count_as_one_byte_after_the_other(text in "[\\n \\x0b\\t\u{8a}\u{a0}a]{0,40}") {
            let text = text.as_bytes();
            prop_assert_eq!(line_length(text), text.iter().take_while(|byte| **byte != b'\n').count());
            prop_assert_eq!(leading_spaces(text), text.iter().take_while(|byte| **byte == b' ').count());
        }
    }
}
