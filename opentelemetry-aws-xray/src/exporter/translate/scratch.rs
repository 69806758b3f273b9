//! Room that is used again from span to span, so that a translation allocates nothing in the long run.

use xray_wire::{
    encode::EncodedFrames,
    segment::{Annotation, Link, MetadataEntry, Value},
};

use super::{
    super::{attributes::Marks, stack::Thrown},
    alike::Precedents,
    cause::Cause,
    texts::Texts,
};

/// Lists to fill for a document, and the count of what was cut of it.
#[derive(Debug, Default)]
pub(crate) struct Scratch<'a> {
    pub(super) marks: Marks<'a>,
    pub(super) precedents: Precedents<'a>,
    pub(super) texts: Texts,
    pub(super) exceptions: Vec<Thrown<'a>>,
    pub(super) frames: EncodedFrames,
    pub(super) annotations: Vec<Annotation<'a>>,
    pub(super) metadata: Vec<MetadataEntry<'a>>,
    pub(super) links: Vec<Link<'a>>,
}

impl<'a> Scratch<'a> {
    /// Empties the lists once the document is written, and keeps their room.
    pub(super) fn take_back(&mut self, cause: Option<Cause<'a>>) {
        self.annotations.clear();
        self.links.clear();
        for entry in &mut self.metadata {
            if let Value::List(list) = &mut entry.value {
                self.texts.take_list_back(std::mem::take(list));
            }
        }
        self.metadata.clear();
        if let Some(mut cause) = cause {
            // Exceptions are rare, and a second one in a span rarer.
            let with_frames = cause.exceptions.iter_mut().find(|thrown| !thrown.frames.is_empty());
            if let Some(Thrown { frames, .. }) = with_frames {
                frames.clear();
                self.frames = std::mem::take(frames);
            }
            self.exceptions = emptied(cause.exceptions);
        }
    }

    /// The document that was written last stays where it is, until the batch ends.
    #[inline]
    pub(crate) fn keep_latest(&mut self) {
        self.precedents.keep_latest();
    }

    /// How much was cut since the last call.
    pub(crate) fn take_cuts(&mut self) -> u64 {
        self.texts.take_cuts()
    }

    /// The same room for spans of another batch.
    pub(crate) fn recycle<'b>(self) -> Scratch<'b> {
        Scratch {
            marks: self.marks.recycle(),
            precedents: self.precedents.recycle(),
            texts: self.texts,
            exceptions: recycle(self.exceptions),
            frames: self.frames,
            annotations: recycle(self.annotations),
            metadata: recycle(self.metadata),
            links: recycle(self.links),
        }
    }
}

fn emptied<T>(mut list: Vec<T>) -> Vec<T> {
    list.clear();
    list
}

/// The room of a list, for items of another lifetime. Collecting from a `Vec`'s own iterator reuses its memory when
/// the items have the same layout.
pub(super) fn recycle<A, B>(list: Vec<A>) -> Vec<B> {
    emptied(list).into_iter().filter_map(|_| None).collect()
}
