//! What happens when something needs a trace and there is none.

use std::fmt;
use std::str::FromStr;
use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use opentelemetry::{Context, otel_error, otel_warn, trace::TraceContextExt};

use crate::{
    clock::epoch_seconds_coarse,
    config::{self, Environment},
};

/// What to do when there is no active trace where one is needed: the X-Ray SDKs' `AWS_XRAY_CONTEXT_MISSING`.
///
/// Everything here that needs a trace asks this one policy: the client layer, calls of the AWS SDK,
/// [`annotate`](crate::annotate()). It never ends the process, not even as [`RuntimeError`](Self::RuntimeError).
///
/// ```
/// use opentelemetry_aws_xray::{ContextMissing, Xray};
///
/// // A program that makes most of its calls outside of requests, and means it.
/// let xray = Xray::builder().with_context_missing(ContextMissing::IgnoreError).build();
/// assert_eq!(xray.context_missing(), ContextMissing::IgnoreError);
/// assert_eq!("log_warning".parse(), Ok(ContextMissing::LogWarning));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContextMissing {
    /// `RUNTIME_ERROR`: fail the call that needs it with a [`ContextMissingError`]. What can't fail logs an error.
    RuntimeError,
    /// `LOG_ERROR`: log an error and go on. The default.
    #[default]
    LogError,
    /// `LOG_WARNING`: log a warning and go on.
    LogWarning,
    /// `IGNORE_ERROR`: go on.
    IgnoreError,
}

/// What [`Xray::install`](crate::XrayBuilder::install) chose for the process.
static INSTALLED: OnceLock<ContextMissing> = OnceLock::new();

impl ContextMissing {
    /// Makes this the policy of all that is made later and has none of its own. The first one stays.
    pub(crate) fn install(self) {
        let _ = INSTALLED.set(self);
    }

    /// The policy of this process: what [`Xray::install`](crate::XrayBuilder::install) chose, else that of
    /// [`from_env`](Self::from_env).
    #[must_use]
    pub fn of_process() -> Self {
        INSTALLED.get().copied().unwrap_or_else(Self::from_env)
    }

    /// What `AWS_XRAY_CONTEXT_MISSING` says, in any case; [`LogError`](Self::LogError) if it is not set, or says
    /// something else, of which a warning tells. The variable is read once.
    #[must_use]
    pub fn from_env() -> Self {
        static FROM_ENV: OnceLock<ContextMissing> = OnceLock::new();
        *FROM_ENV.get_or_init(|| config::context_missing(None, &Environment::process()))
    }

    /// Looks whether `cx` has a trace that `what` can be part of, and if not says so in the way that was chosen.
    ///
    /// A trace is any valid span, be it sampled or not, of this process or of a caller. Where telemetry is suppressed
    /// nothing is missing. The log gets at most one line a minute for the whole process, which counts those before it.
    ///
    /// ```
    /// use opentelemetry::Context;
    /// use opentelemetry_aws_xray::ContextMissing;
    ///
    /// let nothing = Context::new();
    /// assert!(ContextMissing::LogWarning.check(&nothing, "a call").is_ok());
    /// let error = ContextMissing::RuntimeError.check(&nothing, "a call").unwrap_err();
    /// assert_eq!(error.to_string(), "expected an active trace for a call, but found none");
    /// ```
    ///
    /// # Errors
    /// [`ContextMissingError`] under [`RuntimeError`](Self::RuntimeError), and only there.
    pub fn check(self, cx: &Context, what: &'static str) -> Result<(), ContextMissingError> {
        if cx.is_telemetry_suppressed() || cx.span().span_context().is_valid() {
            return Ok(());
        }
        self.fail_or_report(what)
    }

    /// As [`check`](Self::check), for callers that know already that there is no trace.
    pub(crate) fn fail_or_report(self, what: &'static str) -> Result<(), ContextMissingError> {
        if self == Self::RuntimeError {
            return Err(ContextMissingError { what });
        }
        self.report(what);
        Ok(())
    }

    /// As [`fail_or_report`](Self::fail_or_report), for callers that can't fail: [`RuntimeError`](Self::RuntimeError)
    /// logs an error.
    pub(crate) fn report(self, what: &'static str) {
        static LOG: Throttle = Throttle::new();
        if self == Self::IgnoreError {
            return;
        }
        let Some(count) = LOG.occurred(epoch_seconds_coarse()) else { return };
        match self {
            Self::RuntimeError | Self::LogError => {
                otel_error!(name: "Xray.ContextMissing", what = what, count = count);
            }
            Self::LogWarning => {
                otel_warn!(name: "Xray.ContextMissing", what = what, count = count);
            }
            Self::IgnoreError => {}
        }
    }
}

impl FromStr for ContextMissing {
    type Err = ParseContextMissingError;

    /// Reads `RUNTIME_ERROR`, `LOG_ERROR`, `LOG_WARNING` or `IGNORE_ERROR`, in any case, blanks around it ignored.
    fn from_str(text: &str) -> Result<Self, ParseContextMissingError> {
        let name = text.trim();
        [
            ("RUNTIME_ERROR", Self::RuntimeError),
            ("LOG_ERROR", Self::LogError),
            ("LOG_WARNING", Self::LogWarning),
            ("IGNORE_ERROR", Self::IgnoreError),
        ]
        .into_iter()
        .find_map(|(known, choice)| name.eq_ignore_ascii_case(known).then_some(choice))
        .ok_or_else(|| ParseContextMissingError {
            found: name.chars().take(ParseContextMissingError::MAX_FOUND_CHARS).collect(),
        })
    }
}

/// There was no active trace where one is needed.
///
/// Calls that fail with it come back in a box, where it is told from what went wrong on the way:
///
/// ```
/// use std::error::Error;
///
/// use opentelemetry_aws_xray::ContextMissingError;
///
/// fn is_worth_another_try(error: &(dyn Error + Send + Sync + 'static)) -> bool {
///     !error.is::<ContextMissingError>()
/// }
/// # use opentelemetry_aws_xray::ContextMissing;
/// # let missing = ContextMissing::RuntimeError.check(&opentelemetry::Context::new(), "a call").unwrap_err();
/// # assert!(!is_worth_another_try(&missing));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextMissingError {
    what: &'static str,
}

impl fmt::Display for ContextMissingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected an active trace for {}, but found none", self.what)
    }
}

impl std::error::Error for ContextMissingError {}

/// The text names no [`ContextMissing`].
///
/// ```
/// use opentelemetry_aws_xray::ContextMissing;
///
/// let error = "PANIC".parse::<ContextMissing>().unwrap_err();
/// assert!(error.to_string().ends_with("or IGNORE_ERROR, but found \"PANIC\""));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseContextMissingError {
    found: String,
}

impl ParseContextMissingError {
    /// Enough to recognise a misspelt name, too little to fill a log.
    const MAX_FOUND_CHARS: usize = 64;
}

impl fmt::Display for ParseContextMissingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected RUNTIME_ERROR, LOG_ERROR, LOG_WARNING or IGNORE_ERROR, but found {:?}",
            self.found
        )
    }
}

impl std::error::Error for ParseContextMissingError {}

/// Lets one of many through, at most once a minute.
#[derive(Debug)]
struct Throttle {
    /// Epoch seconds of the last one; zero before the first.
    last: AtomicU32,
    /// How many there were since.
    count: AtomicU32,
}

impl Throttle {
    /// A minute keeps a misconfigured busy service readable and still shows up in every log window.
    const INTERVAL_SECONDS: u32 = 60;

    const fn new() -> Self {
        Self { last: AtomicU32::new(0), count: AtomicU32::new(0) }
    }

    /// Counts one more at `now`, in epoch seconds. If it is due: how many there were since the last that was.
    fn occurred(&self, now: u32) -> Option<u32> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let last = self.last.load(Ordering::Relaxed);
        // Wraps if the clock was set back, which makes it due: better one line too many than years of silence.
        if now.wrapping_sub(last) < Self::INTERVAL_SECONDS {
            return None;
        }
        self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        Some(self.count.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        for (text, expected) in [
            ("RUNTIME_ERROR", Ok(ContextMissing::RuntimeError)),
            ("log_error", Ok(ContextMissing::LogError)),
            (" Log_Warning\n", Ok(ContextMissing::LogWarning)),
            ("IGNORE_ERROR", Ok(ContextMissing::IgnoreError)),
            ("LOG-ERROR", Err("\"LOG-ERROR\"")),
            ("", Err("\"\"")),
        ] {
            let read = text.parse::<ContextMissing>();
            let expected = expected.map_err(|found| {
                format!("expected RUNTIME_ERROR, LOG_ERROR, LOG_WARNING or IGNORE_ERROR, but found {found}")
            });
            assert_eq!(read.map_err(|error| error.to_string()), expected, "{text:?}");
        }
        assert_eq!(ContextMissing::default(), ContextMissing::LogError);
    }

    #[test]
    fn an_error_does_not_repeat_what_was_found_at_length() {
        let error = "é".repeat(10_000).parse::<ContextMissing>().unwrap_err();
        assert!(error.to_string().contains(&format!("{:?}", "é".repeat(64))));
        assert!(error.to_string().len() < 300);
    }

    #[test]
    fn only_runtime_error_fails() {
        let nothing = Context::new();
        for choice in [ContextMissing::LogError, ContextMissing::LogWarning, ContextMissing::IgnoreError] {
            assert_eq!(choice.check(&nothing, "a test"), Ok(()));
        }
        let error = ContextMissing::RuntimeError.check(&nothing, "a test").unwrap_err();
        assert_eq!(error.to_string(), "expected an active trace for a test, but found none");
    }

    #[test]
    fn what_is_a_trace() {
        let span = |trace_id: u128, flags, is_remote| {
            let (trace_id, state) = (TraceId::from(trace_id), TraceState::default());
            let span = SpanContext::new(trace_id, SpanId::from(2), flags, is_remote, state);
            Context::new().with_remote_span_context(span)
        };
        for (why, cx, is_missing) in [
            ("no span", Context::new(), true),
            ("an invalid span", span(0, TraceFlags::SAMPLED, true), true),
            ("a sampled span", span(1, TraceFlags::SAMPLED, false), false),
            ("an unsampled span", span(1, TraceFlags::NOT_SAMPLED, false), false),
            ("a caller's span", span(1, TraceFlags::SAMPLED, true), false),
            ("suppressed telemetry", Context::new().with_telemetry_suppressed(), false),
        ] {
            assert_eq!(ContextMissing::RuntimeError.check(&cx, "a test").is_err(), is_missing, "{why}");
        }
    }

    #[test]
    fn one_line_a_minute_counts_the_others() {
        let throttle = Throttle::new();
        for (now, due) in [
            (1_000, Some(1)),
            (1_001, None),
            (1_059, None),
            (1_060, Some(3)),
            (1_060, None),
            // The clock was set back.
            (500, Some(2)),
            (559, None),
            (560, Some(2)),
        ] {
            assert_eq!(throttle.occurred(now), due, "at {now}");
        }
    }
}
