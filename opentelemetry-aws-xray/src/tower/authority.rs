//! Host and port, as they stand in a `Host` header, an `:authority`, or an `X-Forwarded-For` entry.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Uri, header::HOST};

use crate::propagator::first;

/// Bytes of a host name worth recording: DNS allows 253 characters, and an IPv6 address is shorter.
const MAX_HOST_BYTES: usize = 255;

/// Bytes of a forwarded address worth reading: `[` + 45 of IPv6 + `]:` + 5 of a port, and a zone.
const MAX_ADDRESS_BYTES: usize = 80;

/// Where a request was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// A name or address; IPv6 without brackets.
    pub(super) host: &'a str,
    /// `None` if it was not written.
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// The authority of a request: its URI's, else its `Host` header's (RFC 9112, section 3.2.2).
    pub(super) fn of(uri: &'a Uri, headers: &'a HeaderMap) -> Option<Self> {
        Self::of_host(uri, || first(headers, &HOST))
    }

    /// The same, where the `Host` header is found in another way.
    pub(super) fn of_host(uri: &'a Uri, host: impl FnOnce() -> Option<&'a HeaderValue>) -> Option<Self> {
        match uri.authority() {
            Some(authority) => Self::parse(authority.as_str()),
            None => Self::parse(host()?.to_str().ok()?),
        }
    }

    /// Reads `[user@]host[:port]`. `None` if there is no host, or none that is worth recording.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        // Most requests are sent to a name alone, which needs no search for what stands around it.
        if (1..=MAX_HOST_BYTES).contains(&text.len()) && text.bytes().all(is_plain) {
            return Some(Self { host: text, port: None });
        }
        let text = text.rsplit_once('@').map_or(text, |(_userinfo, rest)| rest);
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let is_odd = |byte| matches!(byte, b'/' | b'?' | b'#' | b' ' | b',');
        if host.is_empty() || host.len() > MAX_HOST_BYTES || host.bytes().any(is_odd) {
            return None;
        }
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok(),
            None => None,
        };
        Some(Self { host, port })
    }
}

/// Whether a byte is one of which names are made, and nothing else.
const fn is_plain(byte: u8) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte = 0_u8;
        while byte < 0x80 {
            plain[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
            byte += 1;
        }
        plain
    };
    PLAIN[byte as usize]
}

/// The address of an entry that a proxy wrote. Load balancers may add the port (`192.0.2.7:4711`, `[2001:db8::7]:4711`).
/// `None` if it is not an IP address.
pub(super) fn forwarded_address(entry: &str) -> Option<&str> {
    if entry.len() > MAX_ADDRESS_BYTES {
        return None;
    }
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    if is_address(entry) {
        return Some(entry);
    }
    if entry.contains('@') {
        return None;
    }
    Some(Authority::parse(entry)?.host).filter(|host| is_address(host))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_host_and_port() {
        for (text, expected) in [
            ("example.com", Some(("example.com", None))),
            ("example.com:8080", Some(("example.com", Some(8080)))),
            ("user:secret@example.com:8080", Some(("example.com", Some(8080)))),
            ("192.0.2.1:80", Some(("192.0.2.1", Some(80)))),
            ("[2001:db8::1]:443", Some(("2001:db8::1", Some(443)))),
            ("[::1]", Some(("::1", None))),
            ("example.com:", Some(("example.com", None))),
            ("example.com:99999", Some(("example.com", None))),
            ("", None),
            (":80", None),
            ("[::1", None),
            ("a/b", None),
        ] {
            let read = Authority::parse(text).map(|authority| (authority.host, authority.port));
            assert_eq!(read, expected, "{text:?}");
        }
        assert_eq!(Authority::parse(&"h".repeat(256)), None);
    }

    #[test]
    fn reads_forwarded_addresses() {
        for (entry, expected) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.7:4711", Some("192.0.2.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("[2001:db8::7]:4711", Some("2001:db8::7")),
            ("[2001:db8::7]", Some("2001:db8::7")),
            ("unknown", None),
            ("_hidden", None),
            ("user@192.0.2.7", None),
            ("", None),
        ] {
            assert_eq!(forwarded_address(entry), expected, "{entry:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            if let Some(authority) = Authority::parse(&text) {
                prop_assert!(text.contains(authority.host));
            }
            forwarded_address(&text);
        }
    }
}
