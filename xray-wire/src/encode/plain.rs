//! Text that stands in a document as it is: looked at once, where it is read, and copied where it is written.

use alloc::vec::Vec;

/// ASCII in which nothing has to be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain<'t>(&'t [u8]);

impl<'t> Plain<'t> {
    /// Splits a text in front of the first byte that is not plain: a control character, a quote, a backslash, or
    /// part of a character outside ASCII. Where that is a line feed, what stands before it is a whole line.
    #[must_use]
    #[inline]
    pub fn beginning_of(text: &'t [u8]) -> (Self, &'t [u8]) {
        let (plain, rest) = text.split_at(plain_bytes(text).min(text.len()));
        (Self(plain), rest)
    }

    /// Splits `path:line:column`; `None` if it is another text, or an unusual one: of fewer than eight bytes, with more
    /// than six digits in line and column together, or a zero in front of the line.
    #[must_use]
    #[inline]
    pub fn split_place(self) -> Option<(Self, Digits)> {
        let (line, len) = Digits::of_line(u64::from_be_bytes(*self.0.last_chunk()?))?;
        let path = self.0.get(..self.0.len().checked_sub(len)?)?;
        (!path.is_empty()).then_some((Self(path), line))
    }

    /// As text.
    #[must_use]
    pub fn as_str(self) -> &'t str {
        core::str::from_utf8(self.0).unwrap_or_default()
    }

    /// As bytes.
    #[must_use]
    #[inline]
    pub const fn as_bytes(self) -> &'t [u8] {
        self.0
    }
}

/// A number as it was printed: one to five digits, the first of which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// The first digit is the lowest byte.
    text: u64,
    len: usize,
}

impl Digits {
    /// The line in `:line:column`, with which a word has to end whose last byte is the lowest one, and how many
    /// bytes these take.
    #[inline]
    fn of_line(word: u64) -> Option<(Self, usize)> {
        /// Ends a number that goes on beyond the word.
        const END: u64 = 1 << 63;
        // A digit becomes its value, all else more than nine: the sum has the high bit, or the byte had it before.
        let values = word ^ (u64::from(b'0') * EACH);
        let others = (values.wrapping_add(0x76 * EACH) | values) & HIGH;
        // Numbers are measured in bits, and shifted out once they are read.
        let column = (others | END).trailing_zeros() & !7;
        let (word, others) = (word >> column, others >> column >> 8);
        let line = (others | END).trailing_zeros() & !7;
        let colons = (word as u8, (word >> 8 >> line) as u8);
        if column == 0 || line == 0 || colons != (b':', b':') {
            return None;
        }
        let text = (word >> 8).swap_bytes() >> (64 - line);
        let bytes = |bits: u32| bits as usize / 8;
        (text as u8 != b'0').then_some((Self { text, len: bytes(line) }, bytes(column + line) + "::".len()))
    }

    /// Its value.
    #[must_use]
    pub fn value(self) -> u32 {
        let digits = self.text.to_le_bytes().into_iter().take(self.len);
        digits.fold(0, |value, digit| value * 10 + u32::from(digit & 0xf))
    }

    /// Ends a text and appends the digits as the line, in one copy of known length.
    #[inline]
    pub(super) fn write_as_line(self, out: &mut Vec<u8>) {
        const KEY: u128 = u128::from_le_bytes(*b"\",\"line\":\0\0\0\0\0\0\0");
        const KEY_LEN: usize = 9;
        let end = out.len() + KEY_LEN + self.len;
        out.extend_from_slice(&(KEY | u128::from(self.text) << (8 * KEY_LEN)).to_le_bytes());
        out.truncate(end);
    }
}

/// How many plain bytes there are at the beginning.
#[inline(always)]
fn plain_bytes(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<16>();
    let mut len = 0;
    for block in blocks {
        // Without an early end, so that the compiler compares all bytes of the block at once.
        if block.iter().fold(false, |found, byte| found | !is_plain(*byte)) {
            return len + plain_bytes_in_block(block);
        }
        len += block.len();
    }
    len + rest.iter().take_while(|byte| is_plain(**byte)).count()
}

/// Control characters, the quote, and what is not ASCII are those for which `x ^ 2` with a sign is less than 33.
#[inline]
const fn is_plain(byte: u8) -> bool {
    ((byte ^ 2) as i8 >= 33) & (byte != b'\\')
}

/// The same for a block that has others.
#[inline]
fn plain_bytes_in_block(block: &[u8; 16]) -> usize {
    let block = u128::from_le_bytes(*block);
    let [low, high] = [block as u64, (block >> 64) as u64].map(others);
    let bits = if low != 0 { low.trailing_zeros() } else { 64 + high.trailing_zeros() };
    (bits / 8) as usize
}

/// The high bit of each byte that is not plain, and perhaps of some behind the first such byte, to which a borrow ran.
#[inline]
const fn others(word: u64) -> u64 {
    let control_or_quote = (word ^ (2 * EACH)).wrapping_sub(33 * EACH);
    let backslash = (word ^ (b'\\' as u64 * EACH)).wrapping_sub(EACH);
    (control_or_quote | backslash | word) & HIGH
}

const EACH: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = 0x80 * EACH;

#[cfg(test)]
mod tests {
    use std::{string::String, vec};

    use proptest::prelude::*;

    use super::*;

    fn split(place: &str) -> Option<(&str, u32)> {
        let (path, line) = Plain(place.as_bytes()).split_place()?;
        Some((path.as_str(), line.value()))
    }

    #[test]
    fn places() {
        for (place, expected) in [
            ("./src/main.rs:12:24", Some(("./src/main.rs", 12))),
            ("src/a:1:2", Some(("src/a", 1))),
            ("main.rs:12345:6", Some(("main.rs", 12_345))),
            ("main.rs:123:4567", None),
            ("main.rs:12345:67", None),
            ("main.rs:123456:7", None),
            ("a:b:12:24", Some(("a:b", 12))),
            ("main.rs:9:12:24", Some(("main.rs:9", 12))),
            ("main.rs:012:24", None),
            ("main.rs:0:24", None),
            ("main.rs:12:024", Some(("main.rs", 12))),
            ("main.rs::24", None),
            ("main.rs:24:", None),
            ("main.rs:24", None),
            ("1234567890", None),
            (":1234:567", None),
            ("12:1:1", None),
            (":123:456", None),
            ("main.rs;12:24", None),
            ("main.rs:12/24", None),
            ("", None),
        ] {
            assert_eq!(split(place), expected, "{place}");
        }
    }

    #[test]
    fn every_byte_in_every_place_is_seen() {
        for len in 1..40 {
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'.'; len];
                    bytes[at] = byte;
                    let is_plain = matches!(byte, b' '..=0x7f) && byte != b'"' && byte != b'\\';
                    let (plain, rest) = Plain::beginning_of(&bytes);
                    let expected = if is_plain { len } else { at };
                    assert_eq!((plain.as_bytes(), rest), bytes.split_at(expected), "{byte} at {at} of {len}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_needs_no_escape(text in r#"[ -~]{0,40}|[ -\x7fé"\\\n]{0,40}|.{0,40}"#) {
            let (plain, rest) = Plain::beginning_of(text.as_bytes());
            let expected = text.find(|c: char| !c.is_ascii() || c < ' ' || c == '"' || c == '\\');
            prop_assert_eq!(plain.as_str().len(), expected.unwrap_or(text.len()));
            prop_assert_eq!(plain.as_str().len() + rest.len(), text.len());
            let mut written = Vec::new();
            super::super::json::string(plain.as_str(), &mut written);
            prop_assert_eq!(&written[1..written.len() - 1], plain.as_bytes());
        }

        #[test]
        fn places_are_those_of_the_standard_library(place in "[a:]{0,3}[0-9:/;]{0,12}") {
            let all = place.len();
            let reference = || {
                let (place, column) = place.rsplit_once(':')?;
                let (path, line) = place.rsplit_once(':')?;
                let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let usual = digits(line) && digits(column) && line.len() + column.len() <= 6 && all >= 8;
                let usual = usual && !line.starts_with('0') && !path.is_empty();
                usual.then(|| (path, line.parse().unwrap()))
            };
            prop_assert_eq!(split(&place), reference());
        }

        #[test]
        fn lines_are_written_as_they_were_read(line in 1..100_000u32) {
            let place = std::format!("main.rs:{line}:1");
            let (_, digits) = Plain(place.as_bytes()).split_place().unwrap();
            let mut written = Vec::new();
            digits.write_as_line(&mut written);
            prop_assert_eq!(String::from_utf8(written).unwrap(), std::format!("\",\"line\":{line}"));
        }
    }
}
