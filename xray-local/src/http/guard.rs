//! What keeps web pages in a browser on this machine from reading traces or sending some.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::App;

/// Nothing but our own files; no scripts or styles within pages; no frames around them.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Refuses a `Host` that is no IP address and no name of ours: a web page may have its own name point here
/// (DNS rebinding) and would then count as the same origin. Addresses can't be rebound.
pub(super) async fn check_host(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match host {
        Some(host) if is_ours(host, &app.allowed_hosts) => next.run(request).await,
        _ => (
            StatusCode::FORBIDDEN,
            "This host name is not allowed. Use an IP address or localhost, or start with --allow-host NAME.\n",
        )
            .into_response(),
    }
}

/// Refuses requests that come from a page of another origin, unless they only read.
pub(super) async fn check_origin(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !request.method().is_safe() && is_cross_origin(request.headers(), &app.allowed_hosts) {
        return (StatusCode::FORBIDDEN, "Requests from other origins are refused.\n").into_response();
    }
    next.run(request).await
}

/// Headers that every answer carries.
pub(super) async fn secure(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: with it browsers hide the origin of our own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    let name = name_of(host).to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&name))
}

/// The host without its port, and an IPv6 address without its brackets.
fn name_of(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Browsers say with everything but a GET where it comes from; SDKs, daemons and curl don't.
/// A page under a name that is not ours is another's, wherever that name points.
fn is_cross_origin(headers: &HeaderMap, allowed_hosts: &[String]) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let Some((_, authority)) = origin.split_once("://") else { return true };
    text(header::HOST) != Some(authority) || !is_ours(authority, allowed_hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_addresses_and_its_own_names() {
        let allowed = ["xray-local".to_owned()];
        for (host, expected) in [
            ("127.0.0.1:2000", true),
            ("[::1]:2000", true),
            ("[::1]", true),
            ("localhost", true),
            ("LOCALHOST:2000", true),
            ("hotrod.localhost:2000", true),
            ("xray-local:2000", true),
            ("evil.example:2000", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example:2000", false),
            ("evillocalhost", false),
            ("[::1", false),
            ("", false),
        ] {
            assert_eq!(is_ours(host, &allowed), expected, "{host:?}");
        }
    }

    #[test]
    fn tells_other_origins() {
        let allowed = ["xray-local".to_owned()];
        for (origin, host, expected) in [
            (None, "127.0.0.1:2000", false),
            (Some("http://127.0.0.1:2000"), "127.0.0.1:2000", false),
            (Some("http://localhost:2000"), "127.0.0.1:2000", true),
            (Some("http://127.0.0.1:8080"), "127.0.0.1:2000", true),
            (Some("https://evil.example"), "127.0.0.1:2000", true),
            (Some("null"), "127.0.0.1:2000", true),
            (Some("null"), "null", true),
            (Some("http://evil.example:2000"), "evil.example:2000", true),
            (Some("http://xray-local:2000"), "xray-local:2000", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_cross_origin(&headers, &allowed), expected, "{origin:?} to {host}");
        }
    }
}
