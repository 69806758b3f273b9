//! The `cause` block (docs/mapping.md).

use std::borrow::Cow;

use opentelemetry::{
    Array, KeyValue, Value,
    trace::{Event, SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    SegmentId,
    encode::{Body, EncodedFrames},
    segment::Exception,
};

use super::{
    super::{
        attributes::{Attributes, Slot},
        stack::{self, Frames, Language, Limits, Sink, Thrown},
    },
    budget::Budget,
    derive::derived_id,
    name::is_aws_api,
    texts::Texts,
    timestamp::timestamp,
};
use crate::redact;

/// Why the span failed: its exception events, whatever its status; else the message of its error status.
#[inline]
pub(super) fn cause<'a>(
    span: &'a SpanData,
    id: SegmentId,
    language: Option<Language>,
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    texts: &mut Texts,
    lists: Lists<'_, 'a>,
) -> Option<Cause<'a>> {
    if span.events.events.is_empty() && !matches!(span.status, Status::Error { .. }) {
        return None;
    }
    failure(span, id, language, attributes, budget, texts, lists)
}

/// The same of a span that may have failed.
fn failure<'a>(
    span: &'a SpanData,
    id: SegmentId,
    language: Option<Language>,
    attributes: &mut Attributes<'a, '_>,
    budget: &Budget,
    texts: &mut Texts,
    lists: Lists<'_, 'a>,
) -> Option<Cause<'a>> {
    let Lists { exceptions: room, frames } = lists;
    let mut exceptions = std::mem::take(room);
    let is_call = matches!(span.span_kind, SpanKind::Client | SpanKind::Producer);
    let is_aws_api = is_aws_api(attributes);
    for event in span.events.events.iter().filter(|event| is_exception(event, is_aws_api)) {
        if exceptions.len() >= budget.exceptions {
            texts.count_cut();
            continue;
        }
        let own_id = derived_id(id, exceptions.len() + 1);
        let exception = event_exception(event, own_id, is_call, budget, texts)
            .unwrap_or_else(|| aws_http_failure(event, own_id, budget, texts));
        exceptions.push(Thrown { exception, frames: std::mem::take(frames), is_recorded: true });
        let limits = Limits {
            max_frames: budget.frames,
            max_causes: MAX_CAUSES.min(budget.exceptions.saturating_sub(exceptions.len())),
            max_chars: budget.text_chars,
        };
        let mut found = Frames::of(&mut exceptions, limits, |n| derived_id(id, n + 1));
        match event.attributes.iter().rev().find(|attribute| attribute.key.as_str() == STACKTRACE) {
            Some(KeyValue { value: Value::String(trace), .. }) => {
                stack::parse(language, trace.as_str(), &mut found);
            }
            // So does tracing-opentelemetry write the sources of an error.
            Some(KeyValue { value: Value::Array(Array::String(sources)), .. }) => {
                sources
                    .iter()
                    .for_each(|source| found.caused_by(Cow::Borrowed(""), Cow::Borrowed(source.as_str())));
            }
            _ => {}
        }
        texts.count_cuts(found.cuts());
    }
    if exceptions.is_empty()
        && let Some(message) = status_message(span, attributes)
    {
        let kind = attributes.text(Slot::ErrorType).unwrap_or_default();
        let exception = exception(derived_id(id, 1), kind, message, budget, texts);
        exceptions.push(Thrown { exception, frames: EncodedFrames::default(), is_recorded: false });
    }
    if exceptions.is_empty() {
        *room = exceptions;
        return None;
    }
    let mut paths = attributes.texts(Slot::AwsXrayCausePaths);
    if !paths.is_empty() && paths.len() <= budget.entries {
        attributes.consume(Slot::AwsXrayCausePaths);
    }
    paths.truncate(budget.entries);
    let paths = paths.into_iter().map(|path| texts.cut(path, budget.text_chars).0).collect();
    let working_directory = attributes.text(Slot::AwsXrayCauseWorkingDirectory).map(|path| {
        attributes.consume(Slot::AwsXrayCauseWorkingDirectory);
        texts.cut_borrowed(path, budget.text_chars).0
    });
    Some(Cause { working_directory, paths, exceptions })
}

/// Why a span failed.
#[derive(Debug)]
pub(super) struct Cause<'a> {
    working_directory: Option<&'a str>,
    paths: Vec<Cow<'a, str>>,
    pub(super) exceptions: Vec<Thrown<'a>>,
}

impl Cause<'_> {
    pub(super) fn write(&self, body: &mut Body<'_>) {
        let exceptions = self.exceptions.iter().map(|thrown| (&thrown.exception, &thrown.frames));
        body.cause(self.working_directory, &self.paths, exceptions);
    }
}

/// Lists that are used again.
pub(super) struct Lists<'l, 'a> {
    pub(super) exceptions: &'l mut Vec<Thrown<'a>>,
    pub(super) frames: &'l mut EncodedFrames,
}

/// Exceptions that one stack trace may add to its own: longer chains say no more to a person.
const MAX_CAUSES: usize = 10;

const STACKTRACE: &str = "exception.stacktrace";

/// What an event says of the exception that it records. Fields that came from X-Ray go back as they were.
fn event_exception<'a>(
    event: &'a Event,
    derived: SegmentId,
    is_call: bool,
    budget: &Budget,
    texts: &mut Texts,
) -> Option<Exception<'a>> {
    if !records_exception(event) {
        return None;
    }
    let field = |name| event_text(event, name).unwrap_or_default();
    let mut own = exception(derived, field("exception.type"), field(MESSAGE), budget, texts);
    own.remote = is_call;
    for attribute in &event.attributes {
        match (attribute.key.as_str(), &attribute.value) {
            ("aws.xray.exception.id", Value::String(id)) => own.id = id.as_str().parse().ok().or(own.id),
            ("aws.xray.exception.cause", Value::String(id)) => own.cause = id.as_str().parse().ok(),
            ("aws.xray.exception.remote", Value::Bool(remote)) => own.remote = *remote,
            ("aws.xray.exception.truncated", Value::I64(n)) => {
                own.truncated = u32::try_from(*n).unwrap_or_default();
            }
            ("aws.xray.exception.skipped", Value::I64(n)) => {
                own.skipped = u32::try_from(*n).unwrap_or_default();
            }
            _ => {}
        }
    }
    Some(own)
}

/// An answer that the AWS SDK did not accept.
fn aws_http_failure<'a>(
    event: &'a Event,
    id: SegmentId,
    budget: &Budget,
    texts: &mut Texts,
) -> Exception<'a> {
    let code =
        event.attributes.iter().rev().find(|attribute| attribute.key.as_str() == "http.response.status_code");
    let code = code.map(|code| code.value.to_string()).unwrap_or_default();
    let at = timestamp(event.timestamp).as_nanos() / 1_000;
    let error = redact::text(event_text(event, "aws.http.error_message").unwrap_or_default());
    let message = format!("{code}@{}.{:06}@{error}", at / 1_000_000, at % 1_000_000);
    Exception {
        id: Some(id),
        kind: Cow::Borrowed("aws.http.error.event"),
        message: texts.cut(Cow::Owned(message), budget.text_chars).0,
        remote: true,
        truncated: 0,
        skipped: 0,
        cause: None,
        stack: Vec::new(),
    }
}

/// The message of an error status, or what the span itself or HTTP said instead of one.
fn status_message<'a>(span: &'a SpanData, attributes: &mut Attributes<'a, '_>) -> Option<&'a str> {
    let Status::Error { description } = &span.status else { return None };
    if !description.is_empty() {
        return Some(description);
    }
    let (slot, text) = attributes.first_text(&[Slot::ExceptionMessage, Slot::HttpStatusText])?;
    attributes.consume(slot);
    Some(text)
}

fn exception<'a>(
    id: SegmentId,
    kind: &'a str,
    message: &'a str,
    budget: &Budget,
    texts: &mut Texts,
) -> Exception<'a> {
    Exception {
        id: Some(id),
        kind: texts.cut(Cow::Borrowed(kind), budget.text_chars).0,
        message: texts.cut(redact::text(message), budget.text_chars).0,
        remote: false,
        truncated: 0,
        skipped: 0,
        cause: None,
        stack: Vec::new(),
    }
}

const EXCEPTION: &str = "exception";
const MESSAGE: &str = "exception.message";

/// Whether an event is an exception by its name, or by what it says: with tracing-opentelemetry, an error that is logged as a
/// value is in an event named by the line's message.
fn records_exception(event: &Event) -> bool {
    event.name == EXCEPTION || event_text(event, MESSAGE).is_some()
}

/// Whether an event is told under `cause`.
pub(super) fn is_exception(event: &Event, is_aws_api: bool) -> bool {
    records_exception(event)
        || (is_aws_api
            && event.name == "HTTP request failure"
            && event_text(event, "aws.http.error_message").is_some()
            && event.attributes.iter().any(|attribute| attribute.key.as_str() == "http.response.status_code"))
}

/// Whether the name of such an event says nothing but that it is one.
pub(super) fn is_plainly_named(event: &Event) -> bool {
    event.name == EXCEPTION || event_text(event, MESSAGE).is_none()
}

/// Whether an attribute of such an event is told by the exception that it became.
pub(super) fn is_told(attribute: &KeyValue, Thrown { exception, frames, .. }: &Thrown<'_>) -> bool {
    match (attribute.key.as_str(), &attribute.value) {
        ("exception.type" | "exception.message", Value::String(_)) => true,
        (STACKTRACE, Value::String(_)) => !frames.is_empty(),
        (STACKTRACE, Value::Array(Array::String(_))) => exception.cause.is_some() && exception.skipped == 0,
        ("http.response.status_code" | "aws.http.error_message", _) => {
            exception.kind == "aws.http.error.event"
        }
        ("aws.xray.exception.id", Value::String(id)) => id.as_str().parse().ok() == exception.id,
        // Where the stack trace names causes, these are linked instead.
        ("aws.xray.exception.cause", Value::String(id)) => {
            id.as_str().parse().is_ok_and(|id| exception.cause == Some(id))
        }
        ("aws.xray.exception.remote", Value::Bool(_)) => true,
        ("aws.xray.exception.truncated" | "aws.xray.exception.skipped", Value::I64(n)) => {
            u32::try_from(*n).is_ok()
        }
        _ => false,
    }
}

/// The last value of a text attribute of an event.
fn event_text<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.attributes.iter().rev().find_map(|attribute| match &attribute.value {
        Value::String(text) if attribute.key.as_str() == name => Some(text.as_str()),
        _ => None,
    })
}
