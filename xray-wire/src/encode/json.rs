//! The little of JSON that writing documents needs, appended to a buffer.

use alloc::vec::Vec;

use crate::{SegmentId, Timestamp, TraceId, segment::Value};

/// An object under construction. Keys are given as literals with their quotes and colon, `"\"id\":"`, so that
/// each is one copy.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    separator: u8,
}

impl<'o> Object<'o> {
    /// Opens an object.
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        Self { out, separator: b'{' }
    }

    /// Goes on in an object that is open and has fields.
    pub(super) fn resume(out: &'o mut Vec<u8>) -> Self {
        Self { out, separator: b',' }
    }

    /// Writes a key and hands out the place for its value.
    #[inline]
    pub(super) fn field(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.out.push(self.separator);
        self.separator = b',';
        self.out.extend_from_slice(key.as_bytes());
        self.out
    }

    /// Writes a key that comes from outside and hands out the place for its value.
    pub(super) fn field_named(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.push(self.separator);
        self.separator = b',';
        string(key, self.out);
        self.out.push(b':');
        self.out
    }

    /// Writes a text, unless there is none or it is empty.
    #[inline]
    pub(super) fn text(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value
            && !value.is_empty()
        {
            string(value, self.field(key));
        }
    }

    /// Writes `true`, or nothing.
    #[inline]
    pub(super) fn flag(&mut self, key: &'static str, value: bool) {
        if value {
            self.field(key).extend_from_slice(b"true");
        }
    }

    /// Appends fields that were encoded earlier, each with a comma before it.
    pub(super) fn encoded(&mut self, fields: &[u8]) {
        if let Some((_, first)) = fields.split_first() {
            self.out.push(self.separator);
            self.separator = b',';
            self.out.extend_from_slice(first);
        }
    }

    /// Closes the object, which is `{}` if nothing was written.
    pub(super) fn close(self) {
        if self.separator == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

/// A list with its separators.
pub(super) fn list<T>(
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
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if has_special(bytes) {
        escaped(bytes, out);
    } else {
        out.extend_from_slice(bytes);
    }
    out.push(b'"');
}

/// Whether any byte has to be escaped, eight at a time: most text has none, and this is where encoding spends its time.
#[inline]
fn has_special(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return bytes.iter().any(|byte| is_special(*byte));
    };
    // The last word may overlap the one before it.
    let mut found = special_bytes(u64::from_le_bytes(*first)) | special_bytes(u64::from_le_bytes(*last));
    if bytes.len() > 16 {
        for word in bytes[8..].as_chunks::<8>().0 {
            found |= special_bytes(u64::from_le_bytes(*word));
        }
    }
    found != 0
}

#[inline]
const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Nonzero if any of eight bytes [is special](is_special). For each byte the high bit of `x - n` is set without being set
/// in `x` if `x < n`; and `x == y` is `x ^ y < 1`. Where a borrow runs into a neighbour, there was a hit already.
#[inline]
const fn special_bytes(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let quote = word ^ (b'"' as u64 * EACH);
    let backslash = word ^ (b'\\' as u64 * EACH);
    let control = word.wrapping_sub(0x20 * EACH) & !word;
    let quote = quote.wrapping_sub(EACH) & !quote;
    let backslash = backslash.wrapping_sub(EACH) & !backslash;
    (control | quote | backslash) & HIGH
}

/// Copies what needs no escape in one piece, up to the next byte that does.
#[cold]
fn escaped(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = bytes.iter().position(|byte| is_special(*byte)) {
        out.extend_from_slice(&bytes[..at]);
        match bytes[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(DIGITS[usize::from(control >> 4)]);
                out.push(DIGITS[usize::from(control & 15)]);
            }
        }
        bytes = &bytes[at + 1..];
    }
    out.extend_from_slice(bytes);
}

/// An integer.
pub(super) fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
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

/// Epoch seconds with exactly nine digits after the point.
pub(super) fn timestamp(time: Timestamp, out: &mut Vec<u8>) {
    const NANOS_PER_SECOND: u64 = 1_000_000_000;
    let (seconds, nanos) = (time.as_nanos() / NANOS_PER_SECOND, time.as_nanos() % NANOS_PER_SECOND);
    match u32::try_from(seconds) {
        // Until 2106, and twice as fast.
        Ok(seconds) => integer(seconds, out),
        Err(_) => integer(seconds, out),
    }
    // A leading one keeps the zeros, and makes room for the point.
    let point = out.len();
    integer((NANOS_PER_SECOND + nanos) as u32, out);
    out[point] = b'.';
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
pub(super) fn value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => boolean(*value, out),
        Value::I64(value) => integer(*value, out),
        Value::U64(value) => integer(*value, out),
        Value::F64(value) => float(*value, out),
        Value::Time(time) => timestamp(*time, out),
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
    fn strings() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("tab\tline\nreturn\r", r#""tab\tline\nreturn\r""#),
            ("\u{0}\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""),
            ("<&> 東京 🦀", "\"<&> 東京 🦀\""),
            ("sixteen bytes ok and then \" one", r#""sixteen bytes ok and then \" one""#),
        ] {
            assert_eq!(written(|out| string(text, out)), expected);
        }
    }

    #[test]
    fn every_byte_in_every_place_is_seen() {
        for len in 1..20 {
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut bytes = std::vec![0x80; len];
                    bytes[at] = byte;
                    assert_eq!(has_special(&bytes), is_special(byte), "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn times_have_nine_exact_digits() {
        for (nanos, expected) in [
            (0, "0.000000000"),
            (1, "0.000000001"),
            (1_499_473_411_677_000_001, "1499473411.677000001"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(written(|out| timestamp(Timestamp::from_nanos(nanos), out)), expected);
        }
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
