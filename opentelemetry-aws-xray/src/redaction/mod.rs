//! What users want to keep in the process, besides the secrets that never leave it.

mod apply;
mod client;
mod dialect;
mod queries;
mod sql;

use std::{fmt, sync::Arc};

/// Says what must not leave the process: attributes by name, values in SQL, addresses of clients, and whatever a
/// function of one's own finds. It is applied to spans before anything else reads them, so that what is left out is in
/// no field, annotation or metadata. What is left out on purpose is not counted as cut.
///
/// Passwords, tokens and signatures, by the names of attributes and in addresses, never leave the process, with or without
/// this.
///
/// In patterns, `*` stands for any characters and `?` for one. Attributes that [`annotate`](crate::annotate) and
/// [`add_metadata`](crate::add_metadata) make are matched by their keys, attributes of the resource by
/// `otel.resource.` + key. What is inside of JSON in `aws.xray.metadata.*` is matched as
/// [metadata](Self::with_denied_metadata).
///
/// ```
/// use opentelemetry_aws_xray::{Redaction, Verdict, XrayExporter};
///
/// let redaction = Redaction::default()
///     .with_denied(["card.*", "http.request.header.*"])
///     .with_masked_sql(true)
///     .with_anonymous_clients(true)
///     .with_rule(|_key, value| if value.contains("@example.com") { Verdict::Omit } else { Verdict::Keep });
/// let exporter = XrayExporter::builder().with_redaction(redaction).build();
/// # drop(exporter);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a redaction does nothing until an exporter has it"]
pub struct Redaction {
    allowed: Vec<String>,
    denied: Vec<String>,
    denied_metadata: Vec<(String, String)>,
    masked_sql: bool,
    anonymous_clients: bool,
    rule: Option<Rule>,
    /// Whether `annotation.` and `metadata.` before names were taken for those of handlers.
    adopts_prefixes: bool,
}

/// What becomes of a text.
///
/// ```
/// use opentelemetry_aws_xray::{Redaction, Verdict};
///
/// let redaction = Redaction::default().with_rule(|key, value| match key {
///     "enduser.email" => Verdict::Omit,
///     "url.path" if value.starts_with("/reset/") => Verdict::Replace("/reset/…".to_owned()),
///     _ => Verdict::Keep,
/// });
/// # drop(redaction);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// It is left out, with its attribute.
    Omit,
    /// This stands in its place.
    Replace(String),
}

impl Redaction {
    /// Attributes that may leave the process; without any pattern, all may. Attributes that mean something to X-Ray (the
    /// table of `docs/mapping.md`), those of exceptions and of the resource, and why tail sampling kept a request need none:
    /// deny those of them that shall stay.
    ///
    /// ```
    /// use opentelemetry_aws_xray::Redaction;
    ///
    /// // Of one's own attributes, these; what X-Ray has a field for needs no pattern.
    /// let redaction = Redaction::default().with_allowed(["order.*", "feature.?"]);
    /// ```
    ///
    /// Default: all.
    pub fn with_allowed<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.allowed = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Attributes that are left out, whatever else is said of them.
    ///
    /// Default: none.
    pub fn with_denied<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.denied = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// Metadata that is left out, by patterns of its namespace and its key: `("events", "*")` leaves out events that are not
    /// exceptions, `("*", "otel.resource.*")` the resource. Fields and annotations are not concerned. Calls add up.
    ///
    /// OTLP has no metadata, so that this has no effect there, and a warning says so: [`with_denied`](Self::with_denied) has.
    ///
    /// ```
    /// use opentelemetry_aws_xray::Redaction;
    ///
    /// let redaction = Redaction::default()
    ///     .with_denied_metadata("events", "*")
    ///     .with_denied_metadata("*", "otel.resource.*");
    /// ```
    ///
    /// Default: none.
    pub fn with_denied_metadata(mut self, namespace: impl Into<String>, key: impl Into<String>) -> Self {
        self.denied_metadata.push((namespace.into(), key.into()));
        self
    }

    /// Whether values in SQL become `?`, in `db.query.text`, `db.statement`, `summary` beside it (as sqlx logs queries), and a
    /// name that is such a query: of spans, events and links. Comments are taken out, since programs put values there
    /// too. Where a query can be read in two ways, all that follows becomes one `?`. Queries to databases that are not
    /// asked in SQL become `REDACTED`, parameters (`db.query.parameter.*`) `?`.
    ///
    /// Messages of errors may quote queries too, and stay as they are.
    ///
    /// ```
    /// use opentelemetry_aws_xray::{Redaction, XrayExporter};
    /// # use opentelemetry::{KeyValue, trace::{SpanKind, Tracer, TracerProvider}};
    /// # use opentelemetry_aws_xray::sink::MemorySink;
    /// # let sink = MemorySink::default();
    ///
    /// let exporter = XrayExporter::builder().with_redaction(Redaction::default().with_masked_sql(true));
    /// # let exporter = exporter.with_sink(sink.clone()).build();
    /// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    /// # let tracer = provider.tracer("shop");
    /// # let span = tracer.span_builder("call").with_kind(SpanKind::Client).with_attributes([KeyValue::new("db.system.name", "postgresql"), KeyValue::new("db.query.text", "SELECT * FROM users WHERE email = 'a@b.c' AND age > 17")]);
    /// # drop(tracer.build(span));
    /// // Of a span that asks `SELECT * FROM users WHERE email = 'a@b.c' AND age > 17`:
    /// let document = sink.take().remove(0);
    /// assert!(document.contains(r#""SELECT * FROM users WHERE email = ? AND age > ?""#), "{document}");
    /// ```
    ///
    /// Default: `false`.
    pub fn with_masked_sql(mut self, masked: bool) -> Self {
        self.masked_sql = masked;
        self
    }

    /// Whether addresses of clients, in SERVER and CONSUMER spans, lose their last part: the last octet of IPv4, the last
    /// 80 bits of IPv6 become zero. What is no address, and headers that name several, become `REDACTED`.
    ///
    /// ```
    /// use opentelemetry_aws_xray::{Redaction, XrayExporter};
    /// # use opentelemetry::{KeyValue, trace::{SpanKind, Tracer, TracerProvider}};
    /// # use opentelemetry_aws_xray::sink::MemorySink;
    /// # let sink = MemorySink::default();
    ///
    /// let exporter = XrayExporter::builder().with_redaction(Redaction::default().with_anonymous_clients(true));
    /// # let exporter = exporter.with_sink(sink.clone()).build();
    /// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    /// # let tracer = provider.tracer("shop");
    /// # let span = tracer.span_builder("call").with_kind(SpanKind::Server).with_attributes([KeyValue::new("http.request.method", "GET"), KeyValue::new("client.address", "203.0.113.7")]);
    /// # drop(tracer.build(span));
    /// // Of a request from 203.0.113.7:
    /// let document = sink.take().remove(0);
    /// assert!(document.contains(r#""client_ip":"203.0.113.0""#), "{document}");
    /// ```
    ///
    /// Default: `false`.
    pub fn with_anonymous_clients(mut self, anonymous: bool) -> Self {
        self.anonymous_clients = anonymous;
        self
    }

    /// A function that sees each text before it leaves, with the key of its attribute, and after all other rules. Items of
    /// lists are shown one by one; numbers and truth values are not shown. A span's name comes as `otel.span.name`, the
    /// message of its status as `otel.status.description`, an event's name as `otel.event.name`, attributes of the
    /// resource as `otel.resource.` + key. What others say of themselves comes as `otel.scope.name`, `otel.scope.version`,
    /// `otel.scope.schema_url`, and `otel.trace_state`, of links too: omitted, it is left out, and so is a trace state that is
    /// replaced by what is none.
    ///
    /// It runs on the thread that exports. If it panics, the batch is lost and counted;
    /// if it does so on the resource, segments say nothing of that.
    ///
    /// Default: none.
    pub fn with_rule(mut self, rule: impl Fn(&str, &str) -> Verdict + Send + Sync + 'static) -> Self {
        self.rule = Some(Rule(Arc::new(rule)));
        self
    }

    /// Matches what was adopted by the name that it had before, too.
    pub(crate) fn set_adopts_prefixes(&mut self, adopts: bool) {
        self.adopts_prefixes = adopts;
    }
}

/// A user's function.
#[derive(Clone)]
struct Rule(Arc<RuleFn>);

type RuleFn = dyn Fn(&str, &str) -> Verdict + Send + Sync;

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

#[cfg(test)]
mod tests;
