//! Would X-Ray take this document?
//!
//! [`validate`] holds a document against what the developer guide ("Segment documents") and the quotas say, and
//! names the first field that does not fit. It is strict where X-Ray is documented to be, and silent about
//! fields that no document describes. How much of a document can be *read* is another question:
//! [`decode`](crate::decode).
//!
//! AWS's own SDKs send what no document describes and the service takes, and so is it taken here: `null` for a
//! field that is absent, any whole number for the `line` of a stack frame, a `content_length` of −1 or in quotes.
//!
//! X-Ray also counts fifty annotations in a whole trace, and wants ids to be unique in it; one document shows
//! only its own. No document names the depth at which X-Ray stops to read; here it is
//! [`MAX_DECODE_DEPTH`].

mod blocks;
mod checker;
mod node;
#[cfg(test)]
mod tests;

use alloc::{borrow::ToOwned, format, string::String};
use core::{fmt, str};

use self::checker::Checker;
use crate::{
    decode::{json::Tape, not_json, not_utf8, too_long},
    limits::{MAX_DECODE_DEPTH, MAX_DOCUMENT_BYTES},
};

/// A field that breaks a rule.
///
/// ```
/// use xray_wire::validate::validate;
///
/// let document = br#"{"name":"a{b}","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793",
///     "start_time":1,"in_progress":true}"#;
/// assert_eq!(validate(document).unwrap_err().field, "name");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as a dotted path: `subsegments[0].name`; empty for the document as a whole.
    pub field: String,
    /// The rule, and what was found, without values: `expected at most 200 characters, but found 260`.
    pub reason: String,
}

/// Checks a document against the documented rules. One line break at its end is no part of it.
///
/// # Errors
/// The first [`Violation`].
///
/// ```
/// let document = br#"{"name":"api","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793",
///     "start_time":1499473411.1,"end_time":1499473410}"#;
/// let violation = xray_wire::validate::validate(document).unwrap_err();
/// assert_eq!(violation.to_string(), "end_time: expected no time before `start_time`, but found one");
/// ```
pub fn validate(document: &[u8]) -> Result<(), Violation> {
    let document = document.strip_suffix(b"\n").unwrap_or(document);
    let whole = |reason| Violation { field: String::new(), reason };
    if document.len() > MAX_DOCUMENT_BYTES {
        return Err(whole(too_long(document, MAX_DOCUMENT_BYTES)));
    }
    let text = str::from_utf8(document).map_err(|error| whole(not_utf8(error)))?;
    let tape = Tape::parse(text).map_err(|error| whole(not_json(&error)))?;
    if let Some(path) = tape.repeated_key() {
        let reason = "expected each key once in an object, but found it again".to_owned();
        return Err(Violation { field: path.field(), reason });
    }
    if let Some(path) = tape.too_deep() {
        let reason = format!(
            "expected at most {MAX_DECODE_DEPTH} arrays and objects inside each other, but found more"
        );
        return Err(Violation { field: path.field(), reason });
    }
    node::document(&mut Checker::default(), tape.root())
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "document" } else { &self.field };
        write!(f, "{field}: {}", self.reason)
    }
}

impl core::error::Error for Violation {}
