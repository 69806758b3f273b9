//! Addresses of databases without user and password.
//!
//! Each driver has a grammar of its own, and people do not always escape what these ask to be escaped. So a password is looked for
//! generously, and where it ends is decided strictly: rather too much is left out than half of a password told.

use std::borrow::Cow;

use super::{is_secret_name, url};
use crate::scan::holds;

/// An address of any of the usual forms without user, password or tokens: `scheme://user:password@host/…?password=…`,
/// `Server=…;Password=…`, `host=… password=…`, `user:password@tcp(host)/…`, `user/password@host/…`.
pub(crate) fn without_secrets(address: &str) -> Cow<'_, str> {
    if !holds(address, [b'@', b'=']) {
        return Cow::Borrowed(address);
    }
    let parameters: Vec<_> = parameters(address).collect();
    let parameters = &parameters[in_password(address, &parameters)..];
    let (head, tail) = address.split_at(parameters.first().map_or(address.len(), |first| first.start));
    let (scheme, place) = place(head);
    let is_secret = parameters.iter().any(Parameter::is_secret);
    if !is_secret && scheme.len() + place.len() == head.len() {
        return Cow::Borrowed(address);
    }
    let mut clean = [scheme, place].concat();
    if is_secret {
        push_others(&mut clean, address, parameters);
    } else {
        clean.push_str(tail);
    }
    Cow::Owned(clean)
}

/// What stands in `scheme://user:password@` behind the `@`; `None` without a scheme.
pub(crate) fn behind_user(address: &str) -> Option<&str> {
    let parameters: Vec<_> = if holds(address, [b'=']) { parameters(address).collect() } else { Vec::new() };
    let first = parameters.get(in_password(address, &parameters));
    let (scheme, place) = place(&address[..first.map_or(address.len(), |first| first.start)]);
    (!scheme.is_empty()).then_some(place)
}

/// How many of the parameters only look like some: they stand before the `@` of user information, in a password. Those of an
/// address that has no user information, and those that tell a secret by themselves, are what they look like.
fn in_password(address: &str, parameters: &[Parameter<'_>]) -> usize {
    let Some(first) = parameters.first().filter(|first| first.separator.is_some()) else { return 0 };
    let (head, _) = address.split_at(first.start);
    if holds(head, [b'@']) {
        return 0;
    }
    let start = head.find("://").map_or(0, |end| end + "://".len());
    let authority = address[start..].split('/').next().unwrap_or_default();
    let (Some(at), Some(last)) = (authority.find('@'), authority.rfind('@')) else { return 0 };
    let mut before = parameters.iter().take_while(|parameter| parameter.start < start + at);
    if before.any(Parameter::is_secret) {
        return 0;
    }
    parameters.iter().take_while(|parameter| parameter.start < start + last).count()
}

/// The scheme with its `://`, and the rest without user information. That ends with the last `@`, since a password may have any
/// sign in it, even those that end an authority elsewhere.
fn place(head: &str) -> (&str, &str) {
    let scheme = head.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':' | '_');
    let is_url = !scheme.is_empty() && scheme.chars().all(is_scheme);
    let (scheme, rest) = head.split_at(if is_url { scheme.len() + "://".len() } else { 0 });
    (scheme, url::host(rest))
}

/// A parameter of an address.
#[derive(Debug)]
struct Parameter<'a> {
    /// Where it begins, with the sign that separates it from what stands before.
    start: usize,
    /// `?`, `&`, `;` or white space; `None` at the beginning of the address.
    separator: Option<char>,
    name: &'a str,
    /// Where its value begins.
    value: usize,
}

/// Wherever a parameter may begin: behind any sign that separates some stand a name and `=`.
fn parameters(address: &str) -> impl Iterator<Item = Parameter<'_>> {
    let separators =
        address.char_indices().filter(|(_, c)| matches!(c, '?' | '&' | ';') || c.is_whitespace());
    let starts = separators.map(|(start, c)| (start, start + c.len_utf8(), Some(c)));
    std::iter::once((0, 0, None)).chain(starts).filter_map(move |(start, behind, separator)| {
        let (name, value) = named_value(&address[behind..], separator)?;
        Some(Parameter { start, separator, name, value: behind + value })
    })
}

/// A name at the beginning of the text, and where its value begins. No two calls look at the same text, but for the words of a
/// name.
fn named_value(text: &str, separator: Option<char>) -> Option<(&str, usize)> {
    if separator.is_some_and(char::is_whitespace) && text.starts_with(char::is_whitespace) {
        return None;
    }
    // Names have spaces in them where semicolons stand between parameters.
    let may_have_spaces = matches!(separator, None | Some(';'));
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.') || c == ' ' && may_have_spaces;
    let name = text.trim_start();
    let name = &name[..name.find(|c| !is_part(c)).unwrap_or(name.len())];
    let behind = text.trim_start()[name.len()..].trim_start();
    let value = behind.strip_prefix('=').filter(|_| !name.is_empty())?.trim_start();
    Some((name.trim_end(), text.len() - value.len()))
}

impl Parameter<'_> {
    fn is_secret(&self) -> bool {
        /// What names of parameters have in them that tell a user or a secret.
        const PARTS: [&str; 4] = ["pass", "pwd", "user", "token"];
        let name = self.name.to_ascii_lowercase();
        is_secret_name(&name) || PARTS.iter().any(|part| name.contains(part))
    }

    /// What separates the next parameter from this one: the sign of this one's form. Any other is part of the value.
    fn next_separator(&self, address: &str) -> char {
        match self.separator {
            Some('?' | '&') => '&',
            Some(';') => ';',
            None if address.contains(';') => ';',
            _ => ' ',
        }
    }

    fn is_behind(&self, separator: char) -> bool {
        self.separator.is_some_and(|own| own == separator || separator == ' ' && own.is_whitespace())
    }

    /// Where the value ends at the earliest: behind its quotes. One that never ends is all of the rest.
    fn end(&self, address: &str) -> usize {
        let value = &address[self.value..];
        let close = match value.chars().next() {
            Some(quote @ ('\'' | '"')) => quote,
            Some('{') => '}',
            _ => return self.value,
        };
        let mut chars = value.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            let is_doubled = c == close && chars.peek().is_some_and(|(_, next)| *next == close);
            if c == '\\' || is_doubled {
                chars.next();
            } else if c == close {
                return self.value + at + c.len_utf8();
            }
        }
        address.len()
    }
}

/// Appends the parameters that are no secrets.
fn push_others(clean: &mut String, address: &str, parameters: &[Parameter<'_>]) {
    let mut rest = parameters;
    // What separated those from what stands before that are left out.
    let mut separator = None;
    while let Some((first, behind)) = rest.split_first() {
        if first.is_secret() {
            separator = separator.or(Some(first.separator));
            let (end, sign) = (first.end(address), first.next_separator(address));
            let next = behind.iter().position(|next| next.start >= end && next.is_behind(sign));
            rest = &behind[next.unwrap_or(behind.len())..];
            continue;
        }
        let end = behind.first().map_or(address.len(), |next| next.start);
        let own_length = first.separator.map_or(0, char::len_utf8);
        clean.extend(separator.take().unwrap_or(first.separator));
        clean.push_str(&address[first.start + own_length..end]);
        rest = behind;
    }
}

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
            // Some more than the user is lost.
            ("https://u:p@ss@example.com/a@b", "https://b"),
            ("https://example.com/a?c=d@e", "https://example.com/a?c=d@e"),
            // Separators in passwords.
            ("postgres://u:a/HUNTER2@h/db", "postgres://h/db"),
            ("postgres://u:a#HUNTER2@h/db", "postgres://h/db"),
            ("postgres://u:a?HUNTER2@h/db?sslmode=x", "postgres://h/db?sslmode=x"),
            ("postgres://u:a;HUNTER2@h/db;x=y", "postgres://h/db;x=y"),
            ("postgres://app:Ab&cd=HUNTER2@db/shop", "postgres://db/shop"),
            ("mysql://u:HUNTER2;x=y@h/db", "mysql://h/db"),
            ("redis://:HUNTER2&a=b@h:6379/0", "redis://h:6379/0"),
            ("u:HUNTER2&x=y@tcp(h)/db", "tcp(h)/db"),
            ("postgres://u:HUNTER2?x=y@h/db?sslmode=a", "postgres://h/db?sslmode=a"),
            ("https://example.com/a?c=d@e", "https://example.com/a?c=d@e"),
            ("host=h options=a@b", "host=h options=a@b"),
            ("host=db password = HUNTER2 dbname=shop", "host=db dbname=shop"),
            ("host=db password='a HUNTER2' dbname=shop", "host=db dbname=shop"),
            (r"host=db password='a\' x=HUNTER2' dbname=shop", "host=db dbname=shop"),
            ("host=db password=a&b;HUNTER2 dbname=shop", "host=db dbname=shop"),
            (r#"Server=db;Password="a;HUNTER2";Database=shop"#, "Server=db;Database=shop"),
            (r#"Server=db;Password="a"";b=HUNTER2";Database=shop"#, "Server=db;Database=shop"),
            ("Driver={SQL Server};PWD={a}};b=HUNTER2};Database=shop", "Driver={SQL Server};Database=shop"),
            ("Password=a b HUNTER2;Server=db", "Server=db"),
            (
                "jdbc:sqlserver://h:1433;user=sa;password=a@HUNTER2;encrypt=true",
                "jdbc:sqlserver://h:1433;encrypt=true",
            ),
            ("redis://h/?password=a;HUNTER2&db=1", "redis://h/?db=1"),
            // Without an end.
            ("host=db password='a HUNTER2 dbname=shop", "host=db"),
            // Oracle.
            ("jdbc:oracle:thin:scott/HUNTER2@//h:1521/svc", "//h:1521/svc"),
            ("scott/HUNTER2@h:1521/svc", "h:1521/svc"),
            ("scott/HUNTER2@(DESCRIPTION = (HOST = h))", "(DESCRIPTION = (HOST = h))"),
            ("db:5432/shop", "db:5432/shop"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(address), expected, "{address}");
        }
    }

    #[test]
    fn time_is_linear_in_the_text() {
        // What is quadratic would need minutes.
        for part in [
            "password=",
            ";password=",
            "a=b ",
            "a b ",
            ";a b",
            "; ",
            " ",
            "?",
            "@",
            "a:b@",
            "password='",
            "x://",
        ] {
            for head in ["", "x://", "x;y=", "password='", "password={"] {
                without_secrets(&format!("{head}{}", part.repeat(50_000)));
            }
        }
    }

    proptest! {
        #[test]
        fn no_password_gets_through(
            scheme in "([a-z]{1,5}://)?",
            user in "[a-z0-9]{0,5}",
            before in "[a-z/#;?&@ :]{0,4}",
            after in "[a-z/#;?&@ ]{0,4}",
            rest in "[a-z0-9:/?&;= @]{0,20}",
        ) {
            let address = format!("{scheme}{user}:{before}HUNTER2{after}@{rest}");
            prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
            let address = format!("{scheme}{user}?password={before}HUNTER2&{rest}");
            prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
        }

        #[test]
        fn no_password_that_looks_like_parameters_gets_through(
            scheme in "([a-z]{1,5}://)?",
            user in "[a-z0-9]{0,5}",
            before in "[a-f#;?&:=]{0,5}",
            after in "[a-f#;?&:=]{0,5}",
            rest in "[a-z0-9:/?&;= @]{0,20}",
        ) {
            let address = format!("{scheme}{user}:{before}HUNTER2{after}@{rest}");
            prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
            if !scheme.is_empty() {
                prop_assert!(!behind_user(&address).unwrap_or_default().contains("HUNTER2"), "{}", address);
            }
        }

        #[test]
        fn no_quoted_password_gets_through(
            before in "([a-f]{1,4} ?= ?[a-z@{'\"]{0,4}[ ;])?",
            space in "[ ]{0,2}",
            text in r#"[a-z =;&?@\\"]{0,6}"#,
            after in "[ ;]([a-z]{1,4}=[a-z]{1,4}[ ;])?",
        ) {
            for (open, close) in [('\'', '\''), ('"', '"'), ('{', '}')] {
                let text = text.replace('\\', "\\\\").replace(close, &format!("{close}{close}"));
                let address = format!("{before}password{space}={space}{open}{text}HUNTER2{text}{close}{after}");
                prop_assert!(!without_secrets(&address).contains("HUNTER2"), "{}", address);
            }
        }

        #[test]
        fn what_has_no_secret_stays(parameters in "([a-z]{1,4}=[a-z0-9]{0,4}[;&? ]){0,4}", host in "[a-z.:/0-9]{0,12}") {
            prop_assume!(!parameters.contains("pwd") && !parameters.contains("user") && !parameters.contains("pass"));
            let address = format!("{host}?{parameters}");
            prop_assert_eq!(without_secrets(&address), address.as_str());
        }
    }
}
