//! What must not leave the process: passwords, tokens and signatures, in addresses and under telling names.

mod connection;
mod escape;
mod kind;
mod members;
mod message;
mod names;
mod parameters;
mod url;

use std::borrow::Cow;

pub(crate) use connection::{behind_user, without_secrets};
use kind::Kind;
pub(crate) use message::text;
pub(crate) use names::is_secret_name;
pub(crate) use parameters::parameters;
pub(crate) use url::{host, target, url};

use crate::{
    annotate::{OBJECT_PREFIX, own_key},
    exporter::json_without_secrets,
};

/// What stands for a secret's value (OpenTelemetry semantic conventions, `url.query`).
pub(crate) const REDACTED: &str = "REDACTED";

/// What leaves nothing in a text that is a secret by the name of its attribute.
pub(crate) type Clean = for<'t> fn(key: &str, text: &'t str) -> Cow<'t, str>;

/// Whether a name says that its text is an address or a message, of which [`named`] leaves something out.
pub(crate) fn is_quoting_name(key: &str) -> bool {
    Kind::of(own_key(key)).is_some()
}

/// Whether a name says that its text is a URL, which is then as [`url`] leaves it.
pub(crate) fn is_url_name(key: &str) -> bool {
    Kind::of(own_key(key)) == Some(Kind::Url)
}

/// An attribute's text as it may leave the process, where its name says that it is an address, a message or JSON. What handlers
/// hand over is known by its own key.
pub(crate) fn named<'t>(key: &str, text: &'t str) -> Cow<'t, str> {
    if key.starts_with(OBJECT_PREFIX) {
        return json_without_secrets(text);
    }
    Kind::of(own_key(key)).map_or(Cow::Borrowed(text), |kind| kind.clean(text))
}

/// The same for an event's attribute: what a program logs is a message, unless its name says that it is something else.
pub(crate) fn logged<'t>(key: &str, text: &'t str) -> Cow<'t, str> {
    if key.starts_with(OBJECT_PREFIX) {
        return json_without_secrets(text);
    }
    Kind::of(own_key(key)).unwrap_or(Kind::Message).clean(text)
}

/// What a second step leaves of the text that a first one left.
fn and_then<'t>(text: Cow<'t, str>, clean: impl for<'a> Fn(&'a str) -> Cow<'a, str>) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => clean(text),
        Cow::Owned(text) => Cow::Owned(clean(&text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_ends_with_the_last_at_of_the_authority() {
        for (whole, expected) in [
            ("https://user:pa;ss@h/x", "https://h/x"),
            ("https://user:pa ss@h/x", "https://h/x"),
            ("https://h/a@b", "https://h/a@b"),
            ("https://h?a@b", "https://h?a@b"),
            ("u:p@h", "h"),
        ] {
            assert_eq!(url(whole), expected);
        }
    }

    #[test]
    fn an_at_is_user_information_only_in_an_authority() {
        for (name, text) in [
            ("url.query", "mail=a@b&u=https://h/"),
            ("url.path", "/a@b/https://h/"),
            ("uri", "/cb?mail=a@b&u=https://h/"),
            ("http.target", "/cb?mail=a@b&u=https%3A%2F%2Fh%2F"),
            ("messaging.destination.name", "orders@shop"),
        ] {
            assert_eq!(named(name, text), text, "{name}");
        }
    }

    #[test]
    fn addresses_and_messages_by_name() {
        let text = "https://u:p@db/?token=t";
        for name in [
            "url.full",
            "http.url",
            "messaging.url",
            "messaging.destination.name",
            "messaging.destination",
            "http.target",
            "url.query",
            "http.host",
            "db.connection_string",
            "exception.message",
            "exception.stacktrace",
            "aws.http.error_message",
            "aws.xray.annotation.url.full",
            "aws.xray.metadatum.n.http.url",
            "aws.xray.annotation.order",
            "url.path",
            "url",
            "uri",
            "order.callback_url",
            "curl",
            "http.request.header.referer",
            "http.response.header.location",
            "cloud.location",
            "error",
            "db.error",
            "err",
            "error.type",
            "failure.chain",
            "message",
            "grpc.message",
            "message.type",
            "db.operation",
        ] {
            assert_eq!(named(name, text) != text, is_quoting_name(name), "{name}");
        }
    }
}
