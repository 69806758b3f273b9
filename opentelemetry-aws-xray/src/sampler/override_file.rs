//! Overrides as text, one on a line.

use std::{fmt, str::FromStr};

use opentelemetry::trace::SpanKind;

use super::route_override::RouteOverride;

/// Overrides from a file: one on a line, the decision first and what it asks for behind.
///
/// ```text
/// # The first line that matches decides.
/// never            path=/health*
/// always           path=/api/auth*  method=POST
/// 1%               route=/assets/{*file}
/// 10/s             path=/api/*  host=*.example.com
/// 5/s 10%          kind=consumer  name="read orders"
/// rule=payments    path=/pay/*
/// 50% report       tenant.plan=gold
/// ```
///
/// | decision | samples |
/// |---|---|
/// | `always`, `never` | every request, none |
/// | `5%`, `0.05` | a share |
/// | `10/s` | so many requests a second, 4,096 at most, and none of the others |
/// | `10/s 5%` | so many requests a second, and a share of the others |
/// | `rule=NAME` | what the account's rule with this name says |
///
/// Then, in any order, `path`, `route`, `method`, `host`, `name` (of the span) and `kind` (`server`, `client`, `producer`,
/// `consumer`, `internal`), each with a pattern behind `=`; any other key with a dot in it is an attribute. A value with spaces
/// stands in double quotes. `report` and `no-report` choose whether the decision is counted in what X-Ray hears:
/// [`RouteOverride::with_report`]. Behind `#` at the start of a line or after a space is a comment.
///
/// ```
/// use opentelemetry_aws_xray::sampler::{Overrides, RouteOverride};
///
/// let Overrides(overrides) = "
///     never  path=/health*   # Load balancers ask every second.
///     always path=/pay/*  method=POST
/// ".parse()?;
/// assert_eq!(overrides, [
///     RouteOverride::never().with_path("/health*"),
///     RouteOverride::always().with_path("/pay/*").with_method("POST"),
/// ]);
/// # Ok::<(), opentelemetry_aws_xray::sampler::ParseOverridesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides(pub Vec<RouteOverride>);

/// A line could not be understood. Says which one, what was expected, and what was found.
///
/// ```
/// use opentelemetry_aws_xray::sampler::Overrides;
///
/// let error = "always path=/pay/*\nsometimes path=/health".parse::<Overrides>().unwrap_err();
/// assert!(error.to_string().contains("line 2"), "{error}");
/// assert!(error.to_string().ends_with("but found `sometimes`"), "{error}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseOverridesError {
    line: usize,
    reason: String,
}

impl IntoIterator for Overrides {
    type Item = RouteOverride;
    type IntoIter = std::vec::IntoIter<RouteOverride>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromStr for Overrides {
    type Err = ParseOverridesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut overrides = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let found = parse_line(line).map_err(|reason| ParseOverridesError { line: at + 1, reason })?;
            overrides.extend(found);
        }
        Ok(Self(overrides))
    }
}

fn parse_line(line: &str) -> Result<Option<RouteOverride>, String> {
    let words = words(line)?;
    let Some(((key, value), mut rest)) = words.split_first() else { return Ok(None) };
    let mut asked = match (key.as_str(), value) {
        ("always", None) => RouteOverride::always(),
        ("never", None) => RouteOverride::never(),
        ("rule", Some(name)) => RouteOverride::rule(name),
        (word, None) => match (requests_a_second(word), share(word)) {
            (Some(requests), _) => {
                // A share of the others may follow.
                let share =
                    rest.first().filter(|(_, value)| value.is_none()).and_then(|(word, _)| share(word));
                rest = if share.is_some() { &rest[1..] } else { rest };
                RouteOverride::per_second(requests, share.unwrap_or_default())
            }
            (None, Some(share)) => RouteOverride::rate(share),
            (None, None) => return Err(format!("expected {DECISIONS} first, but found `{}`", cut(word))),
        },
        (word, Some(_)) => return Err(format!("expected {DECISIONS} first, but found `{}=`", cut(word))),
    };
    for (key, value) in rest {
        asked = condition(asked, key, value.as_deref())?;
    }
    Ok(Some(asked))
}

const DECISIONS: &str = "`always`, `never`, `5%`, `10/s` or `rule=NAME`";

fn condition(asked: RouteOverride, key: &str, value: Option<&str>) -> Result<RouteOverride, String> {
    Ok(match (key, value) {
        ("report", None) => asked.with_report(true),
        ("no-report", None) => asked.with_report(false),
        ("path", Some(pattern)) => asked.with_path(pattern),
        ("route", Some(pattern)) => asked.with_route(pattern),
        ("method", Some(pattern)) => asked.with_method(pattern),
        ("host", Some(pattern)) => asked.with_host(pattern),
        ("name", Some(pattern)) => asked.with_span_name(pattern),
        ("kind", Some(kind)) => asked.with_kind(span_kind(kind)?),
        (key, Some(pattern)) if key.contains('.') => asked.with_attribute(key, pattern),
        (key, Some(_)) => {
            return Err(format!(
                "expected `path`, `route`, `method`, `host`, `name`, `kind` or an attribute with a dot, but found `{}=`",
                cut(key)
            ));
        }
        (word, None) => return Err(format!("expected `key=pattern` or `report`, but found `{}`", cut(word))),
    })
}

fn span_kind(text: &str) -> Result<SpanKind, String> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        "internal" => SpanKind::Internal,
        _ => {
            return Err(format!(
                "expected `server`, `client`, `producer`, `consumer` or `internal` as `kind`, but found `{}`",
                cut(text)
            ));
        }
    })
}

fn requests_a_second(word: &str) -> Option<u32> {
    word.strip_suffix("/s")?.parse().ok()
}

/// A share from 0 to 1, or from 0 % to 100 %.
fn share(word: &str) -> Option<f64> {
    let share = match word.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok()? / 100.0,
        None => word.parse().ok()?,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

/// A word, and the value behind its `=`.
type Word = (String, Option<String>);

/// The words of a line. Quotes keep spaces and `#` together, and only stand around a value.
fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && !rest.starts_with('#') {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let value = match rest.strip_prefix('=') {
            None => None,
            Some(behind) => {
                let (value, behind) = value(behind)?;
                rest = behind;
                Some(value.to_owned())
            }
        };
        words.push((key, value));
        rest = rest.trim_start();
    }
    Ok(words)
}

/// The value at the start of the text, and what is behind it.
fn value(text: &str) -> Result<(&str, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Ok(text.split_at(end));
    };
    let (value, rest) =
        quoted.split_once('"').ok_or("expected a second `\"`, but found the end of the line")?;
    if rest.starts_with(|c: char| !c.is_whitespace()) {
        return Err(format!("expected a space behind `\"`, but found `{}`", cut(rest)));
    }
    Ok((value, rest))
}

fn cut(text: &str) -> &str {
    const SHOWN_CHARS: usize = 40;
    xray_wire::sanitize::truncate(text, SHOWN_CHARS)
}

impl fmt::Display for ParseOverridesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for ParseOverridesError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_for_each_override() {
        let text = r#"
            # The first line that matches decides.
            never            path=/health*        # not even by rate
            always           path=/api/auth*  method=POST
            1%               route=/assets/{*file}
            10/s             path=/api/*  host=*.example.com
            5/s 10%          kind=Consumer  name="read # orders"
            rule=payments    path=/pay/*
            0.5 report       tenant.plan=gold a.b=
            rule="my rule" no-report
        "#;
        let expected = vec![
            RouteOverride::never().with_path("/health*"),
            RouteOverride::always().with_path("/api/auth*").with_method("POST"),
            RouteOverride::rate(0.01).with_route("/assets/{*file}"),
            RouteOverride::per_second(10, 0.0).with_path("/api/*").with_host("*.example.com"),
            RouteOverride::per_second(5, 0.1).with_kind(SpanKind::Consumer).with_span_name("read # orders"),
            RouteOverride::rule("payments").with_path("/pay/*"),
            RouteOverride::rate(0.5)
                .with_report(true)
                .with_attribute("tenant.plan", "gold")
                .with_attribute("a.b", ""),
            RouteOverride::rule("my rule").with_report(false),
        ];
        assert_eq!(text.parse(), Ok(Overrides(expected)));
        assert_eq!("".parse(), Ok(Overrides::default()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (line, expected) in [
            ("path=/x", "expected `always`, `never`, `5%`, `10/s` or `rule=NAME` first, but found `path=`"),
            (
                "sometimes",
                "expected `always`, `never`, `5%`, `10/s` or `rule=NAME` first, but found `sometimes`",
            ),
            ("101%", "expected `always`, `never`, `5%`, `10/s` or `rule=NAME` first, but found `101%`"),
            ("-1/s", "expected `always`, `never`, `5%`, `10/s` or `rule=NAME` first, but found `-1/s`"),
            (
                "always url=/x",
                "expected `path`, `route`, `method`, `host`, `name`, `kind` or an attribute with a dot, but found `url=`",
            ),
            ("always /x", "expected `key=pattern` or `report`, but found `/x`"),
            ("10/s 5% 5%", "expected `key=pattern` or `report`, but found `5%`"),
            (
                "always kind=web",
                "expected `server`, `client`, `producer`, `consumer` or `internal` as `kind`, but found `web`",
            ),
            ("always name=\"x", "expected a second `\"`, but found the end of the line"),
            ("always name=\"x\"y", "expected a space behind `\"`, but found `y`"),
        ] {
            let error = format!("never\n{line}").parse::<Overrides>().unwrap_err();
            assert_eq!(error.to_string(), format!("line 2: {expected}"));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, line in "[a-z0-9=\"#%/. *]{0,60}") {
            let _ = (text.parse::<Overrides>(), line.parse::<Overrides>());
        }
    }
}
