//! What stands between two stars of a pattern.

use alloc::boxed::Box;

use super::fold::equals_lower_case;

/// What stands between two stars: lower-case text in which each `?` takes one character.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Part {
    bytes: Box<[u8]>,
    has_wildcard: bool,
}

impl Part {
    pub(super) fn new(lower_case: &str) -> Self {
        Self { bytes: lower_case.as_bytes().into(), has_wildcard: lower_case.contains('?') }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Its text, if no character of it stands for another.
    pub(super) fn as_plain(&self) -> Option<Box<[u8]>> {
        (!self.has_wildcard).then(|| self.bytes.clone())
    }

    /// How many bytes at the start of the text it takes, if it matches there.
    pub(super) fn at_start(&self, text: &[u8]) -> Option<usize> {
        if self.has_wildcard {
            return self.at_start_with_wildcards(text);
        }
        let start = text.get(..self.bytes.len())?;
        equals_lower_case(start, &self.bytes).then_some(start.len())
    }

    fn at_start_with_wildcards(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        for expected in &self.bytes {
            let found = text.get(at)?;
            if *expected == b'?' {
                at += char_len(*found);
            } else if *expected == found.to_ascii_lowercase() {
                at += 1;
            } else {
                return None;
            }
        }
        Some(at)
    }

    /// How many bytes at the end of the text it takes, if it matches there.
    #[inline]
    pub(super) fn at_end(&self, text: &[u8]) -> Option<usize> {
        if self.has_wildcard {
            return self.at_end_with_wildcards(text);
        }
        let end = &text[text.len().checked_sub(self.bytes.len())?..];
        equals_lower_case(end, &self.bytes).then_some(end.len())
    }

    fn at_end_with_wildcards(&self, text: &[u8]) -> Option<usize> {
        let mut before = text.len();
        for expected in self.bytes.iter().rev() {
            before = before.checked_sub(1)?;
            if *expected == b'?' {
                while is_continuation(text[before]) {
                    before = before.checked_sub(1)?;
                }
            } else if *expected != text[before].to_ascii_lowercase() {
                return None;
            }
        }
        Some(text.len() - before)
    }

    /// Where its leftmost match in the text ends.
    pub(super) fn find_end(&self, text: &[u8]) -> Option<usize> {
        let first = *self.bytes.first()?;
        (0..=text.len().checked_sub(self.shortest())?).find_map(|start| {
            let found = *text.get(start)?;
            let may_start =
                if first == b'?' { !is_continuation(found) } else { first == found.to_ascii_lowercase() };
            if !may_start {
                return None;
            }
            self.at_start(&text[start..]).map(|taken| start + taken)
        })
    }

    /// Bytes of the shortest text that it can match.
    fn shortest(&self) -> usize {
        self.bytes.len()
    }
}

/// Bytes of the character that begins with this one.
const fn char_len(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
