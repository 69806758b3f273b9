//! What an attribute's text is, by its name.

use std::borrow::Cow;

use super::{message, target, url, without_secrets};

/// Texts that may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A URL, with a host or without.
    Url,
    /// Where messages go: a URL, or a name in which `@` is a letter like others.
    Destination,
    /// A path, a query, or both.
    Target,
    /// A host, maybe with a port.
    Host,
    /// What a client needs to connect to a database.
    Connection,
    /// What somebody wrote for people to read.
    Message,
}

impl Kind {
    /// What the text of an attribute is; `None` if its name says nothing of that kind.
    pub(super) fn of(key: &str) -> Option<Self> {
        Some(match key {
            "url.full" | "http.request.header.referer" | "http.response.header.location" => Self::Url,
            "messaging.destination.name" | "messaging.destination" => Self::Destination,
            "http.target" | "url.path" | "url.query" => Self::Target,
            "http.host" => Self::Host,
            "db.connection_string" => Self::Connection,
            _ if ends_with_any(key, &["url", "uri"]) => Self::Url,
            // The latter is the sources of an error, as tracing-opentelemetry writes them beside it.
            _ if ends_with_any(key, &["message", "stacktrace", "error", "err", "chain"]) => Self::Message,
            _ => return None,
        })
    }

    /// The text as it may leave the process.
    pub(super) fn clean(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Url => url(text),
            Self::Destination if text.contains("://") => url(text),
            Self::Destination => Cow::Borrowed(text),
            Self::Target => target(text),
            Self::Host => url::without_user_info(text),
            Self::Connection => without_secrets(text),
            Self::Message => message::text(text),
        }
    }
}

/// Whether a name's last word is one of these.
fn ends_with_any(key: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        let before = key.strip_suffix(word);
        before.is_some_and(|before| before.is_empty() || before.ends_with(['.', '_', '-']))
    })
}
