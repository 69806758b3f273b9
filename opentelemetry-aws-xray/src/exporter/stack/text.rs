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
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (before, digits) = text.split_at_checked(text.len() - digits)?;
    let (before, number) = (before.strip_suffix(':')?, number(digits)?);
    if before.is_empty() { None } else { Some((before, number)) }
}

/// The number at the beginning, and what stands behind it.
#[inline]
pub(super) fn leading_number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, behind) = text.split_at_checked(digits)?;
    Some((number(digits)?, behind))
}

/// A decimal number, at most [`MAX_NUMBER`].
#[inline]
pub(super) fn number(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.bytes().fold(0_u64, |number, digit| {
        // Stays far from overflowing, however many digits there are.
        number.min(u64::from(MAX_NUMBER)) * 10 + u64::from(digit - b'0')
    });
    Some(u32::try_from(number).map_or(MAX_NUMBER, |number| number.min(MAX_NUMBER)))
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
