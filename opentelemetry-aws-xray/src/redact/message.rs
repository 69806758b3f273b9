//! Messages that quote URLs, headers, JSON and structs.

use std::borrow::Cow;

use super::{REDACTED, and_then, members, parameters, url::quoted_without_user_info};
use crate::scan::holds;

/// A text that may quote URLs, headers, JSON and structs, such as the message of an error: without the user information of URLs, and
/// with the values of secret parameters, headers, members and fields replaced.
#[inline]
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if holds(text, [b':', b'=', b'%']) { without_what_is_quoted(text) } else { Cow::Borrowed(text) }
}

fn without_what_is_quoted(text: &str) -> Cow<'_, str> {
    let without_values = without_values_behind_colons(text).map_or(Cow::Borrowed(text), Cow::Owned);
    and_then(and_then(without_values, quoted_without_user_info), parameters)
}

/// Headers whose values let the bearer act as somebody else. The latter two are words of ordinary prose, too.
const SECRET_HEADERS: [&str; 6] =
    ["x-amz-security-token", "proxy-authorization", "x-api-key", "set-cookie", "authorization", "cookie"];
const ORDINARY_WORDS: [&str; 2] = ["authorization", "cookie"];

/// `text` with what stands behind the names of secret headers replaced, each to the end of its line, and behind those of secret members
/// and fields. `None` if there is nothing of that kind. What is looked at for one colon is not looked at for the next: text of foreign
/// origin may consist of colons.
fn without_values_behind_colons(text: &str) -> Option<String> {
    let mut clean = String::new();
    let mut kept = 0;
    for (colon, _) in text.match_indices(':') {
        if colon < kept {
            continue;
        }
        let value = colon + 1;
        let (before, behind) = (&text[..colon], &text[value..]);
        let secret = if ends_with_secret_header(before, behind) {
            Some(0..line_length(behind))
        } else {
            members::secret_value(before, behind)
        };
        let Some(secret) = secret else { continue };
        clean.push_str(&text[kept..value + secret.start]);
        clean.push_str(REDACTED);
        kept = value + secret.end;
    }
    if kept == 0 {
        return None;
    }
    clean.push_str(&text[kept..]);
    Some(clean)
}

/// Bytes up to the end of the line: a line break as it is, or as `{:?}` writes it.
pub(super) fn line_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |at: usize| matches!(bytes[at], b'\n' | b'\r') || bytes[at..].starts_with(b"\\n");
    (0..bytes.len()).find(|at| ends(*at)).unwrap_or(bytes.len())
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
pub(super) fn begins_with_scheme(value: &str) -> bool {
    const SCHEMES: [&str; 4] = ["Basic", "Bearer", "Digest", "AWS4-HMAC-SHA256"];
    let value = value.trim_start();
    SCHEMES.iter().any(|scheme| {
        let Some((first, rest)) = value.split_at_checked(scheme.len()) else { return false };
        first.eq_ignore_ascii_case(scheme) && rest.chars().next().is_none_or(char::is_whitespace)
    })
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
            (r#"authorization="Bearer t u" n=1"#, "authorization=REDACTED n=1"),
            ("authorization=Bearer t, n=1\nnext", "authorization=REDACTED\nnext"),
            ("cookie=a=1; session=s; t=u n=1", "cookie=REDACTED n=1"),
            ("cannot GET https://u:pa'ss@h/x", "cannot GET https://h/x"),
            (r#"{"url":"https://h","mail":"a@b"}"#, r#"{"url":"https://h","mail":"a@b"}"#),
            ("failed during authorization: access denied", "failed during authorization: access denied"),
            ("my-cookie: none", "my-cookie: none"),
            ("cookie:a\nsee https://u:p@h/?sig=s", "cookie:REDACTED\nsee https://h/?sig=REDACTED"),
        ] {
            assert_eq!(text(quoted), expected, "{quoted}");
        }
    }

    #[test]
    fn time_is_linear_in_the_text() {
        // Whatever might be looked for again and again: what is quadratic would need minutes.
        for part in [
            "authorization:",
            "authorization: ",
            "cookie: a\n",
            "cookie:\\n",
            "x-api-key:\\",
            "\"token\":\"",
            "\\\"token\\\":\\\"",
            "{token:\"",
            "\"token\":",
            "token",
            "(",
            "\"token\":[",
            "\"token\":(",
            "\"token\": ",
            ":",
            "\\:",
            " :",
            "://",
            "://a@",
            "@",
            "token=",
            "=",
            "?a=",
            "%3Dtoken",
            "token%3D",
            "%3A%2F%2F",
            "%253A%252F%252F",
            "%3A%2F%2Fa%40",
            "%25",
            "%",
            ":%2F/",
            "https://%3A%2F%2F%253A%252F%252Fa%40",
        ] {
            for before in ["", "https://u@h ", "\"token\":"] {
                text(&format!("{before}{}", part.repeat(50_000)));
            }
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
