//! How much may be on its way to a receiver whose socket buffer can be looked into.
//!
//! On the same machine a sender can ask the kernel how full the receiver's buffer is, which beats any guess about how fast
//! it is emptied: a receiver that runs is sent to as fast as it reads, and one that waits for a processor is
//! waited for. Nothing is lost either way. For receivers elsewhere there is the [`Pacer`](crate::pace::Pacer).

use core::time::Duration;

use crate::pace::kernel_bytes;

/// What a look at the receiver's socket showed.
///
/// ```
/// use std::time::Duration;
///
/// use xray_wire::window::{Seen, Window};
///
/// let mut window = Window::new(212_992);
/// window.look(Seen { queued: 0, dropped: 5 }, Duration::ZERO);
/// let dropped = window.look(Seen { queued: 90_000, dropped: 8 }, Duration::from_millis(1));
/// assert_eq!(dropped, 3);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Bytes of kernel memory that wait to be read.
    pub queued: u64,
    /// Datagrams that found the buffer full, since the socket was opened, whoever sent them.
    pub dropped: u64,
}

/// Credit for datagrams, given by looks at the receiver.
///
/// It does no I/O and holds no clock: looks are handed in.
///
/// ```
/// use std::time::Duration;
///
/// use xray_wire::window::{Seen, Window};
///
/// let mut window = Window::new(212_992);
/// window.look(Seen::default(), Duration::ZERO);
/// let mut sent = 0;
/// while window.take(1_000) {
///     sent += 1;
/// }
/// assert_eq!(sent, 44); // Half of the buffer. Now look again, and again after `LOOK_EVERY`.
/// window.look(Seen { queued: 104_192, dropped: 0 }, Window::LOOK_EVERY);
/// assert!(!window.take(1_000));
/// ```
#[derive(Debug, Clone)]
pub struct Window {
    size: u64,
    credit: u64,
    last_look: Option<Seen>,
    sent_since: u64,
    /// Since when nothing was read from a queue that is not empty.
    stuck_since: Option<Duration>,
}

impl Window {
    /// The share of the receiver's buffer that is filled, as a divisor: other senders get the other half.
    pub const SHARE: u64 = 2;

    /// A window is never smaller, however often datagrams were dropped: one that holds less than a common document would only
    /// slow down.
    pub const MIN_BYTES: u64 = 16 * 1024;

    /// How long to wait for the receiver before the next look. A default buffer that is half full lasts a reader
    /// about a millisecond.
    pub const LOOK_EVERY: Duration = Duration::from_micros(250);

    /// A receiver that has read nothing for so long, although its queue is not empty, is taken for stuck.
    pub const STUCK_AFTER: Duration = Duration::from_millis(100);

    /// A window for a receiver with a buffer of so many bytes. There is no credit before the first look.
    #[must_use]
    pub const fn new(buffer_bytes: u64) -> Self {
        let half = buffer_bytes / Self::SHARE;
        let size = if half < Self::MIN_BYTES { Self::MIN_BYTES } else { half };
        Self { size, credit: 0, last_look: None, sent_since: 0, stuck_since: None }
    }

    /// Whether a datagram with `payload` bytes may go out now; if so, it is accounted for.
    pub fn take(&mut self, payload: usize) -> bool {
        let bytes = kernel_bytes(payload);
        // One that is larger than the window fits an empty one.
        if bytes > self.credit && self.credit < self.size {
            return false;
        }
        self.credit = self.credit.saturating_sub(bytes);
        self.sent_since += bytes;
        true
    }

    /// Takes over what a look showed, and answers how many datagrams the receiver has dropped since the look before. Then
    /// the window is halved, since the buffer must be smaller than it was taken for, or others fill it too.
    pub fn look(&mut self, seen: Seen, now: Duration) -> u64 {
        let last = self.last_look.replace(seen).unwrap_or(Seen { queued: u64::MAX, ..seen });
        let dropped = seen.dropped.saturating_sub(last.dropped);
        if dropped > 0 {
            self.size = (self.size / 2).max(Self::MIN_BYTES);
        }
        let was_read = seen.queued == 0 || seen.queued < last.queued.saturating_add(self.sent_since);
        self.stuck_since = if was_read { None } else { self.stuck_since.or(Some(now)) };
        self.credit = self.size.saturating_sub(seen.queued);
        self.sent_since = 0;
        dropped
    }

    /// Whether the receiver seems not to read any more, after the last look.
    #[must_use]
    pub fn is_stuck(&self, now: Duration) -> bool {
        self.stuck_since.is_some_and(|since| now.saturating_sub(since) >= Self::STUCK_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BUFFER: u64 = 212_992;

    fn seen(queued: u64) -> Seen {
        Seen { queued, dropped: 0 }
    }

    #[test]
    fn credit_is_what_the_queue_leaves_of_half_the_buffer() {
        // (bytes that wait to be read, datagrams of 5,000 bytes that may go out)
        for (queued, expected) in
            [(0, 12), (8_512, 11), (BUFFER / 2 - 8_512, 1), (BUFFER / 2 - 8_511, 0), (BUFFER, 0)]
        {
            let mut window = Window::new(BUFFER);
            assert!(!window.take(0), "nothing goes before the first look");
            window.look(seen(queued), Duration::ZERO);
            let sent = (0..100).take_while(|_| window.take(5_000)).count();
            assert_eq!(sent, expected, "{queued}");
        }
    }

    #[test]
    fn what_is_larger_than_the_window_goes_to_an_empty_queue() {
        let mut window = Window::new(0);
        window.look(seen(1), Duration::ZERO);
        assert!(!window.take(60_000));
        window.look(seen(0), Duration::ZERO);
        assert!(window.take(60_000));
        assert!(!window.take(1));
    }

    #[test]
    fn drops_are_told_once_and_halve_the_window() {
        let mut window = Window::new(BUFFER);
        // (drops that the socket has counted, of them new, credit at an empty queue)
        for (dropped, new, credit) in
            [(7, 0, 106_496), (7, 0, 106_496), (9, 2, 53_248), (10, 1, 26_624), (99, 89, 16_384)]
        {
            assert_eq!(window.look(Seen { queued: 0, dropped }, Duration::ZERO), new, "{dropped}");
            assert_eq!(window.credit, credit, "{dropped}");
        }
    }

    #[test]
    fn a_receiver_that_stops_reading_is_stuck_after_a_while() {
        let mut window = Window::new(BUFFER);
        // (milliseconds, bytes that wait to be read, stuck)
        for (millis, queued, stuck) in [
            (0, 200_000, false),
            (1, 200_000, false),
            (100, 200_000, false),
            (101, 200_000, true),
            (102, 199_000, false),
            (103, 199_000, false),
            (203, 199_000, true),
            (204, 0, false),
            (400, 0, false),
        ] {
            let now = Duration::from_millis(millis);
            window.look(seen(queued), now);
            assert_eq!(window.is_stuck(now), stuck, "{millis}");
        }
    }

    proptest! {
        /// A receiver that reads whenever it likes, with a buffer of any size that is known.
        #[test]
        fn nothing_is_dropped(
            buffer in 130_000u64..1_000_000,
            steps in prop::collection::vec((1usize..65_507, 0usize..4), 1..300),
        ) {
            let mut window = Window::new(buffer);
            let (mut queue, mut sent) = (std::collections::VecDeque::new(), 0);
            for (payload, read) in steps {
                if !window.take(payload) {
                    queue.drain(..read.min(queue.len()));
                    window.look(seen(queue.iter().sum()), Duration::ZERO);
                    if !window.take(payload) { continue }
                }
                let queued: u64 = queue.iter().sum();
                prop_assert!(queued < buffer, "{} bytes are in a buffer of {}", queued, buffer);
                queue.push_back(kernel_bytes(payload));
                sent += 1;
            }
            prop_assert!(sent > 0);
        }
    }
}
