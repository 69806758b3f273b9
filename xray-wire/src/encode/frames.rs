//! Stack frames that are written as they are found.

use alloc::vec::Vec;

use super::blocks;
use crate::segment::Frame;

/// The stack of an exception whose other fields are not known yet, or may still change.
///
/// ```
/// use xray_wire::{encode::{Body, EncodedFrames}, segment::{Exception, Frame}};
/// # use xray_wire::{SegmentId, Timestamp};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
///
/// // While the stack trace is read:
/// let mut frames = EncodedFrames::default();
/// frames.push(&Frame { label: Some("shop::pay".into()), ..Frame::default() });
///
/// // Once the rest is known:
/// let exception = Exception {
///     id: None,
///     kind: "panic".into(),
///     message: "out of stock".into(),
///     remote: false,
///     truncated: 0,
///     skipped: 0,
///     cause: None,
///     stack: Vec::new(),
/// };
/// let mut json = Vec::new();
/// let mut body = Body::open("api", id, Timestamp::EPOCH, None, None, &mut json);
/// body.cause(None, &[], [(&exception, &frames)].into_iter());
/// assert!(json.ends_with(br#""message":"out of stock","stack":[{"label":"shop::pay"}]}]}"#));
/// ```
#[derive(Debug, Clone, Default)]
pub struct EncodedFrames {
    /// A list without its closing bracket; empty if it has no frames.
    list: Vec<u8>,
    len: usize,
}

impl EncodedFrames {
    /// Appends a frame, the innermost one first.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.list.push(if self.list.is_empty() { b'[' } else { b',' });
        blocks::frame(frame, &mut self.list);
        self.len += 1;
    }

    /// How many frames there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Removes all frames and keeps the room.
    pub fn clear(&mut self) {
        self.list.clear();
        self.len = 0;
    }

    /// The list, if it has frames.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.list);
        out.push(b']');
    }
}
