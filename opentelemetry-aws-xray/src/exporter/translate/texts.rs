//! Text in the making: strings and lists that are used again, and the count of what was cut.

use std::borrow::Cow;

use xray_wire::{limits::MAX_TEXT_CHARS, sanitize::truncate, segment::Value};

use super::{
    super::attributes::{Attributes, Slot},
    scratch::recycle,
};

/// More strings or lists than a document needs at once would only lie around.
const MOST_SPARE: usize = 4;

/// Strings and lists to fill, taken back when the document is encoded, and how much text was cut since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    spare: Vec<String>,
    /// They are empty, so that nothing in them is static.
    spare_lists: Vec<Vec<Value<'static>>>,
    cuts: u64,
}

impl Texts {
    /// An empty string, with room if one was taken back before.
    #[inline]
    pub(crate) fn spare(&mut self) -> String {
        self.spare.pop().unwrap_or_default()
    }

    /// An empty list, with room if one was taken back before.
    pub(crate) fn spare_list<'a>(&mut self) -> Vec<Value<'a>> {
        self.spare_lists.pop().map(recycle).unwrap_or_default()
    }

    /// Takes a list back.
    pub(crate) fn take_list_back(&mut self, list: Vec<Value<'_>>) {
        if self.spare_lists.len() < MOST_SPARE {
            self.spare_lists.push(recycle(list));
        }
    }

    /// Takes a string back.
    pub(crate) fn take_back(&mut self, text: Cow<'_, str>) {
        if let Cow::Owned(mut text) = text
            && self.spare.len() < MOST_SPARE
        {
            text.clear();
            self.spare.push(text);
        }
    }

    /// The text, cut to so many characters, and whether that is all of it. A cut is counted.
    #[inline]
    pub(crate) fn cut<'a>(&mut self, text: Cow<'a, str>, max_chars: usize) -> (Cow<'a, str>, bool) {
        // A character has at least one byte, so short text needs no counting.
        if text.len() <= max_chars { (text, true) } else { self.cut_long(text, max_chars) }
    }

    /// The same of a text that is borrowed.
    #[inline]
    pub(crate) fn cut_borrowed<'a>(&mut self, text: &'a str, max_chars: usize) -> (&'a str, bool) {
        if text.len() <= max_chars { (text, true) } else { self.cut_long_borrowed(text, max_chars) }
    }

    #[cold]
    fn cut_long_borrowed<'a>(&mut self, text: &'a str, max_chars: usize) -> (&'a str, bool) {
        let kept = truncate(text, max_chars);
        self.cuts += u64::from(kept.len() < text.len());
        (kept, kept.len() == text.len())
    }

    #[cold]
    fn cut_long<'a>(&mut self, text: Cow<'a, str>, max_chars: usize) -> (Cow<'a, str>, bool) {
        let kept = truncate(&text, max_chars).len();
        if kept == text.len() { (text, true) } else { (self.cut_at(text, kept), false) }
    }

    /// The first of the slots that has text, as a field of documented length; consumed unless it had to be cut.
    #[inline]
    pub(crate) fn field<'a, const N: usize>(
        &mut self,
        slots: &[Slot; N],
        attributes: &mut Attributes<'a, '_>,
    ) -> Option<&'a str> {
        Some(self.claim(attributes.first_text(slots)?, attributes))
    }

    /// The same for the text of a slot.
    #[inline]
    pub(crate) fn claim<'a>(
        &mut self,
        (slot, text): (Slot, &'a str),
        attributes: &mut Attributes<'_, '_>,
    ) -> &'a str {
        let (text, whole) = self.cut_borrowed(text, MAX_TEXT_CHARS);
        if whole {
            attributes.consume(slot);
        }
        text
    }

    fn cut_at<'a>(&mut self, text: Cow<'a, str>, kept: usize) -> Cow<'a, str> {
        self.cuts += 1;
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..kept]),
            Cow::Owned(mut text) => {
                text.truncate(kept);
                Cow::Owned(text)
            }
        }
    }

    /// Counts something that was cut or left out elsewhere.
    pub(crate) fn count_cut(&mut self) {
        self.count_cuts(1);
    }

    /// Counts things that were cut or left out elsewhere.
    pub(crate) fn count_cuts(&mut self, cuts: usize) {
        self.cuts += cuts as u64;
    }

    /// How much was cut since it was last taken.
    #[inline]
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts
    }

    /// How much was cut since the last call.
    pub(crate) fn take_cuts(&mut self) -> u64 {
        std::mem::take(&mut self.cuts)
    }
}
