//! Rust: backtraces, span traces, error reports and panic messages, alone or together in one text.
//!
//! ```text
//! checkout failed
//!
//! Caused by:
//!     0: the order could not be placed
//!     1: connection refused
//!
//! Stack backtrace:
//!    0: shop::place
//!              at ./src/main.rs:12:24
//! ```
//!
//! The text is that of `std::backtrace::Backtrace` (short or full), of the panic hook, of `tracing_error::SpanTrace`,
//! or a report of `anyhow`, `eyre` or `color-eyre`, coloured or not. A chain in one line, `a: b: c`, stays whole:
//! each of the messages may hold a colon of its own.

mod backtrace;
mod causes;
mod place;
mod symbol;
mod usual;

use backtrace::Traced;
use causes::Chain;
use xray_wire::segment::Frame;

use super::{Sink, text::Lines};

/// Whether a text of unknown origin is a Rust backtrace or span trace without doubt: no other language aligns the
/// places of its frames as `std` does, or draws headings as `color-eyre` does.
pub(super) fn recognises(text: &str) -> bool {
    ["             at ", " BACKTRACE ━", " SPANTRACE ━"].iter().any(|mark| text.contains(mark))
}

/// The frames of a backtrace come first. Where there is none, those of a span trace do, else the place where the
/// error or panic arose. A report has one backtrace, below the causes; it is told with the error as a whole, so
/// that the causes, which come last, have no frames.
pub(super) fn parse<'t>(text: &'t str, sink: &mut impl Sink<'t>) {
    let report = Report::read(text, sink);
    if !report.traced {
        let spans =
            report.spans.is_some_and(|spans| backtrace::parse(&mut Lines::of(spans), Traced::Spans, sink));
        if let Some(place) = report.place.filter(|_| !spans) {
            sink.frame(place);
        }
    }
    if let Some(chain) = report.causes {
        chain.tell(sink);
    }
}

/// What a text holds besides the frames of its backtrace.
#[derive(Default)]
struct Report<'t> {
    /// There were such frames.
    traced: bool,
    spans: Option<&'t str>,
    causes: Option<Chain<'t>>,
    place: Option<Frame<'t>>,
}

impl<'t> Report<'t> {
    /// Hands the frames of a backtrace on at once, and keeps the rest for when it is known whether there was one.
    fn read(text: &'t str, sink: &mut impl Sink<'t>) -> Self {
        let mut report = Self::default();
        let mut lines = Lines::of(text);
        loop {
            let mut ahead = lines.clone();
            let Some(line) = ahead.next() else { return report };
            if !symbol::is_first(line) {
                lines = ahead;
                report.outside_of_lists(line, &mut lines, sink);
            } else if let Some(chain) = Chain::without_heading(&mut lines) {
                report.causes = Some(chain);
            } else {
                report.traced |= backtrace::parse(&mut lines, Traced::Calls, sink);
            }
        }
    }

    fn outside_of_lists(&mut self, line: &'t str, lines: &mut Lines<'t>, sink: &mut impl Sink<'t>) {
        let heading = Heading::of(line);
        if heading.is_some() {
            lines.skip_empty();
        }
        match heading {
            Some(Heading::Backtrace) => self.traced |= backtrace::parse(lines, Traced::Calls, sink),
            Some(Heading::SpanTrace) => self.spans = Some(indented(lines)),
            Some(Heading::Causes) => self.causes = Some(Chain::of_causes(indented(lines))),
            Some(Heading::Place(place)) => self.place = place::below_heading(place, lines),
            None => self.place = self.place.take().or_else(|| place::of_panic(line)),
        }
    }
}

/// The lines that say what follows.
enum Heading<'t> {
    Backtrace,
    SpanTrace,
    Causes,
    /// With what stands in the same line.
    Place(&'t str),
}

impl<'t> Heading<'t> {
    fn of(line: &'t str) -> Option<Self> {
        match line {
            "stack backtrace:" | "Stack backtrace:" => Some(Self::Backtrace),
            "Caused by:" => Some(Self::Causes),
            _ if line.trim_start().starts_with('━') => match line.trim_matches([' ', '━']) {
                "BACKTRACE" => Some(Self::Backtrace),
                "SPANTRACE" => Some(Self::SpanTrace),
                _ => None,
            },
            _ => line.strip_prefix("Location:").map(Self::Place),
        }
    }
}

/// Passes over the indented lines that come next, and returns them.
fn indented<'t>(lines: &mut Lines<'t>) -> &'t str {
    let text = lines.rest();
    while lines.rest().starts_with(' ') {
        lines.next();
    }
    text.get(..text.len() - lines.rest().len()).unwrap_or_default()
}
