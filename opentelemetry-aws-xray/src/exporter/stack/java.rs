//! Java stack traces, and what prints itself like them.
//!
//! ```text
//! java.lang.RuntimeException: checkout failed
//! <tab>at shop.Orders.place(Orders.java:5)
//! Caused by: java.lang.IllegalStateException: no tea
//! <tab>at java.base/java.lang.Class.forName0(Native Method)
//! <tab>... 6 more
//! <tab>Suppressed: java.io.IOException: close failed
//! <tab><tab>at shop.Shelf.close(Shelf.java:3)
//! ```

use std::borrow::Cow;

use xray_wire::segment::Frame;

use super::{
    Sink,
    text::{Lines, frame, kind_and_message, number},
};

/// Frames of suppressed exceptions have one more tab and are passed over, as are their causes.
pub(super) fn parse<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    let mut lines = Lines::of(text);
    // The exception that the event describes.
    lines.next();
    while let Some(line) = lines.next() {
        if let Some(frame) = stack_frame(line) {
            sink.frame(frame);
        } else if let Some(head) = line.strip_prefix(CAUSED_BY) {
            let (kind, message) = kind_and_message(head);
            let message = whole_message(message, &mut lines);
            sink.caused_by(Cow::Borrowed(kind), message);
        }
    }
}

const CAUSED_BY: &str = "Caused by: ";

/// A message goes on until something else begins. The lines of it are joined without a separator, as the
/// OpenTelemetry Collector does.
fn whole_message<'t>(first: &'t str, lines: &mut Lines<'t>) -> Cow<'t, str> {
    let mut message = Cow::Borrowed(first);
    loop {
        let mut ahead = lines.clone();
        let Some(line) = ahead.next() else { return message };
        let ends = line.starts_with(CAUSED_BY)
            || line.starts_with("\t... ")
            || line.starts_with("\tSuppressed: ")
            || stack_frame(line).is_some();
        if ends {
            return message;
        }
        if !line.is_empty() {
            message.to_mut().push_str(line);
        }
        *lines = ahead;
    }
}

/// `<tab>at label(path:line)`. The label may hold parentheses, as those of Go's methods do.
fn stack_frame(line: &str) -> Option<Frame<'_>> {
    let (label, place) = line.strip_prefix("\tat ")?.strip_suffix(')')?.rsplit_once('(')?;
    let (path, line) = place.split_once(':').unwrap_or((place, ""));
    // No line, as with `Native Method`, is line 0.
    Some(frame(without_module(label), path, Some(number(line.trim()).unwrap_or(0))))
}

/// A label without the class loader and module in front: `app//`, `java.base/`, `app/shop@1.2/`. The name of a lambda's
/// class has a slash of its own, as in `Orders$$Lambda$14/0x0800066840.run`.
fn without_module(label: &str) -> &str {
    let class = label.find("$$Lambda").unwrap_or(label.len());
    let module = label.get(..class).and_then(|prefix| prefix.rfind('/'));
    module.and_then(|slash| label.get(slash + 1..)).unwrap_or(label)
}
