//! Secret parameters of queries.

use std::borrow::Cow;

use super::{
    REDACTED, is_secret_name,
    message::{begins_with_scheme, line_length},
};
use crate::scan::holds;

/// `text` with the values of secret parameters replaced. It may be a query, a URL, or a message that quotes one: a value ends
/// at `&`, `#` or white space, one in quotes behind them.
#[inline]
pub(crate) fn parameters(text: &str) -> Cow<'_, str> {
    if holds(text, [b'=']) { without_secret_values(text) } else { Cow::Borrowed(text) }
}

fn without_secret_values(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut kept = 0;
    for (equals, byte) in text.bytes().enumerate() {
        if byte != b'=' || equals < kept || !ends_with_secret_name(&text[..equals]) {
            continue;
        }
        let value = equals + 1;
        clean.push_str(&text[kept..value]);
        clean.push_str(REDACTED);
        kept = value + value_length(&text[..equals], &text[value..]);
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[kept..]);
    Cow::Owned(clean)
}

/// Bytes of the value at the beginning of a text, behind its name.
fn value_length(name: &str, text: &str) -> usize {
    if let Some(quote @ (b'"' | b'\'')) = text.bytes().next() {
        // What stands right behind the quotes may be a part of the value, whose own quotes nobody has escaped.
        let behind = |end: usize| end + text[end..].find(ends_value).unwrap_or(text.len() - end);
        return closing_quote(quote, text).map_or_else(|| line_length(text), behind);
    }
    if begins_with_scheme(text) {
        return line_length(text);
    }
    let is_cookie = name.len() >= COOKIE.len()
        && name.as_bytes()[name.len() - COOKIE.len()..].eq_ignore_ascii_case(COOKIE);
    let mut before = ' ';
    let ends = |c: char| {
        // Between cookies stand a semicolon and a space.
        let goes_on = is_cookie && std::mem::replace(&mut before, c) == ';';
        ends_value(c) && !(goes_on && c.is_whitespace())
    };
    text.find(ends).unwrap_or(text.len())
}

fn ends_value(c: char) -> bool {
    matches!(c, '&' | '#') || c.is_whitespace()
}

/// The end of the quotes with which a text begins.
fn closing_quote(quote: u8, text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let closes = |byte: u8| {
        let closes = byte == quote && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    };
    Some(text.bytes().skip(1).position(closes)? + "''".len())
}

const COOKIE: &[u8] = b"cookie";

fn ends_with_secret_name(text: &str) -> bool {
    /// Longer than any name of a parameter in use; of a longer one, the end tells.
    const MAX_NAME_BYTES: usize = 64;
    let before = &text.as_bytes()[text.len().saturating_sub(MAX_NAME_BYTES)..];
    let length = before.iter().rev().take_while(|byte| is_part_of_name(**byte)).count();
    is_secret_parameter(&text[text.len() - length..])
}

/// What names of parameters are made of, also where form fields are nested (`user[password]`) or escaped.
fn is_part_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
}

/// Whether the value lets the bearer act as somebody else. Besides the names that tell it, those of signatures of Azure and
/// of AWS's presigned requests in their old form (OpenTelemetry semantic conventions, `url.query`).
fn is_secret_parameter(name: &str) -> bool {
    let name = without_brackets(name);
    is_secret_name(name) || ["sig", "AWSAccessKeyId"].iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The name without the brackets behind it, which may be escaped. Searching for them takes longer than all else that is done
/// for a parameter.
fn without_brackets(mut name: &str) -> &str {
    while let Some(b'[' | b']' | b'D' | b'd') = name.bytes().last() {
        let bare = ["[", "]", "%5D", "%5d"].iter().find_map(|bracket| name.strip_suffix(bracket));
        let Some(bare) = bare else { break };
        name = bare;
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_value_gets_through(before in r#"[a-c'"\\;]{0,5}"#, after in r#"[a-c'"\\;]{0,5}"#, rest in "[&# ][a-c=]{0,5}") {
            for name in ["password", "cookie", "authorization"] {
                let clean = parameters(&format!("{name}={before}HUNTER2{after}{rest}")).into_owned();
                prop_assert!(!clean.contains("HUNTER2"), "{}", clean);
            }
        }

        #[test]
        fn no_quoted_value_gets_through(text in "[a-c &#;]{0,5}") {
            for quote in ['"', '\''] {
                let quoted = format!("{quote}{text}\\{quote} HUNTER2{text}{quote}");
                let clean = parameters(&format!("password={quoted} n=1")).into_owned();
                prop_assert_eq!(clean, "password=REDACTED n=1");
            }
        }
    }

    #[test]
    fn secret_values() {
        for (text, expected) in [
            ("https://h/cb#access_token=t&state=s", "https://h/cb#access_token=REDACTED&state=s"),
            ("?refresh_token=t&id_token=t", "?refresh_token=REDACTED&id_token=REDACTED"),
            ("session_token=t;auth_token=t", "session_token=REDACTED"),
            ("a=b&x-api-key=k&X-Goog-Credential=c", "a=b&x-api-key=REDACTED&X-Goog-Credential=REDACTED"),
            (
                "?user[password]=p&user%5Bpassword%5D=p",
                "?user[password]=REDACTED&user%5Bpassword%5D=REDACTED",
            ),
            (
                "user[token]=t&user%5Btoken%5D=t&tokens[]=3",
                "user[token]=REDACTED&user%5Btoken%5D=REDACTED&tokens[]=3",
            ),
            ("cannot connect: host=db password=p user=u", "cannot connect: host=db password=REDACTED user=u"),
            ("the cookie expired at t=5", "the cookie expired at t=5"),
            ("max_tokens=5&design=d&page=2", "max_tokens=5&design=d&page=2"),
            ("=x&é=y", "=x&é=y"),
        ] {
            assert_eq!(parameters(text), expected, "{text}");
        }
        let long = format!("{}_token=t", "x".repeat(100));
        assert!(parameters(&long).ends_with("_token=REDACTED"));
    }
}
