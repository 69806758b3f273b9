//! A look at the daemon's socket, where it is in the same network namespace: how full its buffer is.
//!
//! Linux shows each UDP socket's queue and drops as a line of `/proc/net/udp` (proc(5)), in the reader's own network
//! namespace. A look costs about 10 µs, more where the kernel's table of ports is larger, which it goes through from end to end. Elsewhere
//! nothing is seen.

use std::{
    fs::File,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::Path,
};

use xray_wire::window::Seen;

/// What Linux gives a socket that asks for nothing, if the system does not say otherwise.
const DEFAULT_BUFFER_BYTES: u64 = 212_992;

/// The tables are not read any further: about eight thousand sockets.
const MAX_TABLE_BYTES: usize = 1024 * 1024;

/// What a read brings at least while there are more lines: the kernel fills a page, up to a line that no longer fits.
const FULL_READ_BYTES: usize = 4_096 - 256;

/// The sockets that a datagram to a local address may reach.
#[derive(Debug)]
pub(crate) struct ReceiverQueue {
    receiver: SocketAddr,
    /// `/proc/net/udp` for IPv4 receivers, and `/proc/net/udp6` for those that take both.
    tables: Vec<File>,
    text: Vec<u8>,
}

impl ReceiverQueue {
    /// `None` if the receiver is not on this machine, or the system shows nothing.
    pub(crate) fn find(sender: SocketAddr, receiver: SocketAddr) -> Option<Self> {
        // Who sends to an address of his own sends from it.
        if !cfg!(target_os = "linux") || sender.ip() != receiver.ip() {
            return None;
        }
        let names: &[&str] =
            if receiver.is_ipv4() { &["/proc/net/udp", "/proc/net/udp6"] } else { &["/proc/net/udp6"] };
        let tables: Vec<_> = names.iter().filter_map(|name| File::open(name).ok()).collect();
        (!tables.is_empty()).then(|| Self { receiver, tables, text: Vec::new() })
    }

    /// How full the fullest of the sockets is, and what all of them have dropped. `None` if there is no such socket.
    pub(crate) fn look(&mut self) -> Option<Seen> {
        for table in &self.tables {
            if let Ok(text) = read(table, &mut self.text)
                && let Some(seen) = sockets(text, self.receiver)
            {
                return Some(seen);
            }
        }
        None
    }
}

/// How many bytes the buffer of a socket holds that asked for nothing.
pub(super) fn buffer_bytes() -> u64 {
    let path = Path::new("/proc/sys/net/core/rmem_default");
    let bytes = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
    bytes.unwrap_or(DEFAULT_BUFFER_BYTES)
}

/// The whole table: these files start again with each read at their beginning.
fn read<'t>(table: &File, text: &'t mut Vec<u8>) -> io::Result<&'t [u8]> {
    const STEP: usize = 8 * 1024;
    let mut length = 0;
    loop {
        if text.len() < length + STEP {
            text.resize(length + STEP, 0);
        }
        let read = read_at(table, &mut text[length..], length as u64)?;
        length += read;
        // To hear that there is no more would cost as much again: the kernel counts through its table for the place.
        if read < FULL_READ_BYTES {
            return Ok(&text[..length]);
        }
        if length > MAX_TABLE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The sum of the table's lines for sockets that receive what is sent to an address.
fn sockets(table: &[u8], receiver: SocketAddr) -> Option<Seen> {
    let mut sum: Option<Seen> = None;
    for line in table.split(|byte| *byte == b'\n').skip(1) {
        if let Some(seen) = socket(line, receiver) {
            let sum = sum.get_or_insert_default();
            sum.queued = sum.queued.max(seen.queued);
            sum.dropped = sum.dropped.saturating_add(seen.dropped);
        }
    }
    sum
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ref pointer drops`
fn socket(line: &[u8], receiver: SocketAddr) -> Option<Seen> {
    const CONNECTED: &str = "01";
    // Most lines are those of other ports.
    let line = std::str::from_utf8(line).ok()?;
    let mut columns = line.split_ascii_whitespace();
    let (address, port) = columns.nth(1)?.split_once(':')?;
    if u16::from_str_radix(port, 16).ok()? != receiver.port() {
        return None;
    }
    let address = parse_address(address)?;
    if !address.is_unspecified() && address != receiver.ip() || columns.nth(1)? == CONNECTED {
        return None;
    }
    let (_, queued) = columns.next()?.split_once(':')?;
    let dropped = columns.next_back()?;
    Some(Seen { queued: u64::from_str_radix(queued, 16).ok()?, dropped: dropped.parse().ok()? })
}

/// Eight hex digits for each 32 bits, in the machine's own byte order.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let word = |index: usize| -> Option<[u8; 4]> {
        let digits = hex.get(8 * index..8 * index + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(IpAddr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (index, part) in bytes.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&word(index)?);
            }
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use proptest::prelude::*;

    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn reads_the_kernel_s_table() {
        const TABLE: &[u8] = b"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  211: 0100007F:07D0 00000000:0000 07 00000000:00000300 00:00000000 00000000     0        0 5120 2 0000000000000000 3
  211: 00000000:07D0 00000000:0000 07 00000000:00000200 00:00000000 00000000     0        0 5121 2 0000000000000000 4
  212: 0200007F:07D1 00000000:0000 07 00000000:00000100 00:00000000 00000000     0        0 5122 2 0000000000000000 0
  213: 0100007F:07D2 0100007F:1234 01 00000000:00000100 00:00000000 00000000     0        0 5123 2 0000000000000000 0
  214: 00000000000000000000000001000000:07D3 00000000000000000000000000000000:0000 07 00000000:00000010 00:00000000 00000000 0 0 1 2 0 5
  215: 0000000000000000FFFF00000100007F:07D4 00000000000000000000000000000000:0000 07 00000000:00000020 00:00000000 00000000 0 0 1 2 0 6
  rubbish
";
        for (receiver, expected) in [
            ("127.0.0.1:2000", Some((0x300, 7))),
            ("10.0.0.1:2000", Some((0x200, 4))),
            ("127.0.0.1:2001", None),
            ("127.0.0.2:2001", Some((0x100, 0))),
            // Connected to somebody else.
            ("127.0.0.1:2002", None),
            ("[::1]:2003", Some((0x10, 5))),
            ("127.0.0.1:2004", Some((0x20, 6))),
            ("127.0.0.1:2005", None),
        ] {
            let expected = expected.map(|(queued, dropped)| Seen { queued, dropped });
            assert_eq!(sockets(TABLE, receiver.parse().unwrap()), expected, "{receiver}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sees_what_waits_and_what_was_dropped() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            let Ok(receiver) = UdpSocket::bind(address) else { continue };
            let mut to = receiver.local_addr().unwrap();
            if to.ip().is_unspecified() {
                to.set_ip([127, 0, 0, 1].into());
            }
            let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let sender = UdpSocket::bind(any).unwrap();
            if sender.connect(to).is_err() {
                continue;
            }
            let mut queue = ReceiverQueue::find(sender.local_addr().unwrap(), to).unwrap();
            assert_eq!(queue.look(), Some(Seen::default()), "{address}");
            for _ in 0..1_000 {
                sender.send(&[0; 1_000]).unwrap();
            }
            let seen = queue.look().unwrap();
            assert!(seen.queued > 1_000 && seen.dropped > 0, "{address} {seen:?}");
            drop(receiver);
            assert_eq!(queue.look(), None, "{address}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sees_all_of_a_long_table() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // Some pages full of them.
            let receivers = (0..200).filter_map(|_| UdpSocket::bind(address).ok());
            let receivers: Vec<_> = receivers.filter_map(|it| Some((it.local_addr().ok()?, it))).collect();
            for (to, _) in &receivers {
                let mut queue = ReceiverQueue::find(*to, *to).unwrap();
                assert_eq!(queue.look(), Some(Seen::default()), "{to}");
            }
        }
    }

    #[test]
    fn receivers_elsewhere_are_not_seen() {
        let find = |from: &str, to: &str| ReceiverQueue::find(from.parse().unwrap(), to.parse().unwrap());
        assert!(find("10.0.0.2:1", "10.0.0.1:2000").is_none());
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "[0-9A-F: ]{0,120}|\\PC{0,50}") {
            socket(line.as_bytes(), "127.0.0.1:2000".parse().unwrap());
        }
    }
}
