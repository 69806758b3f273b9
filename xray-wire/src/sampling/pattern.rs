//! Wildcards: `*` for any text, `?` for one character.

use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, str::FromStr};

/// A text with wildcards, as the fields of sampling rules have them.
///
/// `*` stands for any text, the empty one too, and `?` for exactly one character; nothing escapes them. The whole text has to
/// match, and ASCII letters match in either case (X-Ray developer guide, "Configuring sampling rules"). So do the X-Ray
/// SDKs; in the text itself, `*` and `?` are characters like any other.
///
/// Matching never goes back over what a `*` has passed: it takes at most as many steps as the text has bytes, times the
/// longest part of the pattern between two stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    shape: Shape,
}

#[derive(Clone, PartialEq, Eq)]
enum Shape {
    /// Stars alone.
    Any,
    /// No star.
    Whole(Part),
    /// At least one star: between `first` and `last`, and around each of the `inner` parts.
    Open { first: Part, inner: Box<[Part]>, last: Part },
}

/// What stands between two stars: lower-case text in which each `?` takes one character.
#[derive(Clone, PartialEq, Eq)]
struct Part {
    bytes: Box<[u8]>,
    has_wildcard: bool,
}

impl Pattern {
    /// The pattern that matches everything, what is missing included.
    #[must_use]
    pub fn any() -> Self {
        Self { text: "*".into(), shape: Shape::Any }
    }

    /// A pattern from its text. Every text is one; the empty one matches only empty text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), shape: Shape::new(&text.to_ascii_lowercase()) }
    }

    /// Whether it matches everything.
    #[must_use]
    #[inline]
    pub const fn is_any(&self) -> bool {
        matches!(self.shape, Shape::Any)
    }

    /// The pattern as it was given.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `text` matches. What is missing is matched by a pattern of stars alone.
    #[must_use]
    #[inline]
    pub fn matches(&self, text: Option<&str>) -> bool {
        match (&self.shape, text) {
            (Shape::Any, _) => true,
            (_, None) => false,
            (Shape::Whole(part), Some(text)) => part.at_start(text.as_bytes()) == Some(text.len()),
            (Shape::Open { first, inner, last }, Some(text)) => open(first, inner, last, text.as_bytes()),
        }
    }

    /// Whether everything that `other` matches is surely matched by this one too. The answer may be no where it is so:
    /// `?*` and `*?` are the same, but aren't seen to be.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let outer: Vec<char> = self.text.to_ascii_lowercase().chars().collect();
        let inner: Vec<char> = other.text.to_ascii_lowercase().chars().collect();
        // Where the last star stood in both, to go on from there with one more character taken by it.
        let mut star: Option<(usize, usize)> = None;
        let (mut o, mut i) = (0, 0);
        while i < inner.len() {
            match outer.get(o) {
                Some('*') => {
                    star = Some((o, i));
                    o += 1;
                }
                // A star of the inner pattern is more than one character, and none.
                Some('?') if inner[i] != '*' => (o, i) = (o + 1, i + 1),
                Some(c) if *c == inner[i] => (o, i) = (o + 1, i + 1),
                _ => {
                    let Some((at, taken)) = star else { return false };
                    star = Some((at, taken + 1));
                    (o, i) = (at + 1, taken + 1);
                }
            }
        }
        outer[o..].iter().all(|c| *c == '*')
    }
}

fn open(first: &Part, inner: &[Part], last: &Part, text: &[u8]) -> bool {
    let Some(start) = first.at_start(text) else { return false };
    if inner.is_empty() && last.bytes.is_empty() {
        return true;
    }
    let Some(end) = last.at_end(&text[start..]) else { return false };
    let mut rest = &text[start..text.len() - end];
    // The leftmost place for each part leaves the most to those behind it.
    inner.iter().all(|part| match part.find_end(rest) {
        Some(end) => {
            rest = &rest[end..];
            true
        }
        None => false,
    })
}

impl Shape {
    fn new(lower_case: &str) -> Self {
        let Some((first, rest)) = lower_case.split_once('*') else {
            return Self::Whole(Part::new(lower_case));
        };
        let (inner, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let inner: Box<[Part]> = inner.split('*').filter(|part| !part.is_empty()).map(Part::new).collect();
        if first.is_empty() && inner.is_empty() && last.is_empty() {
            return Self::Any;
        }
        Self::Open { first: Part::new(first), inner, last: Part::new(last) }
    }
}

impl Part {
    fn new(lower_case: &str) -> Self {
        Self { bytes: lower_case.as_bytes().into(), has_wildcard: lower_case.contains('?') }
    }

    /// How many bytes at the start of the text it takes, if it matches there.
    #[inline]
    fn at_start(&self, text: &[u8]) -> Option<usize> {
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
    fn at_end(&self, text: &[u8]) -> Option<usize> {
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
    fn find_end(&self, text: &[u8]) -> Option<usize> {
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

/// Whether two texts of the same length are equal but for the case of ASCII letters; one is in lower case. Most that differ
/// do so in more than a letter's case, which eight bytes at a time show.
#[inline]
fn equals_lower_case(text: &[u8], lower_case: &[u8]) -> bool {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let differ =
        match (text.first_chunk(), lower_case.first_chunk(), text.last_chunk(), lower_case.last_chunk()) {
            // The last eight may overlap the first.
            (Some(first), Some(lower_first), Some(last), Some(lower_last)) => {
                (word(first) ^ word(lower_first)) | (word(last) ^ word(lower_last))
            }
            _ => 0,
        };
    differ & !CASE == 0 && text.eq_ignore_ascii_case(lower_case)
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

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl FromStr for Pattern {
    type Err = core::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text.to_string()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a wildcard means, with no thought of speed.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                naive(rest, text) || text.split_first().is_some_and(|(_, text)| naive(pattern, text))
            }
            (Some(('?', pattern)), Some((_, text))) => naive(pattern, text),
            (Some((expected, pattern)), Some((found, text))) => {
                expected.eq_ignore_ascii_case(found) && naive(pattern, text)
            }
            _ => false,
        }
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn whole_texts_in_either_case() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("**", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("?", "", false),
            ("?", "é", true),
            ("??", "é", false),
            ("?", "🦀", true),
            ("a?c", "aéc", true),
            ("/API/*", "/api/x", true),
            ("/api/*", "/API/X", true),
            ("/api/*", "/v1/api/x", false),
            ("*/api/*", "/v1/api/x", true),
            ("*.jpg", "cat.jpg.png", false),
            ("*a*a", "a", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*ab*ba*", "aba", false),
            ("*ab*ba*", "abba", true),
            ("É", "é", false),
            // A star in the text is a character (native Go, Python and .NET take it for one of the pattern).
            ("*a", "**a", true),
            ("a", "*", false),
            ("*?b", "éb", true),
            ("?b*", "éb", true),
            ("*?", "é", true),
            ("*??", "é", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(Some(text)), expected, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn what_is_missing_matches_stars_alone() {
        for (pattern, expected) in [("*", true), ("***", true), ("", false), ("?*", false), ("a", false)] {
            assert_eq!(Pattern::new(pattern).matches(None), expected, "{pattern:?}");
        }
    }

    #[test]
    fn one_pattern_covers_another() {
        for (outer, inner, expected) in [
            ("*", "*", true),
            ("*", "", true),
            ("/api/*", "/API/users/*", true),
            ("/api/*", "/api*", false),
            ("/a?", "/ab", true),
            ("/a?", "/a*", false),
            ("/a?*", "/a*?", false),
            ("*x*", "?x?", true),
            ("abc", "a*c", false),
            ("?", "?", true),
            ("**", "*", true),
        ] {
            assert_eq!(Pattern::new(outer).covers(&Pattern::new(inner)), expected, "{outer:?} {inner:?}");
        }
    }

    #[test]
    fn a_hostile_pattern_and_text_cost_their_product_at_most() {
        let pattern = Pattern::new(&"*aaaaaaaaab".repeat(12));
        let text = "a".repeat(100_000);
        assert!(!pattern.matches(Some(&text)));
    }

    proptest! {
        #[test]
        fn matches_what_the_naive_matcher_does(pattern in "[aAbé?*]{0,8}", text in "[aAbé*?🦀]{0,10}") {
            let expected = naive(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Pattern::new(&pattern).matches(Some(&text)), expected);
        }

        #[test]
        fn long_texts_too(start in "[aA@`]{0,20}", change in prop::option::of(0usize..20), end in "[a*]{0,1}") {
            let mut text = start.clone().into_bytes();
            if let Some(byte) = change.and_then(|at| text.get_mut(at)) {
                *byte ^= 0x20;
            }
            let text = String::from_utf8(text).unwrap();
            let pattern = std::format!("{start}{end}");
            let expected = naive(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Pattern::new(&pattern).matches(Some(&text)), expected);
        }

        #[test]
        fn what_is_covered_is_matched(outer in "[ab?*]{0,6}", inner in "[ab?*]{0,6}", text in "[ab]{0,8}") {
            let (outer, inner) = (Pattern::new(&outer), Pattern::new(&inner));
            if outer.covers(&inner) && inner.matches(Some(&text)) {
                prop_assert!(outer.matches(Some(&text)));
            }
        }

        #[test]
        fn any_text_is_a_pattern_that_matches_itself(text: String, other: String) {
            prop_assert!(Pattern::new(&text).matches(Some(&text)));
            prop_assert!(Pattern::new(&text).covers(&Pattern::new(&text)));
            let _ = Pattern::new(&text).matches(Some(&other));
        }
    }
}
