//! What the parsers share: lines, locations, and the head of an exception.

use std::borrow::Cow;

use xray_wire::segment::Frame;

use super::scan::{leading_spaces, line_length};

/// The lines of a text, of which the next can be looked at before it is read to its end.
#[derive(Clone)]
pub(super) struct Lines<'t> {
    rest: &'t str,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// All that was not read yet; the next line is at its beginning.
    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    /// Passes over so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Passes over empty lines.
    pub(super) fn skip_empty(&mut self) {
        self.rest = self.rest.trim_start_matches(['\r', '\n']);
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = &'t str;

    #[inline]
    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_at_checked(line_length(self.rest.as_bytes()))?;
        self.rest = rest.strip_prefix('\n').unwrap_or_default();
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

/// Splits `path:line` or `path:line:column`; the path may hold colons of its own.
#[inline]
pub(super) fn path_and_line(text: &str) -> Option<(&str, u32)> {
    let (before, last) = split_number(text)?;
    Some(split_number(before).unwrap_or((before, last)))
}

/// `text:number`.
#[inline]
fn split_number(text: &str) -> Option<(&str, u32)> {
    let bytes = text.as_bytes();
    let (mut number, mut place) = (0u32, 1u32);
    let mut start = bytes.len();
    while let Some(digit) = start.checked_sub(1).and_then(|at| digit(bytes[at])) {
        if bytes.len() - start == FEW_DIGITS {
            return split_long_number(text);
        }
        (number, place) = (number + digit * place, place * 10);
        start -= 1;
    }
    match bytes.get(..start) {
        Some([_, .., b':']) if place > 1 => Some((text.get(..start - 1)?, number)),
        _ => None,
    }
}

#[cold]
fn split_long_number(text: &str) -> Option<(&str, u32)> {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = text.as_bytes().get(before.len()..)?;
    Some((before.strip_suffix(':').filter(|text| !text.is_empty())?, value_of_many(digits)))
}

/// The number at the beginning, and what stands behind it.
#[inline]
pub(super) fn leading_number(text: &str) -> Option<(u32, &str)> {
    let mut number = 0;
    let mut end = 0;
    while let Some(digit) = text.as_bytes().get(end).copied().and_then(digit) {
        if end == FEW_DIGITS {
            return leading_long_number(text);
        }
        (number, end) = (number * 10 + digit, end + 1);
    }
    if end == 0 { None } else { Some((number, text.get(end..)?)) }
}

#[cold]
fn leading_long_number(text: &str) -> Option<(u32, &str)> {
    let behind = text.trim_start_matches(|c: char| c.is_ascii_digit());
    Some((value_of_many(text.as_bytes().get(..text.len() - behind.len())?), behind))
}

#[inline]
fn digit(byte: u8) -> Option<u32> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(digit.into())
}

/// So many can't overflow.
const FEW_DIGITS: usize = 9;

/// A decimal number, at most [`MAX_NUMBER`].
#[inline]
pub(super) fn number(digits: &str) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value(digits.as_bytes()))
}

/// The value of digits, at most [`MAX_NUMBER`].
#[inline]
fn value(digits: &[u8]) -> u32 {
    if digits.len() > FEW_DIGITS {
        return value_of_many(digits);
    }
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit & 0xf))
}

#[cold]
fn value_of_many(digits: &[u8]) -> u32 {
    let number = digits.iter().fold(0, |number: u64, digit| {
        // Stays far from overflowing, however many digits there are.
        number.min(u64::from(MAX_NUMBER)) * 10 + u64::from(digit & 0xf)
    });
    u32::try_from(number).map_or(MAX_NUMBER, |number| number.min(MAX_NUMBER))
}

/// The largest line number: X-Ray's SDKs hold it as a signed number of 32 bits. A larger one is foreign rubbish, for
/// which a document is not put at risk.
const MAX_NUMBER: u32 = i32::MAX as u32;

/// Without the spaces at the beginning.
#[inline]
pub(super) fn unindented(text: &str) -> &str {
    text.get(leading_spaces(text.as_bytes())..).unwrap_or_default()
}

/// Splits `type: message` at the first colon. Without one all of it is the type.
pub(super) fn kind_and_message(head: &str) -> (&str, &str) {
    let (kind, message) = head.split_once(':').unwrap_or((head, ""));
    (kind.trim(), message.strip_prefix(' ').unwrap_or(message))
}

/// A frame that borrows all it has. What is empty is left out.
#[inline]
pub(super) fn frame<'t>(label: &'t str, path: &'t str, line: Option<u32>) -> Frame<'t> {
    Frame { path: present(path), line, label: present(label) }
}

#[inline]
fn present(text: &str) -> Option<Cow<'_, str>> {
    if text.is_empty() { None } else { Some(Cow::Borrowed(text)) }
}
