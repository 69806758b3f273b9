//! Addresses of clients, made coarse.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use opentelemetry::{Value, trace::SpanKind};
use opentelemetry_sdk::trace::SpanData;

use crate::{annotate::own_key, redact::REDACTED};

/// Makes the addresses coarse from which a span was called. In other spans the peer is a server.
pub(super) fn anonymise_span(span: &mut SpanData) {
    if !matches!(span.span_kind, SpanKind::Server | SpanKind::Consumer) {
        return;
    }
    for attribute in &mut span.attributes {
        match own_key(attribute.key.as_str()) {
            "client.address"
            | "http.client_ip"
            | "network.peer.address"
            | "net.sock.peer.addr"
            | "net.peer.ip"
            | "net.peer.name"
            | "source.address" => {
                attribute.value = Value::from(anonymous(&attribute.value.as_str()));
            }
            "http.request.header.x-forwarded-for"
            | "http.request.header.x_forwarded_for"
            | "http.request.header.forwarded"
            | "http.request.header.x-real-ip"
            | "http.request.header.x_real_ip" => attribute.value = Value::from(REDACTED),
            _ => {}
        }
    }
}

/// An address without its last part; of an address with a port, without the port.
fn anonymous(text: &str) -> String {
    let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    match address.map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
        Err(_) => REDACTED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("203.0.113.77", "203.0.113.0"),
            ("203.0.113.77:4711", "203.0.113.0"),
            ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::"),
            ("[2001:db8:85a3:8d3::1]:80", "2001:db8:85a3::"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("::1", "::"),
            ("laptop-of-jane.example", "REDACTED"),
            ("203.0.113.77, 10.0.0.1", "REDACTED"),
            ("", "REDACTED"),
        ] {
            assert_eq!(anonymous(text), expected, "{text}");
        }
    }
}
