//! Stack frames that are written as they are found.

use alloc::{borrow::Cow, vec::Vec};

use super::{Digits, Plain, blocks};
use crate::segment::Frame;

/// The stack of an exception whose other fields are not known yet, or may still change.
///
/// ```
/// use xray_wire::{encode::{Body, EncodedFrames}, segment::{Exception, Frame}};
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
/// let mut body = Body::new(None, &mut json);
/// body.name("api");
/// body.cause(None, &[], [(&exception, &frames)].into_iter());
/// assert!(json.ends_with(br#""message":"out of stock","stack":[{"label":"shop::pay"}]}]}"#));
/// ```
#[derive(Debug, Clone, Default)]
pub struct EncodedFrames {
    /// Frames with a comma before each.
    list: Vec<u8>,
    len: usize,
}

impl EncodedFrames {
    /// Appends a frame, the innermost one first.
    #[inline]
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.list.push(b',');
        blocks::frame(frame, &mut self.list);
        self.len += 1;
    }

    /// Appends frames until there are so many, takes the rest as well, and returns how many these were.
    #[inline]
    pub fn fill_up_to<'t>(&mut self, most: usize, frames: impl Iterator<Item = PlainFrame<'t>>) -> usize {
        let mut left_out = 0;
        for frame in frames {
            if self.len < most {
                frame.write(&mut self.list);
                self.len += 1;
            } else {
                left_out += 1;
            }
        }
        left_out
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
        if let Some((_comma, frames)) = self.list.split_first() {
            out.push(b'[');
            out.extend_from_slice(frames);
            out.push(b']');
        }
    }
}

/// A frame that is only copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainFrame<'t> {
    /// The function, which is not empty.
    pub label: Plain<'t>,
    /// The file and the line in it.
    pub place: Option<(Plain<'t>, Digits)>,
}

impl PlainFrame<'_> {
    #[inline]
    fn write(self, out: &mut Vec<u8>) {
        if let Some((path, line)) = self.place {
            out.extend_from_slice(br#",{"path":""#);
            out.extend_from_slice(path.as_bytes());
            line.write_as_line(out);
            out.extend_from_slice(br#","label":""#);
        } else {
            out.extend_from_slice(br#",{"label":""#);
        }
        out.extend_from_slice(self.label.as_bytes());
        out.extend_from_slice(br#""}"#);
    }
}

impl<'t> From<PlainFrame<'t>> for Frame<'t> {
    fn from(PlainFrame { label, place }: PlainFrame<'t>) -> Self {
        let borrowed = |text: Plain<'t>| Cow::Borrowed(text.as_str());
        let (path, line) = place.unzip();
        Self { path: path.map(borrowed), line: line.map(Digits::value), label: Some(borrowed(label)) }
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use proptest::prelude::*;

    use super::*;

    fn written(fill: impl FnOnce(&mut EncodedFrames)) -> String {
        let mut frames = EncodedFrames::default();
        fill(&mut frames);
        let mut out = Vec::new();
        frames.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn plain_frames_are_written_as_any_others(
            texts in prop::collection::vec(("[ !#-~]{1,40}", prop::option::of("[a-z:/.]{4,40}:[1-9][0-9]{0,3}:[0-9]{1,2}")), 0..5),
            most in 0usize..6,
        ) {
            let plain = |text| Plain::beginning_of(str::as_bytes(text)).0;
            let frames: Vec<_> = texts
                .iter()
                .map(|(label, place)| PlainFrame {
                    label: plain(label),
                    place: place.as_ref().map(|place| plain(place).split_place().unwrap()),
                })
                .filter(|frame| !frame.label.as_bytes().is_empty())
                .collect();
            let plain = written(|list| {
                let left_out = list.fill_up_to(most, frames.iter().copied());
                assert_eq!((list.len() + left_out, list.len()), (frames.len(), frames.len().min(most)));
            });
            let any = written(|list| frames.iter().take(most).for_each(|frame| list.push(&(*frame).into())));
            prop_assert_eq!(plain, any);
        }
    }
}
