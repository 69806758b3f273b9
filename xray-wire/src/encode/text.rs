//! Text as a JSON string: looked at once for characters to escape, then copied in one piece.

use alloc::vec::Vec;

/// Appends the text and the quote behind it. The one in front of it is part of the key, or the caller's.
///
/// Short text passes through registers: any call costs more than to copy so little.
pub(super) fn rest_of_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if bytes.len() >= 16 {
        return any_length(bytes, out);
    }
    let has_room = out.capacity() - out.len() >= 16;
    match bytes.len() {
        0..8 if has_room => {
            let word = short_word(bytes);
            if special_bytes(word) == 0 {
                let quoted = word ^ (QUOTE_FOR_SPACE << (8 * bytes.len()));
                return append_start(quoted.to_le_bytes(), bytes.len() + 1, out);
            }
        }
        8..16 if has_room => {
            let (first, last) = word_pair(bytes);
            if special_bytes(first) | special_bytes(last) == 0 {
                // The two may overlap, where they agree.
                let shift = 8 * (bytes.len() - 8);
                let low = first | last << shift;
                let high = last >> 1 >> (63 - shift) | u64::from(b'"') << shift;
                let quoted = u128::from(low) | u128::from(high) << 64;
                return append_start(quoted.to_le_bytes(), bytes.len() + 1, out);
            }
        }
        _ => {}
    }
    any_length(bytes, out);
}

/// A function of its own, so that short text is not charged for what its calls need.
#[inline(never)]
fn any_length(bytes: &[u8], out: &mut Vec<u8>) {
    if has_special(bytes) {
        return escaped(bytes, out);
    }
    out.extend_from_slice(bytes);
    out.push(b'"');
}

/// Appends the first `len` bytes. The length of the copy is fixed, so that it is an instruction and not a call.
#[inline]
fn append_start<const N: usize>(bytes: [u8; N], len: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&bytes);
    out.truncate(start + len);
}

/// Fewer than eight bytes as a word, filled up with spaces.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    let text = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // The two may overlap, where they agree.
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4))
        }
        _ => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    text | (SPACES << (8 * len))
}

/// The first eight bytes and the last eight, of eight or more.
#[inline]
fn word_pair(bytes: &[u8]) -> (u64, u64) {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(SPACES, |bytes| u64::from_le_bytes(*bytes));
    (word(bytes.first_chunk()), word(bytes.last_chunk()))
}

const EACH: u64 = u64::from_ne_bytes([1; 8]);
const SPACES: u64 = EACH * b' ' as u64;
/// What makes a quote of a space.
const QUOTE_FOR_SPACE: u64 = (b' ' ^ b'"') as u64;

/// Nonzero if any of eight bytes [is special](is_special). A byte of ASCII is less than `n` if the high bit of `x - n` is set,
/// and equal to `n` if `x ^ n` is less than 1. Where a borrow runs into a neighbour, there was a hit already.
#[inline]
const fn special_bytes(word: u64) -> u64 {
    const HIGH: u64 = 0x80 * EACH;
    let control_or_quote = (word ^ (2 * EACH)).wrapping_sub(33 * EACH);
    let backslash = (word ^ (b'\\' as u64 * EACH)).wrapping_sub(EACH);
    (control_or_quote | backslash) & !word & HIGH
}

/// Whether any byte has to be escaped.
#[inline]
fn has_special(bytes: &[u8]) -> bool {
    // The last block may overlap the one before it.
    match bytes.last_chunk() {
        Some(last) => has_special_in_block(last) || bytes.as_chunks().0.iter().any(has_special_in_block),
        None => bytes.iter().any(|byte| is_special(*byte)),
    }
}

/// Without an early end, so that the compiler makes one comparison of sixteen bytes out of sixteen.
#[inline]
fn has_special_in_block(block: &[u8; 16]) -> bool {
    block.iter().fold(false, |found, byte| found | is_special(*byte))
}

/// Control characters and the quote are those for which `x ^ 2` is less than 33.
#[inline]
const fn is_special(byte: u8) -> bool {
    (byte ^ 2 < 33) | (byte == b'\\')
}

/// The same for any text: copies what needs no escape in one piece, up to the next byte that does.
#[cold]
fn escaped(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = bytes.iter().position(|byte| is_special(*byte)) {
        out.extend_from_slice(&bytes[..at]);
        match bytes[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(DIGITS[usize::from(control >> 4)]);
                out.push(DIGITS[usize::from(control & 15)]);
            }
        }
        bytes = &bytes[at + 1..];
    }
    out.extend_from_slice(bytes);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use proptest::prelude::*;

    use super::*;

    /// The same in a buffer that is full and in one that has room.
    fn written(text: &str) -> String {
        let [full, roomy] = [1, 100].map(|capacity| {
            let mut out = Vec::with_capacity(capacity);
            out.push(b'"');
            rest_of_string(text, &mut out);
            String::from_utf8(out).unwrap()
        });
        assert_eq!(full, roomy);
        full
    }

    #[test]
    fn strings() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("tab\tline\nreturn\r", r#""tab\tline\nreturn\r""#),
            ("\u{0}\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""),
            ("<&> 東京 🦀", "\"<&> 東京 🦀\""),
            ("sixteen bytes ok and then \" one", r#""sixteen bytes ok and then \" one""#),
        ] {
            assert_eq!(written(text), expected);
        }
    }

    #[test]
    fn every_byte_in_every_place_is_seen() {
        for len in 1..40 {
            for at in 0..len {
                for byte in 0..0x80 {
                    let mut bytes = std::vec![b'.'; len];
                    bytes[at] = byte;
                    let text = String::from_utf8(bytes).unwrap();
                    let grows = written(&text).len() > len + 2;
                    let expected = byte < b' ' || byte == b'"' || byte == b'\\';
                    assert_eq!(grows, expected, "{byte} at {at} of {len}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_needs_no_escape_stays_as_it_is(text in r#"[^"\\\x00-\x1f]{0,60}"#) {
            let quoted = written(&text);
            prop_assert_eq!(quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')), Some(text.as_str()));
        }
    }
}
