//! Stack traces: the text of `exception.stacktrace` → X-Ray frames and linked causes.
//!
//! OpenTelemetry carries a stack trace as one text in the form of its language, X-Ray as frames of path, line and
//! label, with a link from each exception to the one that caused it. Each language has a parser of its own here.
//! They all borrow from the text, go through it once from one end to the other and never fail: a line that says
//! nothing about a frame is passed over, whatever it holds.

mod dotnet;
mod frames;
mod go;
mod java;
mod javascript;
mod language;
mod php;
mod python;
mod rust;
mod scan;
mod text;

use std::borrow::Cow;

pub(crate) use frames::{Frames, Limits, Thrown};
pub(crate) use language::Language;
use xray_wire::{encode::PlainFrame, segment::Frame};

/// Receives what a parser finds: frames innermost first, exceptions outermost first.
pub(crate) trait Sink<'t> {
    /// The next frame of the exception that was announced last; of the recorded one before any was.
    fn frame(&mut self, frame: Frame<'t>);

    /// The next frames, which need no work to be written. Those that are not taken from the iterator come again, one by
    /// one.
    fn plain_frames(&mut self, frames: impl Iterator<Item = PlainFrame<'t>>) {
        frames.for_each(|frame| self.frame(frame.into()));
    }

    /// The exception that caused the one before. The frames that follow are its own. A language that doesn't print
    /// the type, as Rust, leaves `kind` empty.
    fn caused_by(&mut self, kind: Cow<'t, str>, message: Cow<'t, str>);
}

/// Hands the frames and causes in `text` to `sink`, and returns how many frames there were. With none, the text has
/// to be kept as it is, or what it says is lost; causes may have been found all the same.
///
/// A text of an unknown language is read if it is a Rust backtrace without doubt. Whatever the language, a text in
/// which its parser finds nothing is tried as `\tat label(path:line)`: so do X-Ray's own frames look when they come
/// back as OpenTelemetry events.
pub(crate) fn parse<'t>(language: Option<Language>, text: &'t str, sink: &mut impl Sink<'t>) -> usize {
    let mut found = Counted { sink, frames: 0, causes: 0 };
    match language {
        Some(Language::Rust) => rust::parse(text, &mut found),
        Some(Language::Java) => java::parse(text, &mut found),
        Some(Language::Php) => php::parse(text, &mut found),
        Some(Language::Python) => python::parse(text, &mut found),
        Some(Language::JavaScript) => javascript::parse(text, &mut found),
        Some(Language::DotNet) => dotnet::parse(text, &mut found),
        Some(Language::Go) => go::parse(text, &mut found),
        None if rust::recognises(text) => rust::parse(text, &mut found),
        None => {}
    }
    if found.nothing() && !matches!(language, Some(Language::Java | Language::Php)) {
        java::parse(text, &mut found);
    }
    found.frames
}

/// Counts what passes on its way to a sink.
struct Counted<'s, S> {
    sink: &'s mut S,
    frames: usize,
    causes: usize,
}

impl<S> Counted<'_, S> {
    fn nothing(&self) -> bool {
        self.frames == 0 && self.causes == 0
    }
}

impl<'t, S: Sink<'t>> Sink<'t> for Counted<'_, S> {
    #[inline]
    fn frame(&mut self, frame: Frame<'t>) {
        self.frames += 1;
        self.sink.frame(frame);
    }

    #[inline]
    fn plain_frames(&mut self, frames: impl Iterator<Item = PlainFrame<'t>>) {
        self.sink.plain_frames(frames.inspect(|_| self.frames += 1));
    }

    fn caused_by(&mut self, kind: Cow<'t, str>, message: Cow<'t, str>) {
        self.causes += 1;
        self.sink.caused_by(kind, message);
    }
}

#[cfg(test)]
mod tests;
