//! The URL of an `http` block: as it was recorded, or put together from its parts.

use std::{borrow::Cow, net::Ipv6Addr};

use opentelemetry::trace::SpanKind;
use xray_wire::limits::MAX_TEXT_CHARS;

use super::{
    super::attributes::{Attributes, Slot},
    texts::Texts,
};
use crate::{redact, scan::holds};

/// The URL, without user information. Attributes count as consumed when all of them is in it.
#[inline]
pub(super) fn url<'a>(
    kind: &SpanKind,
    attributes: &mut Attributes<'a, '_>,
    texts: &mut Texts,
) -> Option<Cow<'a, str>> {
    if let Some((slot, recorded)) = attributes.first_text(&[Slot::UrlFull, Slot::HttpUrl]) {
        let (url, whole) = texts.cut(redact::url(recorded), MAX_TEXT_CHARS);
        if whole {
            attributes.consume(slot);
        }
        return Some(url);
    }
    let parts = Parts::of(kind, attributes)?;
    let mut assembled = texts.spare();
    parts.assemble(&mut assembled);
    let (url, whole) = texts.cut(Cow::Owned(assembled), MAX_TEXT_CHARS);
    if whole {
        parts.consume(attributes);
    }
    Some(url)
}

/// The first port that is one.
#[inline]
fn port<const N: usize>(ports: &[Slot; N], attributes: &Attributes<'_, '_>) -> Option<(Slot, i64)> {
    ports.iter().find_map(|slot| {
        let port = attributes.integer(*slot)?;
        (1..=65_535).contains(&port).then_some((*slot, port))
    })
}

struct Parts<'a> {
    scheme: Option<(Slot, &'a str)>,
    host: (Slot, &'a str),
    port: Option<(Slot, i64)>,
    path: Option<(Slot, &'a str)>,
    query: Option<(Slot, &'a str)>,
}

impl<'a> Parts<'a> {
    /// The parts, if the host is known: without it there is no URL, and the path stays an attribute.
    #[inline]
    fn of(kind: &SpanKind, attributes: &Attributes<'a, '_>) -> Option<Self> {
        let is_server = *kind == SpanKind::Server;
        let (slot, host) = if is_server {
            attributes.first_text(&[
                Slot::ServerAddress,
                Slot::HttpHost,
                Slot::HttpServerName,
                Slot::NetHostName,
                Slot::HostName,
            ])?
        } else {
            attributes.first_text(&[
                Slot::ServerAddress,
                Slot::HttpHost,
                Slot::NetPeerName,
                Slot::NetPeerIp,
            ])?
        };
        let host = (slot, redact::host(host));
        let port = match slot {
            // A Host header has the port in it.
            Slot::HttpHost => None,
            _ if is_server => port(&[Slot::ServerPort, Slot::NetHostPort], attributes),
            _ => port(&[Slot::ServerPort, Slot::NetworkPeerPort, Slot::NetPeerPort], attributes),
        };
        // An absolute target has a host of its own, and is no path.
        let target =
            || attributes.first_text(&[Slot::HttpTarget]).filter(|(_, target)| !target.contains("://"));
        let path = attributes.first_text(&[Slot::UrlPath]);
        let query = attributes.first_text(&[Slot::UrlQuery]);
        Some(Self {
            scheme: attributes.first_text(&[Slot::UrlScheme, Slot::HttpScheme]),
            host,
            port,
            path: if path.is_none() && query.is_none() { target() } else { path },
            query,
        })
    }

    #[inline]
    fn assemble(&self, url: &mut String) {
        let scheme = self.scheme.map_or("http", |(_, scheme)| scheme);
        let host = self.host.1;
        url.reserve(MAX_TEXT_CHARS);
        url.push_str(scheme);
        url.push_str("://");
        if holds(host, [b':']) && host.parse::<Ipv6Addr>().is_ok() {
            url.extend(["[", host, "]"]);
        } else {
            url.push_str(host);
        }
        match self.port {
            None => {}
            Some((_, 80)) if scheme == "http" => {}
            Some((_, 443)) if scheme == "https" => {}
            Some((_, port)) => {
                url.push(':');
                url.push_str(itoa::Buffer::new().format(port));
            }
        }
        let path = self.path.map_or("/", |(_, path)| path);
        if !path.starts_with('/') {
            url.push('/');
        }
        // `http.target` has the query in it.
        url.push_str(&redact::target(path));
        if let Some((_, query)) = self.query {
            if !query.starts_with('?') {
                url.push('?');
            }
            url.push_str(&redact::target(query));
        }
    }

    #[inline]
    fn consume(&self, attributes: &mut Attributes<'_, '_>) {
        attributes.consume(self.host.0);
        let slots = [self.scheme.map(slot), self.path.map(slot), self.query.map(slot), self.port.map(slot)];
        slots.into_iter().flatten().for_each(|slot| attributes.consume(slot));
    }
}

fn slot<T>((slot, _): (Slot, T)) -> Slot {
    slot
}
