//! The numbered list of a backtrace or span trace.
//!
//! ```text
//!    0: shop::place                           4:     0x559fddb3ff8c - shop::place::hcb59c402a7839f9a
//!              at ./src/main.rs:12:24                                at /srv/shop/src/main.rs:12:24
//!       shop::inlined_into_it
//!              at ./src/main.rs:7:1
//! ```

use xray_wire::segment::Frame;

use super::{super::Sink, super::text::Lines, place, symbol, usual};

/// What a list is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Traced {
    Calls,
    /// `tracing` spans, with their fields.
    Spans,
}

/// Reads frames up to the first line that is neither numbered nor indented, and returns whether there were any.
///
/// Lines in between may show source code, name fields or tell of hidden frames: they are passed over.
pub(super) fn parse<'t>(lines: &mut Lines<'t>, traced: Traced, sink: &mut impl Sink<'t>) -> bool {
    let mut found = false;
    let mut column = None;
    loop {
        if traced == Traced::Calls
            && let Some(last) = usual::parse(lines, sink)
        {
            column = Some(last);
            found = true;
        }
        let mut ahead = lines.clone();
        let Some(line) = ahead.next() else { return found };
        let numbered = symbol::numbered(line);
        if numbered.is_none() && !line.starts_with(' ') {
            return found;
        }
        *lines = ahead;
        let Some(symbol) = numbered.or_else(|| symbol::inlined(line, column?)) else { continue };
        column = Some(symbol.column);
        let label = symbol.label(traced);
        let place = place::below_symbol(lines);
        let (path, line) = place.map_or((None, None), |(path, line)| (Some(path), Some(line)));
        sink.frame(Frame { path, line, label: Some(label) });
        found = true;
    }
}
