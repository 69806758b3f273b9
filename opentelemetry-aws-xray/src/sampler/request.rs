//! What rules may ask of a request, from the attributes that its span has when it starts.

use std::fmt::{self, Write};

use opentelemetry::{KeyValue, Value, trace::SpanKind};
use xray_wire::sampling::{Attributes, Field, Pattern, Request, Table};

/// The attributes that tell something, of present and of older semantic conventions.
#[derive(Default)]
struct Found<'a> {
    method: Option<&'a str>,
    original_method: Option<&'a str>,
    old_method: Option<&'a str>,
    path: Option<&'a str>,
    target: Option<&'a str>,
    url: Option<&'a str>,
    old_url: Option<&'a str>,
    server: Option<&'a str>,
    old_server: Option<&'a str>,
    old_host: Option<&'a str>,
    cloud_resource: Option<&'a str>,
    faas_id: Option<&'a str>,
    invoked_arn: Option<&'a str>,
    tracing_method: Option<&'a str>,
    tracing_uri: Option<&'a str>,
}

/// A span's attributes.
#[derive(Clone, Copy)]
pub(super) struct SpanAttributes<'a>(pub(super) &'a [KeyValue]);

/// What `table` asks for, of a span that starts with these attributes.
///
/// | field | the first of |
/// |---|---|
/// | method | `http.request.method` (`_OTHER`: `http.request.method_original`), `http.method` |
/// | path | `url.path`, `http.target`, the path of `url.full` or `http.url`, `/` if there is a method |
/// | host | `server.address`, `net.host.name`, `http.host`, and for servers that of `url.full` or `http.url` |
/// | method and path, where none of these are | `method` and `uri`, as `TraceLayer` of tower-http has them: both or neither |
/// | ARN, on Lambda | `cloud.resource_id`, `faas.id`, `aws.lambda.invoked_arn` |
#[inline]
pub(super) fn request<'a>(table: &Table, kind: &SpanKind, attributes: &'a SpanAttributes<'a>) -> Request<'a> {
    const FIELDS: [Field; 4] = [Field::HttpMethod, Field::UrlPath, Field::Host, Field::ResourceArn];
    if !FIELDS.iter().any(|field| table.asks_for(*field)) {
        return Request { attributes, ..Request::UNKNOWN };
    }
    present_request(table, attributes).unwrap_or_else(|| whole_request(kind, attributes))
}

/// What `table` asks for, if attributes of present conventions tell all of it, as most spans have them: one look at each
/// attribute is enough.
#[inline]
fn present_request<'a>(table: &Table, attributes: &'a SpanAttributes<'a>) -> Option<Request<'a>> {
    let (mut http_method, mut url_path, mut host) = (None, None, None);
    for KeyValue { key, value, .. } in attributes.0 {
        let Value::String(text) = value else { continue };
        match key.as_str() {
            "http.request.method" => http_method = Some(text.as_str()),
            "url.path" => url_path = Some(text.as_str()),
            "server.address" => host = Some(text.as_str()),
            _ => {}
        }
    }
    let is_told = (http_method.is_some_and(|method| method != "_OTHER")
        || !table.asks_for(Field::HttpMethod))
        && (url_path.is_some() || !table.asks_for(Field::UrlPath))
        && (host.is_some() || !table.asks_for(Field::Host))
        && !table.asks_for(Field::ResourceArn);
    is_told.then_some(Request { http_method, url_path, host, resource_arn: None, attributes })
}

/// All of it, whoever asks.
#[inline(never)]
pub(super) fn whole_request<'a>(kind: &SpanKind, attributes: &'a SpanAttributes<'a>) -> Request<'a> {
    Found::new(attributes.0).request(kind, attributes)
}

impl<'a> Found<'a> {
    /// The SDK keeps every value that was set for a key; the last one counts.
    #[inline]
    fn new(attributes: &'a [KeyValue]) -> Self {
        let mut found = Self::default();
        for KeyValue { key, value, .. } in attributes {
            let Value::String(text) = value else { continue };
            let key = key.as_str();
            // Comparing lengths first costs less than comparing names: most have another.
            let place = match key.len() {
                3 if key == "uri" => &mut found.tracing_uri,
                6 if key == "method" => &mut found.tracing_method,
                7 if key == "faas.id" => &mut found.faas_id,
                8 if key == "url.path" => &mut found.path,
                8 if key == "url.full" => &mut found.url,
                8 if key == "http.url" => &mut found.old_url,
                9 if key == "http.host" => &mut found.old_host,
                11 if key == "http.target" => &mut found.target,
                11 if key == "http.method" => &mut found.old_method,
                13 if key == "net.host.name" => &mut found.old_server,
                14 if key == "server.address" => &mut found.server,
                17 if key == "cloud.resource_id" => &mut found.cloud_resource,
                19 if key == "http.request.method" => &mut found.method,
                22 if key == "aws.lambda.invoked_arn" => &mut found.invoked_arn,
                28 if key == "http.request.method_original" => &mut found.original_method,
                _ => continue,
            };
            *place = Some(text.as_str());
        }
        found
    }

    /// Method and URI of a span that has neither by a convention. Other spans may have an attribute with one of these names that means
    /// something else; one with both is of a request.
    #[inline]
    fn tracing(&self) -> Option<(&'a str, &'a str)> {
        let is_unknown = self.method.is_none() && self.old_method.is_none();
        self.tracing_method.zip(self.tracing_uri).filter(|_| is_unknown)
    }

    #[inline]
    fn request(&self, kind: &SpanKind, attributes: &'a SpanAttributes<'a>) -> Request<'a> {
        let tracing = self.tracing();
        let http_method = match self.method {
            Some("_OTHER") => self.original_method.or(self.method),
            method => method.or(self.old_method).or(tracing.map(|(method, _)| method)),
        };
        let url = self.url.or(self.old_url).or(tracing.map(|(_, uri)| uri)).and_then(Url::parse);
        let host_of_url = || url.as_ref().filter(|_| *kind == SpanKind::Server).and_then(|url| url.host);
        Request {
            http_method,
            url_path: (self.path.or(self.target))
                .or_else(|| url.as_ref().map(|url| url.path))
                .or_else(|| tracing.and_then(|(_, uri)| path_of(uri)))
                .or_else(|| http_method.map(|_| "/")),
            host: self.server.or(self.old_server).or(self.old_host).or_else(host_of_url),
            resource_arn: self.cloud_resource.or(self.faas_id).or(self.invoked_arn),
            attributes,
        }
    }
}

/// The path of a URI without a scheme.
fn path_of(uri: &str) -> Option<&str> {
    uri.split(['?', '#']).next().filter(|path| path.starts_with('/'))
}

/// The parts of a URL with a scheme. Without one, it is not known where they are.
struct Url<'a> {
    host: Option<&'a str>,
    path: &'a str,
}

impl<'a> Url<'a> {
    fn parse(url: &'a str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = if path.starts_with('/') { path } else { "/" };
        Some(Self { host: (!host.is_empty()).then_some(host), path })
    }
}

impl Attributes for SpanAttributes<'_> {
    fn matches(&self, key: &str, pattern: &Pattern) -> bool {
        let Some(attribute) = self.0.iter().rev().find(|attribute| attribute.key.as_str() == key) else {
            return false;
        };
        let mut number = Number::default();
        let text = match &attribute.value {
            Value::String(text) => text.as_str(),
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::I64(value) => number.text(value),
            Value::F64(value) => number.text(value),
            _ => return false,
        };
        pattern.matches(Some(text))
    }
}

/// A number as text, without an allocation.
struct Number {
    /// The longest numbers, such as `1e-308`, are written out in full; of those the beginning will do.
    bytes: [u8; 64],
    len: usize,
}

impl Default for Number {
    fn default() -> Self {
        Self { bytes: [0; 64], len: 0 }
    }
}

impl Number {
    fn text(&mut self, value: impl fmt::Display) -> &str {
        // Fails where the text is cut.
        let _ = write!(self, "{value}");
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Number {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = &mut self.bytes[self.len..];
        let taken = text.len().min(rest.len());
        rest[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.len += taken;
        if taken == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xray_wire::sampling::{Process, Rate, ResourceArn, Rule};

    use super::*;

    #[test]
    fn conventions_old_and_new() {
        let mut rule = Rule::for_all("all fields", 1, 0, Rate::NEVER);
        for field in [&mut rule.host, &mut rule.http_method, &mut rule.url_path, &mut rule.resource_arn] {
            *field = "x".into();
        }
        let process = Process { resource_arn: ResourceArn::Request, ..Process::default() };
        let table = Table::local(vec![rule], &process);
        for (attributes, method, path, host, arn) in [
            (&[][..], None, None, None, None),
            (
                &[
                    ("http.request.method", "GET"),
                    ("url.path", "/a"),
                    ("server.address", "h"),
                    ("url.query", "q=1"),
                ],
                Some("GET"),
                Some("/a"),
                Some("h"),
                None,
            ),
            (
                &[
                    ("http.method", "GET"),
                    ("http.target", "/a?b=c"),
                    ("http.host", "h:80"),
                    ("net.host.name", "n"),
                ],
                Some("GET"),
                Some("/a?b=c"),
                Some("n"),
                None,
            ),
            (
                &[("http.request.method", "_OTHER"), ("http.request.method_original", "BREW")],
                Some("BREW"),
                Some("/"),
                None,
                None,
            ),
            (&[("url.full", "https://u:p@h:1/a?b#c")], None, Some("/a?b#c"), Some("h:1"), None),
            (&[("url.full", "https://h?b=/c")], None, Some("/"), Some("h"), None),
            (&[("http.url", "/no/scheme")], None, None, None, None),
            (&[("url.path", "/a"), ("url.path", "/b")], None, Some("/b"), None, None),
            (
                &[("method", "GET"), ("uri", "/a?b=c"), ("version", "HTTP/1.1")],
                Some("GET"),
                Some("/a"),
                None,
                None,
            ),
            (&[("method", "GET"), ("uri", "http://h/a")], Some("GET"), Some("/a"), Some("h"), None),
            (&[("method", "CONNECT"), ("uri", "h:80")], Some("CONNECT"), Some("/"), None, None),
            (&[("method", "bisection")], None, None, None, None),
            (&[("uri", "/a")], None, None, None, None),
            (
                &[("method", "x"), ("uri", "/x"), ("http.request.method", "GET"), ("url.path", "/a")],
                Some("GET"),
                Some("/a"),
                None,
                None,
            ),
            (&[("aws.lambda.invoked_arn", "i"), ("faas.id", "f")], None, None, None, Some("f")),
        ] {
            let attributes: Vec<_> =
                attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
            let attributes = SpanAttributes(&attributes);
            let found = request(&table, &SpanKind::Server, &attributes);
            assert_eq!(
                (found.http_method, found.url_path, found.host, found.resource_arn),
                (method, path, host, arn),
                "{:?}",
                attributes.0
            );
        }
    }

    #[test]
    fn the_host_of_a_url_is_that_of_the_server_that_answers() {
        let mut rule = Rule::for_all("host", 1, 0, Rate::NEVER);
        rule.host = "h".into();
        let table = Table::local(vec![rule], &Process::default());
        let attributes = [KeyValue::new("url.full", "http://h/")];
        for (kind, expected) in [(SpanKind::Server, Some("h")), (SpanKind::Client, None)] {
            assert_eq!(request(&table, &kind, &SpanAttributes(&attributes)).host, expected);
        }
    }

    #[test]
    fn values_are_compared_as_text() {
        for (value, pattern, expected) in [
            (Value::from("Gold"), "g*", true),
            (Value::from(42), "4?", true),
            (Value::from(i64::MIN), "-9223372036854775808", true),
            (Value::from(0.5), "0.5", true),
            (Value::from(f64::MIN_POSITIVE), "0.00*", true),
            (Value::from(true), "TRUE", true),
            (Value::from(false), "true", false),
            (Value::from("x"), "", false),
        ] {
            let attributes = [KeyValue::new("k", "other"), KeyValue::new("k", value.clone())];
            let attributes = SpanAttributes(&attributes);
            assert_eq!(attributes.matches("k", &pattern.into()), expected, "{value} {pattern}");
            assert!(!attributes.matches("missing", &Pattern::any()), "a key has to be there");
        }
    }

    fn attribute() -> impl Strategy<Value = KeyValue> {
        let present = "http\\.request\\.method|url\\.path|server\\.address";
        let older = "http\\.method|http\\.target|url\\.full|net\\.host\\.name|faas\\.id";
        let value = prop_oneof![
            "GET|_OTHER|/a|/b|h".prop_map(Value::from),
            Just(Value::from("http://u/c")),
            Just(Value::from(7)),
        ];
        (prop_oneof![2 => present, 1 => older], value).prop_map(|(key, value)| KeyValue::new(key, value))
    }

    proptest! {
        #[test]
        fn a_table_gets_what_it_asks_for_of_the_whole(
            attributes in prop::collection::vec(attribute(), 0..6),
            asked: [bool; 4],
        ) {
            let attributes = SpanAttributes(&attributes);
            let mut rule = Rule::for_all("some fields", 1, 0, Rate::NEVER);
            let fields = [&mut rule.http_method, &mut rule.url_path, &mut rule.host, &mut rule.resource_arn];
            for (field, is_asked) in fields.into_iter().zip(asked) {
                *field = if is_asked { "x" } else { "*" }.into();
            }
            let process = Process { resource_arn: ResourceArn::Request, ..Process::default() };
            let table = Table::local(vec![rule], &process);
            let kind = SpanKind::Server;
            let [found, whole] = [request(&table, &kind, &attributes), whole_request(&kind, &attributes)]
                .map(|found| [found.http_method, found.url_path, found.host, found.resource_arn]);
            for (at, _) in asked.into_iter().enumerate().filter(|(_, is_asked)| *is_asked) {
                prop_assert_eq!(found[at], whole[at]);
            }
        }
    }
}
