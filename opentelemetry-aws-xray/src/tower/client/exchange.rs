//! What the client's layer asks of requests and responses, whichever library they come from.

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;

use crate::tower::{
    XrayBody,
    authority::Authority,
    grpc::Procedure,
    span::ExchangeSpan,
    text::{bounded, redacted},
};

/// A request that [`XrayClient`](super::XrayClient) can send: [`http::Request`], and with the feature `reqwest`
/// `reqwest::Request`. Sealed.
///
/// ```
/// use std::fmt::Display;
///
/// use opentelemetry_aws_xray::tower::{ClientRequest, ClientResponse, XrayClient, XrayClientLayer};
/// use tower::{Layer, Service};
///
/// /// Goes around clients of every kind.
/// fn traced<S, Req>(client: S) -> XrayClient<S>
/// where
///     Req: ClientRequest,
///     S: Service<Req, Response: ClientResponse, Error: Display + 'static>,
/// {
///     XrayClientLayer::new().with_traced_callee(true).layer(client)
/// }
/// # use http::{Request, Response};
/// # traced(tower::service_fn(|_: Request<String>| async { Ok::<_, std::io::Error>(Response::new(String::new())) }));
/// ```
pub trait ClientRequest: Sealed {
    #[doc(hidden)]
    fn method(&self) -> &Method;

    /// Without userinfo, secrets redacted. `None` if it names no host, and there is no `origin` to do so.
    #[doc(hidden)]
    fn full_url(&self, origin: Option<&Uri>) -> Option<String>;

    /// Host and port.
    #[doc(hidden)]
    fn server(&self) -> Option<(&str, Option<u16>)>;

    /// The procedure that gRPC calls with it.
    #[doc(hidden)]
    fn procedure(&self) -> Option<Procedure<'_>>;

    #[doc(hidden)]
    fn headers_mut(&mut self) -> &mut HeaderMap;
}

/// A response that [`XrayClient`](super::XrayClient) can receive: [`http::Response`], and with the feature
/// `reqwest` `reqwest::Response`. Sealed.
///
/// ```
/// use http::Response;
/// use opentelemetry_aws_xray::tower::{ClientResponse, XrayBody};
///
/// type Traced = <Response<String> as ClientResponse>::Traced;
///
/// fn body(response: Traced) -> XrayBody<String> {
///     response.into_body()
/// }
/// ```
pub trait ClientResponse: Sealed {
    /// The same response, whose body ends the span: `http::Response<XrayBody<B>>` for `http::Response<B>`.
    type Traced;

    #[doc(hidden)]
    fn status(&self) -> StatusCode;

    #[doc(hidden)]
    fn version(&self) -> Version;

    #[doc(hidden)]
    fn headers(&self) -> &HeaderMap;

    #[doc(hidden)]
    fn with_span(self, span: ExchangeSpan) -> Self::Traced;

    #[doc(hidden)]
    fn without_span(self) -> Self::Traced;
}

/// Keeps the traits above open for more methods.
pub trait Sealed {}

impl<B> Sealed for Request<B> {}
impl<B> Sealed for Response<B> {}

impl<B> ClientRequest for Request<B> {
    fn method(&self) -> &Method {
        self.method()
    }

    fn full_url(&self, origin: Option<&Uri>) -> Option<String> {
        let base = if self.uri().authority().is_some() { self.uri() } else { origin? };
        let (scheme, authority) = (base.scheme_str()?, base.authority()?.as_str());
        let authority = authority.rsplit_once('@').map_or(authority, |(_userinfo, rest)| rest);
        let path = self.uri().path_and_query().map_or("", |path| path.as_str());
        Some(recordable(&format!("{scheme}://{authority}{path}")))
    }

    fn server(&self) -> Option<(&str, Option<u16>)> {
        Some(server(Authority::of(self.uri(), self.headers())?, self.uri()))
    }

    fn procedure(&self) -> Option<Procedure<'_>> {
        Procedure::of(self.uri(), self.headers())
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }
}

impl<B: Body> ClientResponse for Response<B> {
    type Traced = Response<XrayBody<B>>;

    fn status(&self) -> StatusCode {
        self.status()
    }

    fn version(&self) -> Version {
        self.version()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn with_span(self, span: ExchangeSpan) -> Self::Traced {
        self.map(|body| XrayBody::traced(body, span))
    }

    fn without_span(self) -> Self::Traced {
        self.map(XrayBody::untraced)
    }
}

/// A URL as it may be recorded.
pub(super) fn recordable(url: &str) -> String {
    bounded(&redacted(url)).to_owned()
}

/// Host and port of a URI that always names them.
pub(super) fn origin_server(origin: &Uri) -> Option<(&str, Option<u16>)> {
    Some(server(Authority::parse(origin.authority()?.as_str())?, origin))
}

fn server<'a>(Authority { host, port }: Authority<'a>, uri: &Uri) -> (&'a str, Option<u16>) {
    (host, port.or_else(|| default_port(uri)))
}

fn default_port(uri: &Uri) -> Option<u16> {
    match uri.scheme_str()? {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_the_call() {
        for (uri, host_header, full_url, server) in [
            (
                "http://api.example.com/a?b=1",
                None,
                Some("http://api.example.com/a?b=1"),
                Some(("api.example.com", Some(80))),
            ),
            ("https://u:p@h:8443/", None, Some("https://h:8443/"), Some(("h", Some(8443)))),
            ("https://[::1]/?sig=s", None, Some("https://[::1]/?sig=REDACTED"), Some(("::1", Some(443)))),
            ("/path", Some("h:81"), None, Some(("h", Some(81)))),
            ("/path", None, None, None),
        ] {
            let mut request = Request::get(uri);
            if let Some(host) = host_header {
                request = request.header("host", host);
            }
            let request = request.body(()).unwrap();
            assert_eq!(request.full_url(None).as_deref(), full_url, "{uri}");
            assert_eq!(request.server(), server, "{uri}");
        }
        let origin = Uri::from_static("https://u:p@origin:8443/ignored");
        for (uri, full_url) in [("/a?b", "https://origin:8443/a?b"), ("http://h/a", "http://h/a")] {
            let request = Request::get(uri).body(()).unwrap();
            assert_eq!(request.full_url(Some(&origin)).as_deref(), Some(full_url));
        }
        let long = format!("http://h/{}", "x".repeat(10_000));
        assert_eq!(Request::get(long).body(()).unwrap().full_url(None).unwrap().len(), 2_048);
    }
}
