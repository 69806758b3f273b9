//! What could not be used of a trace header.

use core::fmt;

use crate::ParseIdError;
use crate::limits::MAX_TRACE_HEADER_BYTES;

/// Why a part of a header, or all of it, was not used.
///
/// ```
/// use xray_wire::{ParseIdError, Refused, TraceHeader};
///
/// let header = TraceHeader::parse(b"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=me;Sampled=1");
/// assert!(header.root.is_some(), "a bad field costs that field only");
/// assert_eq!(header.refused, Some(Refused::Parent(ParseIdError::Shape)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The value is longer than [`MAX_TRACE_HEADER_BYTES`]; nothing of it was read.
    TooLong,
    /// `Root` is not a trace id.
    Root(ParseIdError),
    /// `Parent` is not a segment id.
    Parent(ParseIdError),
    /// `Sampled` is none of `0`, `1` and `?`.
    Sampled,
    /// A part is not `name=value`.
    Shape,
    /// A part has bytes other than printable ASCII: passing it on could break the next hop's headers.
    Unprintable,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "expected at most {MAX_TRACE_HEADER_BYTES} bytes"),
            Self::Root(error) => write!(f, "Root: {error}"),
            Self::Parent(error) => write!(f, "Parent: {error}"),
            Self::Sampled => f.write_str("Sampled: expected `0`, `1` or `?`"),
            Self::Shape => f.write_str("expected parts of the form `name=value`"),
            Self::Unprintable => f.write_str("expected printable ASCII only"),
        }
    }
}
