//! gRPC over HTTP/2: which procedure a request calls, and how the call ended.

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderName, Uri,
    header::{CONTENT_TYPE, HeaderValue},
};
use opentelemetry::{
    KeyValue,
    trace::{SpanRef, Status},
};

use super::{headers, span::Side, text};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// A remote procedure, as it stands in the path of a request: `/{service}/{method}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Procedure<'a> {
    /// With its package: `shop.Orders`.
    service: &'a str,
    method: &'a str,
}

impl<'a> Procedure<'a> {
    /// The procedure that a request calls, if it is one of gRPC: its content type says so. gRPC-Web is none, as its
    /// status comes in the body.
    pub(super) fn of(uri: &'a Uri, headers: &HeaderMap) -> Option<Self> {
        Self::of_type(uri, headers.get(CONTENT_TYPE))
    }

    /// The same, where the content type is at hand.
    pub(super) fn of_type(uri: &'a Uri, content_type: Option<&HeaderValue>) -> Option<Self> {
        content_type.filter(|content_type| is_grpc(content_type))?;
        let (service, method) = uri.path().strip_prefix('/')?.rsplit_once('/')?;
        (!service.is_empty() && !method.is_empty()).then_some(Self { service, method })
    }

    /// `{service}/{method}`, as the semantic conventions for RPC have it.
    pub(super) fn span_name(&self) -> Cow<'static, str> {
        let Self { service, method } = self;
        Cow::Owned(text::bounded(&format!("{service}/{method}")).to_owned())
    }

    /// What the conventions want of every call.
    pub(super) fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.service", text::bounded(self.service).to_owned()),
            KeyValue::new("rpc.method", text::bounded(self.method).to_owned()),
        ]
    }
}

/// `application/grpc`, with a message format (`+proto`) and parameters or without.
fn is_grpc(content_type: &HeaderValue) -> bool {
    let rest = content_type.as_bytes().strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome<'a> {
    code: Code,
    /// Percent-encoded.
    message: &'a str,
}

impl<'a> Outcome<'a> {
    /// The end of a call of which no status came (gRPC over HTTP2, "Responses").
    pub(super) const UNKNOWN: Outcome<'static> = Outcome { code: Code(2), message: "" };

    /// What trailers say, or the headers of a response that has nothing else.
    pub(super) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let code = headers::text(headers, &GRPC_STATUS)?.parse().ok()?;
        Some(Self { code: Code(code), message: headers::text(headers, &GRPC_MESSAGE).unwrap_or_default() })
    }

    /// Puts it on a span.
    pub(super) fn record(&self, span: &SpanRef<'_>, side: Side) {
        if !span.is_recording() {
            return;
        }
        span.set_attribute(KeyValue::new("rpc.grpc.status_code", i64::from(self.code.0)));
        if self.code.is_error(side) {
            span.set_attribute(KeyValue::new("error.type", self.code.name()));
            span.set_status(Status::error(text::message(&percent_decoded(self.message))));
        }
    }
}

/// A gRPC status code. Others than the seventeen that are known stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Code(u16);

impl Code {
    /// The names of the codes from 0 on.
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];

    fn name(self) -> Cow<'static, str> {
        let known = Self::NAMES.get(usize::from(self.0));
        known.map_or_else(|| Cow::Owned(self.0.to_string()), |name| Cow::Borrowed(*name))
    }

    /// Whether the call is an error of this side (semantic conventions for gRPC): all but `OK` are a client's, a server's
    /// only those that are not its caller's.
    fn is_error(self, side: Side) -> bool {
        match side {
            Side::Client => self.0 != 0,
            Side::Server => {
                let name = self.name();
                matches!(
                    name.as_ref(),
                    "UNKNOWN"
                        | "DEADLINE_EXCEEDED"
                        | "UNIMPLEMENTED"
                        | "INTERNAL"
                        | "UNAVAILABLE"
                        | "DATA_LOSS"
                )
            }
        }
    }
}

/// Undoes the encoding of `grpc-message`. What is not encoded as it should be stays as it is.
fn percent_decoded(encoded: &str) -> Cow<'_, str> {
    if !encoded.contains('%') {
        return Cow::Borrowed(encoded);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        let octet = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        match octet {
            Some((high, low)) => {
                decoded.push(high << 4 | low);
                rest = &rest[3..];
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tells_procedures_from_other_requests() {
        for (uri, content_type, expected) in [
            ("/shop.Orders/Place", Some("application/grpc"), Some("shop.Orders/Place")),
            ("http://h/shop.Orders/Place", Some("application/grpc+proto"), Some("shop.Orders/Place")),
            ("/a/b/Place", Some("application/grpc;x=1"), Some("a/b/Place")),
            ("/shop.Orders/Place", Some("application/grpc-web+proto"), None),
            ("/shop.Orders/Place", Some("application/json"), None),
            ("/shop.Orders/Place", None, None),
            ("/shop.Orders/", Some("application/grpc"), None),
            ("/Place", Some("application/grpc"), None),
            ("*", Some("application/grpc"), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(content_type.map(|text| (CONTENT_TYPE, HeaderValue::from_static(text))));
            let uri: Uri = uri.parse().unwrap();
            let name = Procedure::of(&uri, &headers).map(|procedure| procedure.span_name());
            assert_eq!(name.as_deref(), expected, "{uri} {content_type:?}");
        }
    }

    #[test]
    fn tells_errors_of_servers_from_those_of_clients() {
        let errors = |side| {
            let codes = (0..18).filter(|code| Code(*code).is_error(side));
            codes.map(|code| Code(code).name().into_owned()).collect::<Vec<_>>()
        };
        let of_servers =
            ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];
        assert_eq!(errors(Side::Server), of_servers);
        assert_eq!(errors(Side::Client)[..16], Code::NAMES[1..]);
        assert_eq!(errors(Side::Client)[16..], ["17"]);
    }

    #[test]
    fn reads_how_a_call_ended() {
        for (status, message, expected) in [
            (Some("0"), None, Some((0, ""))),
            (Some("5"), Some("no such order"), Some((5, "no such order"))),
            (Some("x"), None, None),
            (Some("-1"), None, None),
            (None, Some("m"), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(status.map(|text| (GRPC_STATUS, HeaderValue::from_static(text))));
            headers.extend(message.map(|text| (GRPC_MESSAGE, HeaderValue::from_static(text))));
            let outcome = Outcome::of(&headers).map(|outcome| (outcome.code.0, outcome.message));
            assert_eq!(outcome, expected, "{status:?} {message:?}");
        }
    }

    #[test]
    fn decodes_messages() {
        for (encoded, expected) in [
            ("plain", "plain"),
            ("a%20b", "a b"),
            ("%C3%a9%", "\u{e9}%"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(percent_decoded(encoded), expected, "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text: String) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(percent_decoded(&encoded), text.as_str());
        }

        #[test]
        fn no_message_panics(text: String) {
            prop_assert!(percent_decoded(&text).len() <= 3 * text.len());
        }
    }
}
