//! Collects what a parser finds as linked exceptions, up to a limit.

use std::borrow::Cow;

use xray_wire::{
    SegmentId,
    encode::{EncodedFrames, PlainFrame},
    sanitize::truncate,
    segment::{Exception, Frame},
};

use super::Sink;
use crate::redact;

/// How much of a stack trace is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Frames of one exception. The rest is counted in its `truncated`.
    pub(crate) max_frames: usize,
    /// Exceptions that one stack trace may add. The rest is counted in the `skipped` of the last that is kept.
    pub(crate) max_causes: usize,
    /// Characters of a type, message, path or label. What is cut is counted in [`Frames::cuts`].
    pub(crate) max_chars: usize,
}

/// An exception of a document, and its frames.
#[derive(Debug)]
pub(crate) struct Thrown<'t> {
    pub(crate) exception: Exception<'t>,
    pub(crate) frames: EncodedFrames,
    /// An event recorded it; otherwise something else named it, such as a stack trace its causes.
    pub(crate) is_recorded: bool,
}

/// A sink that fills exceptions: frames go to the last one, a cause becomes a new one that it links to.
pub(crate) struct Frames<'e, 't, I> {
    exceptions: &'e mut Vec<Thrown<'t>>,
    limits: Limits,
    id: I,
    causes: usize,
    cuts: usize,
}

impl<'e, 't, I: FnMut(usize) -> SegmentId> Frames<'e, 't, I> {
    /// The last of `exceptions` is the one whose stack trace is read; with none, its frames have nowhere to go. `id`
    /// tells the id of the n-th exception of the document.
    pub(crate) fn of(exceptions: &'e mut Vec<Thrown<'t>>, limits: Limits, id: I) -> Self {
        Self { exceptions, limits, id, causes: 0, cuts: 0 }
    }

    /// How many texts were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts
    }
}

impl<'t, I: FnMut(usize) -> SegmentId> Sink<'t> for Frames<'_, 't, I> {
    #[inline]
    fn frame(&mut self, frame: Frame<'t>) {
        let Some(Thrown { exception, frames, .. }) = self.exceptions.last_mut() else { return };
        if self.causes > self.limits.max_causes {
            return;
        }
        if frames.len() >= self.limits.max_frames {
            exception.truncated = exception.truncated.saturating_add(1);
            return;
        }
        if self.limits.max_chars == usize::MAX {
            return frames.push(&frame);
        }
        let Frame { path, line, label } = frame;
        let mut cut = |text| cut(text, self.limits.max_chars, &mut self.cuts);
        frames.push(&Frame { path: path.map(&mut cut), line, label: label.map(&mut cut) });
    }

    #[inline]
    fn plain_frames(&mut self, plain: impl Iterator<Item = PlainFrame<'t>>) {
        if self.limits.max_chars != usize::MAX {
            return plain.for_each(|plain| self.frame(plain.into()));
        }
        let Some(Thrown { exception, frames, .. }) = self.exceptions.last_mut() else { return };
        let is_kept = self.causes <= self.limits.max_causes;
        let left_out = frames.fill_up_to(if is_kept { self.limits.max_frames } else { 0 }, plain);
        if is_kept {
            let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
            exception.truncated = exception.truncated.saturating_add(left_out);
        }
    }

    fn caused_by(&mut self, kind: Cow<'t, str>, message: Cow<'t, str>) {
        let n = self.exceptions.len();
        let Some(Thrown { exception: effect, .. }) = self.exceptions.last_mut() else { return };
        self.causes += 1;
        if self.causes > self.limits.max_causes {
            effect.skipped = effect.skipped.saturating_add(1);
            return;
        }
        let id = (self.id)(n);
        effect.cause = Some(id);
        let remote = effect.remote;
        let mut cut = |text| cut(text, self.limits.max_chars, &mut self.cuts);
        let exception = Exception {
            id: Some(id),
            kind: cut(kind),
            message: cut(redacted(message)),
            remote,
            truncated: 0,
            skipped: 0,
            cause: None,
            stack: Vec::new(),
        };
        self.exceptions.push(Thrown { exception, frames: EncodedFrames::default(), is_recorded: false });
    }
}

/// The text, cut to so many characters. A cut is counted.
fn cut<'t>(text: Cow<'t, str>, max_chars: usize, cuts: &mut usize) -> Cow<'t, str> {
    let kept = truncate(&text, max_chars).len();
    if kept == text.len() {
        return text;
    }
    *cuts += 1;
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..kept]),
        Cow::Owned(mut text) => {
            text.truncate(kept);
            Cow::Owned(text)
        }
    }
}

/// A message without the secrets of what it quotes.
fn redacted(message: Cow<'_, str>) -> Cow<'_, str> {
    match message {
        Cow::Borrowed(message) => redact::text(message),
        Cow::Owned(message) => Cow::Owned(redact::text(&message).into_owned()),
    }
}
