//! The id on every line of `tracing-subscriber`'s formatters.

use std::fmt;

use tracing_core::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::{KEY, LogTraceId, current_trace_id};

/// A format of log lines with the id of the trace in front.
///
/// Around one of the text formats (full, compact, pretty), lines begin with `AWS-XRAY-TRACE-ID: 1-…@…`; around the JSON format,
/// objects begin with the field `AWS-XRAY-TRACE-ID`. The id is that of [`current_trace_id`], in spans of OpenTelemetry and of
/// `tracing`; also of an event that names another span as its parent. What is logged outside of a trace stays as it is.
///
/// ```
/// use opentelemetry_aws_xray::logs::WithTraceId;
/// use tracing_subscriber::{fmt, layer::SubscriberExt, registry};
///
/// let subscriber = registry().with(fmt::layer().compact().map_event_format(WithTraceId::text));
/// # drop(subscriber);
/// // With the feature `json` of tracing-subscriber:
/// // fmt::layer().json().map_event_format(WithTraceId::json)
/// ```
#[derive(Debug, Clone, Copy)]
pub struct WithTraceId<F> {
    format: F,
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Text,
    Json,
}

impl<F> WithTraceId<F> {
    /// Around a format that writes text.
    pub fn text(format: F) -> Self {
        Self { format, shape: Shape::Text }
    }

    /// Around a format that writes one JSON object for each event. What another format writes stays as it is.
    ///
    /// ```
    /// use opentelemetry_aws_xray::logs::WithTraceId;
    /// use tracing_subscriber::{fmt, layer::SubscriberExt, registry};
    ///
    /// let subscriber = registry().with(fmt::layer().json().map_event_format(WithTraceId::json));
    /// # drop(subscriber);
    /// ```
    pub fn json(format: F) -> Self {
        Self { format, shape: Shape::Json }
    }
}

impl<S, N, F> FormatEvent<S, N> for WithTraceId<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        cx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(id) = id_for(event) else { return self.format.format_event(cx, writer, event) };
        match self.shape {
            Shape::Text => {
                write!(writer, "{KEY}: {id} ")?;
                self.format.format_event(cx, writer, event)
            }
            Shape::Json => {
                let mut object = FirstField { writer, id, place: Place::Before };
                self.format.format_event(cx, Writer::new(&mut object), event)
            }
        }
    }
}

/// OpenTelemetry warns of too many contexts, and of ones that end twice, while it changes the current one: asking for that
/// would panic.
fn id_for(event: &Event<'_>) -> Option<LogTraceId> {
    if event.metadata().target() == "opentelemetry" { None } else { current_trace_id() }
}

/// Passes a JSON object on with one more field, the first.
struct FirstField<'a> {
    writer: Writer<'a>,
    id: LogTraceId,
    place: Place,
}

/// How far the object is written.
#[derive(PartialEq)]
enum Place {
    Before,
    AfterTheField,
    Later,
}

impl fmt::Write for FirstField<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        if self.place == Place::Before && !rest.is_empty() {
            if let Some(object) = rest.strip_prefix('{') {
                write!(self.writer, "{{\"{KEY}\":\"{}\"", self.id)?;
                self.place = Place::AfterTheField;
                rest = object;
            } else {
                self.place = Place::Later;
            }
        }
        if self.place == Place::AfterTheField && !rest.is_empty() {
            self.place = Place::Later;
            if !rest.starts_with('}') {
                self.writer.write_char(',')?;
            }
        }
        self.writer.write_str(rest)
    }
}

#[cfg(test)]
mod tests;
