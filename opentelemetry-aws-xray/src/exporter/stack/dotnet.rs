//! .NET stack traces, in which the innermost exception's frames are first.
//!
//! ```text
//! System.InvalidOperationException: checkout failed
//!  ---> System.Exception: no tea
//!    at Shop.Shelf.Pick(String item) in /src/Shelf.cs:line 12
//!    --- End of inner exception stack trace ---
//!    at Shop.Program.Main(String[] args) in C:\src\Program.cs:line 5
//! ```

use std::borrow::Cow;

use xray_wire::segment::Frame;

use super::{
    Sink,
    text::{Lines, frame, kind_and_message, leading_number},
};

const CAUSED_BY: &str = " ---> ";
const END_OF_CAUSE: &str = "--- End of inner exception stack trace ---";

pub(super) fn parse<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    let heads = heads(text);
    // A message may hold the arrow, and an aggregate has several causes: without one stack for each, all the
    // frames stay with the exception that was recorded.
    if heads.matches(CAUSED_BY).count() != text.matches(END_OF_CAUSE).count() {
        return stack(text, sink);
    }
    let mut causes = heads.split(CAUSED_BY);
    // The exception that the event describes.
    causes.next();
    for (n, block) in text.rsplit(END_OF_CAUSE).enumerate() {
        if n > 0
            && let Some(head) = causes.next()
        {
            let (kind, message) = kind_and_message(head.trim());
            sink.caused_by(Cow::Borrowed(kind), Cow::Borrowed(message));
        }
        stack(block, sink);
    }
}

/// What stands above the first frame: the types and messages, outermost first.
fn heads(text: &str) -> &str {
    let mut lines = Lines::of(text);
    loop {
        let end = text.len() - lines.rest().len();
        if lines.next().is_none_or(|line| stack_frame(line).is_some() || line.contains(END_OF_CAUSE)) {
            return text.get(..end).unwrap_or(text);
        }
    }
}

fn stack<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    Lines::of(text).filter_map(stack_frame).for_each(|frame| sink.frame(frame));
}

/// `at method(arguments) in path:line N`, or without a place. Paths may hold ` in `; what ends the method is its `)`.
/// A tab in front is Java's form, in which X-Ray's own frames come back.
fn stack_frame(line: &str) -> Option<Frame<'_>> {
    let call = line.trim_matches([' ', '\r']).strip_prefix("at ")?;
    let Some(method) = call.find(") in ").map(|paren| paren + 1) else {
        return Some(frame(call.get(..=call.rfind(')')?)?, "", None));
    };
    let (label, place) = (call.get(..method)?, call.get(method + " in ".len()..)?);
    let (path, line) = place.rsplit_once(":line").unwrap_or((place, ""));
    Some(frame(label, path, leading_number(line.trim_start()).map(|(line, _)| line)))
}
