//! JavaScript stack traces: V8's (Node, Chrome, Edge), and those of Firefox and Safari.
//!
//! ```text
//! TypeError: no tea
//!     at Shelf.pick (file:///srv/shop.mjs:2:36)
//!     at async node:internal/process:3:60 {
//!   [cause]: RangeError: empty
//!       at Array.map (<anonymous>)
//! }
//! ```

use std::borrow::Cow;

use xray_wire::segment::Frame;

use super::{
    Sink,
    text::{Lines, frame, kind_and_message, path_and_line},
};

pub(super) fn parse<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    for (n, line) in Lines::of(text).enumerate() {
        // The first line is the message, whatever it looks like.
        let call =
            line.strip_prefix("    ").filter(|_| n > 0).and_then(|line| line.trim().strip_prefix("at "));
        if let Some(call) = call {
            sink.frame(v8_frame(call));
        } else if let Some(head) = line.trim_start().strip_prefix("[cause]: ") {
            let (kind, message) = kind_and_message(head);
            sink.caused_by(Cow::Borrowed(kind), Cow::Borrowed(message));
        } else if let Some(frame) = gecko_frame(line) {
            sink.frame(frame);
        }
    }
}

/// `label (path:line:column)` or `path:line:column`. Node prints ` {` behind it where properties follow.
fn v8_frame(call: &str) -> Frame<'_> {
    let call = call.strip_suffix(" {").unwrap_or(call);
    match call.strip_suffix(')').and_then(|call| call.split_once(" (")) {
        Some((label, place)) => located(label.trim(), place),
        None => located("", call.strip_prefix("async ").unwrap_or(call)),
    }
}

/// `label@url:line:column`. The first line is one of them already: these have no message.
fn gecko_frame(line: &str) -> Option<Frame<'_>> {
    let (label, place) = line.split_once('@')?;
    let (path, line) = path_and_line(place)?;
    path.contains("://").then(|| frame(label, path, Some(line)))
}

fn located<'t>(label: &'t str, place: &'t str) -> Frame<'t> {
    match path_and_line(place) {
        Some((path, line)) => frame(label, path, Some(line)),
        // The engine's own code: `native array.js`.
        None if place.contains("native") => frame(label, "native", None),
        None => frame(label, place, None),
    }
}
