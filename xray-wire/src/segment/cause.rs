//! The `cause` block: why a segment failed.

use alloc::{borrow::Cow, vec::Vec};

use crate::SegmentId;

/// The `cause` of a segment or subsegment.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause<'a> {
    /// The id of an exception that another document of the same trace describes.
    Reference(SegmentId),
    /// The exceptions themselves.
    Exceptions(Exceptions<'a>),
}

/// The object form of `cause`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exceptions<'a> {
    /// The working directory when the exception occurred.
    pub working_directory: Option<Cow<'a, str>>,
    /// The paths to libraries or modules in use.
    pub paths: Vec<Cow<'a, str>>,
    /// The exceptions, outermost first.
    pub exceptions: Vec<Exception<'a>>,
}

/// One exception. Its `type` and `message` are written even when empty, since the console shows both.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception<'a> {
    /// A 64-bit id, unique among the segments of the trace. Documents met in the wild may lack it.
    pub id: Option<SegmentId>,
    /// The exception's type, such as `std::io::Error`.
    pub kind: Cow<'a, str>,
    /// The message.
    pub message: Cow<'a, str>,
    /// It was caused by an error that a downstream service returned.
    pub remote: bool,
    /// How many stack frames were left out at the end.
    pub truncated: u32,
    /// How many exceptions were skipped between this one and its child.
    pub skipped: u32,
    /// The id of the exception that caused this one.
    pub cause: Option<SegmentId>,
    /// The stack, innermost frame first.
    pub stack: Vec<Frame<'a>>,
}

/// One stack frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame<'a> {
    /// The file.
    pub path: Option<Cow<'a, str>>,
    /// The line in it.
    pub line: Option<u32>,
    /// The function.
    pub label: Option<Cow<'a, str>>,
}
