//! Where the body of a response ends, as far as its head tells: HTTP libraries poll no further than that.

use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};

use super::{headers, span::Protocol};

/// What a request asks for, as far as it tells whether the response has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A head alone.
    Head,
    /// A tunnel.
    Connect,
    Other,
}

impl Asked {
    pub(super) fn by(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// The end of a response's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// Nothing follows the head, whatever the body type says (RFC 9110, section 6.4.1): such bodies are never polled.
    AtOnce,
    /// After so many bytes, from `Content-Length`.
    After(u64),
    /// Where the body says.
    Unknown,
}

impl BodyEnd {
    pub(super) fn of(asked: Asked, protocol: Protocol, status: StatusCode, headers: &HeaderMap) -> Self {
        let is_bodyless = asked == Asked::Head
            || (asked == Asked::Connect && status.is_success())
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if is_bodyless {
            return Self::AtOnce;
        }
        match headers::text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok()) {
            // Over HTTP/1 such a body is never polled either; gRPC has trailers.
            Some(0) if protocol == Protocol::Http => Self::AtOnce,
            Some(announced) => Self::After(announced),
            None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_tells_where_the_body_ends() {
        for (method, status, length, expected) in [
            (Method::GET, 200, None, BodyEnd::Unknown),
            (Method::GET, 200, Some("3"), BodyEnd::After(3)),
            (Method::GET, 200, Some("-3"), BodyEnd::Unknown),
            (Method::GET, 200, Some("0"), BodyEnd::AtOnce),
            (Method::GET, 204, None, BodyEnd::AtOnce),
            (Method::GET, 304, Some("3"), BodyEnd::AtOnce),
            (Method::GET, 101, None, BodyEnd::AtOnce),
            (Method::HEAD, 200, Some("3"), BodyEnd::AtOnce),
            (Method::CONNECT, 200, None, BodyEnd::AtOnce),
            (Method::CONNECT, 502, Some("3"), BodyEnd::After(3)),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(length.map(|length| (CONTENT_LENGTH, length.parse().unwrap())));
            let status = StatusCode::from_u16(status).unwrap();
            let found = BodyEnd::of(Asked::by(&method), Protocol::Http, status, &headers);
            assert_eq!(found, expected, "{method} {status} {length:?}");
        }
    }
}
