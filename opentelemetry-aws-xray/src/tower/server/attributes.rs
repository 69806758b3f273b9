//! What a server knows of a request before it answers, in the words of the semantic conventions for HTTP.

use std::{borrow::Cow, net::SocketAddr};

use http::{
    HeaderName,
    header::USER_AGENT,
    request::Parts,
    uri::{Scheme, Uri},
};
use opentelemetry::{KeyValue, Value};

use crate::tower::{
    authority::{self, Authority},
    conventions::{known_method, protocol_version},
    headers,
    text::{bounded, redacted},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Room for all attributes that this layer sets and some of the user's own, so that the list need not grow.
const EXPECTED_ATTRIBUTES: usize = 20;

/// A request as it came in.
pub(super) struct Inquiry<'a> {
    pub(super) head: &'a Parts,
    pub(super) route: Option<Cow<'static, str>>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) trusts_forwarded: bool,
}

impl Inquiry<'_> {
    /// `{method} {route}`, or `{method}` without a route; a method that nobody knows is called `HTTP`.
    pub(super) fn span_name(&self) -> Cow<'static, str> {
        let method = method_name(self.head);
        match &self.route {
            Some(route) => Cow::Owned(format!("{method} {route}")),
            None => Cow::Borrowed(method),
        }
    }

    /// What sampling rules can ask for, and no more, since most requests are not sampled.
    pub(super) fn for_sampler(self) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(EXPECTED_ATTRIBUTES);
        let mut put = |key, value: Value| attributes.push(KeyValue::new(key, value));
        put("http.request.method", known_method(&self.head.method).unwrap_or("_OTHER").into());
        put("url.scheme", self.scheme().into());
        put("url.path", bounded(self.head.uri.path()).to_owned().into());
        if let Some(authority) = Authority::of(&self.head.uri, &self.head.headers) {
            put("server.address", authority.host.to_owned().into());
            if let Some(port) = authority.port {
                put("server.port", i64::from(port).into());
            }
        }
        if let Some(client) = self.client() {
            put("client.address", client.into());
        }
        if let Some(route) = self.route {
            put("http.route", route.into());
        }
        attributes
    }

    /// The scheme that the user's request had: behind a load balancer it is not the connection's.
    fn scheme(&self) -> &'static str {
        let forwarded = self.forwarded(&X_FORWARDED_PROTO).and_then(first_scheme);
        forwarded.unwrap_or_else(|| uri_scheme(&self.head.uri))
    }

    fn client(&self) -> Option<String> {
        let forwarded = self.forwarded(&X_FORWARDED_FOR).and_then(authority::first_forwarded_address);
        forwarded.map(str::to_owned).or_else(|| Some(self.peer?.ip().to_string()))
    }

    fn forwarded(&self, name: &HeaderName) -> Option<&str> {
        self.trusts_forwarded.then(|| headers::text(&self.head.headers, name)).flatten()
    }
}

/// The method in a span's name, and all of it where there is no route.
pub(super) fn method_name(head: &Parts) -> &'static str {
    known_method(&head.method).unwrap_or("HTTP")
}

/// The rest, for a span that is kept.
pub(super) fn for_record(head: &Parts, peer: Option<SocketAddr>) -> impl Iterator<Item = KeyValue> {
    let original = known_method(&head.method).is_none().then(|| head.method.as_str());
    let user_agent = head.headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    [
        original.map(|method| KeyValue::new("http.request.method_original", bounded(method).to_owned())),
        head.uri.query().map(|query| KeyValue::new("url.query", bounded(&redacted(query)).to_owned())),
        user_agent.map(|agent| KeyValue::new("user_agent.original", bounded(&agent).to_owned())),
        protocol_version(head.version).map(|version| KeyValue::new("network.protocol.version", version)),
        peer.map(|peer| KeyValue::new("network.peer.address", peer.ip().to_string())),
        peer.map(|peer| KeyValue::new("network.peer.port", i64::from(peer.port()))),
    ]
    .into_iter()
    .flatten()
}

/// Reads the first scheme of an `X-Forwarded-Proto` list. `None` if it is not one of HTTP's.
fn first_scheme(list: &str) -> Option<&'static str> {
    let scheme = list.split(',').next()?.trim();
    ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))
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
        trusts_forwarded: bool,
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
                trusts_forwarded: true,
                name: "GET",
                expected: "",
            }
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
                expected: "http.request.method=GET url.scheme=https url.path=/a/1 server.address=shop.example.com \
                    client.address=192.0.2.7 http.route=/a/{id} url.query=b=2&sig=REDACTED user_agent.original=curl/8 \
                    network.protocol.version=1.1 network.peer.address=10.0.0.9 network.peer.port=4711",
                ..Case::default()
            },
            Case {
                why: "the same, but nobody is believed",
                request: Request::get("/")
                    .header("x-forwarded-for", "192.0.2.7")
                    .header("x-forwarded-proto", "https"),
                peer: Some("[2001:db8::9]:4711"),
                trusts_forwarded: false,
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
                why: "a method that nobody knows",
                request: Request::builder().method("BREW").uri("/pot"),
                route: Some("/pot"),
                name: "HTTP /pot",
                expected: "http.request.method=_OTHER url.scheme=http url.path=/pot http.route=/pot \
                    http.request.method_original=BREW network.protocol.version=1.1",
                ..Case::default()
            },
        ];
        for Case { why, request, route, peer, trusts_forwarded, name, expected } in cases {
            let (head, ()) = request.body(()).unwrap().into_parts();
            let peer = peer.map(|peer| peer.parse().unwrap());
            let inquiry = Inquiry { head: &head, route: route.map(Cow::Borrowed), peer, trusts_forwarded };
            assert_eq!(inquiry.span_name(), name, "{why}");
            assert_eq!(
                text_of(inquiry.for_sampler().into_iter().chain(for_record(&head, peer))),
                expected,
                "{why}"
            );
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
        let inquiry = Inquiry { head: &head, route: None, peer: None, trusts_forwarded: true };
        assert_eq!(inquiry.span_name(), "HTTP");
        for attribute in inquiry.for_sampler().into_iter().chain(for_record(&head, None)) {
            assert!(attribute.value.as_str().len() <= 2_048, "{}", attribute.key);
        }
    }

    fn text_of(attributes: impl Iterator<Item = KeyValue>) -> String {
        attributes.map(|kv| format!("{}={}", kv.key, kv.value)).collect::<Vec<_>>().join(" ")
    }

    proptest! {
        #[test]
        fn no_header_panics(bytes: Vec<u8>) {
            let Ok(value) = http::HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            let request = Request::get("/").header("host", &value).header("user-agent", &value);
            let request = request.header("x-forwarded-for", &value).header("x-forwarded-proto", &value);
            let (head, ()) = request.body(()).unwrap().into_parts();
            let inquiry = Inquiry { head: &head, route: None, peer: None, trusts_forwarded: true };
            prop_assert!(inquiry.for_sampler().len() + for_record(&head, None).count() <= EXPECTED_ATTRIBUTES);
        }
    }
}
