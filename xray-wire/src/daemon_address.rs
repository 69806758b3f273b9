//! The grammar of `AWS_XRAY_DAEMON_ADDRESS`.

use alloc::{borrow::ToOwned, string::String};
use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use self::ParseDaemonAddressError as Error;

/// Where the X-Ray daemon listens: `host:port` for both protocols, or `tcp:host:port udp:host:port`.
///
/// The two parts of the long form stand in any order, with any white space around and between them; one of
/// them alone holds for both protocols. A host is a name, an IPv4 address or an IPv6 address in brackets.
/// Without a port it is [`DaemonAddress::DEFAULT_PORT`]. Names are not resolved here.
///
/// ```
/// use xray_wire::DaemonAddress;
///
/// let address: DaemonAddress = "tcp:[::1]:2001 udp:xray.internal:2000".parse()?;
/// assert_eq!(address.tcp.to_string(), "[::1]:2001");
/// assert_eq!(address.udp.host, "xray.internal");
/// assert_eq!("localhost".parse::<DaemonAddress>()?.to_string(), "localhost:2000");
/// # Ok::<(), xray_wire::ParseDaemonAddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DaemonAddress {
    /// Where segments go.
    pub udp: Endpoint,
    /// Where sampling rules come from, and API calls are passed on.
    pub tcp: Endpoint,
}

/// A host and a port.
///
/// ```
/// use xray_wire::DaemonAddress;
///
/// let address: DaemonAddress = "udp:[::1]:2000 tcp:daemon.internal".parse()?;
/// assert_eq!((address.udp.host.as_str(), address.udp.to_string().as_str()), ("::1", "[::1]:2000"));
/// // A name has to be resolved.
/// assert!(address.udp.ip().is_some() && address.tcp.ip().is_none());
/// # Ok::<(), xray_wire::ParseDaemonAddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A host name or an IP address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The text was not a daemon address. What was found is quoted escaped, and shortened.
///
/// ```
/// use xray_wire::{DaemonAddress, ParseDaemonAddressError};
///
/// let error = "::1:2000".parse::<DaemonAddress>().unwrap_err();
/// assert!(matches!(error, ParseDaemonAddressError::MissingBrackets { .. }));
/// let error = "localhost:two".parse::<DaemonAddress>().unwrap_err();
/// assert_eq!(error.to_string(), "expected a port from 1 to 65535, but found `two`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseDaemonAddressError {
    /// Nothing, or white space only.
    Empty,
    /// More than [`DaemonAddress::MAX_BYTES`].
    TooLong {
        /// The length in bytes.
        bytes: usize,
    },
    /// More than two parts.
    TooManyParts {
        /// How many.
        parts: usize,
    },
    /// One of two parts does not begin with `tcp:` or `udp:`.
    MissingKey {
        /// That part.
        found: String,
    },
    /// Both parts begin with the same key.
    RepeatedKey {
        /// `tcp` or `udp`.
        key: &'static str,
    },
    /// Neither a host name nor an IP address.
    Host {
        /// What stood for it.
        found: String,
    },
    /// Not a number from 1 to 65,535.
    Port {
        /// What stood for it.
        found: String,
    },
    /// An IPv6 address without brackets whose last group may be meant as a port.
    MissingBrackets {
        /// The address.
        found: String,
    },
}

impl DaemonAddress {
    /// The port of the daemon unless told otherwise, for UDP and TCP.
    pub const DEFAULT_PORT: u16 = 2000;

    /// Bytes of text that are worth reading; no two hosts that exist need more.
    pub const MAX_BYTES: usize = 512;

    fn both(endpoint: Endpoint) -> Self {
        Self { udp: endpoint.clone(), tcp: endpoint }
    }
}

impl Default for DaemonAddress {
    /// `127.0.0.1:2000` for both.
    fn default() -> Self {
        Self::both(Endpoint { host: "127.0.0.1".to_owned(), port: Self::DEFAULT_PORT })
    }
}

impl FromStr for DaemonAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > Self::MAX_BYTES {
            return Err(Error::TooLong { bytes: text.len() });
        }
        let mut parts = text.split_whitespace();
        let Some(first) = parts.next() else { return Err(Error::Empty) };
        let Some(second) = parts.next() else {
            let endpoint = split_key(first).map_or(first, |(_, endpoint)| endpoint);
            return Ok(Self::both(Endpoint::parse(endpoint)?));
        };
        if parts.next().is_some() {
            return Err(Error::TooManyParts { parts: text.split_whitespace().count() });
        }
        let (first_key, first) =
            split_key(first).ok_or_else(|| Error::MissingKey { found: excerpt(first) })?;
        let (second_key, second) =
            split_key(second).ok_or_else(|| Error::MissingKey { found: excerpt(second) })?;
        let (first, second) = (Endpoint::parse(first)?, Endpoint::parse(second)?);
        match (first_key, second_key) {
            (Key::Udp, Key::Tcp) => Ok(Self { udp: first, tcp: second }),
            (Key::Tcp, Key::Udp) => Ok(Self { udp: second, tcp: first }),
            (Key::Udp, Key::Udp) => Err(Error::RepeatedKey { key: "udp" }),
            (Key::Tcp, Key::Tcp) => Err(Error::RepeatedKey { key: "tcp" }),
        }
    }
}

/// Which protocol a part is for.
enum Key {
    Udp,
    Tcp,
}

/// Takes `udp:` or `tcp:`, in any case, from the front.
fn split_key(part: &str) -> Option<(Key, &str)> {
    let (key, endpoint) = part.split_once(':')?;
    if key.eq_ignore_ascii_case("udp") {
        Some((Key::Udp, endpoint))
    } else if key.eq_ignore_ascii_case("tcp") {
        Some((Key::Tcp, endpoint))
    } else {
        None
    }
}

impl Endpoint {
    /// The host as an IP address; `None` if it is a name, which has to be resolved.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    fn parse(text: &str) -> Result<Self, Error> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let (host, port) =
                bracketed.split_once(']').ok_or_else(|| Error::Host { found: excerpt(text) })?;
            host.parse::<Ipv6Addr>().map_err(|_| Error::Host { found: excerpt(host) })?;
            return match (port, port.strip_prefix(':')) {
                ("", _) => Ok(Self::new(host, DaemonAddress::DEFAULT_PORT)),
                (_, Some(port)) => Ok(Self::new(host, parse_port(port)?)),
                (_, None) => Err(Error::Port { found: excerpt(port) }),
            };
        }
        let split = text.rsplit_once(':');
        if text.parse::<Ipv6Addr>().is_ok() {
            // `::1:2000` is an address too, but hardly the one that was meant.
            return match split {
                Some((host, port)) if host.parse::<Ipv6Addr>().is_ok() && parse_port(port).is_ok() => {
                    Err(Error::MissingBrackets { found: excerpt(text) })
                }
                _ => Ok(Self::new(text, DaemonAddress::DEFAULT_PORT)),
            };
        }
        let (host, port) = split.map_or((text, None), |(host, port)| (host, Some(port)));
        if !is_host(host) {
            return Err(Error::Host { found: excerpt(host) });
        }
        Ok(Self::new(host, port.map_or(Ok(DaemonAddress::DEFAULT_PORT), parse_port)?))
    }

    fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }
}

/// Whether `host` is a name or an IPv4 address. A name whose last label is a number is neither; `tcp` and
/// `udp` are keys that lack their address.
fn is_host(host: &str) -> bool {
    /// The longest name that DNS can hold, as text.
    const MAX_NAME_BYTES: usize = 253;

    if host.is_empty() || host.len() > MAX_NAME_BYTES {
        return false;
    }
    let last_label = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    if last_label.bytes().all(|byte| byte.is_ascii_digit()) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    let is_key = host.eq_ignore_ascii_case("tcp") || host.eq_ignore_ascii_case("udp");
    !is_key && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn parse_port(text: &str) -> Result<u16, Error> {
    // `parse` alone would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port != 0);
    port.ok_or_else(|| Error::Port { found: excerpt(text) })
}

/// The beginning of a text, escaped, for an error message.
fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 64;

    let mut excerpt: String = text.chars().take(MAX_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        excerpt.push('…');
    }
    excerpt
}

impl fmt::Display for DaemonAddress {
    /// `host:port` if it holds for both protocols, else the long form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.udp == self.tcp {
            return fmt::Display::fmt(&self.udp, f);
        }
        write!(f, "tcp:{} udp:{}", self.tcp, self.udp)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl fmt::Display for ParseDaemonAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("expected `host:port` or `tcp:host:port udp:host:port`, but found nothing")
            }
            Self::TooLong { bytes } => {
                write!(f, "expected at most {} bytes, but found {bytes}", DaemonAddress::MAX_BYTES)
            }
            Self::TooManyParts { parts } => write!(f, "expected one or two parts, but found {parts}"),
            Self::MissingKey { found } => {
                write!(f, "expected each of two parts to begin with `tcp:` or `udp:`, but found `{found}`")
            }
            Self::RepeatedKey { key } => {
                write!(f, "expected one `tcp:` and one `udp:`, but found `{key}:` twice")
            }
            Self::Host { found } => write!(f, "expected a host name or an IP address, but found `{found}`"),
            Self::Port { found } => write!(f, "expected a port from 1 to 65535, but found `{found}`"),
            Self::MissingBrackets { found } => {
                write!(f, "expected brackets around an IPv6 address with a port, but found `{found}`")
            }
        }
    }
}

impl core::error::Error for ParseDaemonAddressError {}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rival_13_reads_every_form() {
        for (text, tcp, udp) in [
            ("127.0.0.1:2000", "127.0.0.1:2000", "127.0.0.1:2000"),
            ("  127.0.0.1:3000\n", "127.0.0.1:3000", "127.0.0.1:3000"),
            ("tcp:127.0.0.1:2000 udp:127.0.0.2:2001", "127.0.0.1:2000", "127.0.0.2:2001"),
            ("udp:127.0.0.2:2001 tcp:127.0.0.1:2000", "127.0.0.1:2000", "127.0.0.2:2001"),
            ("UDP:a:1\t \tTcp:b:2", "b:2", "a:1"),
            ("tcp:localhost:2000", "localhost:2000", "localhost:2000"),
            ("udp:localhost:2000", "localhost:2000", "localhost:2000"),
            (
                "xray-daemon.kube_system.svc.:2000",
                "xray-daemon.kube_system.svc.:2000",
                "xray-daemon.kube_system.svc.:2000",
            ),
            ("[::1]:2000", "[::1]:2000", "[::1]:2000"),
            ("tcp:[::1]:2001 udp:[2001:db8::1]", "[::1]:2001", "[2001:db8::1]:2000"),
            ("udp:::1", "[::1]:2000", "[::1]:2000"),
            ("[::1]", "[::1]:2000", "[::1]:2000"),
            ("::1", "[::1]:2000", "[::1]:2000"),
            ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:2000", "[::ffff:10.0.0.1]:2000"),
            ("localhost", "localhost:2000", "localhost:2000"),
            ("169.254.79.129:2000", "169.254.79.129:2000", "169.254.79.129:2000"),
        ] {
            let address: DaemonAddress = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!((&*address.tcp.to_string(), &*address.udp.to_string()), (tcp, udp), "{text:?}");
        }
    }

    #[test]
    fn refuses() {
        for (text, message) in [
            ("", "expected `host:port` or `tcp:host:port udp:host:port`, but found nothing"),
            (" \t ", "expected `host:port` or `tcp:host:port udp:host:port`, but found nothing"),
            ("localhost:0", "expected a port from 1 to 65535, but found `0`"),
            ("localhost:65536", "expected a port from 1 to 65535, but found `65536`"),
            ("localhost:+1", "expected a port from 1 to 65535, but found `+1`"),
            ("localhost:", "expected a port from 1 to 65535, but found ``"),
            ("[::1]2000", "expected a port from 1 to 65535, but found `2000`"),
            (":2000", "expected a host name or an IP address, but found ``"),
            ("tcp:2000", "expected a host name or an IP address, but found `2000`"),
            ("127.0.0.300:2000", "expected a host name or an IP address, but found `127.0.0.300`"),
            ("tcp", "expected a host name or an IP address, but found `tcp`"),
            (".:2000", "expected a host name or an IP address, but found `.`"),
            ("[localhost]:2000", "expected a host name or an IP address, but found `localhost`"),
            ("[::1:2000", "expected a host name or an IP address, but found `[::1:2000`"),
            ("http://localhost:2000", "expected a host name or an IP address, but found `http://localhost`"),
            ("local\u{0}host:2000", "expected a host name or an IP address, but found `local\\0host`"),
            ("::1:2000", "expected brackets around an IPv6 address with a port, but found `::1:2000`"),
            ("tcp:a:1 udp:b:2 tcp:c:3", "expected one or two parts, but found 3"),
            ("tcp:a:1 tcp:b:2", "expected one `tcp:` and one `udp:`, but found `tcp:` twice"),
            (
                "127.0.0.1 2000",
                "expected each of two parts to begin with `tcp:` or `udp:`, but found `127.0.0.1`",
            ),
        ] {
            let error = text.parse::<DaemonAddress>().expect_err(text);
            assert_eq!(error.to_string(), message, "{text:?}");
        }
        let long = "a".repeat(600);
        assert_eq!(long.parse::<DaemonAddress>(), Err(Error::TooLong { bytes: 600 }));
    }

    #[test]
    fn what_was_found_is_shortened() {
        let error = format!("localhost:{}", "x".repeat(300)).parse::<DaemonAddress>().unwrap_err();
        assert_eq!(error, Error::Port { found: format!("{}…", "x".repeat(64)) });
    }

    #[test]
    fn the_default_is_the_local_daemon() {
        assert_eq!(DaemonAddress::default().to_string(), "127.0.0.1:2000");
        assert_eq!(DaemonAddress::default().tcp.ip(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!("localhost".parse::<DaemonAddress>().unwrap().tcp.ip(), None);
    }

    fn endpoint() -> impl Strategy<Value = Endpoint> {
        let host = prop_oneof![
            any::<[u8; 4]>().prop_map(|ip| Ipv4Addr::from(ip).to_string()),
            any::<[u8; 16]>().prop_map(|ip| Ipv6Addr::from(ip).to_string()),
            "[a-z][a-z0-9-]{0,20}(\\.[a-z][a-z0-9]{0,10}){0,3}",
        ];
        (host, 1u16..).prop_map(|(host, port)| Endpoint { host, port })
    }

    proptest! {
        #[test]
        fn addresses_survive_their_text(udp in endpoint(), tcp in endpoint()) {
            let address = DaemonAddress { udp, tcp };
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        #[test]
        fn what_parses_prints_and_parses_back(text in "((tcp|udp|TCP)?:?[a-z0-9.:\\[\\]_ -]{0,20} ?){1,2}") {
            if let Ok(address) = text.parse::<DaemonAddress>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            if let Err(error) = text.parse::<DaemonAddress>() {
                prop_assert!(error.to_string().starts_with("expected "));
            }
        }
    }
}
