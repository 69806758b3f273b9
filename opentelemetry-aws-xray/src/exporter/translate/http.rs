//! The `http` block (docs/mapping.md).

use std::{borrow::Cow, net::IpAddr};

use opentelemetry::{Array, Value, trace::SpanKind};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    limits::MAX_TEXT_CHARS,
    segment::{Http, Kind},
};

use super::{
    super::attributes::{Attributes, Slot},
    received,
    texts::Texts,
    url,
};

/// The block, if the span speaks of an HTTP request: addresses alone do not, since database and messaging spans have
/// them too.
pub(super) fn http<'a>(
    span: &SpanData,
    document: Kind,
    attributes: &mut Attributes<'a, '_>,
    texts: &mut Texts,
) -> Option<Http<'a>> {
    const MARKERS: [Slot; 7] = [
        Slot::HttpRequestMethod,
        Slot::HttpMethod,
        Slot::HttpResponseStatusCode,
        Slot::HttpStatusCode,
        Slot::UrlFull,
        Slot::HttpUrl,
        Slot::HttpTarget,
    ];
    if !MARKERS.iter().any(|slot| attributes.has(*slot)) {
        return traced(document, attributes).then(|| Http { traced: true, ..Http::default() });
    }
    let is_server_side = matches!(span.span_kind, SpanKind::Server | SpanKind::Consumer);
    let mut block = Http {
        method: method(attributes, texts),
        url: url::url(&span.span_kind, attributes, texts),
        user_agent: landed(&[Slot::UserAgentOriginal, Slot::HttpUserAgent], attributes, texts),
        status: status_and_consume(attributes),
        content_length: content_length(attributes).or_else(|| received::size(&span.events, attributes)),
        traced: traced(document, attributes),
        ..Http::default()
    };
    if is_server_side {
        client_ip(&mut block, attributes, texts);
    }
    (block != Http::default()).then_some(block)
}

/// Whether the callee is said to report too. A call that is no HTTP request says so here as well, in a block of nothing
/// else: that is the documented place.
fn traced(document: Kind, attributes: &mut Attributes<'_, '_>) -> bool {
    let is_traced = document == Kind::Subsegment && attributes.is_true(Slot::AwsXrayTraced);
    if is_traced {
        attributes.consume(Slot::AwsXrayTraced);
    }
    is_traced
}

/// The response's status, of old conventions or new, if it is one.
pub(super) fn status(attributes: &Attributes<'_, '_>) -> Option<(Slot, u16)> {
    [Slot::HttpResponseStatusCode, Slot::HttpStatusCode].into_iter().find_map(|slot| {
        let code = u16::try_from(attributes.integer(slot)?).ok()?;
        (100..=599).contains(&code).then_some((slot, code))
    })
}

fn status_and_consume(attributes: &mut Attributes<'_, '_>) -> Option<u16> {
    let (slot, code) = status(attributes)?;
    attributes.consume(slot);
    Some(code)
}

fn method<'a>(attributes: &mut Attributes<'a, '_>, texts: &mut Texts) -> Option<Cow<'a, str>> {
    let (slot, method) = attributes.first_text(&[Slot::HttpRequestMethod, Slot::HttpMethod])?;
    if method == "_OTHER"
        && let Some(original) = landed(&[Slot::HttpRequestMethodOriginal], attributes, texts)
    {
        attributes.consume(slot);
        return Some(original);
    }
    landed(&[slot], attributes, texts)
}

/// The first of the slots as a text field, consumed unless it had to be cut.
fn landed<'a>(
    slots: &[Slot],
    attributes: &mut Attributes<'a, '_>,
    texts: &mut Texts,
) -> Option<Cow<'a, str>> {
    let (slot, text) = attributes.first_text(slots)?;
    let (text, whole) = texts.cut(Cow::Borrowed(text), MAX_TEXT_CHARS);
    if whole {
        attributes.consume(slot);
    }
    Some(text)
}

/// Who called. A forwarded address counts as such when it is not the address of the connection.
fn client_ip<'a>(block: &mut Http<'a>, attributes: &mut Attributes<'a, '_>, texts: &mut Texts) {
    const PEERS: [Slot; 3] = [Slot::NetworkPeerAddress, Slot::NetSockPeerAddr, Slot::NetPeerIp];
    let peer = attributes.first_text(&PEERS);
    let client = attributes
        .text(Slot::ClientAddress)
        .filter(|address| address.parse::<IpAddr>().is_ok())
        .map(|address| (Slot::ClientAddress, address))
        .or_else(|| attributes.first_text(&[Slot::HttpClientIp]));
    let forwarded = client.is_some_and(|(_, address)| peer.is_none_or(|(_, peer)| peer != address));
    if let Some((slot, _)) = client.or(peer) {
        block.client_ip = landed(&[slot], attributes, texts);
    }
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

fn content_length(attributes: &mut Attributes<'_, '_>) -> Option<u64> {
    const SIZES: [Slot; 3] =
        [Slot::HttpResponseBodySize, Slot::HttpResponseHeaderContentLength, Slot::HttpResponseContentLength];
    let (slot, length) = SIZES.into_iter().find_map(|slot| {
        let length = match attributes.value(slot)? {
            // A header's value is a list of texts.
            Value::Array(Array::String(values)) => values.first()?.as_str().parse().ok()?,
            _ => u64::try_from(attributes.integer(slot)?).ok()?,
        };
        Some((slot, length))
    })?;
    attributes.consume(slot);
    Some(length)
}
