//! Targets: how a rule's reservoir is shared out among the clients that use it.

use xray_wire::Timestamp;

use super::{
    SECOND,
    statistics::{Client, ClientId},
};

/// What clients are told to wait between reports: the interval that they start with.
pub(crate) const INTERVAL_SECONDS: u32 = 10;

/// How long a grant holds. Three intervals: who misses a report does not fall back to borrowing at once.
pub(crate) const QUOTA_NANOS: u64 = 3 * INTERVAL_SECONDS as u64 * SECOND;

/// The demand of a client without requests, in requests a second: too small to take anything from others, enough
/// for a share if nobody has requests.
const IDLE_DEMAND: f64 = 1e-6;

/// What a client may use of a reservoir, in requests a second, until [`QUOTA_NANOS`] from now.
///
/// Clients that reported within that time share it in proportion to their demand. What others were granted and may
/// still use is not granted twice, so a newcomer may have to wait until they report.
pub(crate) fn quota<'a>(
    reservoir_size: u32,
    id: &ClientId,
    clients: impl Iterator<Item = (&'a ClientId, &'a Client)>,
    now: Timestamp,
) -> u32 {
    let mut taken: u64 = 0;
    let mut own = None;
    let mut demands = Vec::new();
    for (other, client) in clients {
        if other == id {
            own = Some(demands.len());
        } else {
            taken += u64::from(client.outstanding(now));
            if now.nanos_since(client.reported) >= QUOTA_NANOS {
                continue;
            }
        }
        demands.push(client.demand().max(IDLE_DEMAND));
    }
    let share = own.and_then(|own| apportion(reservoir_size, &demands).get(own).copied()).unwrap_or(0);
    let free = u64::from(reservoir_size).saturating_sub(taken);
    share.min(u32::try_from(free).unwrap_or(u32::MAX))
}

/// Whole numbers in proportion to the demands that add up to the size (the method of the largest remainders). Of
/// equal remainders the first ones win.
fn apportion(size: u32, demands: &[f64]) -> Vec<u32> {
    let total: f64 = demands.iter().sum();
    let exact: Vec<f64> = demands.iter().map(|demand| f64::from(size) * demand / total).collect();
    let mut shares: Vec<u32> = exact.iter().map(|exact| exact.floor() as u32).collect();
    let mut by_remainder: Vec<usize> = (0..demands.len()).collect();
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let given: u32 = shares.iter().fold(0, |sum, share| sum.saturating_add(*share));
    for &position in by_remainder.iter().take(size.saturating_sub(given) as usize) {
        shares[position] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_follow_demand() {
        for (size, demands, expected) in [
            (10, vec![5.0], vec![10]),
            (10, vec![30.0, 10.0], vec![8, 2]),
            (10, vec![1.0, 1.0, 1.0], vec![4, 3, 3]),
            (1, vec![1.0, 2.0, 1.0], vec![0, 1, 0]),
            (4, vec![IDLE_DEMAND, IDLE_DEMAND], vec![2, 2]),
            (7, vec![100.0, IDLE_DEMAND], vec![7, 0]),
            (0, vec![1.0], vec![0]),
            (5, vec![], vec![]),
        ] {
            assert_eq!(apportion(size, &demands), expected, "{size} among {demands:?}");
        }
    }

    proptest! {
        #[test]
        fn all_is_shared_out_and_each_share_is_right_within_one(
            size in 0_u32..1_000_000,
            demands in prop::collection::vec(1e-6..1e6_f64, 1..50),
        ) {
            let shares = apportion(size, &demands);
            prop_assert_eq!(shares.iter().map(|share| u64::from(*share)).sum::<u64>(), u64::from(size));
            let total: f64 = demands.iter().sum();
            for (share, demand) in shares.iter().zip(&demands) {
                let exact = f64::from(size) * demand / total;
                prop_assert!((f64::from(*share) - exact).abs() <= 1.0 + 1e-6, "{share} for {exact}");
            }
        }
    }
}
