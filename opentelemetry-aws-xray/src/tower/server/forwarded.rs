//! What proxies say of the request that they passed on: `X-Forwarded-For` and `X-Forwarded-Proto`, else `Forwarded`.

use std::{borrow::Cow, sync::Arc};

use http::HeaderValue;

use super::{recurring::Recurring, request_headers::RequestHeaders};
use crate::tower::authority;

/// Which entries of these lists are believed. Each proxy adds one on the right; what is left of those of one's own
/// proxies may have been written by anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrustedHops {
    /// All of them: the leftmost entry counts, as in the X-Ray SDKs.
    All,
    /// Those of so many proxies: the entry that the first of them wrote. A shorter list was written by them alone.
    Count(usize),
}

/// The headers of a request that may have come through proxies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forwarded<'a> {
    pub(super) headers: RequestHeaders<'a>,
    pub(super) trusted: TrustedHops,
}

impl<'a> Forwarded<'a> {
    /// The IP address of the client, if an entry that is believed names one.
    pub(super) fn client(&self) -> Option<Arc<str>> {
        match self.entry("x-forwarded-for", self.headers.x_forwarded_for) {
            Some(entry) => client(entry),
            None => client(parameter(text(self.forwarded()?), "for")?.as_bytes()),
        }
    }

    /// The scheme of the client's request, if it is one of HTTP's.
    pub(super) fn scheme(&self) -> Option<&'static str> {
        let scheme = match self.entry("x-forwarded-proto", self.headers.x_forwarded_proto) {
            Some(entry) => entry,
            None => parameter(text(self.forwarded()?), "proto")?.as_bytes(),
        };
        ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known.as_bytes()))
    }

    fn forwarded(&self) -> Option<&'a [u8]> {
        self.entry("forwarded", self.headers.forwarded)
    }

    /// The entry that counts, of a list that may go on over several headers, the first of which is at hand.
    fn entry(&self, name: &str, first: Option<&'a HeaderValue>) -> Option<&'a [u8]> {
        let first = first?;
        match self.trusted {
            TrustedHops::Count(0) => None,
            TrustedHops::All => first_entry(first.as_bytes()),
            TrustedHops::Count(hops) => {
                let lines = self.headers.all.get_all(name).iter().rev();
                let entries = lines.flat_map(|line| line.as_bytes().rsplit(is_comma)).map(<[u8]>::trim_ascii);
                entries.filter(is_there).take(hops).last()
            }
        }
    }
}

fn client(entry: &[u8]) -> Option<Arc<str>> {
    Recurring::Client.text(entry, || authority::forwarded_address(text(entry)).map(Cow::Borrowed))
}

/// The leftmost entry of a list, which hardly ever has another.
fn first_entry(list: &[u8]) -> Option<&[u8]> {
    if list.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',') {
        return Some(list).filter(is_there);
    }
    list.split(is_comma).map(<[u8]>::trim_ascii).find(is_there)
}

/// Text that is no UTF-8 counts as an entry that says nothing.
fn text(entry: &[u8]) -> &str {
    std::str::from_utf8(entry).unwrap_or_default()
}

const fn is_comma(byte: &u8) -> bool {
    *byte == b','
}

/// Lists may have empty elements, which don't count (RFC 9110, section 5.6.1).
const fn is_there(entry: &&[u8]) -> bool {
    !entry.is_empty()
}

/// A parameter of an element of `Forwarded`, without quotes (RFC 7239, section 4). A comma or semicolon inside of quotes ends it
/// all the same: no address has one.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn an_entry_counts_if_a_trusted_proxy_wrote_it() {
        const XFF: &str = "x-forwarded-for";
        const PROTO: &str = "x-forwarded-proto";
        use TrustedHops::{All, Count};
        for (why, lines, trusted, client, scheme) in [
            ("nothing forwarded", &[][..], All, None, None),
            (
                "one load balancer",
                &[(XFF, "192.0.2.7"), (PROTO, "https")],
                Count(1),
                Some("192.0.2.7"),
                Some("https"),
            ),
            ("the same, nobody believed", &[(XFF, "192.0.2.7"), (PROTO, "https")], Count(0), None, None),
            (
                "the same, all believed",
                &[(XFF, "192.0.2.7"), (PROTO, "https")],
                All,
                Some("192.0.2.7"),
                Some("https"),
            ),
            ("the client wrote an entry", &[(XFF, "10.6.6.6, 192.0.2.7")], Count(1), Some("192.0.2.7"), None),
            ("the same, all believed", &[(XFF, "10.6.6.6, 192.0.2.7")], All, Some("10.6.6.6"), None),
            (
                "a CDN and a load balancer",
                &[(XFF, "10.6.6.6, 192.0.2.7, 198.51.100.9")],
                Count(2),
                Some("192.0.2.7"),
                None,
            ),
            ("the CDN was gone around", &[(XFF, "192.0.2.7")], Count(2), Some("192.0.2.7"), None),
            (
                "more hops than entries",
                &[(XFF, "192.0.2.7, 10.0.0.1")],
                Count(usize::MAX),
                Some("192.0.2.7"),
                None,
            ),
            (
                "several lines",
                &[(XFF, "10.6.6.6"), (XFF, "192.0.2.7, 198.51.100.9")],
                Count(2),
                Some("192.0.2.7"),
                None,
            ),
            (
                "several lines, from the left",
                &[(XFF, "192.0.2.7"), (XFF, "198.51.100.9")],
                All,
                Some("192.0.2.7"),
                None,
            ),
            ("empty elements", &[(XFF, ", 192.0.2.7,, ")], Count(1), Some("192.0.2.7"), None),
            ("empty elements, from the left", &[(XFF, ", 192.0.2.7")], All, Some("192.0.2.7"), None),
            ("with a port", &[(XFF, "192.0.2.7:4711")], Count(1), Some("192.0.2.7"), None),
            ("IPv6 with a port", &[(XFF, "[2001:db8::7]:4711")], Count(1), Some("2001:db8::7"), None),
            ("no address", &[(XFF, "192.0.2.7, unknown")], Count(1), None, None),
            (
                "hidden bytes of the client",
                &[(XFF, "\u{fc}\u{fc}, 192.0.2.7")],
                Count(1),
                Some("192.0.2.7"),
                None,
            ),
            ("no scheme of HTTP", &[(PROTO, "gopher")], All, None, None),
            ("schemes in a list", &[(PROTO, "http, HTTPS")], Count(1), None, Some("https")),
            (
                "RFC 7239",
                &[("forwarded", "for=10.6.6.6, For=\"[2001:db8::7]:4711\";proto=https;by=203.0.113.43")],
                Count(1),
                Some("2001:db8::7"),
                Some("https"),
            ),
            ("RFC 7239, hidden", &[("forwarded", "for=_secret;proto=http")], Count(1), None, Some("http")),
            (
                "X-Forwarded-For is what load balancers write",
                &[("forwarded", "for=10.6.6.6"), (XFF, "192.0.2.7")],
                Count(1),
                Some("192.0.2.7"),
                None,
            ),
        ] {
            let headers = headers(lines);
            let forwarded = Forwarded { headers: RequestHeaders::of(&headers), trusted };
            let found = (forwarded.client(), forwarded.scheme());
            assert_eq!(found, (client.map(Arc::from), scheme), "{why}");
        }
    }

    proptest! {
        #[test]
        fn what_a_client_writes_changes_nothing(spoofed in "[ -~]{0,60}", hops in 1_usize..4) {
            let ours = ["192.0.2.7", "198.51.100.8", "198.51.100.9"];
            let own = ours[ours.len() - hops..].join(", ");
            let list = format!("{spoofed}, {own}");
            for headers in [headers(&[("x-forwarded-for", &list)]), headers(&[("x-forwarded-for", &spoofed), ("x-forwarded-for", &own)])] {
                let forwarded = Forwarded { headers: RequestHeaders::of(&headers), trusted: TrustedHops::Count(hops) };
                prop_assert_eq!(forwarded.client(), Some(ours[ours.len() - hops].into()));
            }
        }

        #[test]
        fn no_header_panics(bytes: Vec<u8>, hops: usize) {
            let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            for name in ["x-forwarded-for", "x-forwarded-proto", "forwarded"] {
                let mut headers = HeaderMap::new();
                headers.insert(name, value.clone());
                for trusted in [TrustedHops::All, TrustedHops::Count(hops)] {
                    let forwarded = Forwarded { headers: RequestHeaders::of(&headers), trusted };
                    let _ = (forwarded.client(), forwarded.scheme());
                }
            }
        }
    }
}
