//! Is anybody at the daemon's UDP port?

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use xray_wire::Endpoint;

use super::{CheckReport, Verdict};
use crate::{clock::Clock, sink::daemon::ReceiverQueue};

/// How long to wait for the news that a port is closed. On the same machine it comes at once; from another one it takes a
/// round trip.
const NEWS_AFTER: Duration = Duration::from_millis(200);

/// What was seen of one address.
#[derive(Debug)]
enum Seen {
    /// The operating system would not send there.
    Unsendable(io::Error),
    /// It told that the port is closed.
    Closed,
    /// On this machine: a socket is open, and has lost so many datagrams since it was opened.
    Open { dropped: u64 },
    /// Elsewhere, and no bad news.
    Silent,
}

/// Resolves the daemon's name and knocks at each of its addresses. Answers whether one of them may be there.
pub(super) fn check(endpoint: &Endpoint, clock: &dyn Clock, report: &mut CheckReport) -> bool {
    let addresses = match crate::sink::daemon::resolve(endpoint) {
        Ok(addresses) if !addresses.is_empty() => addresses,
        Ok(_) => {
            report.add(Verdict::Problem, format!("{endpoint}: the name has no address"));
            return false;
        }
        Err(error) => {
            report.add(
                Verdict::Problem,
                format!(
                    "{endpoint}: the name can't be resolved ({error}); is AWS_XRAY_DAEMON_ADDRESS right?"
                ),
            );
            return false;
        }
    };
    if endpoint.ip().is_none() {
        let list: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        report.add(Verdict::Fine, format!("{endpoint} is {}", list.join(", ")));
    }
    let mut may_be_there = false;
    for address in addresses {
        let seen = knock(address, clock).unwrap_or_else(Seen::Unsendable);
        let (verdict, text) = judge(&seen);
        may_be_there |= verdict != Verdict::Problem;
        report.add(verdict, format!("UDP {address}: {text}"));
    }
    may_be_there
}

/// An empty datagram, which daemons ignore, twice: the second call hears what the first one caused.
fn knock(address: SocketAddr, clock: &dyn Clock) -> io::Result<Seen> {
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    let queue = ReceiverQueue::find(socket.local_addr()?, address);
    let is_refused = |result: io::Result<usize>| matches!(result, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused);
    if is_refused(socket.send(&[])) {
        return Ok(Seen::Closed);
    }
    if queue.is_none() {
        clock.sleep(NEWS_AFTER);
    }
    if is_refused(socket.send(&[])) {
        return Ok(Seen::Closed);
    }
    Ok(queue
        .and_then(|mut queue| queue.look())
        .map_or(Seen::Silent, |seen| Seen::Open { dropped: seen.dropped }))
}

fn judge(seen: &Seen) -> (Verdict, String) {
    match seen {
        Seen::Unsendable(error) => {
            (Verdict::Problem, format!("the operating system does not send there: {error}"))
        }
        Seen::Closed => (
            Verdict::Problem,
            "nobody listens there; is the daemon running, and is AWS_XRAY_DAEMON_ADDRESS right?".into(),
        ),
        Seen::Open { dropped: 0 } => (Verdict::Fine, "a daemon listens there".into()),
        Seen::Open { dropped } => (
            Verdict::Warning,
            format!(
                "a daemon listens there, but its socket has lost {dropped} datagrams since it was opened; raise net.core.rmem_default or send less"
            ),
        ),
        Seen::Silent => (
            Verdict::Unknown,
            "no sign that nobody listens there; over UDP no more can be known from here".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn checked(endpoint: &str) -> (bool, CheckReport) {
        let mut report = CheckReport::default();
        let there = check(
            &endpoint.parse::<xray_wire::DaemonAddress>().unwrap().udp,
            &ManualClock::new(),
            &mut report,
        );
        (there, report)
    }

    #[test]
    fn knows_an_open_port_from_a_closed_one() {
        let open = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = open.local_addr().unwrap().to_string();
        let (there, report) = checked(&address);
        assert!(there);
        assert!(matches!(report.verdict(), Verdict::Fine | Verdict::Unknown), "{report}");
        drop(open);
        let (there, report) = checked(&address);
        assert!(!there);
        assert_eq!(report.verdict(), Verdict::Problem, "{report}");
        assert!(report.to_string().contains("nobody listens there"), "{report}");
    }

    #[test]
    fn says_so_when_a_name_has_no_address() {
        let (there, report) = checked("no-such-host.invalid:2000");
        assert!(!there && report.to_string().contains("no-such-host.invalid:2000"), "{report}");
    }

    #[test]
    fn lost_datagrams_are_a_warning() {
        for (seen, verdict) in [
            (Seen::Open { dropped: 0 }, Verdict::Fine),
            (Seen::Open { dropped: 3 }, Verdict::Warning),
            (Seen::Silent, Verdict::Unknown),
            (Seen::Closed, Verdict::Problem),
            (Seen::Unsendable(io::ErrorKind::NetworkUnreachable.into()), Verdict::Problem),
        ] {
            assert_eq!(judge(&seen).0, verdict, "{seen:?}");
        }
    }
}
