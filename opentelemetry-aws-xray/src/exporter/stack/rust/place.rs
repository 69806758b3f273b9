//! Where something is in the source code: of a frame, an error report, or a panic.

use std::borrow::Cow;

use xray_wire::segment::Frame;

use super::{
    super::text::{Lines, path_and_line, unindented},
    symbol::map,
};

/// The place of the frame whose symbol was read last, if it is told: `at path:line:column`. The fields of a span
/// may stand in between.
#[inline]
pub(super) fn below_symbol<'t>(lines: &mut Lines<'t>) -> Option<(Cow<'t, str>, u32)> {
    let mut ahead = Lines::of(unindented(lines.rest()));
    if ahead.rest().starts_with("with ") {
        ahead.next();
        ahead = Lines::of(unindented(ahead.rest()));
        *lines = ahead.clone();
    }
    if !ahead.rest().starts_with("at ") {
        return None;
    }
    let place = ahead.next()?.strip_prefix("at ")?;
    *lines = ahead;
    split(place)
}

/// The place in an error report, in the line of the heading or in the next one.
pub(super) fn below_heading<'t>(place: &'t str, lines: &mut Lines<'t>) -> Option<Frame<'t>> {
    let place = if place.trim().is_empty() { lines.next()? } else { place };
    Some(frame(split(place.trim())?))
}

/// `thread 'main' (1) panicked at src/main.rs:2:5:`, or before Rust 1.73 `… panicked at 'no tea', src/main.rs:2:5`.
pub(super) fn of_panic(line: &str) -> Option<Frame<'_>> {
    let (thread, place) = line.split_once("panicked at ")?;
    if !thread.is_empty() && !thread.starts_with("thread '") {
        return None;
    }
    let place = if place.starts_with('\'') { place.rsplit_once("', ")?.1 } else { place };
    Some(frame(split(place.strip_suffix(':').unwrap_or(place))?))
}

fn frame<'t>((path, line): (Cow<'t, str>, u32)) -> Frame<'t> {
    Frame { path: Some(path), line: Some(line), label: None }
}

/// `path:line` or `path:line:column`, in colour or not.
#[inline]
fn split(place: &str) -> Option<(Cow<'_, str>, u32)> {
    if let Some((path, line)) = path_and_line(place) {
        return Some((Cow::Borrowed(path), line));
    }
    let place = uncoloured(place);
    let (_, line) = path_and_line(&place)?;
    Some((map(place, |place| path_and_line(place).map_or(place, |(path, _)| path)), line))
}

/// Without the escape sequences that colour a text on a terminal: `ESC [ parameters letter`.
pub(super) fn uncoloured(text: &str) -> Cow<'_, str> {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default();
    if first.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let is_final = |c: char| ('@'..='~').contains(&c);
    let rest = parts.map(|part| part.split_once(is_final).map_or("", |(_, plain)| plain));
    Cow::Owned(std::iter::once(first).chain(rest).collect())
}
