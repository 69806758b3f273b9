//! What is worth keeping.

use std::{fmt, time::Duration};

use opentelemetry::{TraceId, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::exporter::{Flags, matches};

/// Which requests are kept when they have ended. Each setting adds a reason; with none of them, nothing is kept.
///
/// A request is judged by its local root alone. A call that failed and was repeated with success is no reason.
///
/// ```
/// use std::time::Duration;
/// use opentelemetry_aws_xray::{TailSampling, Xray};
///
/// let policy = TailSampling::new()
///     .faults()
///     .throttles()
///     .slower_than_on("/reports/*", Duration::from_secs(30))
///     .slower_than(Duration::from_secs(1));
/// let xray = Xray::builder().with_tail_sampling(policy).build();
/// # drop(xray);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a policy does nothing until it is given to a pipeline or processor"]
pub struct TailSampling {
    failures: Flags,
    slower_than: Option<Duration>,
    /// Patterns of routes, with thresholds of their own.
    routes: Vec<(String, Duration)>,
    /// Of the 2⁶³ numbers that a trace id may have in this regard, how many are kept.
    rate: u64,
    judges_sampled: bool,
    grpc_status: bool,
    pub(super) max_spans: usize,
    pub(super) max_bytes: usize,
    pub(super) timeout: Duration,
}

/// Why a request was kept.
///
/// ```
/// use opentelemetry_aws_xray::{KeepReason, TailSamplingStats};
///
/// let stats = TailSamplingStats::default();
/// let failures = [KeepReason::Fault, KeepReason::Error].map(|reason| stats.requests_kept(reason));
/// assert_eq!(failures.iter().sum::<u64>(), 0);
/// assert_eq!(KeepReason::Slow.as_str(), "slow");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeepReason {
    /// It failed by the service's own doing: HTTP status 5xx, else such a [gRPC status](TailSampling::grpc_status), else an error as the span's status.
    Fault,
    /// It failed by the client's: HTTP status 4xx, else such a gRPC status.
    Error,
    /// It was throttled: HTTP status 429, else such a gRPC status, or an AWS error code that says so.
    Throttle,
    /// It took longer than it should.
    Slow,
    /// It is one of the share that is kept anyway.
    Rate,
}

impl KeepReason {
    /// All reasons.
    pub const ALL: [Self; 5] = [Self::Fault, Self::Error, Self::Throttle, Self::Slow, Self::Rate];

    /// The reason in lower case, as the attribute `tail_sampling.reason` of a local root has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Error => "error",
            Self::Throttle => "throttle",
            Self::Slow => "slow",
            Self::Rate => "rate",
        }
    }
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TailSampling {
    /// How many spans are held at most, unless told otherwise: as many as wait for the exporter.
    pub const DEFAULT_MAX_SPANS: usize = 8_192;

    /// How many bytes these take at most, unless told otherwise: 2 KB for each, twice what a span with ten attributes takes.
    pub const DEFAULT_MAX_BYTES: usize = 2_048 * Self::DEFAULT_MAX_SPANS;

    /// How long a request is waited for, unless told otherwise: as long as AWS's load balancers wait for a sign of life.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

    /// A policy that keeps nothing yet.
    pub fn new() -> Self {
        Self {
            failures: Flags::default(),
            slower_than: None,
            routes: Vec::new(),
            rate: 0,
            judges_sampled: false,
            grpc_status: true,
            max_spans: Self::DEFAULT_MAX_SPANS,
            max_bytes: Self::DEFAULT_MAX_BYTES,
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }

    /// Keeps what X-Ray calls faults: requests that the service failed, with HTTP status 5xx, else with a
    /// [gRPC status](Self::grpc_status) of that kind, else with an error as the span's status.
    ///
    /// Default: not kept for that.
    pub fn faults(mut self) -> Self {
        self.failures.fault = true;
        self
    }

    /// Keeps what X-Ray calls errors: requests that the client got wrong, with status 4xx, 429 among them.
    ///
    /// Default: not kept for that.
    pub fn errors(mut self) -> Self {
        self.failures.error = true;
        self
    }

    /// Keeps requests that were throttled, with status 429.
    ///
    /// Default: not kept for that.
    pub fn throttles(mut self) -> Self {
        self.failures.throttle = true;
        self
    }

    /// Keeps requests that took this long or longer.
    ///
    /// Default: not kept for that.
    pub fn slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }

    /// The same for routes that match a pattern, in which `*` stands for any characters and `?` for one. It is compared with
    /// `http.route`, or with the span's name if there is none. Of several patterns the first that matches counts, and
    /// [`slower_than`](Self::slower_than) if none does. `Duration::MAX` keeps none for that.
    ///
    /// Default: no routes of their own.
    pub fn slower_than_on(mut self, route: impl Into<String>, duration: Duration) -> Self {
        self.routes.push((route.into(), duration));
        self
    }

    /// Keeps a share of the other requests, from 0 to 1. The trace id decides, so that services with the same rate keep the same
    /// traces; and it decides from the other end than the samplers do, so that the share adds to theirs.
    ///
    /// Default: 0. What is below or no number counts as 0, what is above as 1.
    pub fn rate(mut self, rate: f64) -> Self {
        self.rate = (rate.clamp(0.0, 1.0) * RATE_ALWAYS as f64) as u64;
        self
    }

    /// Judges what the sampler sampled too, and so lets most of it go. For services that nobody calls with a trace and that
    /// call nobody: others rely on what they were told. [`Xray`](crate::Xray) then shows no segments in progress: the end of one that is
    /// let go would never come.
    ///
    /// Default: what the sampler sampled is kept.
    pub fn judge_sampled(mut self) -> Self {
        self.judges_sampled = true;
        self
    }

    /// Whether a gRPC status says which kind of failure it was, before the span's own status, as it is in documents:
    /// [`with_grpc_status`](crate::XrayExporterBuilder::with_grpc_status). [`Xray`](crate::Xray) sets what its exporter has.
    ///
    /// Default: `true`.
    pub fn grpc_status(mut self, grpc_status: bool) -> Self {
        self.grpc_status = grpc_status;
        self
    }

    /// How many spans are held at most. With more, the oldest request is decided early.
    ///
    /// Default: [`DEFAULT_MAX_SPANS`](Self::DEFAULT_MAX_SPANS).
    pub fn max_spans(mut self, spans: usize) -> Self {
        self.max_spans = spans;
        self
    }

    /// About how many bytes the spans take at most that are held. With more, the oldest request is decided early.
    ///
    /// Default: [`DEFAULT_MAX_BYTES`](Self::DEFAULT_MAX_BYTES).
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// How long a request is waited for. One that takes longer is decided early, once: what is held of it is kept or let go. What comes
    /// later follows it if it was kept, and else waits for its end.
    ///
    /// Default: [`DEFAULT_TIMEOUT`](Self::DEFAULT_TIMEOUT).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn judges_sampled(&self) -> bool {
        self.judges_sampled
    }

    /// Why a request is kept that ended with this span.
    pub(super) fn judge(&self, span: &SpanData) -> Option<KeepReason> {
        let Flags { error, throttle, fault } = Flags::of(span, self.grpc_status);
        let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
        if self.failures.fault && fault {
            Some(KeepReason::Fault)
        } else if self.failures.throttle && throttle {
            Some(KeepReason::Throttle)
        } else if self.failures.error && error {
            Some(KeepReason::Error)
        } else if self.slow_on(span).is_some_and(|slow| took >= slow) {
            Some(KeepReason::Slow)
        } else {
            self.by_rate(span.span_context.trace_id())
        }
    }

    /// Why a request is kept that has run for so long and not ended.
    pub(super) fn judge_unfinished(&self, trace: TraceId, elapsed: Duration) -> Option<KeepReason> {
        // Its route is not known for sure yet, so it has to be slow for any; and on routes of which nothing is said, none is.
        let slowest = self
            .slower_than
            .map(|others| self.routes.iter().map(|(_, slow)| *slow).fold(others, Duration::max));
        let is_slow = slowest.is_some_and(|slow| elapsed >= slow);
        if is_slow { Some(KeepReason::Slow) } else { self.by_rate(trace) }
    }

    /// Whether a request is kept although nothing speaks for it.
    pub(super) fn by_rate(&self, trace: TraceId) -> Option<KeepReason> {
        // Samplers take the low half of the id without its last bit, and sample what is below their rate.
        let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
        let from_above = (RATE_ALWAYS - 1) - (u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1);
        (from_above < self.rate).then_some(KeepReason::Rate)
    }

    fn slow_on(&self, span: &SpanData) -> Option<Duration> {
        let of_route = || {
            let route = route(span);
            self.routes.iter().find(|(pattern, _)| matches(pattern, route)).map(|(_, slow)| *slow)
        };
        if self.routes.is_empty() { self.slower_than } else { of_route().or(self.slower_than) }
    }
}

const RATE_ALWAYS: u64 = 1 << 63;

impl Default for TailSampling {
    fn default() -> Self {
        Self::new()
    }
}

fn route(span: &SpanData) -> &str {
    let attribute = span.attributes.iter().rev().find(|attribute| attribute.key.as_str() == "http.route");
    match attribute.map(|attribute| &attribute.value) {
        Some(Value::String(route)) => route.as_str(),
        _ => &span.name,
    }
}
