//! Where in a document we are: `subsegments[2].http.response.status`.

use alloc::{borrow::ToOwned, string::String};
use core::fmt::Write as _;

/// A dotted path that grows and shrinks with the walk.
#[derive(Debug, Default)]
pub(crate) struct Path {
    text: String,
}

/// What a path goes back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(usize);

impl Path {
    /// Characters of a key that are shown: keys may be user data, and hostile.
    const MAX_KEY_CHARS: usize = 64;

    /// Bytes of a path that are shown, so that thousands of odd fields deep inside take no memory to speak of.
    const MAX_BYTES: usize = 256;

    /// Goes to a member.
    pub(crate) fn enter_key(&mut self, key: &str) -> Mark {
        let mark = Mark(self.text.len());
        if !self.text.is_empty() {
            self.text.push('.');
        }
        self.text.extend(key.chars().take(Self::MAX_KEY_CHARS).flat_map(char::escape_debug));
        if key.chars().nth(Self::MAX_KEY_CHARS).is_some() {
            self.text.push('…');
        }
        mark
    }

    /// Goes to an element.
    pub(crate) fn enter_index(&mut self, index: usize) -> Mark {
        let mark = Mark(self.text.len());
        // Writing to a string cannot fail.
        let _ = write!(self.text, "[{index}]");
        mark
    }

    /// Goes back to where `enter_…` was called.
    pub(crate) fn leave(&mut self, mark: Mark) {
        self.text.truncate(mark.0);
    }

    /// The path as text; of a very long one the end.
    pub(crate) fn field(&self) -> String {
        let Some(mut start) = self.text.len().checked_sub(Self::MAX_BYTES).filter(|start| *start > 0) else {
            return self.text.clone();
        };
        while !self.text.is_char_boundary(start) {
            start += 1;
        }
        "…".to_owned() + &self.text[start..]
    }
}
