//! Wildcards: `*` for any text, `?` for one character.

mod affix;
mod fold;
mod part;
mod shape;

use alloc::{
    boxed::Box,
    string::{String, ToString},
};
use core::{
    fmt,
    str::{Chars, FromStr},
};

pub(super) use affix::{Affix, Expected};
use shape::Shape;

/// A text with wildcards, as the fields of sampling rules have them.
///
/// `*` stands for any text, the empty one too, and `?` for exactly one character; nothing escapes them. The whole text has to
/// match, and ASCII letters match in either case (X-Ray developer guide, "Configuring sampling rules"). So do the X-Ray
/// SDKs; in the text itself, `*` and `?` are characters like any other.
///
/// Matching never goes back over what a `*` has passed: it takes at most as many steps as the text has bytes, times the
/// longest part of the pattern between two stars.
///
/// ```
/// use xray_wire::sampling::Pattern;
///
/// let orders = Pattern::new("/api/*/orders?");
/// assert!(orders.matches(Some("/API/v2/orders/")) && !orders.matches(Some("/api/v2/orders")));
/// assert!(!orders.matches(None) && Pattern::any().matches(None));
/// assert!(Pattern::new("/api/*").covers(&orders));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    matcher: Matcher,
}

#[derive(Clone, PartialEq, Eq)]
enum Matcher {
    /// Stars alone.
    Any,
    /// All that is expected is in the first bytes of a text.
    Prefix(Expected),
    /// All that is expected is in the last bytes of a text.
    Suffix(Expected),
    /// Whatever else there is.
    Shape(Shape),
}

const WILDCARDS: [char; 2] = ['*', '?'];

impl Pattern {
    /// The pattern that matches everything, what is missing included.
    #[must_use]
    pub fn any() -> Self {
        Self { text: "*".into(), matcher: Matcher::Any }
    }

    /// A pattern from its text. Every text is one; the empty one matches only empty text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), matcher: Matcher::new(&text.to_ascii_lowercase()) }
    }

    /// Whether it matches everything.
    #[must_use]
    #[inline]
    pub const fn is_any(&self) -> bool {
        matches!(self.matcher, Matcher::Any)
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
        match (&self.matcher, text) {
            (Matcher::Any, _) => true,
            (_, None) => false,
            (Matcher::Prefix(expected), Some(text)) => expected.is_met_by(Affix::prefix(text)),
            (Matcher::Suffix(expected), Some(text)) => expected.is_met_by(Affix::suffix(text)),
            (Matcher::Shape(shape), Some(text)) => shape.matches(text.as_bytes()),
        }
    }

    /// What the prefix of each text is like that matches.
    pub(super) fn prefix(&self) -> Expected {
        match self.text.find(WILDCARDS) {
            Some(end) => Expected::prefix(&self.text[..end]),
            None => Expected::whole(&self.text),
        }
    }

    /// Whether every text with such a prefix matches.
    pub(super) const fn is_told_by_prefix(&self) -> bool {
        matches!(self.matcher, Matcher::Any | Matcher::Prefix(_))
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

impl Matcher {
    fn new(lower_case: &str) -> Self {
        let start = lower_case.trim_end_matches('*');
        let end = lower_case.trim_start_matches('*');
        let (stars_before, stars_behind) = (end.len() < lower_case.len(), start.len() < lower_case.len());
        let is_seen = |literal: &str, most| literal.len() <= most && !literal.contains(WILDCARDS);
        match (stars_before, stars_behind) {
            (_, true) if start.is_empty() => Self::Any,
            // Room for one byte more shows that there is none.
            (false, false) if is_seen(start, Affix::LEN - 1) => Self::Prefix(Expected::whole(start)),
            (false, true) if is_seen(start, Affix::LEN) => Self::Prefix(Expected::prefix(start)),
            (true, false) if is_seen(end, Affix::LEN) => Self::Suffix(Expected::suffix(end)),
            _ => Self::Shape(Shape::new(lower_case)),
        }
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
        fn long_texts_too(
            before in "[a*]?",
            literal in "[aA@`]{0,20}",
            behind in "[a*]?",
            change in prop::option::of(0usize..20),
        ) {
            let mut text = literal.clone().into_bytes();
            if let Some(byte) = change.and_then(|at| text.get_mut(at)) {
                *byte ^= 0x20;
            }
            let text = String::from_utf8(text).unwrap();
            let pattern = std::format!("{before}{literal}{behind}");
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
