//! Members of JSON, and fields of structs as `{:?}` writes them, which messages quote.

use std::ops::Range;

use super::{
    message::line_length,
    parameters::{closing_quote, ends_with_secret_name},
};

/// Where the value stands that follows a colon, in the text behind it, if the name before the colon tells a secret:
/// `"access_token": "…"`, also within a text that is quoted itself, or `Login { password: Some("…") }`.
pub(super) fn secret_value(before: &str, behind: &str) -> Option<Range<usize>> {
    let before = before.trim_end_matches(' ');
    let quoted = before.strip_suffix(['"', '\'']);
    let name = quoted.map_or(before, |name| name.strip_suffix('\\').unwrap_or(name));
    if !ends_with_secret_name(name) || quoted.is_none() && !is_field(name) {
        return None;
    }
    let value = behind.trim_start_matches([' ', '[']);
    let value = value.strip_prefix("Some(").unwrap_or(value);
    let start = behind.len() - value.len();
    let length = match value.strip_prefix('\\').unwrap_or(value).bytes().next()? {
        b'"' | b'\'' => return Some(inside_quotes(value, start)),
        // A number.
        b'0'..=b'9' | b'-' if quoted.is_some() => {
            value.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '+' | '.'))
        }
        _ => return None,
    };
    Some(start..start + length.unwrap_or(value.len()))
}

/// Whether a name without quotes is that of a field, not the last word of a sentence (`unexpected token: "}"`).
fn is_field(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = name.trim_end_matches(is_part).trim_end_matches(' ');
    before.is_empty() || before.ends_with(['{', ',', '(', '\n'])
}

/// What stands between the quotes at the beginning of `value`; up to the end of the line if they are not closed.
fn inside_quotes(value: &str, start: usize) -> Range<usize> {
    if let Some(inside) = value.strip_prefix("\\\"").or_else(|| value.strip_prefix("\\'")) {
        // Within a text that is quoted itself, a quote that belongs to the value has three of them.
        let is_end = |at: &usize| !inside[..*at].ends_with('\\');
        let end = inside.match_indices(&value[..2]).map(|(at, _)| at).find(is_end);
        return start + 2..start + 2 + end.unwrap_or_else(|| line_length(inside));
    }
    let quote = value.as_bytes()[0];
    match closing_quote(quote, value) {
        Some(end) => start + 1..start + end - 1,
        None => start + 1..start + 1 + line_length(&value[1..]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::{REDACTED, text};

    #[test]
    fn quoted_members() {
        for (quoted, expected) in [
            (
                r#"answer: {"access_token":"a.b","expires_in":3}"#,
                r#"answer: {"access_token":"REDACTED","expires_in":3}"#,
            ),
            (
                r#"{"user": "u", "password" : "p\"q", "n": 1}"#,
                r#"{"user": "u", "password" : "REDACTED", "n": 1}"#,
            ),
            (
                r#"body "{\"refresh_token\": \"a\\\"b\", \"n\": 1}""#,
                r#"body "{\"refresh_token\": \"REDACTED\", \"n\": 1}""#,
            ),
            ("{'client_secret': 's', 'n': 1}", "{'client_secret': 'REDACTED', 'n': 1}"),
            (r#"{"password": 12345, "n": 1}"#, r#"{"password": REDACTED, "n": 1}"#),
            (r#"{"password": null, "n": 1}"#, r#"{"password": null, "n": 1}"#),
            (r#"{"passwords": ["p"]}"#, r#"{"passwords": ["REDACTED"]}"#),
            (r#"{"credentials": {"secret": "s"}}"#, r#"{"credentials": {"secret": "REDACTED"}}"#),
            ("cut off: {\"password\": \"hunt\nnext", "cut off: {\"password\": \"REDACTED\nnext"),
            (
                r#"Login { user: "u", password: "p", token: Some("t") }"#,
                r#"Login { user: "u", password: "REDACTED", token: Some("REDACTED") }"#,
            ),
            (
                "Login {\n    password: \"p\",\n    n: 1,\n}",
                "Login {\n    password: \"REDACTED\",\n    n: 1,\n}",
            ),
            (r#"unexpected token: "}""#, r#"unexpected token: "}""#),
            (r#"{"max_tokens": 5, "order": "7"}"#, r#"{"max_tokens": 5, "order": "7"}"#),
        ] {
            assert_eq!(text(quoted), expected, "{quoted}");
            assert_eq!(text(expected), expected, "{quoted}");
        }
    }

    proptest! {
        #[test]
        fn no_value_gets_through(before in "[a-c{,: \"\n]{0,9}", secret: String, after in "[a-c}, ]{0,9}") {
            let secret = format!("HUNTER2{secret}");
            let json = serde_json::json!({"n": 1, "api_key": secret, "z": after}).to_string();
            for quoted in [format!("{before}{json}"), format!("{before}{json:?}"), format!("{before} {{ api_key: {secret:?} }}")] {
                let clean = text(&quoted).into_owned();
                prop_assert!(!clean.contains("HUNTER2"), "{}", clean);
                prop_assert!(clean.contains(REDACTED), "{}", clean);
            }
        }

        #[test]
        fn ranges_are_within_the_text(before in "\\PC{0,9}(password|token)[\"' \\\\]{0,3}", behind in "[\\\\\"'\\[( é]{0,6}\\PC{0,9}") {
            if let Some(range) = secret_value(&before, &behind) {
                prop_assert!(behind.get(range).is_some());
            }
        }
    }
}
