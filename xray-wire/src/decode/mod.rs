//! Segment documents to values: everything that can be read is, and what cannot is listed.
//!
//! Documents come from every SDK in every version, and some of them are odd. An odd field costs itself: it is
//! left out and listed in [`Decoded::skipped`], and the node around it stays. A subsegment without a usable
//! name, id or start costs itself and what is inside it; its siblings stay. Only a document that is no JSON
//! object, or has no usable name, id, start or trace id itself, is an error. Whether X-Ray would take the
//! document is another question: [`validate`](crate::validate).
//!
//! What is taken beyond the documented form:
//!
//! - `null` is the same as an absent field, except inside a metadata namespace, where it is a value. An empty
//!   block (`"cause": {}`) is absent too.
//! - Times are read to the nanosecond from plain or exponent decimals, and rounded half up beyond.
//! - Numbers may be in quotes. A `content_length` of −1 is absent.
//! - Trace ids may have the W3C form of 32 hex digits; ids may be in upper case; `""` is no `parent_id`.
//! - `traced` may stand outside `http.request`; `rule_name` may stand for `sampling_rule_name`.
//! - `type` may be in any case. With a `parent_id` it makes a document a subsegment.
//! - Of a repeated key the first counts. Of `end_time` and `in_progress`, `end_time` does.
//! - Unknown keys of `aws` are kept in [`Aws::other`](crate::segment::Aws::other), others listed.
//! - Half of a surrogate pair (`\ud83d`), left by an SDK that cut a text there, is read as one U+FFFD.
//!
//! Documents are untrusted. Their size is bounded ([`MAX_DECODE_BYTES`]) and so is the depth that is followed
//! ([`MAX_DECODE_DEPTH`](crate::limits::MAX_DECODE_DEPTH)); the work is at most the one times the other, and no
//! nesting overflows the stack.

mod aws;
mod cause;
pub(crate) mod decimal;
mod http;
pub(crate) mod json;
mod level;
mod node;
pub(crate) mod path;
mod reader;
mod tree;
mod value;

#[cfg(test)]
mod tests;

use alloc::{format, string::String, vec::Vec};
use core::{fmt, str};

use self::{json::Tape, reader::Reader};
use crate::{Segment, limits::MAX_DECODE_BYTES};

/// A document, read.
///
/// ```
/// # let document = br#"{"name":"api","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793",
/// #     "start_time":1,"in_progress":true}"#;
/// let decoded = xray_wire::decode::decode(document)?;
/// assert_eq!((decoded.segment.name.as_ref(), decoded.segment.end_time), ("api", None));
/// assert!(decoded.skipped.is_empty());
/// # Ok::<(), xray_wire::decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<'a> {
    /// The document. Its text is borrowed where it had no escapes.
    pub segment: Segment<'a>,
    /// What was left out, in the order it was met.
    pub skipped: Vec<Skipped>,
}

/// A field or a subsegment that was left out.
///
/// ```
/// let document = br#"{"name":"api","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793",
///     "start_time":1,"in_progress":true,"subsegments":[{"name":"query"}]}"#;
/// let decoded = xray_wire::decode::decode(document)?;
/// let fields: Vec<_> = decoded.skipped.iter().map(|skipped| skipped.field.as_str()).collect();
/// assert_eq!(fields, ["subsegments[0].id", "subsegments[0].start_time", "subsegments[0]"]);
/// # Ok::<(), xray_wire::decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it was: `subsegments[2].http.response.status`. Bounded: of a long path it is the end.
    pub field: String,
    /// Why it was left out.
    pub reason: SkipReason,
}

/// Why something was left out.
///
/// ```
/// use xray_wire::decode::{SkipReason, decode};
///
/// let document = br#"{"name":"api","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793",
///     "start_time":1,"in_progress":true,"fault":"yes","mood":"good"}"#;
/// let mut reasons: Vec<_> = decode(document)?.skipped.iter().map(|skipped| skipped.reason).collect();
/// reasons.sort();
/// assert_eq!(reasons, [SkipReason::Unknown, SkipReason::WrongType]);
/// # Ok::<(), xray_wire::decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SkipReason {
    /// No field of this name is known here.
    Unknown,
    /// A value of another type than the field has.
    WrongType,
    /// Text that is not in the field's form: no id, no number.
    Malformed,
    /// A number that the field cannot hold: negative, too large, or not whole.
    OutOfRange,
    /// A key that the same object had before.
    Repeated,
    /// A field that contradicts another: `type: "subsegment"` without a parent, `in_progress` with an end.
    Misplaced,
    /// A field that has to be there, and is not. Its node is left out.
    Missing,
    /// A subsegment without a usable name, id or start, or a link without ids. Left out with all that is in it.
    Unusable,
    /// An array or object, be it a subsegment, inside more others than are followed:
    /// [`MAX_DECODE_DEPTH`](crate::limits::MAX_DECODE_DEPTH). What is beside it stays.
    TooDeep,
}

/// The bytes were not a document.
///
/// ```
/// let error = xray_wire::decode::decode(br#"{"name":"api","id":"53995c3f42cd8ad8"}"#).unwrap_err();
/// assert_eq!(error.field, "start_time");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// The field that stands in the way; empty for the document as a whole.
    pub field: String,
    /// What was expected of it, and what was found.
    pub reason: String,
}

/// Reads a document: a segment, or a subsegment that stands alone. White space around it does not matter.
///
/// # Errors
/// [`DecodeError`] if the bytes are more than [`MAX_DECODE_BYTES`], not UTF-8, not JSON, not an object, or one
/// without a usable `name`, `id`, `start_time` or `trace_id`.
///
/// ```
/// let document = br#"{"name":"api","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793",
///     "start_time":1.4994734111E9,"end_time":1499473411.677,"http":{"response":{"status":"OK"}}}"#;
/// let decoded = xray_wire::decode::decode(document)?;
/// assert_eq!(decoded.segment.start_time.as_nanos(), 1_499_473_411_100_000_000);
/// assert_eq!(decoded.skipped[0].to_string(), "http.response.status: text that is not in the field's form");
/// # Ok::<(), xray_wire::decode::DecodeError>(())
/// ```
pub fn decode(document: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    let whole = |reason| DecodeError { field: String::new(), reason };
    if document.len() > MAX_DECODE_BYTES {
        return Err(whole(too_long(document, MAX_DECODE_BYTES)));
    }
    let text = str::from_utf8(document).map_err(|error| whole(not_utf8(error)))?;
    let tape = Tape::parse(text).map_err(|error| whole(not_json(&error)))?;
    let mut reader = Reader::default();
    let segment = tree::tree(&mut reader, tape.root())?;
    Ok(Decoded { segment, skipped: reader.skipped })
}

pub(crate) fn too_long(document: &[u8], max_bytes: usize) -> String {
    format!("expected at most {max_bytes} bytes, but found {}", document.len())
}

pub(crate) fn not_utf8(error: str::Utf8Error) -> String {
    format!("expected UTF-8, but found other bytes at byte {}", error.valid_up_to())
}

/// What `serde_json` says; it names places, and quotes no values.
pub(crate) fn not_json(error: &serde_json::Error) -> String {
    format!("not JSON: {error}")
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no field of this name",
            Self::WrongType => "a value of another type than the field's",
            Self::Malformed => "text that is not in the field's form",
            Self::OutOfRange => "a number that the field cannot hold",
            Self::Repeated => "a key that was there before",
            Self::Misplaced => "a contradiction to another field",
            Self::Missing => "required, but absent",
            Self::Unusable => "left out with all that is in it, for lack of what is required",
            Self::TooDeep => "nested too deeply",
        })
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "document" } else { &self.field };
        write!(f, "{field}: {}", self.reason)
    }
}

impl core::error::Error for DecodeError {}
