//! Wildcards: `*` for any text, `?` for one character.

mod fold;
mod part;

use alloc::{
    boxed::Box,
    string::{String, ToString},
};
use core::{
    fmt,
    str::{Chars, FromStr},
};

use fold::equals_lower_case;
use part::Part;

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
    /// No wildcard.
    Exact(Box<[u8]>),
    /// No wildcard but stars at the end.
    Prefix(Box<[u8]>),
    /// No wildcard but stars at the start.
    Suffix(Box<[u8]>),
    /// No star.
    Whole(Part),
    /// At least one star: between `first` and `last`, and around each of the `inner` parts.
    Open { first: Part, inner: Box<[Part]>, last: Part },
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
        self.is_any() || text.is_some_and(|text| self.shape.matches(text.as_bytes()))
    }

    /// Whether everything that `other` matches is surely matched by this one too. The answer may be no where it is so:
    /// `?*` and `*?` are the same, but aren't seen to be. The work is up to the product of their lengths.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut steps = usize::MAX;
        self.covers_within(other, &mut steps)
    }

    /// The same, with the number of steps that it may take. When they are used up the answer is no.
    pub(super) fn covers_within(&self, other: &Self, steps: &mut usize) -> bool {
        if self.is_any() {
            return true;
        }
        let (mut outer, mut inner) = (self.text.chars(), other.text.chars());
        // Where the last star stood in both, to go on from there with one more character taken by it.
        let mut star: Option<(Chars<'_>, Chars<'_>)> = None;
        loop {
            let Some(left) = steps.checked_sub(1) else { return false };
            *steps = left;
            let (before, mut after) = (inner.clone(), outer.clone());
            let Some(next) = inner.next() else { return outer.all(|c| c == '*') };
            match after.next() {
                Some('*') => {
                    star = Some((after.clone(), before.clone()));
                    (outer, inner) = (after, before);
                }
                // A star of the inner pattern is more than one character, and none.
                Some('?') if next != '*' => outer = after,
                Some(c) if c.eq_ignore_ascii_case(&next) => outer = after,
                _ => {
                    let Some((behind, taken)) = &mut star else { return false };
                    taken.next();
                    (outer, inner) = (behind.clone(), taken.clone());
                }
            }
        }
    }
}

#[inline(never)]
fn open(first: &Part, inner: &[Part], last: &Part, text: &[u8]) -> bool {
    let Some(start) = first.at_start(text) else { return false };
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
    #[inline]
    fn matches(&self, text: &[u8]) -> bool {
        let (text, expected) = match self {
            Self::Any => return true,
            Self::Exact(whole) => ((text.len() == whole.len()).then_some(text), whole),
            Self::Prefix(start) => (text.get(..start.len()), start),
            Self::Suffix(end) => (text.len().checked_sub(end.len()).and_then(|start| text.get(start..)), end),
            Self::Whole(part) => return part.at_start(text) == Some(text.len()),
            Self::Open { first, inner, last } => return open(first, inner, last, text),
        };
        text.is_some_and(|text| equals_lower_case(text, expected))
    }

    fn new(lower_case: &str) -> Self {
        let Some((first, rest)) = lower_case.split_once('*') else {
            let whole = Part::new(lower_case);
            return whole.as_plain().map_or(Self::Whole(whole), Self::Exact);
        };
        let (inner, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let inner: Box<[Part]> = inner.split('*').filter(|part| !part.is_empty()).map(Part::new).collect();
        let (first, last) = (Part::new(first), Part::new(last));
        if inner.is_empty() {
            match (first.as_plain(), last.as_plain()) {
                _ if first.is_empty() && last.is_empty() => return Self::Any,
                (Some(start), _) if last.is_empty() => return Self::Prefix(start),
                (_, Some(end)) if first.is_empty() => return Self::Suffix(end),
                _ => {}
            }
        }
        Self::Open { first, inner, last }
    }
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
    use std::vec::Vec;

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
