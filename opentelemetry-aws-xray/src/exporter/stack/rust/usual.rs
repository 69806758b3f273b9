//! The frames of nearly every backtrace, in the form in which `std` prints them unless it is asked for more.
//!
//! ```text
//!    0: shop::place
//!              at ./src/main.rs:12:24
//!    1: main
//! ```
//!
//! Stack traces are the longest texts that an exporter reads. So such a frame is cut out in one pass over its bytes, as
//! text that the document takes as it is. What looks different in any way is left to the parser of
//! [all forms](super::backtrace).

use xray_wire::encode::{Plain, PlainFrame};

use super::super::{Sink, scan::numbering_length, text::Lines};

/// Reads the frames up to the first unusual one, and returns the column of the last symbol, if there was any.
pub(super) fn parse<'t>(lines: &mut Lines<'t>, sink: &mut impl Sink<'t>) -> Option<usize> {
    let text = lines.rest().as_bytes();
    let mut frames = Frames { rest: text, column: None };
    sink.plain_frames(&mut frames);
    lines.skip(text.len() - frames.rest.len());
    frames.column
}

/// Usual frames, until one is not.
struct Frames<'t> {
    rest: &'t [u8],
    /// Where the last symbol stands.
    column: Option<usize>,
}

impl<'t> Iterator for Frames<'t> {
    type Item = PlainFrame<'t>;

    #[inline]
    fn next(&mut self) -> Option<PlainFrame<'t>> {
        let column = numbering_length(self.rest)?;
        let symbol = self.rest.get(column..)?;
        if has_address(symbol) {
            return None;
        }
        let (label, below) = line(symbol)?;
        if label.as_bytes().is_empty() || has_hash(label.as_bytes()) {
            return None;
        }
        let (place, below) = match below.strip_prefix(b"             at ") {
            Some(place) => {
                let (place, below) = line(place)?;
                (Some(place.split_place()?), below)
            }
            None => {
                // More may be told of a frame unless the next one follows at once.
                numbering_length(below)?;
                (None, below)
            }
        };
        self.rest = below;
        self.column = Some(column);
        Some(PlainFrame { label, place })
    }
}

/// The first line, if all of it is plain, and what stands below. Two calls for each frame would be a tenth of its cost.
#[inline(always)]
fn line(text: &[u8]) -> Option<(Plain<'_>, &[u8])> {
    match Plain::beginning_of(text) {
        (line, [b'\n', below @ ..]) => Some((line, below)),
        _ => None,
    }
}

/// Whether an address may stand in front of a symbol: `    0x559fddb3ff8c - `.
#[inline]
fn has_address(symbol: &[u8]) -> bool {
    matches!(symbol, [b' ' | b'0', ..])
}

/// Whether a hash may stand behind a symbol, `::h0123456789abcdef`, or `color-eyre`'s word for none.
#[inline]
fn has_hash(symbol: &[u8]) -> bool {
    let hash = symbol.len().checked_sub("::h0123456789abcdef".len()).and_then(|at| symbol.get(at..at + 3));
    hash == Some(b"::h") || symbol.ends_with(b"<unknown>")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use xray_wire::segment::Frame;

    use super::{
        super::backtrace::{self, Traced},
        *,
    };

    /// Frames as they come. Plain ones are counted.
    #[derive(Default)]
    struct Found<'t> {
        frames: Vec<Frame<'t>>,
        plain: usize,
    }

    impl<'t> Sink<'t> for Found<'t> {
        fn frame(&mut self, frame: Frame<'t>) {
            self.frames.push(frame);
        }

        fn plain_frames(&mut self, frames: impl Iterator<Item = PlainFrame<'t>>) {
            for frame in frames {
                self.plain += 1;
                self.frame(frame.into());
            }
        }

        fn caused_by(&mut self, _: Cow<'t, str>, _: Cow<'t, str>) {}
    }

    /// Takes no plain frames, so that all of them go the other way.
    #[derive(Default)]
    struct OneByOne<'t>(Vec<Frame<'t>>);

    impl<'t> Sink<'t> for OneByOne<'t> {
        fn frame(&mut self, frame: Frame<'t>) {
            self.0.push(frame);
        }

        fn plain_frames(&mut self, _: impl Iterator<Item = PlainFrame<'t>>) {}

        fn caused_by(&mut self, _: Cow<'t, str>, _: Cow<'t, str>) {}
    }

    /// What both ways find, which has to be the same, and how many frames were plain.
    fn found(text: &str) -> (Vec<Frame<'_>>, usize) {
        let (mut found, mut one_by_one) = (Found::default(), OneByOne::default());
        let [mut lines, mut same_lines] = [Lines::of(text), Lines::of(text)];
        let any = backtrace::parse(&mut lines, Traced::Calls, &mut found);
        assert_eq!(any, backtrace::parse(&mut same_lines, Traced::Calls, &mut one_by_one), "{text}");
        assert_eq!(lines.rest(), same_lines.rest(), "{text}");
        assert_eq!(found.frames, one_by_one.0, "{text}");
        (found.frames, found.plain)
    }

    #[test]
    fn usual_frames_are_plain() {
        for (text, frames, plain) in [
            ("   0: a\n             at ./a.rs:1:2\n", 1, 1),
            ("   0: a\n             at ./a.rs:1:2\n  10: b<T>\n             at /b.rs:12:34\n", 2, 2),
            ("   0: a\n   1: b\n   2: c\n", 3, 2),
            ("   0: a\n             at ./a.rs:1:2", 1, 0),
            ("   0: a\n             at ./a.rs:1\n", 1, 0),
            ("   0: a\n             at C:\\a.rs:1:2\n", 1, 0),
            ("   0: a\r\n             at ./a.rs:1:2\r\n", 1, 0),
            ("   0: größe\n             at ./a.rs:1:2\n", 1, 0),
            ("   0: \"a\"\n             at ./a.rs:1:2\n", 1, 0),
            ("   0: a::h0123456789abcdef\n             at ./a.rs:1:2\n", 1, 0),
            ("   0: a<unknown>\n             at ./a.rs:1:2\n", 1, 0),
            ("   0:     0x1 - a\n                     at ./a.rs:1:2\n", 1, 0),
            ("   0: a\n      with b=1\n             at ./a.rs:1:2\n", 1, 0),
            ("   0: a\n             at ./a.rs:1:2\n      b\n             at ./b.rs:1:2\n", 2, 1),
        ] {
            let (found, found_plain) = found(text);
            assert_eq!((found.len(), found_plain), (frames, plain), "{text}");
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "\n",
            "\r\n",
            " ",
            "      ",
            "   7: ",
            ":",
            "0x1 - ",
            "é",
            "\"",
            "\\",
            "\t",
            "\u{1b}[0m",
            "with a=1\n",
            "::h0123456789abcdef",
            "<unknown>",
            "at ",
            "             at ",
            "[... omitted 3 frames ...]\n",
            "012",
        ]);
        prop_oneof![
            3 => "[ ]{0,3}[0-9]{1,3}: [a-z:<>]{1,24}\n             at [a-z./]{1,30}:[0-9]{1,4}:[0-9]{1,3}\n",
            1 => "   [0-9]: [a-z:]{1,20}\n",
            1 => "      [a-z]{1,6}\n             at [a-z./]{1,9}:[0-9]{1,6}\n",
            1 => odd.prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn both_ways_find_the_same(pieces in prop::collection::vec(piece(), 0..12)) {
            found(&pieces.concat());
        }

        #[test]
        fn both_ways_find_the_same_in_what_was_damaged(
            pieces in prop::collection::vec(piece(), 1..8),
            at in any::<prop::sample::Index>(),
            cut in 0usize..4,
            damage in "[ :0-9a\n\r\"é]{0,2}",
        ) {
            let mut text = pieces.concat();
            let [from, to] = [0, cut].map(|more| text.floor_char_boundary(at.index(text.len() + 1) + more));
            text.replace_range(from..to, &damage);
            found(&text);
        }
    }
}
