//! Which of the rules' counters a thread has for its own.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use xray_wire::sampling::Stripe;

/// Where this thread counts. The first time it asks, it gets a stripe of its own for as long as it lives, if there is one left.
#[inline]
pub(super) fn stripe() -> Stripe {
    // A thread that ends has given its own back.
    OF_THREAD.try_with(|of_thread| of_thread.stripe).unwrap_or(Stripe::shared(0))
}

thread_local! {
    static OF_THREAD: OfThread = OfThread::take();
}

/// A bit for each stripe that belongs to a thread.
static TAKEN: AtomicU32 = AtomicU32::new(0);

struct OfThread {
    stripe: Stripe,
    /// Its number, if no other thread has it.
    own: Option<u8>,
}

impl OfThread {
    fn take() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Acquires what the one before has counted, so that counting goes on from there.
        let taken = TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, |taken| {
            Stripe::own(first_free(taken)).map(|_| taken | 1 << first_free(taken))
        });
        let own = taken.ok().map(first_free);
        let shared = || Stripe::shared(NEXT.fetch_add(1, Ordering::Relaxed));
        Self { stripe: own.and_then(Stripe::own).unwrap_or_else(shared), own }
    }
}

impl Drop for OfThread {
    fn drop(&mut self) {
        if let Some(number) = self.own {
            TAKEN.fetch_and(!(1 << number), Ordering::Release);
        }
    }
}

const fn first_free(taken: u32) -> u8 {
    taken.trailing_ones() as u8
}

const _: () = assert!((Stripe::OWN as u32) < u32::BITS, "each has a bit");

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Barrier},
        thread,
    };

    use xray_wire::sampling::{Process, Rate, Rule, Table};

    use super::*;

    /// Threads that live at the same time, and others after them.
    #[test]
    fn no_decision_is_lost_with_more_threads_than_stripes() {
        const THREADS: usize = 2 * Stripe::OWN as usize;
        const DECISIONS: u64 = 1_000;
        let rule = Rule::for_all(Rule::DEFAULT_NAME, 1, 0, Rate::NEVER);
        let table = Arc::new(Table::local(vec![rule], &Process::default()));
        for round in 1..=3 {
            let barrier = Arc::new(Barrier::new(THREADS));
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (table, barrier) = (table.clone(), barrier.clone());
                    thread::spawn(move || {
                        barrier.wait();
                        for _ in 0..DECISIONS {
                            table.entries()[0].state.decide([0xff; 16], || 0, stripe());
                        }
                        barrier.wait();
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let expected = round * THREADS as u64 * DECISIONS;
            assert_eq!(table.entries()[0].state.total().not_sampled, expected);
        }
    }

    #[test]
    fn a_thread_keeps_its_stripe() {
        assert_eq!(stripe(), stripe());
    }
}
