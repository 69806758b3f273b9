//! Collects what a parser finds as linked exceptions, up to a limit.

use std::borrow::Cow;

use xray_wire::{
    SegmentId,
    encode::EncodedFrames,
    segment::{Exception, Frame},
};

use super::Sink;

/// How much of a stack trace is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Frames of one exception. The rest is counted in its `truncated`.
    pub(crate) max_frames: usize,
    /// Exceptions that one stack trace may add. The rest is counted in the `skipped` of the last that is kept.
    pub(crate) max_causes: usize,
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
}

impl<'e, 't, I: FnMut(usize) -> SegmentId> Frames<'e, 't, I> {
    /// The last of `exceptions` is the one whose stack trace is read; with none, its frames have nowhere to go. `id`
    /// tells the id of the n-th exception of the document.
    pub(crate) fn of(exceptions: &'e mut Vec<Thrown<'t>>, limits: Limits, id: I) -> Self {
        Self { exceptions, limits, id, causes: 0 }
    }
}

impl<'t, I: FnMut(usize) -> SegmentId> Sink<'t> for Frames<'_, 't, I> {
    #[inline]
    fn frame(&mut self, frame: Frame<'t>) {
        let Some(Thrown { exception, frames, .. }) = self.exceptions.last_mut() else { return };
        if self.causes > self.limits.max_causes {
            return;
        }
        if frames.len() < self.limits.max_frames {
            frames.push(&frame);
        } else {
            exception.truncated = exception.truncated.saturating_add(1);
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
        let exception = Exception {
            id: Some(id),
            kind,
            message,
            remote,
            truncated: 0,
            skipped: 0,
            cause: None,
            stack: Vec::new(),
        };
        self.exceptions.push(Thrown { exception, frames: EncodedFrames::default(), is_recorded: false });
    }
}
