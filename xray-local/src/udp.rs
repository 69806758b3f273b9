//! The UDP receiver: one thread that does nothing but empty the socket, one that reads what came.
//!
//! The kernel holds a few hundred kilobytes for a socket and drops the rest without a word, so the first thread
//! only copies; what it can't hand on within [`MAX_QUEUED_BYTES`] is counted as overflowed.

use std::{
    io,
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    datagram,
    document::{Rejected, Rejection, Source},
    otlp,
    shared::SharedStore,
};

/// Datagrams on their way from one thread to the other: a burst of a thousand of the largest.
const MAX_QUEUED_BYTES: usize = 64 << 20;

/// What a queued datagram takes besides its payload, so that a flood of tiny ones is bounded as well.
const DATAGRAM_OVERHEAD_BYTES: usize = 64;

/// One byte more than a UDP length field can say.
const BUFFER_BYTES: usize = 1 << 16;

/// How often the socket thread looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// Datagrams that are still taken after the word to stop: more than any kernel buffer holds, less than for ever.
const MAX_DRAINED: usize = 10_000;

/// Datagrams that are counted at once, to take the store's lock seldom.
const COUNT_EVERY: u64 = 64;

/// The two threads. They end when told to, or when this is dropped.
#[derive(Debug)]
pub(crate) struct UdpReceiver {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

enum Event {
    Datagram(Box<[u8]>),
    Count { came: u64, overflowed: u64 },
}

/// The bytes of the datagrams between the threads.
#[derive(Debug, Default)]
struct Backlog(AtomicUsize);

impl Backlog {
    /// Whether there is room for a datagram of this length, which is then counted.
    fn admit(&self, length: usize) -> bool {
        let cost = length + DATAGRAM_OVERHEAD_BYTES;
        let room = |bytes: usize| Some(bytes + cost).filter(|bytes| *bytes <= MAX_QUEUED_BYTES);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    /// A datagram that was admitted has been read.
    fn release(&self, length: usize) {
        self.0.fetch_sub(length + DATAGRAM_OVERHEAD_BYTES, Ordering::Relaxed);
    }
}

impl UdpReceiver {
    pub(crate) fn start(socket: UdpSocket, store: SharedStore) -> io::Result<Self> {
        socket.set_read_timeout(Some(STOP_CHECK))?;
        let stop = Arc::new(AtomicBool::new(false));
        let backlog = Arc::new(Backlog::default());
        let (sender, receiver) = channel();
        let (stop_seen, backlog_seen) = (Arc::clone(&stop), Arc::clone(&backlog));
        let socket_thread = thread::Builder::new()
            .name("xray-local-udp".to_owned())
            .spawn(move || empty_socket(&socket, &sender, &backlog_seen, &stop_seen))?;
        let reader_thread = thread::Builder::new()
            .name("xray-local-read".to_owned())
            .spawn(move || read_datagrams(&receiver, &backlog, &store))?;
        Ok(Self { stop, threads: vec![socket_thread, reader_thread] })
    }

    /// Stops receiving, waits until what came is read. Blocks for about [`STOP_CHECK`].
    pub(crate) fn join(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on stderr.
            let _ = thread.join();
        }
    }
}

impl Drop for UdpReceiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn empty_socket(socket: &UdpSocket, sender: &Sender<Event>, backlog: &Backlog, stop: &AtomicBool) {
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut came, mut overflowed) = (0, 0);
    let mut left_to_drain = MAX_DRAINED;
    loop {
        // Nothing to read for a while, or an ICMP error of no concern to a receiver.
        let idle = match socket.recv(&mut buffer) {
            // The daemon passes over empty datagrams.
            Ok(0) => false,
            Ok(length) => {
                came += 1;
                if backlog.admit(length) {
                    let _ = sender.send(Event::Datagram(buffer[..length].into()));
                } else {
                    overflowed += 1;
                }
                false
            }
            Err(_) => true,
        };
        let told_to_stop = stop.load(Ordering::Relaxed);
        if (idle || came == COUNT_EVERY || told_to_stop) && came > 0 {
            let _ = sender.send(Event::Count { came, overflowed });
            (came, overflowed) = (0, 0);
        }
        if told_to_stop && (idle || left_to_drain == 0) {
            return;
        }
        left_to_drain -= usize::from(told_to_stop);
    }
}

fn read_datagrams(receiver: &Receiver<Event>, backlog: &Backlog, store: &SharedStore) {
    for event in receiver {
        match event {
            Event::Datagram(bytes) => {
                read_datagram(&bytes, store);
                backlog.release(bytes.len());
            }
            Event::Count { came, overflowed } => store.count_datagrams(came, overflowed),
        }
    }
}

fn read_datagram(bytes: &[u8], store: &SharedStore) {
    match datagram::document(bytes) {
        Ok(document) if otlp::is_otlp(document) => {
            if let Err(reason) = otlp::receive_document(store, document, Source::Udp) {
                store.reject_otlp(document, &reason, Source::Udp);
            }
        }
        // A rejection is listed by the store; over UDP there is nobody to tell.
        Ok(document) => drop(store.receive(document, Source::Udp)),
        Err(refused) => store.reject(|now| {
            Rejected::new(bytes, Rejection::new("", format!("datagram: {refused}")), Source::Udp, now)
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_backlog_is_bounded_and_drains(lengths in prop::collection::vec(0_usize..BUFFER_BYTES, 0..3_000)) {
            let backlog = Backlog::default();
            let admitted: Vec<usize> = lengths.iter().copied().filter(|&length| backlog.admit(length)).collect();
            let held: usize = admitted.iter().map(|length| length + DATAGRAM_OVERHEAD_BYTES).sum();
            prop_assert!(held <= MAX_QUEUED_BYTES);
            prop_assert!(admitted.len() == lengths.len() || held > MAX_QUEUED_BYTES - 2 * BUFFER_BYTES);
            admitted.into_iter().for_each(|length| backlog.release(length));
            prop_assert!(backlog.admit(MAX_QUEUED_BYTES - DATAGRAM_OVERHEAD_BYTES));
        }
    }
}
