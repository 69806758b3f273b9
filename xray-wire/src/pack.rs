//! Documents → datagrams for the X-Ray daemon.
//!
//! A datagram is a header line and one document. The daemon splits at the first line break and takes the rest as it
//! is, so one datagram holds exactly one document; two would arrive as one that is invalid.

use alloc::vec::Vec;

/// The header line of a datagram, in its shortest form.
pub const DATAGRAM_HEADER: &[u8] = b"{\"format\":\"json\",\"version\":1}\n";

/// Bytes that are left for the document in a datagram of `max_datagram_bytes`.
///
/// ```
/// use xray_wire::{limits::MAX_DATAGRAM_BYTES, pack::max_document_bytes};
///
/// assert_eq!(max_document_bytes(MAX_DATAGRAM_BYTES), 65_477);
/// ```
#[must_use]
pub const fn max_document_bytes(max_datagram_bytes: usize) -> usize {
    max_datagram_bytes.saturating_sub(DATAGRAM_HEADER.len())
}

/// Makes `out` the datagram of `document`.
///
/// ```
/// let mut datagram = Vec::new();
/// xray_wire::pack::datagram(b"{}", &mut datagram);
/// assert_eq!(datagram, b"{\"format\":\"json\",\"version\":1}\n{}");
/// ```
pub fn datagram(document: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(DATAGRAM_HEADER);
    out.extend_from_slice(document);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_DATAGRAM_BYTES;

    #[test]
    fn a_datagram_is_the_header_line_and_the_document() {
        let mut out = b"what was here before".to_vec();
        datagram(b"{}", &mut out);
        assert_eq!(out, b"{\"format\":\"json\",\"version\":1}\n{}");
        assert_eq!(max_document_bytes(MAX_DATAGRAM_BYTES), 65_477);
        assert_eq!(max_document_bytes(10), 0);
    }
}
