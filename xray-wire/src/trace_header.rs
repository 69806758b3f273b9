//! The `X-Amzn-Trace-Id` header: where a request stands in its trace, as text between services.

use core::fmt;

use self::grammar::{Name, printable_pair, split_at_byte, split_pair, trim};
pub use self::refused::Refused;
pub use self::text::TraceHeaderText;
use crate::limits::{MAX_TRACE_HEADER_BYTES, MAX_TRACE_HEADER_EXTRA_BYTES};
use crate::{SegmentId, TraceId};

mod grammar;
mod head;
mod refused;
#[cfg(test)]
mod tests;
mod text;

/// What one `X-Amzn-Trace-Id` value says: `Root=…;Parent=…;Sampled=…` and whatever else its sender added.
///
/// [`parse`](Self::parse) takes what it can use and leaves the rest: a bad field costs that field only. Senders
/// differ in every part of it. A load balancer sends `Root` alone, .NET writes spaces behind `;`, some SDKs send
/// ids that are all zero next to a `Sampled=0` that is meant.
///
/// Two headers are equal if they have the same ids, the same decision and the same extras in the same order.
///
/// ```
/// use xray_wire::{Sampled, SegmentId, TraceHeader};
///
/// let caller = TraceHeader::parse(b"Root=1-5759e988-bd862e3fe1be46a994272793; Sampled=?; Lineage=1:a87bd80c:0");
/// assert_eq!((caller.parent, caller.sampled, caller.lineage()), (None, Sampled::Ask, Some("1:a87bd80c:0")));
///
/// // On to the next service:
/// let own = SegmentId::parse(b"53995c3f42cd8ad8").ok();
/// let extras = caller.extras_text();
/// let text = TraceHeader::new(caller.root, own, Sampled::Yes).with_extras(extras.as_bytes()).to_text();
/// assert_eq!(
///     text.as_str(),
///     "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0"
/// );
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceHeader<'a> {
    /// `Root`: the trace.
    pub root: Option<TraceId>,
    /// `Parent`: the segment or subsegment that made the call.
    pub parent: Option<SegmentId>,
    /// `Sampled`: whether the caller records this trace.
    pub sampled: Sampled,
    /// The first part that could not be used, if any: worth a line in a debug log, nothing more.
    pub refused: Option<Refused>,
    /// Where [`extras`](Self::extras) reads from; empty if no part of the value was an extra.
    text: &'a [u8],
}

/// The `Sampled` field.
///
/// ```
/// use xray_wire::{Sampled, TraceHeader};
///
/// assert_eq!(TraceHeader::parse(b"Sampled=0").sampled.decided(), Some(false));
/// // It is up to us, and the response says what became of it.
/// assert_eq!(TraceHeader::parse(b"Sampled=?").sampled, Sampled::Ask);
/// assert_eq!(Sampled::Ask.decided(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sampled {
    /// Absent: nobody has decided.
    #[default]
    Unstated,
    /// `1`: the trace is recorded.
    Yes,
    /// `0`: the trace is not recorded.
    No,
    /// `?`: nobody has decided, and the caller asks for the decision in the response.
    Ask,
}

impl Sampled {
    /// The caller's decision, if it took one.
    #[must_use]
    pub const fn decided(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Unstated | Self::Ask => None,
        }
    }
}

impl<'a> TraceHeader<'a> {
    /// A header to print, without extras.
    #[must_use]
    pub const fn new(root: Option<TraceId>, parent: Option<SegmentId>, sampled: Sampled) -> Self {
        Self { root, parent, sampled, refused: None, text: b"" }
    }

    /// The same header with other extras: those in `text`, which may be any header value. Its `Root`, `Parent`,
    /// `Sampled` and `Self` are passed over, and so is everything from one longer than
    /// [`MAX_TRACE_HEADER_BYTES`].
    #[must_use]
    pub const fn with_extras(mut self, text: &'a [u8]) -> Self {
        self.text = if text.len() > MAX_TRACE_HEADER_BYTES { b"" } else { text };
        self
    }

    /// Reads a header value. Never fails, never allocates.
    ///
    /// Names may be in any case, the order is free, and the last one of a repeated name wins. Spaces and tabs
    /// around names and values are ignored; every other control character makes its part unusable.
    /// [`refused`](Self::refused) tells the first part that was not used, and why.
    #[must_use]
    #[inline]
    pub fn parse(value: &'a [u8]) -> Self {
        match head::split(value) {
            Some((header, b"")) => header,
            Some((header, rest)) if value.len() <= MAX_TRACE_HEADER_BYTES => header.and_parts(rest),
            _ => Self::parse_parts(value),
        }
    }

    fn parse_parts(value: &'a [u8]) -> Self {
        if value.len() > MAX_TRACE_HEADER_BYTES {
            return Self { refused: Some(Refused::TooLong), ..Self::default() };
        }
        Self::default().and_parts(value)
    }

    /// With what the parts say that stand behind it.
    fn and_parts(mut self, mut rest: &'a [u8]) -> Self {
        while !rest.is_empty() {
            let (part, behind) = split_at_byte(rest, b';').unwrap_or((rest, b""));
            match self.read(part) {
                Ok(Kind::Field) => {}
                Ok(Kind::Extra) if self.text.is_empty() => self.text = rest,
                Ok(Kind::Extra) => {}
                Err(refused) => self.refused = self.refused.or(Some(refused)),
            }
            rest = behind;
        }
        self
    }

    fn read(&mut self, part: &[u8]) -> Result<Kind, Refused> {
        let part = trim(part);
        if part.is_empty() {
            return Ok(Kind::Field);
        }
        let (name, value) = split_pair(part).ok_or(Refused::Shape)?;
        match Name::of(name) {
            Name::Root => {
                let id = TraceId::parse(value);
                self.root = id.ok();
                id.map_err(Refused::Root)?;
            }
            Name::Parent => {
                let id = SegmentId::parse(value);
                self.parent = id.ok();
                id.map_err(Refused::Parent)?;
            }
            Name::Sampled => {
                let sampled = match value {
                    b"1" => Ok(Sampled::Yes),
                    b"0" => Ok(Sampled::No),
                    b"?" => Ok(Sampled::Ask),
                    _ => Err(Refused::Sampled),
                };
                self.sampled = sampled.unwrap_or_default();
                sampled?;
            }
            Name::Own => {}
            Name::Other => {
                printable_pair(name, value).ok_or(Refused::Unprintable)?;
                return Ok(Kind::Extra);
            }
        }
        Ok(Kind::Field)
    }

    /// The other `name=value` pairs, in their order: `Lineage` and whatever X-Ray or a caller may add.
    ///
    /// `Self`, a load balancer's own id, is not among them, nor is a pair that has bytes other than printable
    /// ASCII. Printing passes on as many as fit into [`MAX_TRACE_HEADER_EXTRA_BYTES`].
    pub fn extras(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.text.split(|byte| *byte == b';').filter_map(|part| {
            let (name, value) = split_pair(trim(part))?;
            match Name::of(name) {
                Name::Other => printable_pair(name, value),
                Name::Root | Name::Parent | Name::Sampled | Name::Own => None,
            }
        })
    }

    /// Whether it may have [`extras`](Self::extras): `false` is certain, and quickly told.
    #[must_use]
    #[inline]
    pub const fn has_extras(&self) -> bool {
        !self.text.is_empty()
    }

    /// The value of `Lineage`, by which AWS Lambda notices a function that calls itself for ever. Its form is
    /// Lambda's affair: pass it on as it is.
    #[must_use]
    pub fn lineage(&self) -> Option<&'a str> {
        self.extras().filter(|(name, _)| name.eq_ignore_ascii_case("Lineage")).last().map(|(_, value)| value)
    }

    /// The header in its canonical form, in a buffer on the stack:
    /// `Root=…;Parent=…;Sampled=…`, then the extras.
    ///
    /// What the header doesn't have is left out. Extras are passed on whole or not at all: one that would
    /// exceed [`MAX_TRACE_HEADER_EXTRA_BYTES`] is skipped, a shorter one behind it is not.
    #[must_use]
    #[inline]
    pub fn to_text(&self) -> TraceHeaderText {
        let mut text = TraceHeaderText::EMPTY;
        if let Some(root) = self.root {
            text.push_field(b"Root=", &root.to_ascii());
        }
        if let Some(parent) = self.parent {
            text.push_field(b"Parent=", &parent.to_ascii());
        }
        match self.sampled {
            Sampled::Yes => text.push_field(b"Sampled=", b"1"),
            Sampled::No => text.push_field(b"Sampled=", b"0"),
            Sampled::Ask => text.push_field(b"Sampled=", b"?"),
            Sampled::Unstated => {}
        }
        self.push_extras(&mut text);
        text
    }

    /// What `read` makes of the bytes of [`to_text`](Self::to_text): faster, since each of the common forms has its own length.
    #[inline]
    pub fn with_text<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        match (self.root, self.parent, self.sampled) {
            (Some(root), Some(parent), Sampled::Yes | Sampled::No) if !self.has_extras() => {
                read(&head::complete(root, parent, self.sampled == Sampled::Yes))
            }
            (Some(root), None, Sampled::Unstated) if !self.has_extras() => read(&head::root(root)),
            _ => read(self.to_text().as_bytes()),
        }
    }

    /// The extras alone, as [`to_text`](Self::to_text) would pass them on; [`with_extras`](Self::with_extras)
    /// takes them back. Empty if there are none.
    #[must_use]
    pub fn extras_text(&self) -> TraceHeaderText {
        let mut text = TraceHeaderText::EMPTY;
        self.push_extras(&mut text);
        text
    }

    #[inline]
    fn push_extras(&self, text: &mut TraceHeaderText) {
        if self.has_extras() {
            self.push_extras_that_fit(text);
        }
    }

    fn push_extras_that_fit(&self, text: &mut TraceHeaderText) {
        let mut room = MAX_TRACE_HEADER_EXTRA_BYTES;
        for (name, value) in self.extras() {
            let size = b";".len() + name.len() + b"=".len() + value.len();
            if let Some(left) = room.checked_sub(size) {
                room = left;
                text.push_pair(name.as_bytes(), value.as_bytes());
            }
        }
    }

    /// Writes [`to_text`](Self::to_text) to `out`.
    ///
    /// # Errors
    /// What `out` returns; a `String` never fails.
    pub fn write_to(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(self.to_text().as_str())
    }
}

impl fmt::Display for TraceHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

impl PartialEq for TraceHeader<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.root, self.parent, self.sampled) == (other.root, other.parent, other.sampled)
            && self.extras().eq(other.extras())
    }
}

impl Eq for TraceHeader<'_> {}

/// What a readable part of a header was.
enum Kind {
    Field,
    Extra,
}
