//! Patterns in general: literals, and parts between stars.

use alloc::boxed::Box;

use super::{fold::equals_lower_case, part::Part};

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Shape {
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

impl Shape {
    #[inline(never)]
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let (text, expected) = match self {
            Self::Exact(whole) => ((text.len() == whole.len()).then_some(text), whole),
            Self::Prefix(start) => (text.get(..start.len()), start),
            Self::Suffix(end) => (text.len().checked_sub(end.len()).and_then(|start| text.get(start..)), end),
            Self::Whole(part) => return part.at_start(text) == Some(text.len()),
            Self::Open { first, inner, last } => return open(first, inner, last, text),
        };
        text.is_some_and(|text| equals_lower_case(text, expected))
    }

    /// Of a pattern in lower case.
    pub(super) fn new(lower_case: &str) -> Self {
        let Some((first, rest)) = lower_case.split_once('*') else {
            let whole = Part::new(lower_case);
            return whole.as_plain().map_or(Self::Whole(whole), Self::Exact);
        };
        let (inner, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let inner: Box<[Part]> = inner.split('*').filter(|part| !part.is_empty()).map(Part::new).collect();
        let (first, last) = (Part::new(first), Part::new(last));
        if inner.is_empty() {
            match (first.as_plain(), last.as_plain()) {
                (Some(start), _) if last.is_empty() => return Self::Prefix(start),
                (_, Some(end)) if first.is_empty() => return Self::Suffix(end),
                _ => {}
            }
        }
        Self::Open { first, inner, last }
    }
}

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
