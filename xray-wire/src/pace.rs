//! How fast datagrams may follow each other, so that the receiver's socket buffer holds them.
//!
//! A datagram that finds the receiver's buffer full is gone, and nobody is told. What counts against the buffer is
//! not the payload but the kernel memory that holds it, which for small datagrams is many times as much; so
//! that is what is metered here. With Linux's default buffer of 212,992 bytes, any burst of up to about a third of it
//! in a millisecond arrives whole, whatever the sizes.

use core::time::Duration;

/// A token bucket over kernel memory, slow at first and faster while the load lasts.
///
/// A batch that ends a quiet time goes out slowly, since nobody waits for it and its receiver may have to wait for a
/// processor. When batch follows batch, the receiver is awake and running, and a slow sender would fill the queue behind
/// it; so the rate doubles every [`DOUBLES_AFTER`](Self::DOUBLES_AFTER), up to what a busy receiver takes.
///
/// It holds no clock: `now` is handed in, as the time since any fixed start.
///
/// ```
/// use std::time::Duration;
///
/// use xray_wire::pace::Pacer;
///
/// let mut now = Duration::ZERO;
/// let mut pacer = Pacer::new(now);
/// for _datagram in 0..1_000 {
///     loop {
///         match pacer.delay(1_000, now) {
///             Duration::ZERO => break, // Send it now.
///             wait => now += wait,     // Sleep, and ask again.
///         }
///     }
/// }
/// assert!(now > Duration::from_millis(100) && now < Duration::from_millis(200));
/// ```
#[derive(Debug, Clone)]
pub struct Pacer {
    /// Bytes that may go out at once; negative while the last datagram is being paid off.
    available: i64,
    refilled: Duration,
    busy_since: Duration,
}

impl Pacer {
    /// Bytes of kernel memory that may be sent at once after a pause, not counting the datagram that goes beyond.
    pub const BURST_BYTES: u64 = 24 * 1024;

    /// Bytes of kernel memory a millisecond at first. A default buffer takes 11 ms to fill at this rate, which is as long
    /// as a receiver on a busy machine commonly waits for a processor. It makes 12,000 small documents a second.
    pub const FIRST_BYTES_PER_MILLISECOND: u64 = 16 * 1024;

    /// Bytes of kernel memory a millisecond at last: about 100 KB were measured to arrive whole at a receiver that is
    /// running. It makes 5,000 documents a second with twenty spans each.
    pub const LAST_BYTES_PER_MILLISECOND: u64 = 96 * 1024;

    /// How long the load has to last for the rate to double.
    pub const DOUBLES_AFTER: Duration = Duration::from_millis(500);

    /// A pause of this length ends the load.
    pub const QUIET_AFTER: Duration = Duration::from_millis(50);

    /// A pacer with a full burst.
    #[must_use]
    pub const fn new(now: Duration) -> Self {
        Self { available: Self::BURST_BYTES as i64, refilled: now, busy_since: now }
    }

    /// How long to wait before a datagram with `payload` bytes may go out; zero if it may go at once, and then
    /// it is accounted for. After waiting, ask again. A clock that goes backwards costs nothing but a wait.
    pub fn delay(&mut self, payload: usize, now: Duration) -> Duration {
        let rate = self.refill(now);
        if self.available < 0 {
            return Duration::from_nanos(self.available.unsigned_abs() * NANOS_PER_MILLISECOND / rate + 1);
        }
        self.available -= i64::try_from(kernel_bytes(payload)).unwrap_or(i64::MAX);
        Duration::ZERO
    }

    fn refill(&mut self, now: Duration) -> u64 {
        let pause = now.saturating_sub(self.refilled);
        if pause >= Self::QUIET_AFTER {
            self.busy_since = now;
        }
        let busy = now.saturating_sub(self.busy_since).as_nanos() / Self::DOUBLES_AFTER.as_nanos();
        let doublings = u32::try_from(busy).unwrap_or(u32::MAX).min(u64::BITS / 2);
        let rate = (Self::FIRST_BYTES_PER_MILLISECOND << doublings).min(Self::LAST_BYTES_PER_MILLISECOND);
        let refill = pause.as_nanos() * u128::from(rate) / u128::from(NANOS_PER_MILLISECOND);
        if refill > 0 {
            // A fraction of a byte is lost with each refill, which errs on the slow side.
            self.refilled = now;
            let refill = i64::try_from(refill).unwrap_or(i64::MAX);
            self.available = self.available.saturating_add(refill).min(Self::BURST_BYTES as i64);
        }
        rate
    }
}

const NANOS_PER_MILLISECOND: u64 = 1_000_000;

/// About how much kernel memory a datagram takes at its receiver. Up to 16 KB the buffer is a
/// power of two that also holds the kernel's own 320 bytes; beyond, it is whole pages; 320 bytes describe it. This
/// reproduces, to one datagram, how many of each size a default buffer was measured to hold.
///
/// ```
/// use xray_wire::pace::kernel_bytes;
///
/// assert_eq!(kernel_bytes(100), 832);
/// assert_eq!(kernel_bytes(64_000), 65_856);
/// ```
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
        }
    }

    /// Sends datagrams as fast as the pacer allows, and answers how many milliseconds they took.
    fn milliseconds(pacer: &mut Pacer, now: &mut Duration, payload: usize, datagrams: usize) -> u128 {
        let start = *now;
        for _ in 0..datagrams {
            loop {
                let delay = pacer.delay(payload, *now);
                if delay.is_zero() {
                    break;
                }
                *now += delay;
            }
        }
        (*now - start).as_millis()
    }

    #[test]
    fn the_rate_grows_while_the_load_lasts() {
        let mut now = Duration::ZERO;
        let mut pacer = Pacer::new(now);
        // (pause before in milliseconds, datagrams of 500 bytes, milliseconds they take)
        for (pause, datagrams, expected) in [
            (0, 1_000, 78),
            (0, 10_000, 620),
            (0, 50_000, 1_050),
            (0, 10_000, 137),
            (49, 10_000, 137),
            (50, 1_000, 78),
        ] {
            now += Duration::from_millis(pause);
            let took = milliseconds(&mut pacer, &mut now, 500, datagrams);
            assert!(took.abs_diff(expected) <= 2, "{pause} {datagrams}: {took}, expected {expected}");
        }
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
                    prop_assert!(delay <= Duration::from_millis(5), "{:?}", delay);
                    now += delay;
                }
                let before = sent;
                sent += kernel_bytes(payload);
                let rate = u128::from(Pacer::LAST_BYTES_PER_MILLISECOND);
                let allowed = Pacer::BURST_BYTES + (now.as_nanos() * rate / 1_000_000) as u64;
                prop_assert!(before <= allowed, "{} > {}", before, allowed);
            }
        }
    }
}
