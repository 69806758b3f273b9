//! The `cause` block: why a segment failed.

use alloc::{borrow::Cow, vec::Vec};

use crate::SegmentId;

/// The `cause` of a segment or subsegment.
///
/// ```
/// use xray_wire::segment::{Cause, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// // What went wrong stands in the subsegment where it happened.
/// segment.cause = Some(Cause::Reference(id));
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#","cause":"53995c3f42cd8ad8""#));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Cause<'a> {
    /// The id of an exception that another document of the same trace describes.
    Reference(SegmentId),
    /// The exceptions themselves.
    Exceptions(Exceptions<'a>),
}

/// The object form of `cause`.
///
/// ```
/// use xray_wire::segment::{Cause, Exceptions, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// segment.cause = Some(Cause::Exceptions(Exceptions {
///     working_directory: Some("/srv/shop".into()),
///     ..Exceptions::default()
/// }));
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#","cause":{"working_directory":"/srv/shop"}"#));
/// ```
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
///
/// ```
/// use xray_wire::segment::{Cause, Exception, Exceptions, Frame, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let exception = Exception {
///     id: Some(id),
///     kind: "std::io::Error".into(),
///     message: "connection refused".into(),
///     remote: true,
///     truncated: 0,
///     skipped: 0,
///     cause: None,
///     stack: vec![Frame { path: Some("src/pay.rs".into()), line: Some(7), label: Some("shop::pay".into()) }],
/// };
/// segment.cause = Some(Cause::Exceptions(Exceptions { exceptions: vec![exception], ..Exceptions::default() }));
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(
///     r#""remote":true,"stack":[{"path":"src/pay.rs","line":7,"label":"shop::pay"}]}]}"#
/// ));
/// ```
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
///
/// ```
/// use xray_wire::segment::Frame;
///
/// /// As a panic says it.
/// fn place(frame: &Frame<'_>) -> String {
///     let label = frame.label.as_deref().unwrap_or("<unknown>");
///     match (&frame.path, frame.line) {
///         (Some(path), Some(line)) => format!("{label} at {path}:{line}"),
///         _ => label.to_owned(),
///     }
/// }
/// let frame = Frame { path: Some("src/pay.rs".into()), line: Some(7), label: Some("shop::pay".into()) };
/// assert_eq!(place(&frame), "shop::pay at src/pay.rs:7");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame<'a> {
    /// The file.
    pub path: Option<Cow<'a, str>>,
    /// The line in it.
    pub line: Option<u32>,
    /// The function.
    pub label: Option<Cow<'a, str>>,
}
