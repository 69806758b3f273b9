//! Members of JSON, and fields of structs as `{:?}` writes them, which messages quote.

use std::ops::Range;

use super::{
    message::line_length,
    parameters::{closing_quote, ends_with_secret_name},
};

/// Where the value stands that follows a colon, in the text behind it, if the name before the colon tells a secret:
/// `"access_token": "…"`, also within texts that are quoted themselves, or `Login { password: Some("…") }`.
pub(super) fn secret_value(before: &str, behind: &str) -> Option<Range<usize>> {
    let before = before.trim_end_matches(' ');
    let quoted = before.strip_suffix(['"', '\'']).map(|name| name.trim_end_matches('\\'));
    let name = quoted.unwrap_or(before);
    if !ends_with_secret_name(name) || quoted.is_none() && !is_field(name) {
        return None;
    }
    let value = unwrapped(behind);
    let start = behind.len() - value.len();
    let length = match value.trim_start_matches('\\').bytes().next()? {
        b'"' | b'\'' => return Some(inside_quotes(value, start)),
        // All of a list: where it ends can't be told for sure, so the last bracket counts.
        b'[' => return Some(start + 1..start + value.rfind(']').unwrap_or(value.len())),
        // A number.
        b'0'..=b'9' | b'-' if quoted.is_some() && !value.starts_with('\\') => {
            value.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '+' | '.'))
        }
        _ => return None,
    };
    Some(start..start + length.unwrap_or(value.len()))
}

/// What is inside of `Some(`, and of whatever else is written around a value.
fn unwrapped(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        let Some(inside) = text.trim_start_matches(is_part_of_word).strip_prefix('(') else { return text };
        text = inside;
    }
}

/// Whether a name without quotes is that of a field, not the last word of a sentence (`unexpected token: "}"`).
fn is_field(name: &str) -> bool {
    let before = name.trim_end_matches(is_part_of_word).trim_end_matches(' ');
    before.is_empty() || before.ends_with(['{', ',', '(', '\n'])
}

fn is_part_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What stands between the quotes at the beginning of `value`; up to the end of the line if they are not closed.
fn inside_quotes(value: &str, start: usize) -> Range<usize> {
    let backslashes = value.len() - value.trim_start_matches('\\').len();
    let (quote, inside) = value.split_at(backslashes + 1);
    let end = if backslashes == 0 {
        closing_quote(quote.as_bytes()[0], value).map(|end| end - 2)
    } else {
        // Within a text that is quoted itself, a quote that belongs to the value has more of them.
        let is_end = |at: &usize| !inside[..*at].ends_with('\\');
        inside.match_indices(quote).map(|(at, _)| at).find(is_end)
    };
    let start = start + quote.len();
    start..start + end.unwrap_or_else(|| line_length(inside))
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
            (r#"{"passwords": ["p", "q]"], "n": 1}"#, r#"{"passwords": [REDACTED], "n": 1}"#),
            ("{\"passwords\": [\n  \"p\",\n  \"q\"\n]}", "{\"passwords\": [REDACTED]}"),
            ("{\"passwords\": [\"p\"", "{\"passwords\": [REDACTED"),
            (
                r#"b "{\\\"token\\\":\\\"t\\\",\\\"n\\\":1}""#,
                r#"b "{\\\"token\\\":\\\"REDACTED\\\",\\\"n\\\":1}""#,
            ),
            (r#"{"password": \5}"#, r#"{"password": \5}"#),
            ("{\"password\":\n\"p\"}", "{\"password\":\n\"REDACTED\"}"),
            (
                "Login {\n    password: Some(\n        \"p\",\n    ),\n}",
                "Login {\n    password: Some(\n        \"REDACTED\",\n    ),\n}",
            ),
            (r#"Login { password: Some(Secret("p")) }"#, r#"Login { password: Some(Secret("REDACTED")) }"#),
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
            for quoted in [format!("{before}{json}"), format!("{before}{json:?}"), format!("{before}{:?}", format!("{json:?}")), format!("{before} {{ api_key: {secret:?} }}")] {
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
