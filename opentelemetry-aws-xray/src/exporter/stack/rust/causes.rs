//! The chain of causes in an error report.

use std::borrow::Cow;

use super::{
    super::{
        Sink,
        text::{Lines, leading_number, unindented},
    },
    Heading, indented,
    place::uncoloured,
};

/// The messages of a report, outermost first: `0: message` and so on, or a single one without a number. A message that
/// goes on in further lines is indented as its beginning.
pub(super) struct Chain<'t> {
    text: &'t str,
    /// How many of them tell the error itself.
    own: usize,
}

impl<'t> Chain<'t> {
    /// What stands below `Caused by:`.
    pub(super) fn of_causes(text: &'t str) -> Self {
        Self { text, own: 0 }
    }

    /// The list with which `color-eyre` begins; the error itself is number 0. Symbols without places look the same,
    /// so it has to be told by what comes behind the next empty line.
    pub(super) fn without_heading(lines: &mut Lines<'t>) -> Option<Self> {
        let mut ahead = lines.clone();
        ahead.next();
        // In the usual case a glance tells a backtrace.
        if is_place(ahead.rest()) || Lines::of(indented(&mut ahead)).any(is_place) {
            return None;
        }
        let next = ahead.clone().find(|line| !line.is_empty())?;
        if Heading::of(next).is_none() && !next.starts_with("Backtrace omitted") {
            return None;
        }
        let text = lines.rest().get(..lines.rest().len() - ahead.rest().len())?;
        *lines = ahead;
        Some(Self { text, own: 1 })
    }

    pub(super) fn tell(&self, sink: &mut impl Sink<'t>) {
        let mut tell = |n: usize, message| {
            if n >= self.own {
                sink.caused_by(Cow::default(), message);
            }
        };
        let mut lines = Lines::of(self.text);
        let Some(first) = lines.next() else { return };
        let numbered = numbered(first, 0);
        let mut column = first.len() - numbered.unwrap_or(first.trim_start()).len();
        let mut message = uncoloured(numbered.unwrap_or(first.trim_start()));
        let mut n = 0;
        for line in lines {
            if let Some(next) = numbered.and_then(|_| self::numbered(line, n + 1)) {
                tell(n, std::mem::replace(&mut message, uncoloured(next)));
                column = line.len() - next.len();
                n += 1;
            } else {
                let text = message.to_mut();
                text.push('\n');
                text.push_str(&uncoloured(without_indentation(line, column)));
            }
        }
        tell(n, message);
    }
}

/// The message in `n: message`.
fn numbered(line: &str, n: usize) -> Option<&str> {
    let (number, behind) = leading_number(line.trim_start())?;
    behind.strip_prefix(": ").filter(|_| usize::try_from(number) == Ok(n))
}

/// The line without as many spaces as its message has in front; fewer if it has fewer.
fn without_indentation(line: &str, column: usize) -> &str {
    let spaces = line.bytes().take(column).take_while(|byte| *byte == b' ').count();
    line.get(spaces..).unwrap_or_default()
}

fn is_place(line: &str) -> bool {
    unindented(line).starts_with("at ")
}
