//! What a server knows of a request before it answers, in the words of the semantic conventions for HTTP.

use std::{borrow::Cow, iter, net::SocketAddr, sync::Arc};

use http::{
    HeaderValue,
    request::Parts,
    uri::{Scheme, Uri},
};
use opentelemetry::{KeyValue, Value};

use super::{
    forwarded::{Forwarded, TrustedHops},
    naming::SegmentNaming,
    recurring::Recurring,
    request_headers::RequestHeaders,
    route_names,
};
use crate::tower::{
    authority::Authority,
    conventions::{known_method, protocol_version},
    grpc::Procedure,
    text::{bounded, redacted},
};

/// Room for what is known of nearly every request at its start and end, and of its sampling. As many attributes take a kibibyte, up to which
/// allocators are fastest.
const EXPECTED_ATTRIBUTES: usize = 16;

/// A request as it came in.
pub(super) struct Inquiry<'a> {
    pub(super) head: &'a Parts,
    pub(super) headers: RequestHeaders<'a>,
    /// What it calls, if it is a call of gRPC.
    pub(super) procedure: Option<Procedure<'a>>,
    pub(super) route: Option<Cow<'a, str>>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) trusted: TrustedHops,
    pub(super) naming: Option<&'a SegmentNaming>,
}

impl Inquiry<'_> {
    /// The span's name, and all else that is known, so that sampling rules can ask for any of it.
    ///
    /// The name is `{method} {route}`, or `{method}` without a route; a method that nobody knows is called `HTTP`. A call of gRPC
    /// is named by its procedure.
    pub(super) fn describe(self) -> (Cow<'static, str>, Vec<KeyValue>) {
        let Self { head, headers, procedure, route, peer, trusted, naming } = self;
        let forwarded = Forwarded { headers, trusted };
        let mut known = Attributes(Vec::with_capacity(EXPECTED_ATTRIBUTES));
        let method = known_method(&head.method);
        match method {
            Some(method) => known.put("http.request.method", || method),
            None => {
                known.put("http.request.method", || "_OTHER");
                known.put("http.request.method_original", || text(head.method.as_str()));
            }
        }
        known.put("url.scheme", || forwarded.scheme().unwrap_or_else(|| uri_scheme(&head.uri)));
        known.put("url.path", || text(head.uri.path()));
        if let Some(query) = head.uri.query() {
            known.put("url.query", || text(&redacted(query)));
        }
        let server = server(&head.uri, &headers);
        let segment_name = naming.map(|naming| naming.name(server.as_ref().map(|(host, _)| &**host)));
        if let Some((host, port)) = server {
            known.put("server.address", || host);
            if let Some(port) = port {
                known.put("server.port", || i64::from(port));
            }
        }
        let peer = peer.map(|peer| (Arc::<str>::from(peer.ip().to_string()), peer.port()));
        let nearest = || peer.as_ref().map(|(address, _)| Arc::clone(address));
        if let Some(client) = forwarded.client().or_else(nearest) {
            known.put("client.address", || client);
        }
        let method = method.unwrap_or(UNKNOWN_METHOD);
        let mut name = Cow::Borrowed(method);
        if let Some(route) = route {
            let route = route_names::named(method, route);
            name = route.0;
            known.put("http.route", || route.1);
        }
        if let Some(agent) = headers.user_agent.and_then(user_agent) {
            known.put("user_agent.original", || agent);
        }
        if let Some(version) = protocol_version(head.version) {
            known.put("network.protocol.version", || version);
        }
        if let Some((address, port)) = peer {
            known.put("network.peer.address", || address);
            known.put("network.peer.port", || i64::from(port));
        }
        if let Some(size) = announced_bytes(&headers) {
            known.put("http.request.body.size", || size);
        }
        if let Some(name) = segment_name {
            known.put(SEGMENT_NAME, || name);
        }
        let Attributes(mut attributes) = known;
        if let Some(procedure) = procedure {
            name = procedure.span_name();
            attributes.extend(procedure.attributes());
        }
        (name, attributes)
    }
}

/// Attributes that are made in their places. One that is pushed is written to the stack first, in small pieces, and read from
/// there at once in larger ones, for which a processor has to wait.
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn put<V: Into<Value>>(&mut self, key: &'static str, value: impl FnOnce() -> V) {
        self.0.extend(iter::once_with(|| KeyValue::new(key, value())));
    }
}

/// What AWS's own instrumentations name a service by, and the first that the exporter looks for in a server's span.
const SEGMENT_NAME: &str = "aws.local.service";

/// What a method is called in a span's name if nobody knows it.
const UNKNOWN_METHOD: &str = "HTTP";

/// The method in a span's name, and all of it where there is no route.
pub(super) fn method_name(head: &Parts) -> &'static str {
    known_method(&head.method).unwrap_or(UNKNOWN_METHOD)
}

/// The host that a request was sent to, and the port if it was written.
fn server(uri: &Uri, headers: &RequestHeaders<'_>) -> Option<(Arc<str>, Option<u16>)> {
    let authority = match uri.authority() {
        Some(authority) => authority.as_str().as_bytes(),
        None => headers.host?.as_bytes(),
    };
    let mut port = None;
    let host = Recurring::Host.text(authority, || {
        let authority = Authority::of_host(uri, || headers.host)?;
        port = authority.port;
        Some(authority.host.into())
    })?;
    Some((host, port))
}

fn user_agent(header: &HeaderValue) -> Option<Arc<str>> {
    let bytes = header.as_bytes();
    Recurring::UserAgent.text(bytes, || {
        Some(match std::str::from_utf8(bytes) {
            Ok(agent) => Cow::Borrowed(bounded(agent)),
            Err(_) => Cow::Owned(bounded(&String::from_utf8_lossy(bytes)).to_owned()),
        })
    })
}

/// Text from the network, as much of it as may be kept.
fn text(text: &str) -> Arc<str> {
    bounded(text).into()
}

fn announced_bytes(headers: &RequestHeaders<'_>) -> Option<i64> {
    let size: u64 = headers.content_length?.to_str().ok()?.parse().ok()?;
    i64::try_from(size).ok()
}

fn uri_scheme(uri: &Uri) -> &'static str {
    if uri.scheme() == Some(&Scheme::HTTPS) { "https" } else { "http" }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request, Version};
    use proptest::prelude::*;

    use super::*;

    struct Case {
        why: &'static str,
        request: http::request::Builder,
        route: Option<&'static str>,
        peer: Option<&'static str>,
        trusted: TrustedHops,
        name: &'static str,
        expected: &'static str,
    }

    impl Default for Case {
        fn default() -> Self {
            Self {
                why: "",
                request: Request::builder(),
                route: None,
                peer: None,
                trusted: TrustedHops::All,
                name: "GET",
                expected: "",
            }
        }
    }

    /// A request to a layer that has been told nothing.
    fn of(head: &Parts) -> Inquiry<'_> {
        let headers = RequestHeaders::of(&head.headers);
        Inquiry {
            head,
            headers,
            procedure: None,
            route: None,
            peer: None,
            trusted: TrustedHops::All,
            naming: None,
        }
    }

    #[test]
    fn says_what_the_head_says() {
        let cases = [
            Case {
                why: "nothing known",
                request: Request::get("/"),
                expected: "http.request.method=GET url.scheme=http url.path=/ network.protocol.version=1.1",
                ..Case::default()
            },
            Case {
                why: "behind a load balancer",
                request: Request::get("/a/1?b=2&sig=s")
                    .header("host", "shop.example.com")
                    .header("x-forwarded-for", "192.0.2.7, 10.0.0.9")
                    .header("x-forwarded-proto", "HTTPS")
                    .header("user-agent", "curl/8"),
                route: Some("/a/{id}"),
                peer: Some("10.0.0.9:4711"),
                name: "GET /a/{id}",
                expected: "http.request.method=GET url.scheme=https url.path=/a/1 url.query=b=2&sig=REDACTED \
                    server.address=shop.example.com client.address=192.0.2.7 http.route=/a/{id} \
                    user_agent.original=curl/8 network.protocol.version=1.1 network.peer.address=10.0.0.9 \
                    network.peer.port=4711",
                ..Case::default()
            },
            Case {
                why: "the same, but nobody is believed",
                request: Request::get("/")
                    .header("x-forwarded-for", "192.0.2.7")
                    .header("x-forwarded-proto", "https"),
                peer: Some("[2001:db8::9]:4711"),
                trusted: TrustedHops::Count(0),
                expected: "http.request.method=GET url.scheme=http url.path=/ client.address=2001:db8::9 \
                    network.protocol.version=1.1 network.peer.address=2001:db8::9 network.peer.port=4711",
                ..Case::default()
            },
            Case {
                why: "a forwarded value that is none",
                request: Request::get("/")
                    .header("x-forwarded-for", "unknown")
                    .header("x-forwarded-proto", "gopher"),
                peer: Some("10.0.0.9:4711"),
                expected: "http.request.method=GET url.scheme=http url.path=/ client.address=10.0.0.9 \
                    network.protocol.version=1.1 network.peer.address=10.0.0.9 network.peer.port=4711",
                ..Case::default()
            },
            Case {
                why: "HTTP/2 has its authority in the URI, which outranks Host",
                request: Request::post("https://api.example.com:8443/p")
                    .header("host", "x")
                    .version(Version::HTTP_2),
                name: "POST",
                expected: "http.request.method=POST url.scheme=https url.path=/p server.address=api.example.com \
                    server.port=8443 network.protocol.version=2",
                ..Case::default()
            },
            Case {
                why: "with a body",
                request: Request::put("/").header("content-length", "42"),
                name: "PUT",
                expected: "http.request.method=PUT url.scheme=http url.path=/ network.protocol.version=1.1 \
                    http.request.body.size=42",
                ..Case::default()
            },
            Case {
                why: "with a length that is none",
                request: Request::put("/").header("content-length", "-1"),
                name: "PUT",
                expected: "http.request.method=PUT url.scheme=http url.path=/ network.protocol.version=1.1",
                ..Case::default()
            },
            Case {
                why: "a method that nobody knows",
                request: Request::builder().method("BREW").uri("/pot"),
                route: Some("/pot"),
                name: "HTTP /pot",
                expected: "http.request.method=_OTHER http.request.method_original=BREW url.scheme=http url.path=/pot \
                    http.route=/pot network.protocol.version=1.1",
                ..Case::default()
            },
        ];
        for Case { why, request, route, peer, trusted, name, expected } in cases {
            let (head, ()) = request.body(()).unwrap().into_parts();
            let peer = peer.map(|peer| peer.parse().unwrap());
            let inquiry = Inquiry { route: route.map(Cow::Borrowed), peer, trusted, ..of(&head) };
            let (span_name, attributes) = inquiry.describe();
            assert_eq!(span_name, name, "{why}");
            assert_eq!(text_of(&attributes), expected, "{why}");
        }
    }

    #[test]
    fn untrusted_text_is_bounded() {
        let long = "x".repeat(10_000);
        let request = Request::builder()
            .method(Method::from_bytes(long.as_bytes()).unwrap())
            .uri(format!("/{long}?{long}"))
            .header("user-agent", &long)
            .header("host", &long);
        let (head, ()) = request.body(()).unwrap().into_parts();
        let (name, attributes) = of(&head).describe();
        assert_eq!(name, "HTTP");
        for attribute in attributes {
            assert!(attribute.value.as_str().len() <= 2_048, "{}", attribute.key);
        }
    }

    fn text_of(attributes: &[KeyValue]) -> String {
        attributes.iter().map(|kv| format!("{}={}", kv.key, kv.value)).collect::<Vec<_>>().join(" ")
    }

    proptest! {
        #[test]
        fn no_header_panics(bytes: Vec<u8>) {
            let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            let request = Request::get("/").header("host", &value).header("user-agent", &value);
            let request = request.header("x-forwarded-for", &value).header("x-forwarded-proto", &value);
            let (head, ()) = request.body(()).unwrap().into_parts();
            prop_assert!(of(&head).describe().1.len() <= EXPECTED_ATTRIBUTES);
        }
    }
}
