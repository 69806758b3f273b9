//! The first and the last bytes of a text in one number each, which tell most texts from most patterns.
//!
//! Many patterns are asked about the same text. Its affixes are read once; then a pattern that does not match costs a
//! comparison of two numbers, and the commonest shapes of patterns need no other.

/// The first sixteen bytes of a text or the last. Behind a shorter text, or in front of it, stand bytes that no text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sampling) struct Affix(u128);

/// No byte of UTF-8.
const NO_TEXT: u8 = 0xff;

impl Affix {
    /// The bytes that are looked at: enough for `*.example.com`, and for the paths of most services to differ.
    pub(super) const LEN: usize = size_of::<u128>();

    /// That of a text which isn't there: nothing but another byte of no text.
    pub(in crate::sampling) const MISSING: Self = Self(u128::from_ne_bytes([0xfe; Self::LEN]));

    #[inline]
    pub(in crate::sampling) fn prefix(text: &str) -> Self {
        let text = text.as_bytes();
        if let Some(first) = text.first_chunk() {
            return Self(u128::from_le_bytes(*first));
        }
        match first_and_last_word(text) {
            Some((first, last, beyond)) => Self::new(first, last.rotate_left(beyond) | u64::MAX << beyond),
            None => Self::new(short_word(text), u64::MAX),
        }
    }

    #[inline]
    pub(in crate::sampling) fn suffix(text: &str) -> Self {
        let text = text.as_bytes();
        if let Some(last) = text.last_chunk() {
            return Self(u128::from_le_bytes(*last));
        }
        match first_and_last_word(text) {
            Some((first, last, beyond)) => Self::new(first.rotate_right(beyond) | u64::MAX >> beyond, last),
            None => Self::new(u64::MAX, short_word(text).rotate_right(8 * text.len() as u32)),
        }
    }

    const fn new(low: u64, high: u64) -> Self {
        Self(low as u128 | (high as u128) << 64)
    }
}

/// What a pattern expects of an affix, in either case of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sampling) struct Expected {
    bits: u128,
    mask: u128,
}

impl Expected {
    /// That a text starts so, as far as a prefix shows.
    pub(super) fn prefix(literal: &str) -> Self {
        Self::new(Affix::prefix(literal), 0)
    }

    /// That a text ends so, as far as a suffix shows.
    pub(super) fn suffix(literal: &str) -> Self {
        Self::new(Affix::suffix(literal), 0)
    }

    /// That a text is this one, as far as its prefix shows: where a shorter one ends, too.
    pub(super) fn whole(literal: &str) -> Self {
        Self::new(Affix::prefix(literal), u8::MAX)
    }

    fn new(Affix(literal): Affix, mask_of_no_text: u8) -> Self {
        /// All bits of a letter but that of its case.
        const LETTER: u8 = !0x20;
        let mask = literal.to_le_bytes().map(|byte| match byte {
            NO_TEXT => mask_of_no_text,
            letter if letter.is_ascii_alphabetic() => LETTER,
            _ => u8::MAX,
        });
        Self { bits: literal, mask: u128::from_le_bytes(mask) }
    }

    #[inline]
    pub(in crate::sampling) const fn is_met_by(&self, affix: Affix) -> bool {
        (affix.0 ^ self.bits) & self.mask == 0
    }
}

/// The first eight bytes of a text of eight to fifteen, the last eight, and by how many bits it is longer than either.
#[inline]
fn first_and_last_word(text: &[u8]) -> Option<(u64, u64, u32)> {
    let (first, last) = (text.first_chunk()?, text.last_chunk()?);
    Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last), 8 * (text.len() - 8) as u32))
}

/// A text of up to seven bytes, and behind it bytes that no text has.
#[inline]
fn short_word(text: &[u8]) -> u64 {
    let place = |at: usize| 8 * at as u32;
    // Read from both ends; what lies between is read twice.
    let bytes = match (text.first_chunk(), text.last_chunk(), text) {
        (Some(first), Some(last), _) => {
            u64::from(u32::from_le_bytes(*first))
                | u64::from(u32::from_le_bytes(*last)) << place(text.len() - 4)
        }
        (.., []) => 0,
        (.., [only]) => u64::from(*only),
        (.., [first, .., last]) => {
            let middle = text.len() / 2;
            u64::from(*first)
                | u64::from(text[middle]) << place(middle)
                | u64::from(*last) << place(text.len() - 1)
        }
    };
    bytes | u64::MAX << place(text.len())
}

#[cfg(test)]
mod tests {
    use std::{iter, string::ToString, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    fn padding(len: usize) -> impl Iterator<Item = u8> {
        iter::repeat_n(NO_TEXT, Affix::LEN.saturating_sub(len))
    }

    #[test]
    fn letters_match_in_either_case_and_nothing_else_does() {
        for byte in 0..128_u8 {
            for other in 0..128_u8 {
                let [text, literal] = [byte, other].map(|byte| char::from(byte).to_string());
                let expected = byte.eq_ignore_ascii_case(&other);
                assert_eq!(
                    Expected::whole(&literal).is_met_by(Affix::prefix(&text)),
                    expected,
                    "{text:?} {literal:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_missing_meets_only_what_expects_nothing() {
        for (literal, prefix, whole) in [("", true, false), ("a", false, false)] {
            assert_eq!(Expected::prefix(literal).is_met_by(Affix::MISSING), prefix, "{literal:?}");
            assert_eq!(Expected::suffix(literal).is_met_by(Affix::MISSING), prefix, "{literal:?}");
            assert_eq!(Expected::whole(literal).is_met_by(Affix::MISSING), whole, "{literal:?}");
        }
    }

    proptest! {
        #[test]
        fn first_and_last_bytes(text in "[a-zé🦀]{0,20}") {
            let prefix: Vec<u8> = text.bytes().take(Affix::LEN).chain(padding(text.len())).collect();
            let suffix: Vec<u8> = text.bytes().rev().take(Affix::LEN).chain(padding(text.len())).collect();
            prop_assert_eq!(&Affix::prefix(&text).0.to_le_bytes()[..], &prefix);
            prop_assert_eq!(&Affix::suffix(&text).0.to_be_bytes()[..], &suffix);
        }

        #[test]
        fn literals_are_met_as_far_as_they_are_seen(literal in "[aB0]{0,16}", before in "[ab]{0,9}", behind in "[ab]{0,9}") {
            let [starts, ends] = [literal.clone() + &behind, before + &literal];
            prop_assert!(Expected::prefix(&literal).is_met_by(Affix::prefix(&starts.to_uppercase())));
            prop_assert!(Expected::suffix(&literal).is_met_by(Affix::suffix(&ends.to_lowercase())));
            let is_whole = behind.is_empty() || literal.len() == Affix::LEN;
            prop_assert_eq!(Expected::whole(&literal).is_met_by(Affix::prefix(&starts)), is_whole);
        }
    }
}
