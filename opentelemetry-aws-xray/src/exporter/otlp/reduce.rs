//! How much of a span, scope or resource is told: everything, and less when that is too large.

use super::MAX_SPAN_BYTES;

/// Bounds on the parts that may be arbitrarily large.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Bytes of any one text or list.
    pub(super) value_bytes: usize,
    /// Bytes of a name or key.
    pub(super) name_bytes: usize,
    /// Attributes.
    pub(super) attributes: usize,
    /// Events, and links as well.
    pub(super) nested: usize,
    /// Attributes of each of those.
    pub(super) nested_attributes: usize,
}

impl Budget {
    /// What is too large is encoded again with the next one. The largest texts go first, since most spans that are too large
    /// are so for one of them. What the last one lets through takes less than [`SMALLEST_SPAN`].
    pub(super) const STEPS: [Self; 6] = [
        Self {
            // With a longer text a span is too large in any case.
            value_bytes: MAX_SPAN_BYTES,
            name_bytes: usize::MAX,
            attributes: usize::MAX,
            nested: usize::MAX,
            nested_attributes: usize::MAX,
        },
        Self {
            value_bytes: 16_384,
            name_bytes: 1_024,
            attributes: 1_024,
            nested: 1_024,
            nested_attributes: 128,
        },
        Self { value_bytes: 2_048, name_bytes: 256, attributes: 256, nested: 64, nested_attributes: 32 },
        Self { value_bytes: 512, name_bytes: 256, attributes: 128, nested: 16, nested_attributes: 16 },
        Self { value_bytes: 128, name_bytes: 128, attributes: 32, nested: 4, nested_attributes: 8 },
        Self { value_bytes: 64, name_bytes: 64, attributes: 4, nested: 1, nested_attributes: 2 },
    ];
}

/// Bytes that any span can be reduced to: half of what the smallest datagram holds, which macOS has.
#[cfg(test)]
pub(super) const SMALLEST_SPAN: usize = 3_072;

/// What was reduced on the way to a budget.
#[derive(Debug, Default)]
pub(super) struct Cuts(u64);

impl Cuts {
    /// How many texts and lists were cut, and entries left out.
    pub(super) fn count(&self) -> u64 {
        self.0
    }

    /// The beginning of a text that is no longer than so many bytes.
    pub(super) fn text<'t>(&mut self, text: &'t str, max_bytes: usize) -> &'t str {
        if text.len() <= max_bytes {
            return text;
        }
        self.0 += 1;
        let end = (0..=max_bytes).rev().find(|end| text.is_char_boundary(*end));
        &text[..end.unwrap_or(0)]
    }

    /// The whole text, or nothing: what can't be cut without changing what it says.
    pub(super) fn whole<'t>(&mut self, text: &'t str, max_bytes: usize) -> &'t str {
        if text.len() <= max_bytes {
            return text;
        }
        self.0 += 1;
        ""
    }

    /// So many entries were left out.
    pub(super) fn left_out(&mut self, entries: usize) {
        self.0 += entries as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_cut_between_characters_and_counted(text in ".{0,20}", max in 0_usize..40) {
            let mut cuts = Cuts::default();
            let cut = cuts.text(&text, max);
            prop_assert!(cut.len() <= max && text.starts_with(cut));
            prop_assert!(cut.len() + 3 >= max.min(text.len()));
            prop_assert_eq!(cuts.count(), u64::from(cut.len() < text.len()));
        }
    }
}
