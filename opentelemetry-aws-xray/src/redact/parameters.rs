//! Secret parameters of queries.

use std::borrow::Cow;

use super::REDACTED;
use crate::scan::holds;

/// Query parameters whose values let the bearer act as somebody else: presigned AWS requests, their old form,
/// Azure and Google signatures (OpenTelemetry semantic conventions, `url.query`).
const SECRET_PARAMETERS: [&str; 16] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "password",
    "passwd",
    "pwd",
    "secret",
    "client_secret",
    "token",
    "access_token",
    "api_key",
    "apikey",
];

const LONGEST_SECRET_PARAMETER: usize = {
    let (mut longest, mut at) = (0, 0);
    while at < SECRET_PARAMETERS.len() {
        let len = SECRET_PARAMETERS[at].len();
        longest = if len > longest { len } else { longest };
        at += 1;
    }
    longest
};

/// `text` with the values of well-known secret parameters replaced. It may be a query, a URL, or a message
/// that quotes one: a value ends at `&`, `#` or white space.
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
        kept = text[value..].find(ends_value).map_or(text.len(), |length| value + length);
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[kept..]);
    Cow::Owned(clean)
}

fn ends_value(c: char) -> bool {
    matches!(c, '&' | '#') || c.is_whitespace()
}

fn ends_with_secret_name(text: &str) -> bool {
    // A name that is longer than all of these is none of them, wherever it begins.
    let end = &text.as_bytes()[text.len().saturating_sub(LONGEST_SECRET_PARAMETER + 1)..];
    let name = end.rsplit(|byte| matches!(byte, b'?' | b'&' | b';')).next().unwrap_or_default();
    SECRET_PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret.as_bytes()))
}
