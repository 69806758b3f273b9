//! SQL without its values.

use super::dialect::Dialect;
use crate::{exporter::is_sql, redact::REDACTED};

/// What stands for a value.
pub(super) const MASK: &str = "?";

/// A query without its values, as the database reads it; one that is not SQL is left out whole.
pub(super) fn masked(query: &str, system: Option<&str>) -> String {
    match system {
        Some(system) if !is_sql(system) => REDACTED.to_owned(),
        _ => mask(query, Dialect::of(system.unwrap_or_default())),
    }
}

/// A piece at the beginning of a query, with its length.
#[derive(Debug)]
enum Token {
    /// Names, words, operators.
    Kept(usize),
    Literal(usize),
    Comment(usize),
    /// Databases, or their settings, differ in what this is, and so in what is a literal behind it; or it never ends.
    Unclear,
}

/// The query with a mask for each text and number, and without comments.
fn mask(query: &str, dialect: Dialect) -> String {
    let mut masked = String::with_capacity(query.len());
    let mut rest = query;
    let mut calm = Calm::default();
    while let Some(first) = rest.chars().next() {
        let length = match token(first, rest, dialect, &mut calm) {
            Token::Kept(length) => {
                masked.push_str(&rest[..length]);
                length
            }
            Token::Literal(length) => {
                masked.push_str(MASK);
                length
            }
            Token::Comment(length) => {
                masked.push(' ');
                length
            }
            Token::Unclear => {
                masked.push_str(MASK);
                break;
            }
        };
        rest = &rest[length..];
    }
    masked
}

/// How far the rest of a line, and that of a bracket, was looked through before: what holds for it holds for any later part
/// of it, so that no part is looked through twice. Each is the length of the query's rest where it ends.
#[derive(Debug)]
struct Calm {
    line: usize,
    bracket: usize,
}

impl Default for Calm {
    fn default() -> Self {
        Self { line: usize::MAX, bracket: usize::MAX }
    }
}

fn token(first: char, rest: &str, dialect: Dialect, calm: &mut Calm) -> Token {
    let second = rest[first.len_utf8()..].chars().next();
    match (first, second) {
        ('"', _) if dialect.double_quotes_name => name(rest, '"'),
        ('\'' | '"', _) => quoted(rest, first),
        ('`', _) => name(rest, '`'),
        ('[', _) => match dialect.brackets_name {
            Some(true) => bracketed_name(rest),
            Some(false) => Token::Kept(1),
            None => perhaps_name(rest, calm),
        },
        ('$', _) => dollar_quoted(rest),
        ('-', Some('-')) => dashes(rest),
        ('/', Some('*')) => block_comment(rest),
        ('/', Some('/')) if dialect.slashes_comment => Token::Comment(line(rest).len()),
        ('/', Some('/')) => perhaps_comment(rest, calm),
        ('#', _) => match dialect.hash_comments {
            Some(true) => Token::Comment(line(rest).len()),
            Some(false) => Token::Kept(1),
            None => perhaps_comment(rest, calm),
        },
        ('.', Some(digit)) if digit.is_numeric() => number(rest),
        _ if first.is_numeric() => number(rest),
        _ if first.is_alphabetic() || first == '_' => word(rest, dialect.hash_comments == Some(false)),
        _ => Token::Kept(first.len_utf8()),
    }
}

/// A text; a quote in it is doubled. Whether a backslash before a quote escapes it is a matter of settings.
fn quoted(rest: &str, quote: char) -> Token {
    let mut from = 1;
    while let Some(found) = rest[from..].find(quote) {
        let end = from + found;
        let backslashes = rest[1..end].bytes().rev().take_while(|byte| *byte == b'\\').count();
        if backslashes % 2 == 1 {
            return Token::Unclear;
        }
        if !rest[end + 1..].starts_with(quote) {
            return Token::Literal(end + 1);
        }
        from = end + 2;
    }
    Token::Unclear
}

/// A name in quotes. One that has other quotes in it may be no name.
fn name(rest: &str, close: char) -> Token {
    let Some(length) = rest[1..].find(close) else { return Token::Unclear };
    let is_plain = !rest[1..=length].contains(QUOTES);
    if is_plain { Token::Kept(length + 2) } else { Token::Unclear }
}

/// The same in brackets. One in which a bracket is doubled may go on behind it.
fn bracketed_name(rest: &str) -> Token {
    match name(rest, ']') {
        Token::Kept(length) if rest[length..].starts_with(']') => Token::Unclear,
        token => token,
    }
}

/// A name for some and an array for others: it matters only where a quote is inside, or where it may go on.
fn perhaps_name(rest: &str, calm: &mut Calm) -> Token {
    if rest.len() > calm.bracket {
        return Token::Kept(1);
    }
    match bracketed_name(rest) {
        Token::Kept(length) => {
            calm.bracket = rest.len() - length;
            Token::Kept(1)
        }
        token => token,
    }
}

const QUOTES: [char; 3] = ['\'', '"', '`'];

/// `$$…$$` or `$tag$…$tag$`; else the sign alone.
fn dollar_quoted(rest: &str) -> Token {
    let Some(length) = rest[1..].find('$') else { return Token::Kept(1) };
    let tag = &rest[1..=length];
    let is_tag = tag.chars().all(|c| c.is_alphanumeric() || c == '_') && !tag.starts_with(char::is_numeric);
    if !is_tag {
        return Token::Kept(1);
    }
    let delimiter = &rest[..length + 2];
    match rest[delimiter.len()..].find(delimiter) {
        Some(end) => Token::Literal(end + 2 * delimiter.len()),
        None => Token::Unclear,
    }
}

/// `--` begins a comment; for `MySQL` only with a space behind it.
fn dashes(rest: &str) -> Token {
    let is_comment = rest[2..].chars().next().is_none_or(char::is_whitespace);
    if is_comment || !changes_what_follows(line(rest)) {
        Token::Comment(line(rest).len())
    } else {
        Token::Unclear
    }
}

/// A comment for some and an operator for others: it matters only where a quote follows.
fn perhaps_comment(rest: &str, calm: &mut Calm) -> Token {
    if rest.len() > calm.line {
        return Token::Kept(1);
    }
    let line = line(rest);
    if changes_what_follows(&line[1..]) {
        return Token::Unclear;
    }
    calm.line = rest.len() - line.len();
    Token::Kept(1)
}

fn changes_what_follows(line: &str) -> bool {
    line.contains(QUOTES) || line.contains("/*") || line.contains('$')
}

/// Comments within comments count for some.
fn block_comment(rest: &str) -> Token {
    match rest[2..].find("*/") {
        Some(length) if !rest[2..2 + length].contains("/*") => Token::Comment(length + 4),
        _ => Token::Unclear,
    }
}

fn line(rest: &str) -> &str {
    rest.split(['\n', '\r']).next().unwrap_or(rest)
}

/// Decimal, hexadecimal, with an exponent or a suffix.
fn number(rest: &str) -> Token {
    let mut previous = ' ';
    let end = rest.find(|c: char| {
        let is_sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
        previous = c;
        !(is_sign || c.is_alphanumeric() || matches!(c, '.' | '_'))
    });
    Token::Literal(end.unwrap_or(rest.len()))
}

/// A word or a name; or the beginning of Oracle's `q'[…]'`. Where `#` may begin a comment, it ends a word.
fn word(rest: &str, may_hold_hash: bool) -> Token {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$') || c == '#' && may_hold_hash;
    let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    let is_q = word.eq_ignore_ascii_case("q") || word.eq_ignore_ascii_case("nq");
    let Some(text) = behind.strip_prefix('\'').filter(|_| is_q) else { return Token::Kept(end) };
    let Some(open) = text.chars().next() else { return Token::Unclear };
    let close = match open {
        '[' => ']',
        '{' => '}',
        '(' => ')',
        '<' => '>',
        other => other,
    };
    let delimiter = format!("{close}'");
    match text[open.len_utf8()..].find(&delimiter) {
        Some(length) => Token::Literal(end + 1 + open.len_utf8() + length + delimiter.len()),
        None => Token::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries() {
        for (system, query, expected) in [
            (
                "postgresql",
                "SELECT * FROM t1 WHERE a = 'x' AND b = 12",
                "SELECT * FROM t1 WHERE a = ? AND b = ?",
            ),
            (
                "postgresql",
                "SELECT \"a b\" FROM t WHERE n = 'it''s' OR m=''",
                "SELECT \"a b\" FROM t WHERE n = ? OR m=?",
            ),
            ("mysql", "SELECT \"a b\", `c 1` FROM t # it's\nLIMIT 5", "SELECT ?, `c 1` FROM t  \nLIMIT ?"),
            ("postgresql", "SELECT $1, $tag$it's$tag$, $$x$$, 'a'::text", "SELECT $?, ?, ?, ?::text"),
            ("postgresql", "a /* 'x' */ b -- it's\nc", "a   b  \nc"),
            ("postgresql", "a #>> '{b,c}' = 'd'", "a #>> ? = ?"),
            ("mssql", "SELECT [a 1] FROM #t WHERE n = N'x'", "SELECT [a 1] FROM #t WHERE n = N?"),
            ("oracle", "SELECT q'[it's]', nQ'!x!' FROM dual", "SELECT ?, ? FROM dual"),
            ("", "x = -1.5e-3 + .5 + 0xFF + 1_000", "x = -? + ? + ? + ?"),
            ("", "INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (?, ?), (?, ?)"),
            ("snowflake", "a // it's\nb", "a  \nb"),
            ("postgresql", "ARRAY['a', 'b'][1]", "ARRAY[?, ?][?]"),
            ("sqlite", "SELECT [a 1], [b] FROM t WHERE a='x'", "SELECT [a ?], [b] FROM t WHERE a=?"),
            // Two ways to read it, or no end.
            ("sqlite", "SELECT [it's] FROM t WHERE a='x y'", "SELECT ?"),
            ("mssql", "SELECT [a]]b's] FROM t WHERE a='x'", "SELECT ?"),
            ("", "SELECT [a]]b's] FROM t WHERE a='x'", "SELECT ?"),
            ("mysql", "a = 'x\\' OR b = 'y'", "a = ?"),
            ("", "a = 'x\\\\' OR b = 'y'", "a = ? OR b = ?"),
            ("", "a = 'x", "a = ?"),
            ("", "a # it's 'x'", "a ?"),
            ("mysql", "a = 5--'x'", "a = ??"),
            ("postgresql", "a /* /* */ it's */ 'x'", "a ?"),
            ("postgresql", "$a$ it's", "?"),
            ("", "", ""),
        ] {
            assert_eq!(masked(query, Some(system).filter(|system| !system.is_empty())), expected, "{query}");
        }
        assert_eq!(masked("GET user:17", Some("redis")), REDACTED);
    }

    #[test]
    fn time_is_linear_in_the_query() {
        // What is quadratic would need minutes.
        for part in [
            "/", "//a", "#", "# ", "[", "[ ", "$", "$a", "--a", "'", "''", "`", "\"", "q'", "/*", "\\'",
            "1.", "a]",
        ] {
            for system in ["sqlite", "mysql", "mssql", "postgresql", "snowflake"] {
                let (query, end) = (part.repeat(50_000), ["", "]"]);
                end.iter().for_each(|end| drop(masked(&format!("{query}{end}"), Some(system))));
            }
        }
    }

    /// Anything that a database takes for a value, or that a program may hide one in.
    fn literal() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z'\\\\\"$# -]{0,4}".prop_map(|text| format!("'{}SECRET'", text.replace('\'', "''"))),
            "[a-z'\" -]{0,4}".prop_map(|text| format!("'SECRET{}'", text.replace('\'', "''"))),
            "[a-z'\"$ -]{0,4}".prop_map(|text| format!("$q$SECRET{}$q$", text.replace('$', ""))),
            "[a-z' -]{0,4}".prop_map(|text| format!("/* {text}SECRET */")),
            "[a-z'\" -]{0,4}".prop_map(|text| format!("-- SECRET{text}\n")),
            "[a-z'\" -]{0,4}".prop_map(|text| format!("q'[SECRET{text}]'")),
            "[0-9]{0,3}".prop_map(|digits| format!("7777{digits}")),
            "[0-9]{0,3}".prop_map(|digits| format!("{digits}.7777e-7777")),
            Just("0x7777".to_owned()),
        ]
    }

    fn system() -> impl Strategy<Value = &'static str> {
        prop::sample::select(&["postgresql", "mssql", "oracle", "sqlite", "other_sql"][..])
    }

    proptest! {
        #[test]
        fn no_literal_survives(
            system in system(),
            pieces in prop::collection::vec((r#"[a-z_]{1,3}[0-9]?|"[a-z ]{1,3}"|[(),=<>+*/.:;?@-]| "#, literal()), 1..6),
        ) {
            let query: String = pieces.iter().flat_map(|(code, literal)| [code, " ", literal, " "]).collect();
            let masked = masked(&query, Some(system));
            prop_assert!(!masked.contains("SECRET") && !masked.contains("777"), "{query} -> {masked}");
        }

        #[test]
        fn no_literal_of_mysql_survives(
            pieces in prop::collection::vec(
                ("[a-z_(),=<>+ ]{1,4}|`[a-z ]{1,3}`|[a-z]#[a-z']{0,3}\n", "['\"]", r#"([a-z #-]|\\['"\\]){0,4}"#),
                1..5,
            ),
        ) {
            let query: String =
                pieces.iter().map(|(code, quote, text)| format!("{code} {quote}{text}SECRET{text}{quote} ")).collect();
            let masked = masked(&query, Some("mysql"));
            prop_assert!(!masked.contains("SECRET"), "{query} -> {masked}");
        }

        #[test]
        fn any_text_is_taken_and_grows_by_no_more_than_a_mask(query in "\\PC{0,40}", system in system()) {
            prop_assert!(masked(&query, Some(system)).len() <= query.len() + MASK.len());
        }

        #[test]
        fn tokens_of_sql_in_any_order_are_taken(query in r#"['"`$#/*\\a1.\[\]q\n -]{0,30}"#, system in system()) {
            let once = masked(&query, Some(system));
            prop_assert!(!once.contains('\''), "{query} -> {once}");
        }
    }
}
