//! `SystemTime` → [`Timestamp`].

use std::time::{SystemTime, UNIX_EPOCH};

use xray_wire::Timestamp;

/// A point in time as X-Ray has it. What lies before the epoch becomes the epoch, and what lies beyond the year 2554
/// becomes that: a wrong clock must not cost the span.
#[inline]
pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    const NANOS_PER_SECOND: u64 = 1_000_000_000;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().saturating_mul(NANOS_PER_SECOND);
    Timestamp::from_nanos(seconds.saturating_add(since.subsec_nanos().into()))
}
