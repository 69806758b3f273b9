//! Messages that quote URLs and headers.

use std::borrow::Cow;

use super::{REDACTED, parameters};
use crate::scan::holds;

/// A text that may quote URLs and headers, such as the message of an error: without the user information of URLs, and with
/// the values of secret parameters and headers replaced.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    match without_secret_headers(text) {
        Some(clean) => Cow::Owned(text_with_urls(&clean).into_owned()),
        None => text_with_urls(text),
    }
}

/// Headers whose values let the bearer act as somebody else. The latter two are words of ordinary prose, too.
const SECRET_HEADERS: [&str; 6] =
    ["x-amz-security-token", "proxy-authorization", "x-api-key", "set-cookie", "authorization", "cookie"];
const ORDINARY_WORDS: [&str; 2] = ["authorization", "cookie"];

/// `text` with what stands behind the names of secret headers replaced, each to the end of its line. `None` if there is nothing
/// of that kind.
fn without_secret_headers(text: &str) -> Option<String> {
    let mut clean = String::new();
    let mut kept = 0;
    for (colon, _) in text.match_indices(':') {
        if colon < kept || !ends_with_secret_header(&text[..colon], &text[colon + 1..]) {
            continue;
        }
        let value = colon + 1;
        clean.push_str(&text[kept..value]);
        clean.push_str(REDACTED);
        let rest = &text[value..];
        // As it is, or as `{:?}` writes it.
        let end = rest.find(['\n', '\r']).into_iter().chain(rest.find("\\n")).min();
        kept = end.map_or(text.len(), |length| value + length);
    }
    if kept == 0 {
        return None;
    }
    clean.push_str(&text[kept..]);
    Some(clean)
}

fn ends_with_secret_header(before: &str, value: &str) -> bool {
    let name = before.trim_end_matches(['"', '\'', '\\', ' ']);
    let found = SECRET_HEADERS.iter().find_map(|secret| {
        let start = name.len().checked_sub(secret.len())?;
        let is_name = name.as_bytes()[start..].eq_ignore_ascii_case(secret.as_bytes());
        is_name.then(|| (*secret, &name[..start]))
    });
    let Some((header, before)) = found else { return false };
    let begins_line =
        before.is_empty() || before.ends_with(['\n', '\r', '"', '\'']) || before.ends_with("\\n");
    let stands_alone = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let is_header = !ORDINARY_WORDS.contains(&header) || begins_with_scheme(value);
    begins_line || (stands_alone && is_header)
}

/// Whether it looks like credentials (RFC 9110, section 11.4).
fn begins_with_scheme(value: &str) -> bool {
    const SCHEMES: [&str; 4] = ["Basic", "Bearer", "Digest", "AWS4-HMAC-SHA256"];
    let first = value.split_whitespace().next().unwrap_or_default();
    SCHEMES.iter().any(|scheme| first.eq_ignore_ascii_case(scheme))
}

fn text_with_urls(text: &str) -> Cow<'_, str> {
    if !holds(text, [b'@']) || !text.contains("://") {
        return parameters(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        clean.push_str(before);
        clean.push_str("://");
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        rest = &after[authority.rfind('@').map_or(0, |at| at + 1)..];
    }
    clean.push_str(rest);
    Cow::Owned(parameters(&clean).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quoted_headers() {
        for (quoted, expected) in [
            (
                "host:h\nx-amz-security-token:IQo//=\nx-amz-target:T",
                "host:h\nx-amz-security-token:REDACTED\nx-amz-target:T",
            ),
            (
                r"host:h\nX-Amz-Security-Token:IQo\nx-amz-target:T",
                r"host:h\nX-Amz-Security-Token:REDACTED\nx-amz-target:T",
            ),
            ("sent x-api-key: k", "sent x-api-key:REDACTED"),
            ("Authorization: anything at all\r\nx", "Authorization:REDACTED\r\nx"),
            (r#"{"authorization": "Bearer t"}"#, r#"{"authorization":REDACTED"#),
            ("sent Authorization: Bearer t", "sent Authorization:REDACTED"),
            ("Cookie: a=b", "Cookie:REDACTED"),
            ("failed during authorization: access denied", "failed during authorization: access denied"),
            ("my-cookie: none", "my-cookie: none"),
            ("cookie:a\nsee https://u:p@h/?sig=s", "cookie:REDACTED\nsee https://h/?sig=REDACTED"),
        ] {
            assert_eq!(text(quoted), expected, "{quoted}");
        }
    }

    proptest! {
        #[test]
        fn no_token_gets_through(before in "[a-z:€ =\n\"]{0,20}", token in "[a-z+/=:€]{0,20}", after in "[a-z:€ \n]{0,20}") {
            let quoted = format!("{before}\nx-amz-Security-token:{token}HUNTER2\n{after}");
            let clean = text(&quoted);
            prop_assert!(!clean.contains("HUNTER2"), "{}", quoted);
            prop_assert!(clean.ends_with(&after) || after.contains(':'), "{}", quoted);
        }
    }
}
