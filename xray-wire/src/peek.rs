//! The ids of a finished document, read without decoding it.
//!
//! They stand at the front: the [encoder](crate::encode) writes the head, the name and the id first. What does not begin
//! like that has no ids here, whatever it says further on.

use crate::{SegmentId, TraceId};

/// The trace and the id of a document that the [encoder](crate::encode) wrote; `None` for any other text.
///
/// ```
/// let document = br#"{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","name":"api","id":"53995c3f42cd8ad8","#;
/// let (trace, segment) = xray_wire::peek::ids(document).unwrap();
/// assert_eq!(trace.to_string(), "1-5759e988-bd862e3fe1be46a994272793");
/// assert_eq!(segment.to_string(), "53995c3f42cd8ad8");
/// ```
#[must_use]
pub fn ids(document: &[u8]) -> Option<(TraceId, SegmentId)> {
    let rest = document.strip_prefix(b"{\"trace_id\":\"")?;
    let trace_id = TraceId::parse(rest.get(..TraceId::TEXT_LEN)?).ok()?;
    let rest = rest.get(TraceId::TEXT_LEN..)?.strip_prefix(b"\",")?;
    let rest = match rest.strip_prefix(b"\"parent_id\":\"") {
        Some(rest) => rest.get(SegmentId::TEXT_LEN..)?.strip_prefix(b"\",")?,
        None => rest,
    };
    let rest = rest.strip_prefix(b"\"type\":\"subsegment\",").unwrap_or(rest);
    let rest = behind_string(rest.strip_prefix(b"\"name\":\"")?)?;
    let rest = rest.strip_prefix(b",\"id\":\"")?;
    let id = SegmentId::parse(rest.get(..SegmentId::TEXT_LEN)?).ok()?;
    Some((trace_id, id))
}

/// What follows the end of a JSON string that has begun.
fn behind_string(text: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return text.get(at + 1..),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use proptest::prelude::*;

    use super::*;
    use crate::{Segment, Timestamp, encode, segment::Kind};

    proptest! {
        #[test]
        fn what_the_encoder_writes_is_read(
            trace in 1u128..,
            id in 1u64..,
            parent in prop::option::of(1u64..),
            is_subsegment: bool,
            name in "\\PC{0,20}|[\"\\\\\u{1}]{0,9}",
        ) {
            let trace_id = TraceId::from_bytes(trace.to_be_bytes()).unwrap();
            let id = SegmentId::from_bytes(id.to_be_bytes()).unwrap();
            let kind = if is_subsegment { Kind::Subsegment } else { Kind::Segment };
            let mut segment = Segment::new(kind, name.as_str(), id, Timestamp::default());
            segment.trace_id = Some(trace_id);
            segment.parent_id = parent.and_then(|id| SegmentId::from_bytes(id.to_be_bytes()));
            let mut out = Vec::new();
            encode::document(&segment, None, &mut out);
            prop_assert_eq!(ids(&out), Some((trace_id, id)), "{}", String::from_utf8_lossy(&out));
            // Cut anywhere, it is no panic.
            for end in 0..out.len() {
                let _ = ids(&out[..end]);
            }
        }
    }

    #[test]
    fn other_texts_have_no_ids() {
        for text in ["", "{}", "T1SCg==", "{\"name\":\"x\",\"id\":\"53995c3f42cd8ad8\"}"] {
            assert_eq!(ids(text.as_bytes()), None, "{text}");
        }
    }
}
