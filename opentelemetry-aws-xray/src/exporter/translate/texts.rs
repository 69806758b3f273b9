//! Text in the making: strings that are used again, and the count of what was cut.

use std::borrow::Cow;

use xray_wire::sanitize::truncate;

/// Strings to fill, taken back when the document is encoded, and how much text was cut since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    spare: Vec<String>,
    cuts: u64,
}

impl Texts {
    /// An empty string, with room if one was taken back before.
    pub(crate) fn spare(&mut self) -> String {
        self.spare.pop().unwrap_or_default()
    }

    /// Takes a string back.
    pub(crate) fn take_back(&mut self, text: Cow<'_, str>) {
        /// More than a document needs at once would only lie around.
        const MOST: usize = 4;
        if let Cow::Owned(mut text) = text
            && self.spare.len() < MOST
        {
            text.clear();
            self.spare.push(text);
        }
    }

    /// The text, cut to so many characters, and whether that is all of it. A cut is counted.
    #[inline]
    pub(crate) fn cut<'a>(&mut self, text: Cow<'a, str>, max_chars: usize) -> (Cow<'a, str>, bool) {
        let kept = truncate(&text, max_chars).len();
        if kept == text.len() { (text, true) } else { (self.cut_at(text, kept), false) }
    }

    #[cold]
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
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts
    }

    /// How much was cut since the last call.
    pub(crate) fn take_cuts(&mut self) -> u64 {
        std::mem::take(&mut self.cuts)
    }
}
