//! Settings as they are shown in warnings.

use std::borrow::Cow;

/// An address or a URL without user and password: whatever stands before its last `@`, but for a scheme. Rather too much is left out
/// than half of a password told.
pub(crate) fn without_user(address: &str) -> Cow<'_, str> {
    let Some((user, rest)) = address.rsplit_once('@') else { return Cow::Borrowed(address) };
    match user.split_once("://") {
        Some((scheme, _)) => Cow::Owned(format!("{scheme}://{rest}")),
        None => Cow::Borrowed(rest),
    }
}

/// What an error says, but for the excerpt of a value that may hold a password.
pub(super) fn without_excerpt(error: &str) -> &str {
    error.split_once(", but found").map_or(error, |(expected, _)| expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_their_users() {
        for (address, expected) in [
            ("http://127.0.0.1:2000", "http://127.0.0.1:2000"),
            ("http://user:secret@proxy:2000", "http://proxy:2000"),
            ("endpoint=http://user:se/cr@et@proxy", "endpoint=http://proxy"),
            ("user:secret@proxy:2000", "proxy:2000"),
            ("tcp:user:secret@a:1 udp:user:secret@b:2", "b:2"),
            ("", ""),
        ] {
            assert_eq!(without_user(address), expected, "{address}");
        }
    }

    #[test]
    fn errors_without_excerpts() {
        let error =
            "http://user:secret@host:2000".parse::<xray_wire::DaemonAddress>().unwrap_err().to_string();
        assert!(error.contains("secret"), "{error}");
        assert_eq!(without_excerpt(&error), "expected a host name or an IP address");
        assert_eq!(without_excerpt("expected `key=value`"), "expected `key=value`");
    }
}
