//! Untrusted text on its way into a span: bounded, and without the secrets that URLs carry.

use xray_wire::sanitize;

use crate::redact;
pub(super) use crate::redact::parameters as redacted;

/// Characters of one text attribute. X-Ray takes documents of 64 KB; 2,048 is more than any browser's user
/// agent and as long as URLs commonly get, and some such attributes leave room for the rest of the document.
pub(super) const MAX_TEXT_CHARS: usize = 2_048;

/// The first [`MAX_TEXT_CHARS`] characters of `text`.
pub(super) fn bounded(text: &str) -> &str {
    sanitize::truncate(text, MAX_TEXT_CHARS)
}

/// A message of foreign origin: redacted, then bounded.
pub(super) fn message(text: &str) -> String {
    bounded(&redact::text(text)).to_owned()
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
        let user = "u".repeat(MAX_TEXT_CHARS);
        assert_eq!(message(&format!("cannot GET https://{user}@h/")), "cannot GET https://h/");
    }

    proptest! {
        #[test]
        fn no_secret_survives(before in "[a-z=&]{0,20}", secret in "[A-Z0-9/+=]{8,40}", after in "(&[a-c]{1,4}=[a-z]{1,4}){0,3}") {
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
