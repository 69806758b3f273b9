//! The clock: the one place that asks what time it is.

use std::time::SystemTime;

use xray_wire::Timestamp;

/// The time of day. A clock set before 1970 reads as the epoch.
#[expect(clippy::disallowed_methods, reason = "this file owns the clock")]
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}
