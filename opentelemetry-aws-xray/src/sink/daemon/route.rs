//! Which address to send to, and the socket that is connected to it.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    time::Duration,
};

use xray_wire::Endpoint;

use super::{flow::Flow, receiver::ReceiverQueue};
use crate::{
    clock::Clock,
    lookup::{Addresses, Lookup},
};

/// A host name is resolved again after so long.
pub(super) const RESOLVE_EVERY: Duration = Duration::from_secs(60);

/// A host name is not resolved more often than this, whatever happens.
const RESOLVE_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The batch that starts a lookup waits this long for it, and the next ones not at all: a resolver that answers has mostly done so by
/// then, and half of a batch's time is left.
const MAX_LOOKUP_WAIT: Duration = Duration::from_millis(500);

/// Starts to look for the addresses of an endpoint.
pub(super) type Resolve = Box<dyn Fn(&Endpoint) -> Lookup + Send>;

/// The way to the daemon: its addresses as last resolved, the one in use, and the socket.
pub(super) struct Route {
    endpoint: Endpoint,
    resolve: Resolve,
    addresses: Vec<SocketAddr>,
    current: usize,
    link: Option<Link>,
    lookup: Option<Lookup>,
    /// A lookup is not waited for beyond this.
    lookup_until: Duration,
    resolved_at: Option<Duration>,
    /// An address did not answer since it was resolved.
    stale: bool,
    /// How often the current address has refused since the last datagram that it took.
    refusals: u32,
}

/// The connection to one address.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: UdpSocket,
    pub(super) flow: Flow,
}

/// Why there is no socket.
#[derive(Debug)]
pub(super) enum RouteError {
    /// The name has no address.
    Unresolved(io::Error),
    /// No socket could be connected to the current address; another one may do.
    Unconnected(io::Error),
}

impl Route {
    pub(super) fn new(endpoint: Endpoint, resolve: Resolve) -> Self {
        Self {
            endpoint,
            resolve,
            addresses: Vec::new(),
            current: 0,
            link: None,
            lookup: None,
            lookup_until: Duration::ZERO,
            resolved_at: None,
            stale: false,
            refusals: 0,
        }
    }

    /// A batch starts with a clean slate. It waits for a lookup of its own for a moment, and for that of an earlier batch not at all.
    pub(super) fn begin_batch(&mut self, now: Duration, until: Duration) {
        let wait = if self.lookup.is_some() { Duration::ZERO } else { MAX_LOOKUP_WAIT };
        self.begin(until.min(now.saturating_add(wait)));
    }

    /// A flush does too, and waits for addresses as long as it may if there are none.
    pub(super) fn begin_flush(&mut self, now: Duration, until: Duration) {
        let is_known = !self.addresses.is_empty();
        self.begin(if is_known { until.min(now.saturating_add(MAX_LOOKUP_WAIT)) } else { until });
    }

    fn begin(&mut self, lookup_until: Duration) {
        self.refusals = 0;
        self.lookup_until = lookup_until;
    }

    /// How often a datagram is worth trying: twice at each address, since the first refusal may be the echo of an earlier
    /// datagram, which the kernel reports *instead of* sending this one.
    pub(super) fn attempts(&self) -> usize {
        2 * self.addresses.len().max(1)
    }

    /// The connection, resolving the name if that is due.
    pub(super) fn link(&mut self, clock: &dyn Clock) -> Result<&mut Link, RouteError> {
        self.look_up(clock).map_err(RouteError::Unresolved)?;
        let link = match self.link.take() {
            Some(link) => link,
            None => self.connect(clock.now())?,
        };
        Ok(self.link.insert(link))
    }

    /// The datagram bounced, or an earlier one did. At the second time in a row the next address is tried.
    pub(super) fn refused(&mut self) {
        self.refusals += 1;
        if self.refusals.is_multiple_of(2) {
            self.next_address();
        }
    }

    /// Goes on to the next address, and resolves the name again before it is used next time.
    pub(super) fn next_address(&mut self) {
        self.stale = true;
        if self.addresses.len() > 1 {
            self.current = (self.current + 1) % self.addresses.len();
        }
        self.link = None;
    }

    fn is_due(&self, now: Duration) -> bool {
        let Some(resolved_at) = self.resolved_at else { return true };
        let age = now.saturating_sub(resolved_at);
        let is_name = self.endpoint.ip().is_none();
        is_name && (age >= RESOLVE_EVERY || (self.stale && age >= RESOLVE_AT_MOST_EVERY))
            || self.addresses.is_empty() && age >= RESOLVE_AT_MOST_EVERY
    }

    /// Starts a lookup if one is due, and takes what it found when it is over. An error where no address is known.
    fn look_up(&mut self, clock: &dyn Clock) -> io::Result<()> {
        let now = clock.now();
        if self.lookup.is_none() && self.is_due(now) {
            self.lookup = Some((self.resolve)(&self.endpoint));
        }
        let Some(lookup) = &self.lookup else { return Ok(()) };
        let Some(found) = lookup.answer(self.lookup_until.saturating_sub(now)) else {
            self.lookup_until = Duration::ZERO;
            return if self.addresses.is_empty() { Err(no_answer()) } else { Ok(()) };
        };
        self.lookup = None;
        // The time before would let a resolver that takes seconds be asked again at once.
        self.resolved_at = Some(clock.now());
        self.resolved(found)
    }

    fn resolved(&mut self, found: Addresses) -> io::Result<()> {
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                self.stale = false;
                if addresses != self.addresses {
                    self.addresses = addresses;
                    self.current = 0;
                    self.link = None;
                }
                Ok(())
            }
            // The old addresses may still be right.
            _ if !self.addresses.is_empty() => {
                self.stale = false;
                Ok(())
            }
            Ok(_) => Err(no_address()),
            Err(error) => Err(error),
        }
    }

    fn connect(&self, now: Duration) -> Result<Link, RouteError> {
        let Some(&address) = self.addresses.get(self.current) else {
            return Err(RouteError::Unresolved(no_address()));
        };
        let socket = match address {
            SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
        }
        .map_err(RouteError::Unconnected)?;
        // Only a connected socket is told that the port is closed.
        socket.connect(address).map_err(RouteError::Unconnected)?;
        let queue = socket.local_addr().ok().and_then(|sender| ReceiverQueue::find(sender, address));
        Ok(Link { socket, flow: Flow::new(queue, now) })
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the resolver has not answered yet")
}

/// Asks the operating system, on a thread where it may have to ask others.
pub(super) fn look_up(endpoint: &Endpoint) -> Lookup {
    if endpoint.ip().is_some() {
        return Lookup::over(resolve(endpoint));
    }
    let endpoint = endpoint.clone();
    Lookup::start(move || resolve(&endpoint))
}

/// Asks the operating system.
pub(crate) fn resolve(endpoint: &Endpoint) -> Addresses {
    if let Some(ip) = endpoint.ip() {
        return Ok(vec![SocketAddr::new(ip, endpoint.port)]);
    }
    Ok((endpoint.host.as_str(), endpoint.port).to_socket_addrs()?.collect())
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("endpoint", &self.endpoint)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
