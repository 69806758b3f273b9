//! Which address to send to, and the socket that is connected to it.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    time::Duration,
};

use xray_wire::Endpoint;

use super::{flow::Flow, receiver::ReceiverQueue};
use crate::clock::Clock;

/// A host name is resolved again after so long.
pub(super) const RESOLVE_EVERY: Duration = Duration::from_secs(60);

/// A host name is not resolved more often than this, whatever happens: a resolver that is away may block for seconds.
const RESOLVE_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// Finds the addresses of an endpoint.
pub(super) type Resolve = Box<dyn Fn(&Endpoint) -> io::Result<Vec<SocketAddr>> + Send>;

/// The way to the daemon: its addresses as last resolved, the one in use, and the socket.
pub(super) struct Route {
    endpoint: Endpoint,
    resolve: Resolve,
    addresses: Vec<SocketAddr>,
    current: usize,
    link: Option<Link>,
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
            resolved_at: None,
            stale: false,
            refusals: 0,
        }
    }

    /// A batch starts with a clean slate.
    pub(super) fn begin_batch(&mut self) {
        self.refusals = 0;
    }

    /// How often a datagram is worth trying: twice at each address, since the first refusal may be the echo of an earlier
    /// datagram, which the kernel reports *instead of* sending this one.
    pub(super) fn attempts(&self) -> usize {
        2 * self.addresses.len().max(1)
    }

    /// The connection, resolving the name if that is due.
    pub(super) fn link(&mut self, clock: &dyn Clock) -> Result<&mut Link, RouteError> {
        let now = clock.now();
        if self.is_due(now) {
            let resolved = self.resolve();
            // The time before would let a resolver that takes seconds be asked again at once.
            self.resolved_at = Some(clock.now());
            resolved.map_err(RouteError::Unresolved)?;
        }
        let link = match self.link.take() {
            Some(link) => link,
            None => self.connect(now)?,
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

    fn resolve(&mut self) -> io::Result<()> {
        match (self.resolve)(&self.endpoint) {
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

/// Asks the operating system.
pub(crate) fn resolve(endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
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
