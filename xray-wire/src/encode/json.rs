//! The little of JSON that writing documents needs, appended to a buffer.

use alloc::vec::Vec;
use core::ops::Range;

use super::{digits, text::rest_of_string};
use crate::{SegmentId, TraceId, segment::Value};

/// An object under construction. Keys are given as literals with everything up to the value, `,"id":`, so that each is
/// one copy of known length. The comma before the first field becomes the brace.
#[derive(Debug)]
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl<'o> Object<'o> {
    /// Opens an object. What is written is one only after [`close`](Self::close).
    #[inline]
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }

    /// Writes a key and hands out the place for its value.
    #[inline]
    pub(super) fn field<const N: usize>(&mut self, key: &'static [u8; N]) -> &mut Vec<u8> {
        self.out.extend_from_slice(key);
        self.out
    }

    /// Writes a key that comes from outside and hands out the place for its value.
    pub(super) fn field_named(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.extend_from_slice(b",\"");
        rest_of_string(key, self.out);
        self.out.push(b':');
        self.out
    }

    /// The place for fields, each with a comma before it.
    #[inline]
    pub(super) fn fields(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Writes a text, unless there is none or it is empty, and answers where it stands with the quote behind it. The key ends with
    /// the one in front.
    #[inline]
    pub(super) fn text<const N: usize>(
        &mut self,
        key: &'static [u8; N],
        value: Option<&str>,
    ) -> Range<usize> {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return 0..0 };
        let start = self.field(key).len();
        rest_of_string(value, self.out);
        start..self.out.len()
    }

    /// Writes an integer, unless there is none, and answers where it stands.
    #[inline]
    pub(super) fn integer<const N: usize>(
        &mut self,
        key: &'static [u8; N],
        value: Option<impl itoa::Integer>,
    ) -> Range<usize> {
        let Some(value) = value else { return 0..0 };
        let start = self.field(key).len();
        integer(value, self.out);
        start..self.out.len()
    }

    /// Writes a field that is whole already, or nothing.
    #[inline]
    pub(super) fn flag<const N: usize>(&mut self, field: &'static [u8; N], value: bool) {
        if value {
            self.field(field);
        }
    }

    /// Appends fields that were encoded earlier, each with a comma before it.
    #[inline]
    pub(super) fn encoded(&mut self, fields: &[u8]) {
        self.out.extend_from_slice(fields);
    }

    /// Where the next field will stand.
    #[inline]
    pub(super) fn position(&self) -> usize {
        self.out.len()
    }

    /// Appends fields that stand earlier in the same buffer, if they do.
    #[inline]
    pub(super) fn copied(&mut self, fields: Range<usize>) {
        if fields.start <= fields.end && fields.end <= self.out.len() {
            self.out.extend_from_within(fields);
        }
    }

    /// Closes the object, which is `{}` if nothing was written.
    #[inline]
    pub(super) fn close(self) {
        match self.out.get_mut(self.start) {
            Some(comma) => *comma = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }
}

/// A list with its separators.
pub(crate) fn list<T>(
    items: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    let mut separator = b'[';
    for item in items {
        out.push(separator);
        separator = b',';
        write(item, out);
    }
    if separator == b'[' {
        out.push(b'[');
    }
    out.push(b']');
}

/// A string with its quotes.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    rest_of_string(text, out);
}

/// An integer.
pub(crate) fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A decimal number; one that is not finite becomes a string, since JSON has no word for it.
pub(super) fn float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value > 0.0 {
        out.extend_from_slice(b"\"Infinity\"");
    } else {
        out.extend_from_slice(b"\"-Infinity\"");
    }
}

/// A truth value.
pub(super) fn boolean(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// A trace id with its quotes.
pub(super) fn trace_id(id: TraceId, out: &mut Vec<u8>) {
    let mut quoted = [b'"'; TraceId::TEXT_LEN + 2];
    quoted[1..=TraceId::TEXT_LEN].copy_from_slice(&id.to_ascii());
    out.extend_from_slice(&quoted);
}

/// A segment id with its quotes.
pub(super) fn segment_id(id: SegmentId, out: &mut Vec<u8>) {
    let mut quoted = [b'"'; SegmentId::TEXT_LEN + 2];
    quoted[1..=SegmentId::TEXT_LEN].copy_from_slice(&id.to_ascii());
    out.extend_from_slice(&quoted);
}

/// Any value, however deep: values come from memory, so their depth is that of the code that made them.
#[inline]
pub(super) fn value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => boolean(*value, out),
        Value::I64(value) => integer(*value, out),
        Value::U64(value) => integer(*value, out),
        Value::F64(value) => float(*value, out),
        Value::Time(time) => digits::timestamp(*time, out),
        Value::Str(text) => string(text, out),
        Value::List(items) => list(items, out, self::value),
        Value::Map(entries) => {
            let mut object = Object::open(out);
            for (key, entry) in entries {
                self::value(entry, object.field_named(key));
            }
            object.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers() {
        for (number, expected) in [
            (0.5, "0.5"),
            (-1e300, "-1e300"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(written(|out| float(number, out)), expected);
        }
    }
}
