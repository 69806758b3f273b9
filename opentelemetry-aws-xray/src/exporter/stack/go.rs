//! Go stack traces: pairs of a call and its place.
//!
//! ```text
//! goroutine 1 [running]:
//! main.(*Shelf).Pick(0x0, {0x4a2b1c, 0x3})
//! <tab>/srv/shop/shelf.go:12 +0x1d
//! created by main.main in goroutine 1
//! <tab>/srv/shop/main.go:5 +0x85
//! ```

use super::{
    Sink,
    text::{Lines, frame, path_and_line},
};

/// Reads the first goroutine, below what a panic says of itself: the frames of others belong to no exception. Without
/// such a heading, as `pkg/errors` prints it, all of the text is read.
pub(super) fn parse<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    let mut lines = Lines::of(text);
    if !lines.any(|line| line.starts_with(GOROUTINE)) {
        lines = Lines::of(text);
    }
    while let Some(call) = lines.next() {
        if call.starts_with(GOROUTINE) {
            return;
        }
        // Java's form, in which X-Ray's own frames come back, has a tab as well.
        let place_follows = lines.rest().starts_with('\t') && !lines.rest().starts_with("\tat ");
        if call.is_empty() || call.starts_with('\t') || !place_follows {
            continue;
        }
        // A place that can't be read leaves its call without one.
        let place = lines.next().unwrap_or_default().trim();
        let place = place.rsplit_once(" +0x").map_or(place, |(place, _)| place);
        let (path, line) = path_and_line(place).map_or(("", None), |(path, line)| (path, Some(line)));
        sink.frame(frame(call, path, line));
    }
}

const GOROUTINE: &str = "goroutine ";
