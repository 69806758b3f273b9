//! Ids that are derived, not drawn: the same span gives the same documents each time, so that sending them twice does no
//! harm.

use xray_wire::{SegmentId, TraceId};

/// The id of the service's segment around a call. It depends on the trace too: ids of spans are unique only within one.
pub(super) fn service_id(trace_id: TraceId, id: SegmentId) -> SegmentId {
    let trace = u128::from_be_bytes(trace_id.to_bytes());
    let folded = (trace >> 64) as u64 ^ trace as u64;
    let bits = mix(u64::from_be_bytes(id.to_bytes()) ^ mix(folded));
    SegmentId::from_bytes(bits.to_be_bytes()).filter(|derived| *derived != id).unwrap_or_else(|| inverted(id))
}

/// The n-th id that belongs to another one.
pub(super) fn derived_id(id: SegmentId, n: usize) -> SegmentId {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let bits = mix(u64::from_be_bytes(id.to_bytes()).wrapping_add(GOLDEN.wrapping_mul(n as u64 + 1)));
    // One input in 2^64 gives zero, which is no id, or itself.
    SegmentId::from_bytes(bits.to_be_bytes()).filter(|derived| *derived != id).unwrap_or_else(|| inverted(id))
}

fn inverted(id: SegmentId) -> SegmentId {
    SegmentId::from_bytes(id.to_bytes().map(|byte| !byte)).unwrap_or(id)
}

/// Spreads neighbouring numbers over all bits (the finalizer of `SplitMix64`).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
