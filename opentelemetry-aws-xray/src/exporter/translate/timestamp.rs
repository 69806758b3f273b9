//! `SystemTime` → [`Timestamp`].

use std::time::{SystemTime, UNIX_EPOCH};

use xray_wire::Timestamp;

/// A point in time as X-Ray has it. What lies before the epoch becomes the epoch, and what lies beyond the year 2554
/// becomes that: a wrong clock must not cost the span.
pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    let nanos = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Timestamp::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
