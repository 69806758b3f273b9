//! The id by which X-Ray tells processes apart that report for the same rule.

use core::fmt;

/// The id of a process, drawn once: 24 hex digits (X-Ray API reference, `SamplingStatisticsDocument`).
///
/// ```
/// use xray_wire::sampling::ClientId;
///
/// assert_eq!(ClientId::from_random([0xab; 12]).to_string(), "abababababababababababab");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientId([u8; 12]);

impl ClientId {
    /// An id from random bytes. Processes with the same id get one quota for all of them.
    #[must_use]
    pub const fn from_random(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn twenty_four_lower_case_digits() {
        let id = ClientId::from_random([0, 1, 2, 3, 4, 5, 6, 7, 0xa8, 0xb9, 0xca, 0xff]);
        assert_eq!(id.to_string(), "0001020304050607a8b9caff");
    }
}
