//! Points in time.

/// A point in time as nanoseconds since the Unix epoch; it reaches to the year 2554.
///
/// Inside the code, time is this integer. Decimal seconds exist only in documents: [`encode`](crate::encode)
/// writes nine digits after the point, and nothing is rounded.
///
/// ```
/// use std::time::UNIX_EPOCH;
///
/// use xray_wire::Timestamp;
///
/// let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
/// let start = Timestamp::from_nanos(u64::try_from(now).unwrap_or(u64::MAX));
/// let end = Timestamp::from_nanos(start.as_nanos() + 1_500);
/// assert_eq!((end.nanos_since(start), start.nanos_since(end)), (1_500, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// A point in time from nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Nanoseconds from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
