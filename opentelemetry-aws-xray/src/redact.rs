//! What must not leave the process: passwords, tokens and signatures, in addresses and under telling names.

use std::borrow::Cow;

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

/// What stands for a secret's value (OpenTelemetry semantic conventions, `url.query`).
pub(crate) const REDACTED: &str = "REDACTED";

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

/// An address of any of the usual forms without user, password or tokens: `scheme://user:password@host/…?password=…`,
/// `Server=…;Password=…`, `host=… password=…`, `user:password@tcp(host)/…`.
pub(crate) fn without_secrets(address: &str) -> Cow<'_, str> {
    if !holds(address, [b'@', b'=']) {
        return Cow::Borrowed(address);
    }
    let without_user = without_user_info(address);
    match without_secret_parameters(&without_user) {
        None => without_user,
        Some(clean) => Cow::Owned(clean),
    }
}

/// Whether a name says that its text is an address, of which [`named`] leaves something out.
pub(crate) fn is_address_name(key: &str) -> bool {
    matches!(
        key,
        "url.full"
            | "http.url"
            | "messaging.url"
            | "http.target"
            | "url.query"
            | "http.host"
            | "db.connection_string"
    )
}

/// An attribute's text as it may leave the process, if its name says that it is an address.
pub(crate) fn named<'t>(key: &str, text: &'t str) -> Cow<'t, str> {
    match key {
        "url.full" | "http.url" | "messaging.url" => url(text),
        "http.target" if text.contains("://") => url(text),
        "url.query" | "http.target" => parameters(text),
        "http.host" => without_user_info(text),
        "db.connection_string" => without_secrets(text),
        _ => Cow::Borrowed(text),
    }
}

/// A host without user information.
#[inline]
pub(crate) fn host(host: &str) -> &str {
    if !holds(host, [b'@']) {
        return host;
    }
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

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

/// A URL without user information, and with the values of secret parameters replaced.
pub(crate) fn url(url: &str) -> Cow<'_, str> {
    if !holds(url, [b'@', b'=']) {
        return Cow::Borrowed(url);
    }
    match without_user_info(url) {
        Cow::Borrowed(url) => parameters(url),
        Cow::Owned(url) => Cow::Owned(parameters(&url).into_owned()),
    }
}

/// `scheme://user:password@host/…` without what stands before the `@`, with or without a scheme.
pub(crate) fn without_user_info(url: &str) -> Cow<'_, str> {
    if !holds(url, [b'@']) {
        return Cow::Borrowed(url);
    }
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('@') => (Some(scheme), rest),
        _ => (None, url),
    };
    let authority = rest.split(['/', '?', '#', ';', ' ']).next().unwrap_or(rest);
    let Some(at) = authority.rfind('@') else { return Cow::Borrowed(url) };
    let host_and_rest = &rest[at + 1..];
    match scheme {
        Some(scheme) => Cow::Owned(format!("{scheme}://{host_and_rest}")),
        None => Cow::Borrowed(host_and_rest),
    }
}

/// Whether an attribute of this name holds a secret by all appearances. `input_tokens` does not.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const ENDS: [&str; 4] = ["token", "pwd", "private_key", "access_key"];
    let name = name.as_bytes();
    let at = |start: usize, part: &str| {
        name.get(start..start + part.len()).is_some_and(|found| found.eq_ignore_ascii_case(part.as_bytes()))
    };
    let holds = name.windows(2).enumerate().any(|(start, pair)| {
        // Nearly all pairs of letters begin none of the parts, and any other pair only those of one row.
        match FIRST_LETTERS[usize::from(pair[0])] & SECOND_LETTERS[usize::from(pair[1])] {
            0 => false,
            row => SECRET_PARTS[row.trailing_zeros() as usize].iter().any(|part| at(start, part)),
        }
    });
    let may_end = matches!(name.last().map(u8::to_ascii_lowercase), Some(b'n' | b'd' | b'y'));
    holds
        || may_end
            && ENDS.iter().any(|end| name.len().checked_sub(end.len()).is_some_and(|start| at(start, end)))
}

/// Parts of names that tell a secret. Those that begin with the same two letters stand in one row.
const SECRET_PARTS: [&[&str]; 7] = [
    &["password", "passwd"],
    &["secret"],
    &["authorization"],
    &["cookie"],
    &["api_key", "apikey"],
    &["credential"],
    &["signature"],
];

static FIRST_LETTERS: [u8; 256] = letters(0);
static SECOND_LETTERS: [u8; 256] = letters(1);

/// For each byte a bit for each row of which it is the first letter, or the second, in either case.
const fn letters(place: usize) -> [u8; 256] {
    let mut letters = [0; 256];
    let mut row = 0;
    while row < SECRET_PARTS.len() {
        let letter = SECRET_PARTS[row][0].as_bytes()[place];
        letters[letter as usize] |= 1 << row;
        letters[letter.to_ascii_uppercase() as usize] |= 1 << row;
        row += 1;
    }
    letters
}

/// `None` if there are no such parameters.
fn without_secret_parameters(address: &str) -> Option<String> {
    let is_secret = |parameter: &&str| {
        let name = parameter.split_once('=').map(|(name, _)| name.trim().to_ascii_lowercase());
        name.is_some_and(|name| SECRET_NAMES.iter().any(|secret| name.contains(secret)))
    };
    // Where semicolons stand between parameters, names may have spaces in them.
    let has_semicolons = address.contains(';');
    let parts =
        || address.split_inclusive(move |c| matches!(c, '?' | '&' | ';') || (c == ' ' && !has_semicolons));
    if !parts().any(|part| is_secret(&part)) {
        return None;
    }
    let mut clean: String = parts().filter(|part| !is_secret(part)).collect();
    while clean.ends_with(['?', '&', ';', ' ']) {
        clean.pop();
    }
    Some(clean)
}

/// Parameters whose names hold one of these are left out.
const SECRET_NAMES: [&str; 6] = ["password", "passwd", "pwd", "secret", "token", "user"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses() {
        for (address, expected) in [
            ("postgresql://u:p@db:5432/shop?sslmode=require", "postgresql://db:5432/shop?sslmode=require"),
            ("postgresql://db/shop?user=u&password=p&sslmode=x", "postgresql://db/shop?sslmode=x"),
            ("jdbc:mysql://u:p@db:3306/shop", "jdbc:mysql://db:3306/shop"),
            ("Server=db;Database=shop;User Id=sa;Password=p;", "Server=db;Database=shop"),
            ("Server=db;Password=p", "Server=db"),
            ("host=db password=p dbname=shop", "host=db dbname=shop"),
            ("u:p@tcp(db:3306)/shop", "tcp(db:3306)/shop"),
            ("u:p@db/jdbc://", "db/jdbc://"),
            ("https://u:p@ss@example.com/a@b", "https://example.com/a@b"),
            ("https://example.com/a@b?c=d", "https://example.com/a@b?c=d"),
            ("db:5432/shop", "db:5432/shop"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(address), expected, "{address}");
        }
    }

    #[test]
    fn addresses_by_name() {
        let text = "https://u:p@db/?token=t";
        for name in [
            "url.full",
            "http.url",
            "messaging.url",
            "http.target",
            "url.query",
            "http.host",
            "db.connection_string",
            "url.path",
            "db.operation",
            "order.url",
        ] {
            assert_eq!(named(name, text) != text, is_address_name(name), "{name}");
        }
    }

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

    #[test]
    fn telling_names() {
        for (name, expected) in [
            ("db.password", true),
            ("user.PASSWORD_hash", true),
            ("http.request.header.authorization", true),
            ("http.request.header.cookie", true),
            ("session_token", true),
            ("x.api_key", true),
            ("aws.secret.id", true),
            ("gen_ai.usage.input_tokens", false),
            ("order.id", false),
            ("pass", false),
            ("", false),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
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

        #[test]
        fn no_password_gets_through(
            scheme in "([a-z]{1,5}://)?",
            user in "[a-z0-9]{0,5}",
            rest in "[a-z0-9:/?&;= @]{0,20}",
        ) {
            let address = format!("{scheme}{user}:HUNTER2@{rest}");
            prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
            let address = format!("{scheme}{user}?password=HUNTER2&{rest}");
            prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
        }
    }
}
