//! Values of annotations and of metadata.

use alloc::{borrow::Cow, vec::Vec};

use crate::Timestamp;

/// An annotation: indexed by X-Ray, found by filter expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation<'a> {
    /// The key; see [`sanitize::annotation_key`](crate::sanitize::annotation_key).
    pub key: Cow<'a, str>,
    /// The value.
    pub value: AnnotationValue<'a>,
}

/// What an annotation may hold: text, a number or a truth value.
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
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`, met when reading; never written by the exporter.
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
