//! When the next datagram may go: by looking at the receiver where that is possible, by a careful guess elsewhere.

use std::time::Duration;

use xray_wire::{pace::Pacer, window::Window};

use super::receiver::{ReceiverQueue, buffer_bytes};
use crate::clock::Clock;

/// Datagrams to one receiver, slowed down so that its socket has room for them.
#[derive(Debug)]
pub(super) struct Flow {
    pacer: Pacer,
    seen: Option<(Window, ReceiverQueue)>,
}

/// Why a datagram may not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// The receiver has stopped reading.
    Stuck,
    /// The receiver takes datagrams too slowly for the time that there is.
    Late,
}

impl Flow {
    /// A flow to a receiver that can be looked at if there is a queue.
    pub(super) fn new(queue: Option<ReceiverQueue>, now: Duration) -> Self {
        let seen = queue.map(|queue| (Window::new(buffer_bytes()), queue));
        Self { pacer: Pacer::new(now), seen }
    }

    /// Returns when a datagram with so many bytes may go, and adds to `dropped` how many datagrams the receiver was seen to
    /// have dropped meanwhile. A receiver that reads nothing is waited for no longer than [`Window::STUCK_AFTER`], and none
    /// beyond `until`.
    pub(super) fn wait(
        &mut self,
        payload: usize,
        until: Duration,
        clock: &dyn Clock,
        dropped: &mut u64,
    ) -> Result<(), NoTurn> {
        while let Some((window, queue)) = &mut self.seen {
            if window.take(payload) {
                return Ok(());
            }
            // Nobody listens, or not where it can be seen.
            let Some(seen) = queue.look() else { break };
            let now = clock.now();
            *dropped += window.look(seen, now);
            if window.take(payload) {
                return Ok(());
            }
            if window.is_stuck(now) {
                return Err(NoTurn::Stuck);
            }
            if now >= until {
                return Err(NoTurn::Late);
            }
            clock.sleep(Window::LOOK_EVERY);
        }
        loop {
            let now = clock.now();
            let delay = self.pacer.delay(payload, now);
            if delay.is_zero() {
                return Ok(());
            }
            if now >= until {
                return Err(NoTurn::Late);
            }
            clock.sleep(delay);
        }
    }
}
