//! `span.json`: a small readable form of spans, resource and options. See `tests/golden/README.md`.

use std::{
    fmt::Debug,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value as Otel,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_aws_xray::{Redaction, XrayExporter, XrayExporterBuilder};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanLinks},
};
use serde_json::{Map, Value};

/// What a fixture exports, and what it wants to see of it.
pub(crate) struct Fixture {
    /// The rule, in a line.
    pub(crate) why: String,
    /// How much is said to be cut.
    pub(crate) cut: u64,
    /// The top-level fields of interest; all if there are none.
    pub(crate) show: Vec<String>,
    pub(crate) exports: Exports,
}

/// One batch, or a table of cases that are exported each on its own.
pub(crate) enum Exports {
    One(Box<Export>),
    Cases(Vec<(String, Export)>),
}

/// A batch with its exporter.
pub(crate) struct Export {
    pub(crate) builder: XrayExporterBuilder,
    pub(crate) max_document_bytes: usize,
    pub(crate) resource: Resource,
    pub(crate) batch: Vec<SpanData>,
}

impl Fixture {
    pub(crate) fn read(file: &Path) -> Self {
        let text =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut fields = Fields::of(&file.display(), json);
        let why = fields.take("why").map(string).unwrap_or_default();
        assert!(!why.is_empty() && !why.contains('\n'), "{}: expected a line `why`", file.display());
        let cut = fields.take("cut").map_or(0, |cut| cut.as_u64().unwrap());
        let show = fields.take("show").map(strings).unwrap_or_default();
        let options = fields.take("options");
        let resource = fields.take("resource");
        let export = |batch: Vec<Value>, resource: Option<Value>| {
            let (builder, max_document_bytes) = options_of(options.clone());
            Export {
                builder,
                max_document_bytes,
                resource: resource_of(resource),
                batch: batch.into_iter().map(span).collect(),
            }
        };
        let exports = match (fields.take("span"), fields.take("batch"), fields.take("cases")) {
            (Some(span), None, None) => Exports::One(Box::new(export(vec![span], resource))),
            (None, Some(Value::Array(batch)), None) => Exports::One(Box::new(export(batch, resource))),
            (None, None, Some(Value::Object(cases))) => {
                let case = |(label, mut span): (String, Value)| {
                    let own = span.as_object_mut().and_then(|fields| fields.remove("resource"));
                    (label, export(vec![span], own.or_else(|| resource.clone())))
                };
                Exports::Cases(sorted(cases).into_iter().map(case).collect())
            }
            _ => panic!("{}: expected one of `span`, `batch`, `cases`", file.display()),
        };
        fields.end();
        Self { why, cut, show, exports }
    }
}

/// The members of an object, each to be taken once: what nobody asks for is a typing error.
struct Fields {
    of: String,
    members: Map<String, Value>,
}

impl Fields {
    fn of(of: &impl ToString, json: Value) -> Self {
        let of = of.to_string();
        let Value::Object(members) = json else { panic!("{of}: expected an object, but found {json}") };
        Self { of, members }
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.members.remove(key)
    }

    fn end(self) {
        assert!(self.members.is_empty(), "{}: nobody reads {:?}", self.of, self.members);
    }
}

fn options_of(json: Option<Value>) -> (XrayExporterBuilder, usize) {
    let mut fields = Fields::of(&"options", json.unwrap_or_else(|| Value::Object(Map::new())));
    let mut builder = XrayExporter::builder();
    if let Some(keys) = fields.take("indexed_attributes") {
        builder = builder.with_indexed_attributes(strings(keys));
    }
    if let Some(split) = fields.take("split_local_roots") {
        builder = builder.with_split_local_roots(split.as_bool().unwrap());
    }
    if let Some(user) = fields.take("user") {
        builder = builder.with_user(user.as_bool().unwrap());
    }
    if let Some(nesting) = fields.take("nesting") {
        builder = builder.with_nesting(nesting.as_bool().unwrap());
    }
    if let Some(grpc) = fields.take("grpc_status") {
        builder = builder.with_grpc_status(grpc.as_bool().unwrap());
    }
    if let Some(groups) = fields.take("log_groups") {
        builder = builder.with_log_groups(strings(groups));
    }
    if let Some(arn) = fields.take("resource_arn") {
        builder = builder.with_resource_arn(string(arn));
    }
    if let Some(dots) = fields.take("sanitized_dots") {
        builder = builder.with_sanitized_dots(dots.as_bool().unwrap());
    }
    if let Some(prefixes) = fields.take("attribute_prefixes") {
        builder = builder.with_attribute_prefixes(prefixes.as_bool().unwrap());
    }
    if let Some(namespace) = fields.take("metadata_namespace") {
        builder = builder.with_metadata_namespace(string(namespace));
    }
    if let Some(most) = fields.take("event_subsegments") {
        builder = builder.with_event_subsegments(number(&most));
    }
    if let Some(redaction) = fields.take("redaction") {
        builder = builder.with_redaction(redaction_of(redaction));
    }
    let max = fields.take("max_document_bytes").map(|max| number(&max));
    fields.end();
    (builder, max.unwrap_or(xray_wire::limits::MAX_DOCUMENT_BYTES))
}

fn redaction_of(json: Value) -> Redaction {
    let mut fields = Fields::of(&"redaction", json);
    let mut redaction = Redaction::default();
    if let Some(patterns) = fields.take("denied") {
        redaction = redaction.with_denied(strings(patterns));
    }
    if let Some(patterns) = fields.take("allowed") {
        redaction = redaction.with_allowed(strings(patterns));
    }
    if let Some(patterns) = fields.take("denied_metadata") {
        let patterns = strings(patterns);
        let pairs = patterns.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        redaction = pairs
            .fold(redaction, |redaction, (namespace, key)| redaction.with_denied_metadata(namespace, key));
    }
    if let Some(masked) = fields.take("masked_sql") {
        redaction = redaction.with_masked_sql(masked.as_bool().unwrap());
    }
    if let Some(anonymous) = fields.take("anonymous_clients") {
        redaction = redaction.with_anonymous_clients(anonymous.as_bool().unwrap());
    }
    fields.end();
    redaction
}

fn resource_of(json: Option<Value>) -> Resource {
    Resource::builder_empty().with_attributes(attributes(json)).build()
}

fn span(json: Value) -> SpanData {
    let mut fields = Fields::of(&"span", json);
    let hex = |json: Value| u64::from_str_radix(&string(json), 16).unwrap();
    let trace = fields.take("trace_id").map_or(TRACE, |id| u128::from_str_radix(&string(id), 16).unwrap());
    let (local, remote) = (fields.take("parent").map(hex), fields.take("remote_parent").map(hex));
    let flags = match fields.take("sampled") {
        Some(Value::Bool(false)) => TraceFlags::default(),
        _ => TraceFlags::SAMPLED,
    };
    let trace_state = fields
        .take("trace_state")
        .map(|text| string(text).parse::<TraceState>().unwrap())
        .unwrap_or_default();
    let id = fields.take("id").map_or(1, hex);
    let mut dropped =
        Fields::of(&"dropped", fields.take("dropped").unwrap_or_else(|| Value::Object(Map::new())));
    let mut count = |key| dropped.take(key).map_or(0, |count| u32::try_from(number(&count)).unwrap());
    let mut span = SpanData {
        span_context: SpanContext::new(trace.into(), id.into(), flags, false, trace_state),
        parent_span_id: local.or(remote).map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: remote.is_some(),
        span_kind: kind(fields.take("kind")),
        name: fields.take("name").map_or_else(|| "work".to_owned(), text).into(),
        start_time: fields.take("start").map_or_else(|| time(START), |json| time(&string(json))),
        end_time: fields.take("end").map_or_else(|| time(END), |json| time(&string(json))),
        attributes: attributes(fields.take("attributes")),
        dropped_attributes_count: count("attributes"),
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: status(fields.take("status")),
        instrumentation_scope: scope(fields.take("scope")),
    };
    span.events.dropped_count = count("events");
    span.links.dropped_count = count("links");
    dropped.end();
    span.events.events = array(fields.take("events")).into_iter().map(event).collect();
    span.links.links = match fields.take("links") {
        Some(Value::Number(many)) => {
            (1..=many.as_u64().unwrap()).map(|n| link_to(TRACE + 1, n, vec![])).collect()
        }
        other => array(other).into_iter().map(link).collect(),
    };
    fields.end();
    span
}

/// The ids and times of spans that do not say theirs.
const TRACE: u128 = 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793;
const START: &str = "1700000000.123456789";
const END: &str = "1700000001.000000001";

fn kind(json: Option<Value>) -> SpanKind {
    match json.map(string).as_deref() {
        None | Some("internal") => SpanKind::Internal,
        Some("server") => SpanKind::Server,
        Some("client") => SpanKind::Client,
        Some("producer") => SpanKind::Producer,
        Some("consumer") => SpanKind::Consumer,
        Some(other) => panic!("expected a kind of span, but found {other}"),
    }
}

fn status(json: Option<Value>) -> Status {
    match json {
        None => Status::Unset,
        Some(Value::String(ok)) if ok == "ok" => Status::Ok,
        Some(other) => {
            let mut fields = Fields::of(&"status", other);
            let message = fields.take("error").map(text).unwrap();
            fields.end();
            Status::error(message)
        }
    }
}

fn scope(json: Option<Value>) -> InstrumentationScope {
    let Some(json) = json else { return InstrumentationScope::default() };
    let mut fields = Fields::of(&"scope", json);
    let mut scope = InstrumentationScope::builder(fields.take("name").map(string).unwrap_or_default());
    if let Some(version) = fields.take("version") {
        scope = scope.with_version(string(version));
    }
    if let Some(url) = fields.take("schema_url") {
        scope = scope.with_schema_url(string(url));
    }
    scope = scope.with_attributes(attributes(fields.take("attributes")));
    fields.end();
    scope.build()
}

fn event(json: Value) -> Event {
    let mut fields = Fields::of(&"event", json);
    let name = fields.take("name").map(text).unwrap();
    let at = fields.take("time").map_or_else(|| time("1700000000.5"), |json| time(&string(json)));
    let dropped = dropped_attributes(&mut fields);
    let event = Event::new(name, at, attributes(fields.take("attributes")), dropped);
    fields.end();
    event
}

fn link(json: Value) -> Link {
    let mut fields = Fields::of(&"link", json);
    let trace = u128::from_str_radix(&fields.take("trace_id").map(string).unwrap(), 16).unwrap();
    let id = u64::from_str_radix(&fields.take("id").map(string).unwrap(), 16).unwrap();
    let mut link = link_to(trace, id, attributes(fields.take("attributes")));
    link.dropped_attributes_count = dropped_attributes(&mut fields);
    fields.end();
    link
}

fn dropped_attributes(fields: &mut Fields) -> u32 {
    fields.take("dropped_attributes").map_or(0, |count| u32::try_from(number(&count)).unwrap())
}

fn link_to(trace: u128, id: u64, attributes: Vec<KeyValue>) -> Link {
    let context = SpanContext::new(
        TraceId::from(trace),
        SpanId::from(id),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    Link::new(context, attributes, 0)
}

/// An object, by key; or a list of `[key, value]`, in its order. `"key*60": null` is `key0` to `key59`.
fn attributes(json: Option<Value>) -> Vec<KeyValue> {
    let pairs: Vec<(String, Value)> = match json {
        None => Vec::new(),
        Some(Value::Object(members)) => sorted(members),
        Some(Value::Array(pairs)) => pairs
            .into_iter()
            .map(|pair| match <[Value; 2]>::try_from(array(Some(pair))) {
                Ok([key, value]) => (string(key), value),
                Err(other) => panic!("expected a key and a value, but found {other:?}"),
            })
            .collect(),
        Some(other) => panic!("expected attributes, but found {other}"),
    };
    let mut attributes = Vec::new();
    for (key, json) in pairs {
        match key.split_once('*') {
            Some((prefix, many)) if json.is_null() => {
                let many: i64 = many.parse().unwrap();
                attributes.extend((0..many).map(|n| KeyValue::new(format!("{prefix}{n}"), n)));
            }
            _ => attributes.push(KeyValue::new(key, value(json))),
        }
    }
    attributes
}

/// Members by their keys, whatever order the JSON library keeps them in.
fn sorted(members: Map<String, Value>) -> Vec<(String, Value)> {
    let mut members: Vec<_> = members.into_iter().collect();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    members
}

/// JSON as it is; `{"float": "NaN"}`; `{"repeat": ["x", 300]}` for long texts.
fn value(json: Value) -> Otel {
    match json {
        Value::Bool(value) => Otel::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Otel::I64(integer),
            None => Otel::F64(number.as_f64().unwrap()),
        },
        Value::Array(values) => Otel::Array(list(values)),
        Value::Object(fields) if fields.contains_key("float") => {
            Otel::F64(string(fields["float"].clone()).parse().unwrap())
        }
        other => Otel::String(text(other).into()),
    }
}

fn list(values: Vec<Value>) -> Array {
    match values.first() {
        Some(Value::Bool(_)) => Array::Bool(values.iter().map(|value| value.as_bool().unwrap()).collect()),
        Some(Value::Number(number)) if number.is_i64() => {
            Array::I64(values.iter().map(|value| value.as_i64().unwrap()).collect())
        }
        Some(Value::Number(_)) => Array::F64(values.iter().map(|value| value.as_f64().unwrap()).collect()),
        _ => Array::String(values.into_iter().map(|value| StringValue::from(string(value))).collect()),
    }
}

fn text(json: Value) -> String {
    let Value::Object(mut fields) = json else { return string(json) };
    match fields.remove("repeat").map(|pair| <[Value; 2]>::try_from(array(Some(pair)))) {
        Some(Ok([unit, times])) => string(unit).repeat(number(&times)),
        other => panic!("expected text, but found {other:?}"),
    }
}

fn string(json: Value) -> String {
    match json {
        Value::String(text) => text,
        other => unexpected("text", &other),
    }
}

fn strings(json: Value) -> Vec<String> {
    array(Some(json)).into_iter().map(string).collect()
}

fn array(json: Option<Value>) -> Vec<Value> {
    match json {
        None => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(other) => unexpected("an array", &other),
    }
}

fn number(json: &Value) -> usize {
    json.as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or_else(|| unexpected("a number", json))
}

fn unexpected<T>(expected: &str, found: &impl Debug) -> T {
    panic!("expected {expected}, but found {found:?}")
}

/// Epoch seconds with up to nine decimals; a minus before them means before the epoch.
fn time(text: &str) -> SystemTime {
    let (before, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let distance = Duration::new(seconds.parse().unwrap(), format!("{decimals:0<9}").parse().unwrap());
    if before { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}
