//! Untrusted text on its way into a span: bounded, and without the secrets that URLs carry.

use std::borrow::Cow;

use xray_wire::sanitize;

/// Characters of one text attribute. X-Ray takes documents of 64 KB; 2,048 is more than any browser's user
/// agent and as long as URLs commonly get, and some such attributes leave room for the rest of the document.
pub(super) const MAX_TEXT_CHARS: usize = 2_048;

/// Query parameters whose values let the bearer act as somebody else: presigned AWS requests, their old form,
/// Azure and Google signatures (OpenTelemetry semantic conventions, `url.query`).
const SECRET_PARAMETERS: [&str; 7] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "AWSAccessKeyId",
    "Signature",
    "sig",
];

/// What stands for a secret's value (OpenTelemetry semantic conventions, `url.query`).
const REDACTED: &str = "REDACTED";

/// The first [`MAX_TEXT_CHARS`] characters of `text`.
pub(super) fn bounded(text: &str) -> &str {
    sanitize::truncate(text, MAX_TEXT_CHARS)
}

/// `text` with the values of well-known secret parameters replaced. It may be a query, a URL, or a message
/// that quotes one: a value ends at `&`, `#` or white space.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut kept = 0;
    for (equals, _) in text.match_indices('=') {
        if equals < kept || !ends_with_secret_name(&text[..equals]) {
            continue;
        }
        let value = equals + 1;
        clean.push_str(&text[kept..value]);
        clean.push_str(REDACTED);
        kept = text[value..].find(ends_value).map_or(text.len(), |length| value + length);
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[kept..]);
    Cow::Owned(clean)
}

/// A message of foreign origin: redacted, then bounded.
pub(super) fn message(text: &str) -> String {
    bounded(&redacted(text)).to_owned()
}

fn ends_value(c: char) -> bool {
    matches!(c, '&' | '#') || c.is_whitespace()
}

fn ends_with_secret_name(text: &str) -> bool {
    let text = text.as_bytes();
    SECRET_PARAMETERS.iter().any(|secret| {
        let Some(start) = text.len().checked_sub(secret.len()) else { return false };
        let stands_alone = start == 0 || matches!(text[start - 1], b'?' | b'&' | b';');
        stands_alone && text[start..].eq_ignore_ascii_case(secret.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn redacts_secrets_and_nothing_else() {
        for (text, expected) in [
            ("", ""),
            ("a=1&b=2", "a=1&b=2"),
            ("sig=abc", "sig=REDACTED"),
            ("sig=", "sig=REDACTED"),
            ("design=abc&sig", "design=abc&sig"),
            ("sig=a=b=&c=1", "sig=REDACTED&c=1"),
            ("SIGNATURE=x&a=1&AWSAccessKeyId=y", "SIGNATURE=REDACTED&a=1&AWSAccessKeyId=REDACTED"),
            ("https://h/p?X-Amz-Signature=1f#top", "https://h/p?X-Amz-Signature=REDACTED#top"),
            (
                "sending to http://h/?x=1&sig=\u{fc}\u{fc} failed",
                "sending to http://h/?x=1&sig=REDACTED failed",
            ),
            (
                "X-Amz-Credential=k%2F2026&X-Amz-Security-Token=t",
                "X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED",
            ),
        ] {
            assert_eq!(redacted(text), expected, "{text:?}");
        }
    }

    #[test]
    fn messages_are_bounded_after_redaction() {
        let text = message(&format!("sig={}&{}", "s".repeat(5_000), "\u{20ac}".repeat(5_000)));
        assert!(text.starts_with("sig=REDACTED&\u{20ac}"));
        assert_eq!(text.chars().count(), MAX_TEXT_CHARS);
    }

    proptest! {
        #[test]
        fn no_secret_survives(before in "[a-z=&]{0,20}", secret in "[A-Z0-9/+=]{8,40}", after in "(&[a-z]{1,4}=[a-z]{1,4}){0,3}") {
            let text = format!("{before}&X-Amz-Signature={secret}{after}");
            let clean = redacted(&text);
            prop_assert!(!clean.contains(&secret));
            prop_assert!(clean.ends_with(&after));
            prop_assert_eq!(redacted(&clean), clean.as_ref());
        }

        #[test]
        fn no_text_panics(text: String) {
            redacted(&text);
        }
    }
}
