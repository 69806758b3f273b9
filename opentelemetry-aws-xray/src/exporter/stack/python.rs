//! Python tracebacks, whose outermost exception and innermost frame are last.
//!
//! ```text
//! Traceback (most recent call last):
//!   File "/srv/shop.py", line 3, in reserve
//!     return {}["tea"]
//!            ~~^^^^^^^
//! KeyError: 'tea'
//!
//! The above exception was the direct cause of the following exception:
//!
//! Traceback (most recent call last):
//!   File "/srv/shop.py", line 8, in place
//!     raise ValueError("no tea") from e
//! ValueError: no tea
//! ```

use std::borrow::Cow;

use xray_wire::segment::Frame;

use super::{
    Sink,
    text::{frame, kind_and_message, leading_number},
};

/// What stands between an exception and the one that came of it.
const SEPARATORS: [&str; 2] = [
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
];

const TRACEBACK: &str = "Traceback (most recent call last):";

/// Reads from the bottom, so that everything is met in X-Ray's order.
pub(super) fn parse<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    // Where the message of a cause ends that has not been told yet: it begins below the nearest frame above.
    let mut untold = None;
    let mut above = text;
    while let Some((rest, line, below)) = last_line(above) {
        let separator = SEPARATORS.contains(&line);
        let frame = stack_frame(line);
        if (separator || frame.is_some())
            && let Some(end) = untold.take()
        {
            tell(text.get(below..end), sink);
        }
        if separator {
            untold = Some(rest.len());
        }
        if let Some(frame) = frame {
            sink.frame(frame);
        }
        above = rest;
    }
    // A cause that was never raised has no frames: its message is at the top.
    if let Some(end) = untold {
        tell(text.get(..end), sink);
    }
}

/// What stands above the last line, that line, and where the text below it begins.
fn last_line(text: &str) -> Option<(&str, &str, usize)> {
    if text.is_empty() {
        return None;
    }
    let (above, line) = match text.strip_suffix('\n').unwrap_or(text).rsplit_once('\n') {
        // Keeps the line feed, so that an empty line is a line.
        Some((above, _)) => text.split_at_checked(above.len() + 1)?,
        None => ("", text),
    };
    Some((above, line.trim_end_matches(['\r', '\n']), text.len()))
}

/// Tells of the exception in what stands between its last frame and a separator. Source lines and carets are
/// indented; the line of its type is not.
fn tell<'t>(between: Option<&'t str>, sink: &mut impl Sink<'t>) {
    let mut rest = between.unwrap_or_default();
    loop {
        let line = rest.split('\n').next().unwrap_or_default();
        let skipped = line.trim().is_empty() || line.starts_with([' ', '\t']) || line.trim_end() == TRACEBACK;
        match rest.split_once('\n') {
            Some((_, below)) if skipped => rest = below,
            None if skipped => return sink.caused_by(Cow::default(), Cow::default()),
            _ => break,
        }
    }
    let (kind, message) = kind_and_message(rest.trim_end_matches(['\r', '\n']));
    sink.caused_by(Cow::Borrowed(kind), Cow::Borrowed(message));
}

/// `File "path", line N, in function`. A syntax error has no function.
fn stack_frame(line: &str) -> Option<Frame<'_>> {
    let (path, place) = line.strip_prefix("  File \"")?.rsplit_once("\", line ")?;
    let (line, function) = leading_number(place)?;
    Some(frame(function.strip_prefix(", in ").unwrap_or_default(), path, Some(line)))
}
