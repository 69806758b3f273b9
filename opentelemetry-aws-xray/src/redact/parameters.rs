//! Secret parameters of queries.

use std::borrow::Cow;

use super::{
    REDACTED,
    escape::Sign,
    is_secret_name,
    message::{begins_with_scheme, line_length},
};
use crate::scan::holds;

/// `text` with the values of secret parameters replaced. It may be a query, a URL, or a message that quotes one: a value ends
/// at `&`, `#` or white space, one in quotes behind them, and one of a URL that is percent-encoded itself also at `%26` or `%23`.
#[inline]
pub(crate) fn parameters(text: &str) -> Cow<'_, str> {
    if holds(text, [b'=', b'%']) { without_secret_values(text) } else { Cow::Borrowed(text) }
}

fn without_secret_values(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut kept = 0;
    for (start, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'=' | b'%') || start < kept {
            continue;
        }
        let equals = Sign::first(&text.as_bytes()[start..]).filter(|sign| sign.byte == b'=');
        let Some(equals) = equals.filter(|_| ends_with_secret_name(&text[..start])) else { continue };
        let value = start + equals.len;
        clean.push_str(&text[kept..value]);
        clean.push_str(REDACTED);
        kept = value
            + match equals.depth {
                0 => value_length(&text[..start], &text[value..]),
                depth => encoded_value_length(&text[value..], depth),
            };
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

/// Bytes of the value at the beginning of a text, of a URL that is encoded so often.
fn encoded_value_length(text: &str, depth: usize) -> usize {
    let bytes = text.as_bytes();
    let end = text.find(ends_value).unwrap_or(text.len());
    let ends = |sign: Sign| matches!(sign.byte, b'&' | b'#') && sign.depth <= depth;
    (0..end).find(|at| bytes[*at] == b'%' && Sign::first(&bytes[*at..]).is_some_and(ends)).unwrap_or(end)
}

fn ends_value(c: char) -> bool {
    matches!(c, '&' | '#') || c.is_whitespace()
}

/// The end of the quotes with which a text begins.
pub(super) fn closing_quote(quote: u8, text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let closes = |byte: u8| {
        let closes = byte == quote && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    };
    Some(text.bytes().skip(1).position(closes)? + "''".len())
}

const COOKIE: &[u8] = b"cookie";

pub(super) fn ends_with_secret_name(text: &str) -> bool {
    /// Longer than any name of a parameter in use; of a longer one, the end tells.
    const MAX_NAME_BYTES: usize = 64;
    let before = &text.as_bytes()[text.len().saturating_sub(MAX_NAME_BYTES)..];
    let length = before.iter().rev().take_while(|byte| is_part_of_name(**byte)).count();
    is_secret_parameter(behind_separators(&text[text.len() - length..]))
}

/// The name without what stands in front of it in a URL that is encoded.
fn behind_separators(name: &str) -> &str {
    let bytes = name.as_bytes();
    let separator_end = |at: usize| {
        let sign =
            Sign::first(&bytes[at..]).filter(|sign| matches!(sign.byte, b'&' | b'?' | b'#' | b';' | b'/'))?;
        Some(at + sign.len)
    };
    let escapes = (0..bytes.len()).rev().filter(|at| bytes[*at] == b'%');
    escapes.into_iter().find_map(separator_end).map_or(name, |end| &name[end..])
}

/// What names of parameters are made of, also where form fields are nested (`user[password]`) or escaped.
fn is_part_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%')
}

/// Whether the value lets the bearer act as somebody else. Besides the names that tell it, those of signatures of Azure
/// (OpenTelemetry semantic conventions, `url.query`), and of passwords in short.
fn is_secret_parameter(name: &str) -> bool {
    let name = without_brackets(name);
    is_secret_name(name) || ["sig", "pass"].iter().any(|secret| is_innermost(name, secret))
}

/// Whether a name, or what stands in its last bracket, is this one.
fn is_innermost(name: &str, wanted: &str) -> bool {
    let Some((before, end)) =
        name.len().checked_sub(wanted.len()).and_then(|start| name.split_at_checked(start))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(wanted)
        && (before.is_empty() || ["[", "%5B", "%5b"].iter().any(|bracket| before.ends_with(bracket)))
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
        fn no_value_of_an_encoded_url_gets_through(before in "[a-c&=?/ ]{0,5}", after in "[a-c&#=]{0,5}", depth in 1usize..=3) {
            for name in ["X-Amz-Signature", "sig", "pass", "access_token"] {
                let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
                // What is in a value has to be encoded once there.
                let mut nested = format!("https://b/?{name}={}HUNTER2&{after}", encoded(&before));
                for _ in 0..depth {
                    let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { encoded(&c.to_string()) };
                    nested = nested.chars().map(sign).collect();
                }
                let clean = parameters(&format!("?a=b&u={nested}&c=d")).into_owned();
                prop_assert!(!clean.contains("HUNTER2") && clean.ends_with("&c=d"), "{}", clean);
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
            ("?pass=p&user[pass]=p&bypass=1", "?pass=REDACTED&user[pass]=REDACTED&bypass=1"),
            ("user%5Bsig%5D=s&first_pass=1&sigma=2", "user%5Bsig%5D=REDACTED&first_pass=1&sigma=2"),
            ("SharedAccessKeyName=n;SharedAccessKey=k", "SharedAccessKeyName=REDACTED"),
            ("?AccountKey=k&AWSAccessKeyId=k", "?AccountKey=REDACTED&AWSAccessKeyId=REDACTED"),
            ("passphrase=p", "passphrase=REDACTED"),
        ] {
            assert_eq!(parameters(text), expected, "{text}");
        }
        for (text, expected) in [
            (
                "https://h/?u=https%3A%2F%2Fb%2F%3FX-Amz-Signature%3Dx%26a%3D1&b=2",
                "https://h/?u=https%3A%2F%2Fb%2F%3FX-Amz-Signature%3DREDACTED%26a%3D1&b=2",
            ),
            ("u=%2Fcb%3Fsig%3ds%23top#t", "u=%2Fcb%3Fsig%3dREDACTED%23top#t"),
            ("u=%2Fcb%3Fpass=p", "u=%2Fcb%3Fpass=REDACTED"),
            // An encoded sign is part of a value that is encoded less often.
            ("token=a%26b%3Dc&d=e", "token=REDACTED&d=e"),
            ("u=%3Ftoken%3Da%2526b%26c", "u=%3Ftoken%3DREDACTED%26c"),
            ("u=%253Ftoken%253Da%2526b%26c", "u=%253Ftoken%253DREDACTED%2526b%26c"),
            ("https%3A%2F%2Fsecret.h%2F%3Fa%3D1", "https%3A%2F%2Fsecret.h%2F%3Fa%3D1"),
            ("100% = all, 5%3", "100% = all, 5%3"),
        ] {
            assert_eq!(parameters(text), expected, "{text}");
        }
        let long = format!("{}_token=t", "x".repeat(100));
        assert!(parameters(&long).ends_with("_token=REDACTED"));
    }
}
