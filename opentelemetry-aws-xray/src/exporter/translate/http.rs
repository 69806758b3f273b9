//! The `http` block (docs/mapping.md).

use std::net::IpAddr;

use opentelemetry::{Array, Value, trace::SpanKind};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    encode::{Body, HttpFields, HttpPlaces},
    limits::MAX_TEXT_CHARS,
    segment::Kind,
};

use super::{
    super::attributes::{Attributes, Slot, Slots},
    holes::{Holes, Rule},
    local_root::Role,
    received,
    texts::Texts,
    url,
};

/// Writes the block, if the span speaks of an HTTP request: addresses alone do not, since database and messaging spans have
/// them too. Of a span that is two documents, the request belongs to the call.
#[inline]
pub(super) fn http(
    span: &SpanData,
    (document, role): (Kind, Role),
    status: Option<Status>,
    attributes: &mut Attributes<'_, '_>,
    texts: &mut Texts,
    body: &mut Body<'_>,
    holes: &mut Holes,
) {
    const MARKERS: Slots = Slots::of(&[
        Slot::HttpRequestMethod,
        Slot::HttpMethod,
        Slot::HttpResponseStatusCode,
        Slot::HttpStatusCode,
        Slot::UrlFull,
        Slot::HttpUrl,
        Slot::HttpTarget,
    ]);
    if !attributes.has_any(MARKERS) {
        if traced(document, attributes) {
            body.http(&HttpFields { traced: true, ..HttpFields::default() });
        }
        return;
    }
    let is_server_side = matches!(span.span_kind, SpanKind::Server | SpanKind::Consumer);
    let method = method(attributes, texts);
    let url = url::url(&span.span_kind, attributes, texts);
    let mut block = HttpFields {
        method,
        url: url.as_deref(),
        user_agent: texts.field(&USER_AGENTS, attributes),
        status: status.map(|(slot, code)| {
            attributes.consume(slot);
            code
        }),
        content_length: content_length(attributes).or_else(|| received::size(&span.events, attributes)),
        traced: traced(document, attributes),
        ..HttpFields::default()
    };
    if is_server_side {
        client_ip(&mut block, attributes, texts);
    }
    // A method or a status usually settles it.
    let is_told = block.method.is_some() || block.status.is_some() || block != HttpFields::default();
    if is_told && role != Role::Service {
        let places = body.http(&block);
        if holes.are_noted {
            note_holes(&block, places, attributes, holes);
        }
    }
    if let Some(url) = url {
        texts.take_back(url);
    }
}

/// What differs from request to request.
#[inline]
fn note_holes(
    block: &HttpFields<'_>,
    places: HttpPlaces,
    attributes: &Attributes<'_, '_>,
    holes: &mut Holes,
) {
    let url = block.url.unwrap_or_default();
    if let Some((slot, _)) = attributes.first_text(&[Slot::UrlFull, Slot::HttpUrl]) {
        holes.note(attributes.found(slot), Rule::Url, MAX_TEXT_CHARS, places.url);
    } else if let (Some(path), None) = (attributes.text(Slot::UrlPath), attributes.text(Slot::UrlQuery))
        && places.url.len() == url.len() + 1
        && let Some(before) = url.strip_suffix(path)
    {
        let place = places.url.start + before.len()..places.url.end;
        let room = MAX_TEXT_CHARS.saturating_sub(before.len());
        holes.note(attributes.found(Slot::UrlPath), Rule::Path, room, place);
    }
    if let Some((slot, _)) = attributes.first_text(&USER_AGENTS) {
        holes.note(attributes.found(slot), Rule::Text, MAX_TEXT_CHARS, places.user_agent);
    }
    let client = attributes.found(Slot::ClientAddress);
    holes.note(client, Rule::Address, MAX_TEXT_CHARS, places.client_ip);
    if let Some((slot, _)) = status(attributes) {
        holes.note(attributes.found(slot), Rule::Status, 0, places.status);
    }
    let size = attributes.found(Slot::HttpResponseBodySize);
    holes.note(size, Rule::Size, 0, places.content_length);
}

/// Whether the client's address is that of the connection, if both are told.
#[inline]
pub(super) fn is_connected(attributes: &Attributes<'_, '_>) -> Option<bool> {
    let client = attributes.text(Slot::ClientAddress)?;
    attributes.first_text(&PEERS).map(|(_, peer)| peer == client)
}

/// The attributes that may tell of any other connection in their place without anything else becoming different: a port
/// that is of no URL, and an address, as long as it stays [the client's](is_connected), or another one.
#[inline]
pub(super) fn of_the_connection(span: &SpanData, attributes: &Attributes<'_, '_>) -> [Option<usize>; 2] {
    if span.span_kind != SpanKind::Server {
        return [None; 2];
    }
    let index = |slot| attributes.found(slot).map(|(index, _)| index);
    let is_only = !attributes
        .has_any(const { Slots::of(&[Slot::NetSockPeerAddr, Slot::NetPeerIp, Slot::HttpClientIp]) });
    let address = is_connected(attributes).filter(|_| is_only).and_then(|_| index(Slot::NetworkPeerAddress));
    [index(Slot::NetworkPeerPort), address]
}

const USER_AGENTS: [Slot; 2] = [Slot::UserAgentOriginal, Slot::HttpUserAgent];
const PEERS: [Slot; 3] = [Slot::NetworkPeerAddress, Slot::NetSockPeerAddr, Slot::NetPeerIp];

/// Whether the callee is said to report too. A call that is no HTTP request says so here as well, in a block of nothing
/// else: that is the documented place.
#[inline]
fn traced(document: Kind, attributes: &mut Attributes<'_, '_>) -> bool {
    let is_traced = document == Kind::Subsegment && attributes.is_true(Slot::AwsXrayTraced);
    if is_traced {
        attributes.consume(Slot::AwsXrayTraced);
    }
    is_traced
}

/// A response's status, and the attribute that holds it.
pub(super) type Status = (Slot, u16);

/// The response's status, of old conventions or new, if it is one.
#[inline]
pub(super) fn status(attributes: &Attributes<'_, '_>) -> Option<Status> {
    [Slot::HttpResponseStatusCode, Slot::HttpStatusCode].into_iter().find_map(|slot| {
        let code = u16::try_from(attributes.integer(slot)?).ok()?;
        (100..=599).contains(&code).then_some((slot, code))
    })
}

#[inline]
fn method<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<&'a str> {
    let (slot, method) = attributes.first_text(&[Slot::HttpRequestMethod, Slot::HttpMethod])?;
    if method == "_OTHER"
        && let Some(original) = texts.field(&[Slot::HttpRequestMethodOriginal], attributes)
    {
        attributes.consume(slot);
        return Some(original);
    }
    Some(texts.claim((slot, method), attributes))
}

/// Who called. A forwarded address counts as such when it is not the address of the connection.
#[inline]
fn client_ip<'r, 'a: 'r>(block: &mut HttpFields<'r>, attributes: &mut Attributes<'a, '_>, texts: &mut Texts) {
    let peer = attributes.first_text(&PEERS);
    let client = attributes
        .text(Slot::ClientAddress)
        .filter(|address| is_ip_address(address))
        .map(|address| (Slot::ClientAddress, address))
        .or_else(|| attributes.first_text(&[Slot::HttpClientIp]));
    let forwarded = client.is_some_and(|(_, address)| peer.is_none_or(|(_, peer)| peer != address));
    block.client_ip = client.or(peer).map(|found| texts.claim(found, attributes));
    if let (Some((_, client)), Some((slot, peer))) = (client, peer)
        && client == peer
    {
        // The same address, which stands in the block.
        attributes.consume(slot);
    }
    block.x_forwarded_for = forwarded || attributes.is_true(Slot::AwsXrayXForwardedFor);
    if attributes.is_true(Slot::AwsXrayXForwardedFor) {
        attributes.consume(Slot::AwsXrayXForwardedFor);
    }
}

/// Whether it is an IP address.
pub(super) fn is_ip_address(text: &str) -> bool {
    is_ipv4_address(text.as_bytes()) || text.parse::<IpAddr>().is_ok()
}

/// The most usual kind of address, told faster than by parsing it: four numbers from 0 to 255 without zeros in front.
fn is_ipv4_address(text: &[u8]) -> bool {
    let behind_number = |text| match behind_number(text) {
        Some([b'.', rest @ ..]) => Some(rest),
        _ => None,
    };
    let last = behind_number(text).and_then(behind_number).and_then(behind_number);
    last.and_then(self::behind_number).is_some_and(<[u8]>::is_empty)
}

/// What stands behind a number from 0 to 255.
#[inline]
fn behind_number(text: &[u8]) -> Option<&[u8]> {
    let digit = |at: usize| text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    let hundreds = digit(0)?;
    let digits = match (hundreds, digit(1), digit(2)) {
        (_, None, _) => 1,
        (1..=9, Some(_), None) => 2,
        (1, Some(_), Some(_)) | (2, Some(..=4), Some(_)) | (2, Some(5), Some(..=5)) => 3,
        _ => return None,
    };
    text.get(digits..)
}

#[inline]
fn content_length(attributes: &mut Attributes<'_, '_>) -> Option<u64> {
    const SIZES: [Slot; 3] =
        [Slot::HttpResponseBodySize, Slot::HttpResponseHeaderContentLength, Slot::HttpResponseContentLength];
    let (slot, length, is_all) = SIZES.into_iter().find_map(|slot| {
        Some(match attributes.value(slot)? {
            // A header's value is a list of texts.
            Value::Array(Array::String(values)) => {
                (slot, values.first()?.as_str().parse().ok()?, values.len() == 1)
            }
            _ => (slot, u64::try_from(attributes.integer(slot)?).ok()?, true),
        })
    })?;
    if is_all {
        attributes.consume(slot);
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn addresses_are_told_as_the_standard_library_does(text in "([0-9]{0,4}[.]){0,5}[0-9]{0,4}|[0-9.:a]{0,16}") {
            prop_assert_eq!(is_ipv4_address(text.as_bytes()), text.parse::<Ipv4Addr>().is_ok());
        }
    }
}
