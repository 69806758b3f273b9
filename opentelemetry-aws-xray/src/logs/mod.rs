//! Ids in log lines, by which CloudWatch shows the lines of a trace beside it.
//!
//! The console searches the [log groups of the trace](crate::XrayExporterBuilder::with_log_groups) for its id. It is
//! written as the X-Ray SDK for Java writes it, under [`KEY`] (X-Ray developer guide, "Sending trace data to X-Ray with the
//! X-Ray SDK for Java", logging). With the feature `tracing`, `WithTraceId` puts it on every line of `tracing-subscriber`;
//! other loggers ask [`current_trace_id`]:
//!
//! ```
//! use opentelemetry_aws_xray::logs;
//!
//! # let (print, message) = (|line: String| assert_eq!(line, "closed"), "closed");
//! match logs::current_trace_id() {
//!     // AWS-XRAY-TRACE-ID: 1-5759e988-bd862e3fe1be46a994272793@53995c3f42cd8ad8 closed
//!     Some(id) => print(format!("{}: {id} {message}", logs::KEY)),
//!     None => print(message.to_owned()),
//! }
//! ```

#[cfg(feature = "tracing")]
mod format;

use std::fmt;

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};
use xray_wire::{SegmentId, TraceId};

#[cfg(feature = "tracing")]
pub use format::WithTraceId;

/// What the id is called, before a colon in text and as a field of JSON: `AWS-XRAY-TRACE-ID`.
///
/// ```
/// use opentelemetry_aws_xray::logs;
///
/// /// One line of a log in JSON.
/// fn line(message: &str) -> String {
///     let id = logs::current_trace_id().map(|id| id.to_string()).unwrap_or_default();
///     format!(r#"{{"{}":"{id}","message":"{message}"}}"#, logs::KEY)
/// }
/// assert_eq!(line("closed"), r#"{"AWS-XRAY-TRACE-ID":"","message":"closed"}"#);
/// ```
pub const KEY: &str = "AWS-XRAY-TRACE-ID";

/// The id of a trace, and of the segment or subsegment in it where something was logged.
///
/// It is displayed as `1-5759e988-bd862e3fe1be46a994272793@53995c3f42cd8ad8`, without an allocation.
///
/// ```
/// use opentelemetry::{Context, trace::{SpanContext, TraceContextExt, TraceFlags, TraceState}};
/// use opentelemetry_aws_xray::logs;
///
/// # let (trace, span) = (0x5759e988_bd862e3fe1be46a994272793_u128.into(), 0x53995c3f42cd8ad8_u64.into());
/// // A caller's span, to which no line of ours belongs: the id of the trace alone.
/// let caller = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE);
/// let id = logs::trace_id(&Context::new().with_remote_span_context(caller)).unwrap();
/// assert_eq!(id.to_string(), "1-5759e988-bd862e3fe1be46a994272793");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogTraceId {
    trace: TraceId,
    segment: Option<SegmentId>,
}

/// The id for log lines of what runs in `cx`; `None` if that is part of no trace.
///
/// Traces that are not sampled have one too: it still ties together the lines of one request, in all services. Where the
/// context has a caller's span and none of our own, nothing stands behind the id of the trace.
///
/// ```
/// use opentelemetry::Context;
/// use opentelemetry_aws_xray::logs;
///
/// assert_eq!(logs::trace_id(&Context::new()), None);
/// ```
#[must_use]
pub fn trace_id(cx: &Context) -> Option<LogTraceId> {
    LogTraceId::of(cx.span().span_context())
}

/// The id for log lines of what runs now: [`trace_id`] of the current context.
///
/// A span of `tracing` is the current one while it is entered, with `tracing-opentelemetry` 0.32 or later.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// use opentelemetry_aws_xray::logs;
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
///
/// assert_eq!(logs::current_trace_id(), None);
/// provider.tracer("shop").in_span("order", |cx| {
///     assert_eq!(logs::current_trace_id(), logs::trace_id(&cx));
///     assert!(logs::current_trace_id().is_some());
/// });
/// ```
#[must_use]
pub fn current_trace_id() -> Option<LogTraceId> {
    Context::map_current(trace_id)
}

impl LogTraceId {
    fn of(span: &SpanContext) -> Option<Self> {
        let segment = || SegmentId::from_bytes(span.span_id().to_bytes());
        Some(Self {
            trace: TraceId::from_bytes(span.trace_id().to_bytes())?,
            segment: if span.is_remote() { None } else { segment() },
        })
    }
}

impl fmt::Display for LogTraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.trace)?;
        match self.segment {
            Some(segment) => write!(f, "@{segment}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{TraceFlags, TraceState};

    use super::*;

    const TRACE: u128 = 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793;
    const SPAN: u64 = 0x5399_5c3f_42cd_8ad8;

    #[test]
    fn ids_are_those_of_the_active_span() {
        let full = "1-5759e988-bd862e3fe1be46a994272793@53995c3f42cd8ad8";
        let caller = "1-5759e988-bd862e3fe1be46a994272793";
        for (trace, span, is_sampled, is_remote, expected) in [
            (TRACE, SPAN, true, false, Some(full)),
            (TRACE, SPAN, false, false, Some(full)),
            (TRACE, SPAN, true, true, Some(caller)),
            (0, SPAN, true, false, None),
            (TRACE, 0, true, false, Some(caller)),
            (0, 0, false, false, None),
        ] {
            let flags = if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
            let ids = (trace.into(), span.into());
            let span = SpanContext::new(ids.0, ids.1, flags, is_remote, TraceState::NONE);
            let cx = Context::new().with_remote_span_context(span.clone());
            let _active = cx.clone().attach();
            for id in [trace_id(&cx), current_trace_id()] {
                assert_eq!(id.map(|id| id.to_string()).as_deref(), expected, "{span:?}");
            }
        }
        assert_eq!(trace_id(&Context::new()), None);
    }
}
