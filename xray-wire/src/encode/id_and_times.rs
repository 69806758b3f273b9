//! The id of a node and its times, which every node has.

use alloc::vec::Vec;

use super::{
    digits::{self, Usual},
    fill, json,
};
use crate::{SegmentId, Timestamp};

/// In one piece, if both times are usual ones.
#[inline]
pub(super) fn write(id: SegmentId, start_time: Timestamp, end_time: Option<Timestamp>, out: &mut Vec<u8>) {
    const FIELDS: [u8; 90] =
        *br#","id":"................","start_time":....................,"end_time":...................."#;
    let (Some(start), Some(end)) = (Usual::of(start_time), end_time.and_then(Usual::of)) else {
        return unusual(id, start_time, end_time, out);
    };
    // They are filled in where they stand: to build such an array elsewhere costs more than its digits.
    out.extend_from_slice(&FIELDS);
    if let Some(fields) = out.last_chunk_mut::<{ FIELDS.len() }>() {
        fill(&mut fields[7..], |text| id.write(text));
        fill(&mut fields[38..], |text| start.write(text));
        fill(&mut fields[70..], |text| end.write(text));
    }
}

#[cold]
fn unusual(id: SegmentId, start_time: Timestamp, end_time: Option<Timestamp>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"id\":");
    json::segment_id(id, out);
    out.extend_from_slice(b",\"start_time\":");
    digits::timestamp(start_time, out);
    match end_time {
        Some(end) => {
            out.extend_from_slice(b",\"end_time\":");
            digits::timestamp(end, out);
        }
        None => out.extend_from_slice(b",\"in_progress\":true"),
    }
}
