//! Text of requests and answers: bounded, decoded, taken apart.

use std::borrow::Cow;

use xray_wire::sanitize;

use crate::redact;

/// Characters of one text attribute. 2,048 is the longest that a name, an ARN or a URL of AWS gets, with room.
pub(super) const MAX_TEXT_CHARS: usize = 2_048;

/// Characters of a message that are redacted.
const MAX_MESSAGE_CHARS: usize = 4 * MAX_TEXT_CHARS;

/// The first [`MAX_TEXT_CHARS`] characters of `text`.
pub(super) fn bounded(text: &str) -> String {
    sanitize::truncate(text, MAX_TEXT_CHARS).to_owned()
}

/// A message of foreign origin: redacted, then bounded. Of an answer of any length, no more is looked at than
/// [`MAX_MESSAGE_CHARS`].
///
/// A service that refuses a signature quotes what it signed itself (`InvalidSignatureException`): every header, session tokens too. That
/// is left out.
pub(super) fn message(text: &str) -> String {
    const QUOTED_REQUEST: &str = "The Canonical String for this request";
    let text = whole_words(text, MAX_MESSAGE_CHARS);
    let told = text.split(QUOTED_REQUEST).next().unwrap_or_default().trim_end();
    bounded(&redact::text(told))
}

/// What fits into so many characters, without the word in which it ends: of half a URL one can't say what is secret.
fn whole_words(text: &str, max_chars: usize) -> &str {
    let kept = sanitize::truncate(text, max_chars);
    if kept.len() == text.len() {
        return text;
    }
    let end = kept.rfind(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '<' | '>'));
    &kept[..end.unwrap_or_default()]
}

/// Host and port of an absolute URI.
pub(super) fn authority(uri: &str) -> Option<&str> {
    let (_scheme, rest) = uri.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

/// The path of a URI, absolute or not.
pub(super) fn path(uri: &str) -> &str {
    let local = uri.split_once("://").map_or(uri, |(_scheme, rest)| {
        let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        &rest[authority..]
    });
    local.split(['?', '#']).next().unwrap_or_default()
}

/// The pairs of a query string or of a form, decoded.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decoded(name), form_decoded(value))
    })
}

fn form_decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        Cow::Owned(percent_decoded(&text.replace('+', " ")).into_owned())
    } else {
        percent_decoded(text)
    }
}

/// `%41` becomes `A`. What is no escape stays; what is no UTF-8 afterwards is replaced.
pub(super) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a hexadecimal digit.
const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uris_are_taken_apart() {
        for (uri, expected) in [
            ("/key?x-id=GetObject", (None, "/key")),
            ("https://s3.eu-west-1.amazonaws.com/b/k?x#y", (Some("s3.eu-west-1.amazonaws.com"), "/b/k")),
            ("http://127.0.0.1:5000?a=/", (Some("127.0.0.1:5000"), "")),
            ("", (None, "")),
        ] {
            assert_eq!((authority(uri), path(uri)), expected, "{uri}");
        }
    }

    #[test]
    fn escapes_are_decoded() {
        for (text, expected) in [
            ("a%20b", "a b"),
            ("%e2%82%AC", "€"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(percent_decoded(text), expected, "{text}");
        }
        let form: Vec<_> = pairs("Action=Publish&Topic+Arn=arn%3Aaws&&flag").collect();
        let expected = [("Action", "Publish"), ("Topic Arn", "arn:aws"), ("flag", "")];
        assert_eq!(form, expected.map(|(name, value)| (name.into(), value.into())));
    }

    #[test]
    fn messages_keep_secrets() {
        for (told, expected) in [
            (
                "The signature does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\nx-amz-security-token:IQo",
                "The signature does not match.",
            ),
            (
                "refused: https://u:p@h/\nx-amz-security-token:IQo",
                "refused: https://h/\nx-amz-security-token:REDACTED",
            ),
        ] {
            assert_eq!(message(told), expected, "{told}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text: String) {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(percent_decoded(&encoded), text);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = (percent_decoded(&text), path(&text), authority(&text), pairs(&text).count());
        }
    }
}
