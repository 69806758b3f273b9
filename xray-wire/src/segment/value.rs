//! Values of annotations and of metadata.

use alloc::{borrow::Cow, vec::Vec};

use crate::Timestamp;

/// An annotation: indexed by X-Ray, found by filter expressions.
///
/// ```
/// use xray_wire::segment::{Annotation, AnnotationValue, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// segment.annotations = vec![
///     Annotation { key: "order_id".into(), value: AnnotationValue::Str("o-1".into()) },
///     Annotation { key: "express".into(), value: AnnotationValue::Bool(true) },
/// ];
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""annotations":{"order_id":"o-1","express":true}"#));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation<'a> {
    /// The key; see [`sanitize::annotation_key`](crate::sanitize::annotation_key).
    pub key: Cow<'a, str>,
    /// The value.
    pub value: AnnotationValue<'a>,
}

/// What an annotation may hold: text, a number or a truth value.
///
/// ```
/// use xray_wire::segment::AnnotationValue;
///
/// /// As in a filter expression: `annotation[total] > 9.5`, `annotation[tenant] = "acme"`.
/// fn operand(value: &AnnotationValue<'_>) -> String {
///     match value {
///         AnnotationValue::Str(text) => format!("{text:?}"),
///         AnnotationValue::I64(number) => number.to_string(),
///         AnnotationValue::F64(number) => number.to_string(),
///         AnnotationValue::Bool(truth) => truth.to_string(),
///     }
/// }
/// assert_eq!(operand(&AnnotationValue::F64(9.5)), "9.5");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum AnnotationValue<'a> {
    /// Text.
    Str(Cow<'a, str>),
    /// An integer.
    I64(i64),
    /// A finite decimal number.
    F64(f64),
    /// A truth value.
    Bool(bool),
}

/// One entry of `metadata`, which is a map of namespaces to maps of keys. Kept flat, so that a list of
/// entries can be reused from document to document; the encoder groups them by namespace.
///
/// ```
/// use xray_wire::segment::{Kind, MetadataEntry, Segment, Value};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let entry = |namespace: &'static str, key: &'static str, value| {
///     MetadataEntry { namespace: namespace.into(), key: key.into(), value }
/// };
/// segment.metadata = vec![
///     entry("cart", "items", Value::I64(3)),
///     entry("default", "thread", Value::Str("main".into())),
///     entry("cart", "gift", Value::Bool(false)),
/// ];
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#""metadata":{"cart":{"items":3,"gift":false},"default":{"thread":"main"}}"#));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataEntry<'a> {
    /// The namespace; those that begin with `AWS.` are reserved by X-Ray.
    pub namespace: Cow<'a, str>,
    /// The key, unique within its namespace.
    pub key: Cow<'a, str>,
    /// Any JSON.
    pub value: Value<'a>,
}

/// Any JSON value.
///
/// ```
/// use xray_wire::segment::{Kind, MetadataEntry, Segment, Value};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// let value = Value::Map(vec![
///     ("prices".into(), Value::List(vec![Value::F64(9.5), Value::U64(u64::MAX)])),
///     ("share".into(), Value::F64(f64::NAN)),
/// ]);
/// segment.metadata = vec![MetadataEntry { namespace: "default".into(), key: "cart".into(), value }];
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(
///     r#"{"cart":{"prices":[9.5,18446744073709551615],"share":"NaN"}}}"#
/// ));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`, as it stands in documents that are read and in JSON that users hand over. The exporter puts none of its own.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    I64(i64),
    /// An integer beyond [`i64::MAX`].
    U64(u64),
    /// A decimal number. One that is not finite is written as the text `NaN`, `Infinity` or `-Infinity`.
    F64(f64),
    /// A point in time, written as epoch seconds with nine digits. Read back as a number.
    Time(Timestamp),
    /// Text.
    Str(Cow<'a, str>),
    /// An array.
    List(Vec<Value<'a>>),
    /// An object, in the order of its entries.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}
