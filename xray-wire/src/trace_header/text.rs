//! A trace header as text on the stack.

use core::fmt;

use crate::limits::MAX_TRACE_HEADER_EXTRA_BYTES;
use crate::{SegmentId, TraceId};

/// A printed header: ASCII text of at most [`TraceHeaderText::MAX_LEN`] bytes, on the stack.
///
/// ```
/// use xray_wire::{Sampled, TraceHeader};
///
/// let text = TraceHeader::new(None, None, Sampled::No).to_text();
/// assert_eq!((text.as_str(), text.as_bytes()), ("Sampled=0", &b"Sampled=0"[..]));
/// assert!(TraceHeader::default().to_text().is_empty());
/// ```
#[derive(Clone, Copy)]
pub struct TraceHeaderText {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
}

impl TraceHeaderText {
    /// The longest header that is ever printed: the three fields, and as many extras as are passed on.
    pub const MAX_LEN: usize = "Root=".len()
        + TraceId::TEXT_LEN
        + ";Parent=".len()
        + SegmentId::TEXT_LEN
        + ";Sampled=1".len()
        + MAX_TRACE_HEADER_EXTRA_BYTES;

    pub(super) const EMPTY: Self = Self { bytes: [0; Self::MAX_LEN], len: 0 };

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text as ASCII bytes, for `HeaderValue::from_bytes`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// As [`push_pair`](Self::push_pair), for what has a known length: without calls of `memcpy`. The name has its `=`.
    #[inline]
    pub(super) fn push_field<const N: usize, const V: usize>(&mut self, name: &[u8; N], value: &[u8; V]) {
        if self.len > 0 {
            self.push_array(b";");
        }
        self.push_array(name);
        self.push_array(value);
    }

    /// Appends `name=value`, separated from what stands before.
    pub(super) fn push_pair(&mut self, name: &[u8], value: &[u8]) {
        if self.len > 0 {
            self.push(b";");
        }
        self.push(name);
        self.push(b"=");
        self.push(value);
    }

    /// As [`push`](Self::push), without a call of `memcpy`.
    #[inline]
    fn push_array<const N: usize>(&mut self, bytes: &[u8; N]) {
        if let Some(room) = self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut) {
            *room = *bytes;
            self.len += N;
        }
    }

    /// Callers stay within `MAX_LEN`, which is the sum of all that they may push.
    fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }
}

impl AsRef<str> for TraceHeaderText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for TraceHeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TraceHeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
