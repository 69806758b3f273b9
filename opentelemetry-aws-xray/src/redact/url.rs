//! URLs without user information.

use std::borrow::Cow;

use super::parameters;
use crate::scan::holds;

/// A URL without user information, and with the values of secret parameters replaced.
pub(crate) fn url(url: &str) -> Cow<'_, str> {
    if !holds(url, [b'@', b'=']) {
        return Cow::Borrowed(url);
    }
    match without_user_info(url) {
        Cow::Borrowed(url) => parameters(url),
        Cow::Owned(url) => Cow::Owned(parameters(&url).into_owned()),
    }
}

/// `scheme://user:password@host/…` without what stands before the `@`, with or without a scheme.
pub(crate) fn without_user_info(url: &str) -> Cow<'_, str> {
    if !holds(url, [b'@']) {
        return Cow::Borrowed(url);
    }
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('@') => (Some(scheme), rest),
        _ => (None, url),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let Some(at) = authority.rfind('@') else { return Cow::Borrowed(url) };
    let host_and_rest = &rest[at + 1..];
    match scheme {
        Some(scheme) => Cow::Owned(format!("{scheme}://{host_and_rest}")),
        None => Cow::Borrowed(host_and_rest),
    }
}

/// A host without user information.
#[inline]
pub(crate) fn host(host: &str) -> &str {
    if !holds(host, [b'@']) {
        return host;
    }
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}
