//! Holes: where a body holds values of which other spans have other ones.

use std::{borrow::Cow, ops::Range};

use opentelemetry::Value;
use xray_wire::encode::Body;

use super::http::is_ip_address;
use crate::redact;

/// Where the value of one attribute stands, and what another value has to be to stand there in the same way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hole {
    /// The index of the attribute.
    pub(super) index: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    rule: Rule,
    /// Of text.
    max_bytes: usize,
}

/// Which values are written as they are and change nothing else in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A text that is not empty.
    Text,
    /// The path at the end of a URL, without parameters.
    Path,
    /// A URL without secrets.
    Url,
    /// An IP address.
    Address,
    /// An integer.
    Integer,
    /// A number of bytes.
    Size,
    /// A status that is no failure.
    Status,
}

impl Hole {
    /// Whether a value can stand here.
    #[inline]
    pub(super) fn takes(&self, value: &Value) -> bool {
        match (self.rule, value) {
            (Rule::Integer, Value::I64(_)) => true,
            (Rule::Size, Value::I64(number)) => *number >= 0,
            (Rule::Status, Value::I64(number)) => (100..400).contains(number),
            (rule, Value::String(text)) => {
                let text = text.as_str();
                !text.is_empty() && text.len() <= self.max_bytes && rule.takes_text(text)
            }
            _ => false,
        }
    }

    /// Writes a value that it takes, and the quote behind a text.
    #[inline]
    pub(super) fn write(&self, value: &Value, body: &mut Body<'_>) {
        match value {
            Value::String(text) => body.rest_of_text(text.as_str()),
            Value::I64(number) => body.integer(*number),
            _ => {}
        }
    }
}

impl Rule {
    #[inline]
    fn takes_text(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Path => text.starts_with('/') && matches!(redact::target(text), Cow::Borrowed(_)),
            Self::Url => matches!(redact::url(text), Cow::Borrowed(kept) if kept.len() == text.len()),
            Self::Address => is_ip_address(text),
            Self::Integer | Self::Size | Self::Status => false,
        }
    }
}

/// The holes of the bodies of a batch, those of each body in their order.
#[derive(Debug, Default)]
pub(super) struct Holes {
    list: Vec<Hole>,
    /// Whether those of the body that is being written are wanted.
    pub(super) are_noted: bool,
}

impl Holes {
    /// Notes where an attribute, given by its index and its value, was just written, unless it was not, or in another way. The place of a text begins
    /// behind its first quote and ends behind the last.
    #[inline]
    pub(super) fn note(
        &mut self,
        attribute: Option<(usize, &Value)>,
        rule: Rule,
        max_bytes: usize,
        Range { start, end }: Range<usize>,
    ) {
        let Some((index, value)) = attribute.filter(|_| self.are_noted && start < end) else { return };
        let hole = Hole { index, start, end, rule, max_bytes };
        if hole.takes(value) {
            self.list.push(hole);
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    #[inline]
    pub(super) fn range(&self, range: Range<usize>) -> &[Hole] {
        self.list.get(range).unwrap_or_default()
    }

    /// Forgets all but the first ones.
    #[inline]
    pub(super) fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }
}
