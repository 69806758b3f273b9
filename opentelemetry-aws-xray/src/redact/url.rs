//! URLs without user information.

use std::borrow::Cow;

use super::{and_then, escape::Sign, parameters};
use crate::scan::holds;

/// A URL without user information, and with the values of secret parameters replaced. So are URLs in its parameters.
pub(crate) fn url(url: &str) -> Cow<'_, str> {
    if !holds(url, [b'@', b'=', b'%']) {
        return Cow::Borrowed(url);
    }
    and_then(and_then(without_user_info(url), quoted_without_user_info), parameters)
}

/// A path or a query, or both, with the values of secret parameters replaced, and without the user information of URLs in it.
#[inline]
pub(crate) fn target(target: &str) -> Cow<'_, str> {
    if !holds(target, [b'@', b'=', b'%']) {
        return Cow::Borrowed(target);
    }
    and_then(quoted_without_user_info(target), parameters)
}

/// `scheme://user:password@host/…` without what stands before the `@`, with or without a scheme.
pub(crate) fn without_user_info(url: &str) -> Cow<'_, str> {
    if !holds(url, [b'@']) {
        return Cow::Borrowed(url);
    }
    let before = match url.split_once("://") {
        Some((scheme, _)) if !scheme.contains('@') => scheme.len() + "://".len(),
        // The scheme of the page that has the link.
        _ if url.starts_with("//") => "//".len(),
        _ => 0,
    };
    let (before, rest) = url.split_at(before);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let Some(at) = authority.rfind('@') else { return Cow::Borrowed(url) };
    let host_and_rest = &rest[at + 1..];
    if before.is_empty() {
        Cow::Borrowed(host_and_rest)
    } else {
        Cow::Owned([before, host_and_rest].concat())
    }
}

/// A text without the user information of the URLs in it, encoded or not.
pub(super) fn quoted_without_user_info(text: &str) -> Cow<'_, str> {
    if !holds(text, [b'@', b'%']) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::new();
    let mut kept = 0;
    let mut next = 0;
    while let Some(Authority { start, depth, quote }) = Authority::find(text, next) {
        let user = user_info_length(&text[start..], depth, quote);
        if user > 0 {
            clean.push_str(&text[kept..start]);
            kept = start + user;
        }
        next = start + user;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[kept..]);
    Cow::Owned(clean)
}

/// The place behind a `://`.
struct Authority {
    start: usize,
    /// How often its URL is encoded.
    depth: usize,
    /// The quote in which its URL stands. Any other may be part of a password.
    quote: Option<char>,
}

impl Authority {
    /// The first one from there on.
    fn find(text: &str, from: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let sign = |at: usize, wanted: u8| Sign::first(&bytes[at..]).filter(|sign| sign.byte == wanted);
        let starts = (from..bytes.len()).filter(|at| matches!(bytes[*at], b':' | b'%'));
        starts.into_iter().find_map(|colon| {
            let behind = colon + sign(colon, b':')?.len;
            let slash = sign(behind, b'/')?;
            let start = behind + slash.len + sign(behind + slash.len, b'/')?.len;
            Some(Self { start, depth: slash.depth, quote: quote_before_scheme(&text[..colon]) })
        })
    }
}

fn quote_before_scheme(before: &str) -> Option<char> {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    before.trim_end_matches(is_scheme).chars().next_back().filter(|c| matches!(c, '"' | '\''))
}

/// How much of the text at the beginning of an authority is user information, with its `@`.
fn user_info_length(text: &str, depth: usize, quote: Option<char>) -> usize {
    let mut length = 0;
    for (at, c) in text.char_indices() {
        let sign = if c == '%' { Sign::first(&text.as_bytes()[at..]) } else { None };
        let (c, own_depth, len) =
            sign.map_or((c, 0, c.len_utf8()), |sign| (sign.byte.into(), sign.depth, sign.len));
        let is_of_an_outer_url = c == '&' && own_depth < depth;
        match c {
            _ if own_depth > depth => {}
            '/' | '?' | '#' => break,
            _ if own_depth == 0 && (c.is_whitespace() || Some(c) == quote) || is_of_an_outer_url => break,
            '@' => length = at + len,
            _ => {}
        }
    }
    length
}

/// A host without user information.
#[inline]
pub(crate) fn host(host: &str) -> &str {
    if !holds(host, [b'@']) {
        return host;
    }
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_in_parameters() {
        for (whole, expected) in [
            ("https://h/?u=https://u:p@b/x", "https://h/?u=https://b/x"),
            ("https://h/?u=https%3A%2F%2Fu%3Ap%40b%2Fx", "https://h/?u=https%3A%2F%2Fb%2Fx"),
            ("https://h/?u=https:%2F%2Fu:p@b%2Fx", "https://h/?u=https:%2F%2Fb%2Fx"),
            ("https://h/?u=https%253A%252F%252Fu%253Ap%2540b", "https://h/?u=https%253A%252F%252Fb"),
            ("https://h/?u=https%3A%2F%2Fb&mail=a@b", "https://h/?u=https%3A%2F%2Fb&mail=a@b"),
            ("https://u:p%2Fq@h/", "https://h/"),
            ("//u:p@h/", "//h/"),
            ("//h/a@b", "//h/a@b"),
            ("/a//b@c", "/a//b@c"),
            ("https://h/100%", "https://h/100%"),
        ] {
            assert_eq!(url(whole), expected, "{whole}");
        }
    }

    proptest! {
        #[test]
        fn no_user_of_a_nested_url_gets_through(
            user in "[a-z&=?;%/ ]{0,6}",
            host in "[a-z]{1,5}",
            rest in "[a-z/?&=@]{0,9}",
            depth in 0usize..=3,
        ) {
            let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
            // What is in user information has to be encoded once there.
            let mut nested = format!("https://{}HUNTER2@{host}/{rest}", encoded(&user));
            for _ in 0..depth {
                nested = nested
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { encoded(&c.to_string()) })
                    .collect();
            }
            for (clean, whole) in [
                (url(&format!("https://h/?u={nested}&a=b")).into_owned(), true),
                (quoted_without_user_info(&format!("see https://h/?u={nested} there")).into_owned(), false),
            ] {
                prop_assert!(!clean.contains("HUNTER2"), "{} {}", whole, clean);
                prop_assert!(clean.contains(&host), "{}", clean);
            }
        }

        #[test]
        fn what_has_nothing_to_hide_is_the_same(text in "[a-c:/?&=%23A@. ]{0,40}") {
            let clean = quoted_without_user_info(&text).into_owned();
            prop_assert_eq!(quoted_without_user_info(&clean), clean.as_str());
            if !text.contains("@") && !text.contains("%40") {
                prop_assert_eq!(clean, text);
            }
        }
    }
}
