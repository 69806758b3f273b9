//! reqwest's own request and response types.

use http::{HeaderMap, Method, StatusCode, Uri, Version};
use reqwest::{Body, Request, Response, ResponseBuilderExt as _};

use super::exchange::{ClientRequest, ClientResponse, Sealed, recordable};
use crate::tower::{XrayBody, authority::Authority, grpc::Procedure, span::ExchangeSpan};

impl Sealed for Request {}
impl Sealed for Response {}

impl ClientRequest for Request {
    fn method(&self) -> &Method {
        self.method()
    }

    fn full_url(&self, _: Option<&Uri>) -> Option<String> {
        let url = self.url().as_str();
        let Some(authority) = url.find("://").map(|scheme| scheme + 3) else { return Some(recordable(url)) };
        let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |length| authority + length);
        let host = url[authority..end].rfind('@').map_or(authority, |at| authority + at + 1);
        Some(recordable(&[&url[..authority], &url[host..]].concat()))
    }

    fn server(&self) -> Option<(&str, Option<u16>)> {
        let Authority { host, .. } = Authority::parse(self.url().host_str()?)?;
        Some((host, self.url().port_or_known_default()))
    }

    /// reqwest speaks no gRPC: it has no trailers.
    fn procedure(&self) -> Option<Procedure<'_>> {
        None
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }
}

impl ClientResponse for Response {
    type Traced = Response;

    fn status(&self) -> StatusCode {
        self.status()
    }

    fn version(&self) -> Version {
        self.version()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn with_span(self, span: ExchangeSpan) -> Response {
        let url = self.url().clone();
        let (mut head, body) = http::Response::<Body>::from(self).into_parts();
        let body = match span.awaiting(&body) {
            None => body,
            open => Body::wrap(XrayBody::new(body, open)),
        };
        // Taking a response apart loses its URL; an extension carries it back.
        if let Ok(carrier) = http::Response::builder().url(url).body(()) {
            head.extensions.extend(carrier.into_parts().0.extensions);
        }
        http::Response::from_parts(head, body).into()
    }

    fn without_span(self) -> Response {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_the_call() {
        for (url, full_url, host, port) in [
            ("http://api.example.com/a?b=1", "http://api.example.com/a?b=1", "api.example.com", Some(80)),
            ("https://u:p@h:8443/x@y", "https://h:8443/x@y", "h", Some(8443)),
            ("https://[::1]/?sig=s&a=@", "https://[::1]/?sig=REDACTED&a=@", "::1", Some(443)),
        ] {
            let request = Request::new(Method::GET, url.parse().unwrap());
            assert_eq!(request.full_url(None).as_deref(), Some(full_url), "{url}");
            assert_eq!(request.server(), Some((host, port)), "{url}");
        }
    }
}
