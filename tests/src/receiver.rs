//! A daemon that keeps what it is sent: a UDP socket with the kernel's default buffer, drained by a thread.

use std::{
    collections::HashSet,
    io,
    net::{SocketAddr, ToSocketAddrs, UdpSocket},
    sync::mpsc,
    thread::JoinHandle,
};

use xray_wire::{Segment, SegmentId, decode::decode, limits::MAX_DATAGRAM_BYTES, pack, validate::validate};

use crate::PATIENCE;

/// A bound socket and its thread.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    datagrams: mpsc::Receiver<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl Receiver {
    /// Binds the address and starts to receive.
    ///
    /// # Errors
    /// The operating system's, if it does not let us have the address.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        let address = socket.local_addr()?;
        let (sender, datagrams) = mpsc::channel();
        let thread = std::thread::spawn(move || receive(&socket, &sender));
        Ok(Self { address, datagrams, thread })
    }

    /// The address it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until so many spans have come and hands back the ids of all that did. Every datagram on the way has to be
    /// one that X-Ray would take.
    #[must_use]
    pub fn wait_for_spans(&self, spans: usize) -> HashSet<SegmentId> {
        let mut received = HashSet::new();
        while received.len() < spans {
            let Ok(datagram) = self.datagrams.recv_timeout(PATIENCE) else {
                panic!("expected {spans} spans, but only {} came", received.len());
            };
            for id in ids(document(&datagram)) {
                assert!(received.insert(id), "{id} came twice");
            }
        }
        received
    }

    /// Closes the socket, and the port with it.
    pub fn close(self) {
        // An empty datagram ends the thread; nobody else sends one.
        let waker = UdpSocket::bind((self.address.ip(), 0)).unwrap();
        waker.send_to(&[], self.address).unwrap();
        self.thread.join().unwrap();
    }
}

fn receive(socket: &UdpSocket, sender: &mpsc::Sender<Vec<u8>>) {
    // Room for more than is allowed, or what is too long would be cut unseen.
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES + 1];
    loop {
        let length = socket.recv(&mut buffer).unwrap();
        if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
            return;
        }
    }
}

fn document(datagram: &[u8]) -> &[u8] {
    assert!(datagram.len() <= MAX_DATAGRAM_BYTES, "{} bytes", datagram.len());
    let document = datagram.strip_prefix(pack::DATAGRAM_HEADER).expect("the header line");
    if let Err(violation) = validate(document) {
        panic!("X-Ray would refuse this, {violation}: {}", String::from_utf8_lossy(document));
    }
    document
}

/// The ids of a document's segment and of all that is nested in it.
fn ids(document: &[u8]) -> Vec<SegmentId> {
    let decoded = decode(document).unwrap();
    assert!(decoded.skipped.is_empty(), "{:?}", decoded.skipped);
    let mut found = Vec::new();
    let mut open: Vec<&Segment<'_>> = vec![&decoded.segment];
    while let Some(segment) = open.pop() {
        found.push(segment.id);
        open.extend(&segment.subsegments);
    }
    found
}
