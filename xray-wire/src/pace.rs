//! How fast datagrams may follow each other, so that the receiver's socket buffer holds them.
//!
//! A datagram that finds the receiver's buffer full is gone, and nobody is told. What counts against the buffer is
//! not the payload but the kernel memory that holds it, which for small datagrams is many times as much; so
//! that is what is metered here. With Linux's default buffer of 212,992 bytes, any burst of up to about a third of it
//! in a millisecond arrives whole, whatever the sizes.

use core::time::Duration;

/// A token bucket over kernel memory. It holds no clock: `now` is handed in, as the time since any fixed start.
#[derive(Debug, Clone)]
pub struct Pacer {
    /// Bytes that may go out at once.
    available: u64,
    refilled: Duration,
}

impl Pacer {
    /// Bytes of kernel memory that may be sent at once after a pause: a third of Linux's default receive buffer, and
    /// enough for one datagram of any size.
    pub const BURST_BYTES: u64 = 72 * 1024;

    /// Bytes of kernel memory a millisecond in the long run. About 100 KB a millisecond were measured to arrive
    /// whole at a busy receiver with the default buffer.
    pub const BYTES_PER_MILLISECOND: u64 = 96 * 1024;

    /// A pacer with a full burst.
    #[must_use]
    pub const fn new(now: Duration) -> Self {
        Self { available: Self::BURST_BYTES, refilled: now }
    }

    /// How long to wait before a datagram with `payload` bytes may go out; zero if it may go at once, and then
    /// it is accounted for. After waiting, ask again. A clock that goes backwards costs nothing but a wait.
    pub fn delay(&mut self, payload: usize, now: Duration) -> Duration {
        self.refill(now);
        let cost = kernel_bytes(payload).min(Self::BURST_BYTES);
        match cost.checked_sub(self.available) {
            None | Some(0) => {
                self.available -= cost;
                Duration::ZERO
            }
            Some(missing) => {
                Duration::from_nanos(missing * NANOS_PER_MILLISECOND / Self::BYTES_PER_MILLISECOND + 1)
            }
        }
    }

    fn refill(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.refilled).as_nanos();
        let refill = elapsed * u128::from(Self::BYTES_PER_MILLISECOND) / u128::from(NANOS_PER_MILLISECOND);
        if refill > 0 {
            // A fraction of a byte is lost with each refill, which errs on the slow side.
            self.refilled = now;
            self.available = u64::try_from(refill)
                .unwrap_or(u64::MAX)
                .saturating_add(self.available)
                .min(Self::BURST_BYTES);
        }
    }
}

const NANOS_PER_MILLISECOND: u64 = 1_000_000;

/// About how much kernel memory a datagram takes at its receiver. Up to 16 KB the buffer is a
/// power of two that also holds the kernel's own 320 bytes; beyond, it is whole pages; 320 bytes describe it. This
/// reproduces, to one datagram, how many of each size a default buffer was measured to hold.
#[must_use]
pub const fn kernel_bytes(payload: usize) -> u64 {
    const OWN: u64 = 320;
    const DESCRIPTOR: u64 = 320;
    const PAGE: u64 = 4_096;
    let data = payload as u64 + OWN;
    if data <= 16_384 {
        data.next_power_of_two() + DESCRIPTOR
    } else {
        data.next_multiple_of(PAGE) + DESCRIPTOR
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn never_underestimates_what_a_buffer_holds() {
        const DEFAULT_RECEIVE_BUFFER: u64 = 212_992;
        // (payload, datagrams that a default buffer was measured to hold)
        for (payload, held) in [
            (100, 256),
            (500, 166),
            (1_400, 92),
            (3_000, 48),
            (5_000, 25),
            (16_000, 12),
            (20_000, 10),
            (32_000, 6),
            (60_000, 3),
        ] {
            let estimate = DEFAULT_RECEIVE_BUFFER.div_ceil(kernel_bytes(payload));
            assert!(estimate <= held + 1, "{payload}: {estimate} > {held}");
            assert!(kernel_bytes(payload) < Pacer::BURST_BYTES);
        }
        assert!(kernel_bytes(crate::limits::MAX_DATAGRAM_BYTES) <= Pacer::BURST_BYTES);
    }

    proptest! {
        #[test]
        fn never_more_than_a_burst_and_the_rate(
            steps in prop::collection::vec((0usize..65_507, 0u64..3_000_000), 1..200),
        ) {
            let mut now = Duration::ZERO;
            let mut pacer = Pacer::new(now);
            let mut sent = 0;
            for (payload, pause) in steps {
                now += Duration::from_nanos(pause);
                loop {
                    let delay = pacer.delay(payload, now);
                    if delay.is_zero() { break }
                    prop_assert!(delay <= Duration::from_millis(1), "{:?}", delay);
                    now += delay;
                }
                sent += kernel_bytes(payload);
                let allowed = Pacer::BURST_BYTES
                    + (now.as_nanos() * u128::from(Pacer::BYTES_PER_MILLISECOND) / 1_000_000) as u64;
                prop_assert!(sent <= allowed, "{} > {}", sent, allowed);
            }
        }
    }
}
