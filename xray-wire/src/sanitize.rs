//! Making text fit what X-Ray accepts: never refusing it, never splitting a character.

use alloc::{borrow::Cow, string::String};

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::limits::{MAX_ANNOTATION_KEY_CHARS, MAX_NAME_CHARS};

/// The name of a segment whose own name has nothing that X-Ray accepts.
pub const FALLBACK_NAME: &str = "span";

/// The first `max_chars` characters of `text`, which is all of it if it is no longer.
///
/// ```
/// use xray_wire::sanitize::truncate;
///
/// assert_eq!(truncate("größer", 4), "größ");
/// ```
#[must_use]
#[inline]
pub fn truncate(text: &str, max_chars: usize) -> &str {
    // A character has at least one byte, so short text needs no counting.
    if text.len() <= max_chars {
        return text;
    }
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// A segment's name: letters and numbers of any script, whitespace and `_ . : / % & # = + \ - @` stay, a tab or line break
/// becomes a space, all else goes; trimmed, and cut to [`MAX_NAME_CHARS`] characters. If nothing is left, it
/// is [`FALLBACK_NAME`].
///
/// X-Ray answers `InvalidName` to any other name and throws the document away (developer guide, "Segment
/// documents").
///
/// ```
/// use xray_wire::sanitize::name;
///
/// assert_eq!(name("GET /orders/{id}"), "GET /orders/id");
/// assert_eq!(name("¡¿?!"), "span");
/// ```
#[must_use]
pub fn name(text: &str) -> Cow<'_, str> {
    if is_plain_name(text) {
        return Cow::Borrowed(text);
    }
    let trimmed = truncate(text.trim(), MAX_NAME_CHARS);
    if !trimmed.is_empty() && trimmed.bytes().all(|byte| NAME_BYTES[usize::from(byte)]) {
        // A cut may leave white space at the end.
        return Cow::Borrowed(trimmed.trim_end());
    }
    let mut kept = String::with_capacity(trimmed.len());
    let allowed =
        text.chars().filter_map(|c| if c.is_whitespace() { Some(' ') } else { is_name_char(c).then_some(c) });
    kept.extend(allowed.skip_while(|c| *c == ' ').take(MAX_NAME_CHARS));
    kept.truncate(kept.trim_end().len());
    if kept.is_empty() { Cow::Borrowed(FALLBACK_NAME) } else { Cow::Owned(kept) }
}

/// Whether nothing has to be done to a name, as with nearly all.
fn is_plain_name(text: &str) -> bool {
    let has_room = matches!(text.len(), 1..=MAX_NAME_CHARS);
    // Without an early end, which would cost more than it saves.
    has_room
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && text.bytes().fold(true, |all, byte| all & NAME_BYTES[usize::from(byte)])
}

/// Whether X-Ray accepts the character in a name.
///
/// ```
/// use xray_wire::sanitize::is_name_char;
///
/// assert!(is_name_char('ß') && is_name_char('/') && !is_name_char('{'));
/// ```
#[must_use]
pub fn is_name_char(c: char) -> bool {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => NAME_BYTES[usize::from(byte)],
        _ => is_letter_or_number(c) || c.is_whitespace(),
    }
}

/// `\p{L}` or `\p{N}`. `char::is_alphanumeric` is more: to it, vowel signs and circled letters are alphabetic as well.
fn is_letter_or_number(c: char) -> bool {
    matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// The ASCII characters that a name may hold and that need no replacement.
static NAME_BYTES: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        allowed[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b' ' | b'_' | b'.' | b':' | b'/' | b'%' | b'&' | b'#' | b'=' | b'+' | b'\\' | b'-' | b'@'
            );
        byte += 1;
    }
    allowed
};

/// An annotation's key: every character outside `A-Z a-z 0-9 . _` becomes `_`, and it is cut to
/// [`MAX_ANNOTATION_KEY_CHARS`]. Different keys may become the same one.
///
/// ```
/// use xray_wire::sanitize::annotation_key;
///
/// assert_eq!(annotation_key("order.id"), "order.id");
/// assert_eq!(annotation_key("order-größe"), "order_gr__e");
/// ```
#[must_use]
pub fn annotation_key(key: &str) -> Cow<'_, str> {
    let cut = truncate(key, MAX_ANNOTATION_KEY_CHARS);
    // Without an early end: nearly all keys stay as they are.
    if cut.bytes().fold(true, |all, byte| all & KEY_BYTES[usize::from(byte)]) {
        return Cow::Borrowed(cut);
    }
    Cow::Owned(cut.chars().map(|c| if is_key_char(c) { c } else { '_' }).collect())
}

const fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.' || c == '_'
}

/// The bytes of the characters that a key may hold.
static KEY_BYTES: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        allowed[byte as usize] = is_key_char(byte as char);
        byte += 1;
    }
    allowed
};

#[cfg(test)]
mod tests {
    use std::string::String;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        for (text, expected) in [
            ("checkout", "checkout"),
            ("GET /users/{id}", "GET /users/id"),
            ("SELECT * FROM t", "SELECT  FROM t"),
            ("load<T>", "loadT"),
            ("orders (prod)", "orders prod"),
            ("  padded\t", "padded"),
            ("a\tb\nc", "a b c"),
            ("{ x }", "x"),
            ("Übergröße 東京 ٣ Ⅷ ½", "Übergröße 東京 ٣ Ⅷ ½"),
            // Marks are no letters: Thai and Hindi vowel signs, an accent of its own. Nor is a circled letter.
            ("ร้านค้าที่ดี", "รานคาทด"),
            ("हिन्दी", "हनद"),
            ("cafe\u{301} Ⓐ\u{345}", "cafe"),
            (r"a\b@c%d&e#f=g+h-i_j.k:l/m", r"a\b@c%d&e#f=g+h-i_j.k:l/m"),
            ("{}", FALLBACK_NAME),
            ("   ", FALLBACK_NAME),
            ("", FALLBACK_NAME),
        ] {
            assert_eq!(name(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_names_are_cut_by_characters() {
        for (unit, bytes) in [("a", 200), ("é", 400), ("東", 600)] {
            let cut = name(&unit.repeat(300)).into_owned();
            assert_eq!((cut.chars().count(), cut.len()), (MAX_NAME_CHARS, bytes), "{unit}");
        }
    }

    #[test]
    fn annotation_keys() {
        for (key, expected) in
            [("order.id", "order.id"), ("a_b", "a_b"), ("x-y z", "x_y_z"), ("größe", "gr__e"), ("", "")]
        {
            assert_eq!(annotation_key(key), expected, "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_valid_and_stays_as_it_is(text: String) {
            let once = name(&text).into_owned();
            prop_assert!(!once.is_empty() && once.chars().count() <= MAX_NAME_CHARS);
            prop_assert!(once.chars().all(is_name_char), "{:?}", once);
            prop_assert_eq!(once.trim(), &once);
            prop_assert_eq!(name(&once), once.as_str());
        }

        #[test]
        fn truncating_keeps_a_prefix(text: String, max in 0usize..40) {
            let cut = truncate(&text, max);
            prop_assert!(text.starts_with(cut));
            prop_assert_eq!(cut.chars().count(), text.chars().count().min(max));
        }
    }
}
