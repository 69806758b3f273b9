//! PHP stack traces: OpenTelemetry's, which look like Java's, else PHP's own.
//!
//! ```text
//! #0 /srv/shop/Order.php(12): Shop\Order->reserve('tea')
//! #1 [internal function]: Shop\{closure}()
//! #2 {main}
//! ```

use xray_wire::segment::Frame;

use super::{
    Sink, java,
    text::{Lines, frame, leading_number, number},
};

pub(super) fn parse<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    if Lines::of(text).any(|line| own_frame(line).is_some()) {
        Lines::of(text).filter_map(own_frame).for_each(|frame| sink.frame(frame));
    } else {
        java::parse(text, sink);
    }
}

/// `#N path(line): label`, `#N [internal function]: label` or `#N {main}`.
fn own_frame(line: &str) -> Option<Frame<'_>> {
    let (_, call) = leading_number(line.strip_prefix('#')?)?;
    let call = call.strip_prefix(' ')?;
    if let Some((place, label)) = call.split_once("): ")
        && let Some((path, line)) = place.rsplit_once('(')
        && let Some(line) = number(line)
    {
        return Some(frame(label, path, Some(line)));
    }
    let label = call.strip_prefix("[internal function]: ").unwrap_or(call);
    Some(frame(label, "", None))
}
