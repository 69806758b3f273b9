//! What is done with trace ids whose time is far from the span's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::otel_warn;
use xray_wire::TraceId;

/// What is done with a span whose trace id names a time outside of the [`TraceIdWindow`] around its start.
///
/// X-Ray's own ids begin with the time at which the trace began; those of other tracers begin with anything. X-Ray takes
/// both now, and an id is never rewritten: the services of a trace would no longer find each other. This is for those
/// whose X-Ray endpoint still refuses such ids.
///
/// ```
/// use opentelemetry::{propagation::TextMapPropagator, trace::{Tracer, TracerProvider}};
/// use opentelemetry_aws_xray::{DropReason, TraceIdPolicy, TraceIdWindow, XrayExporter};
/// # use opentelemetry_aws_xray::{XrayPropagator, sink::MemorySink};
///
/// let policy = TraceIdPolicy::DropInvalid(TraceIdWindow::default());
/// let exporter = XrayExporter::builder().with_trace_id_policy(policy);
/// # let exporter = exporter.with_sink(MemorySink::default()).build();
/// # let handle = exporter.stats_handle();
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().with_simple_exporter(exporter).build();
/// # let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".to_owned();
/// # let headers = std::collections::HashMap::from([("x-amzn-trace-id".to_owned(), header)]);
/// # let caller = XrayPropagator::new().extract(&headers);
/// // The caller's trace has begun in 2016.
/// drop(provider.tracer("shop").start_with_context("order", &caller));
/// assert_eq!(handle.now().dropped(DropReason::TraceIdTime), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TraceIdPolicy {
    /// Sent like any other.
    #[default]
    Passthrough,
    /// Dropped, and counted as [`DropReason::TraceIdTime`](crate::DropReason::TraceIdTime).
    DropInvalid(TraceIdWindow),
    /// Sent; the first one of an exporter is told in a warning.
    WarnOnce(TraceIdWindow),
}

/// How far the time in a trace id may be from the start of a span.
///
/// ```
/// use std::time::Duration;
///
/// use opentelemetry_aws_xray::{TraceIdPolicy, TraceIdWindow};
///
/// let day = TraceIdWindow { past: Duration::from_secs(24 * 60 * 60), ..TraceIdWindow::default() };
/// let policy = TraceIdPolicy::WarnOnce(day);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceIdWindow {
    /// How much earlier the trace may have begun. Default: 28 days, as X-Ray once demanded with a margin.
    pub past: Duration,
    /// How much later, since clocks differ. Default: five minutes.
    pub future: Duration,
}

impl Default for TraceIdWindow {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { past: 28 * DAY, future: Duration::from_secs(5 * 60) }
    }
}

impl TraceIdWindow {
    fn holds(self, id: TraceId, start: SystemTime) -> bool {
        let [a, b, c, d, ..] = id.to_bytes();
        let began = Duration::from_secs(u32::from_be_bytes([a, b, c, d]).into());
        let start = start.duration_since(UNIX_EPOCH).unwrap_or_default();
        let is_old = began.saturating_add(self.past) < start;
        let is_new = began > start.saturating_add(self.future);
        !is_old && !is_new
    }
}

/// A policy at work.
#[derive(Debug)]
pub(super) struct TraceIdCheck {
    policy: TraceIdPolicy,
    has_warned: bool,
}

impl TraceIdCheck {
    pub(super) fn new(policy: TraceIdPolicy) -> Self {
        Self { policy, has_warned: false }
    }

    /// Whether a span is sent.
    #[inline]
    pub(super) fn lets_through(&mut self, id: TraceId, start: SystemTime) -> bool {
        match self.policy {
            TraceIdPolicy::Passthrough => true,
            TraceIdPolicy::DropInvalid(window) => window.holds(id, start),
            TraceIdPolicy::WarnOnce(window) => {
                if !self.has_warned && !window.holds(id, start) {
                    self.has_warned = true;
                    otel_warn!(name: "XrayExporter.TraceIdTime", message = "a trace id names a time far from its span's start, which some X-Ray endpoints refuse; use XrayIdGenerator where traces begin");
                }
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_700_000_000;
    const DAY: u64 = 24 * 60 * 60;

    fn check(policy: TraceIdPolicy) -> impl FnMut(u64) -> bool {
        let mut check = TraceIdCheck::new(policy);
        move |epoch| {
            let id = TraceId::from_bytes((u128::from(epoch) << 96 | 1).to_be_bytes()).unwrap();
            check.lets_through(id, UNIX_EPOCH + Duration::from_secs(START))
        }
    }

    #[test]
    fn the_window_is_28_days_back_and_five_minutes_ahead() {
        let mut drops = check(TraceIdPolicy::DropInvalid(TraceIdWindow::default()));
        let mut warns = check(TraceIdPolicy::WarnOnce(TraceIdWindow::default()));
        let mut passes = check(TraceIdPolicy::Passthrough);
        for (epoch, expected) in [
            (START, true),
            (START - 28 * DAY, true),
            (START - 28 * DAY - 1, false),
            (START + 300, true),
            (START + 301, false),
            (0, false),
            (u32::MAX.into(), false),
        ] {
            assert_eq!(drops(epoch), expected, "{epoch}");
            assert!(warns(epoch) && passes(epoch), "{epoch}");
        }
    }

    proptest! {
        #[test]
        fn no_window_and_no_time_breaks_it(epoch: u32, past: u64, future: u64, start in 0..u64::from(u32::MAX)) {
            let window = TraceIdWindow { past: Duration::from_secs(past), future: Duration::from_secs(future) };
            let id = TraceId::from_bytes((u128::from(epoch) << 96 | 1).to_be_bytes()).unwrap();
            let (began, at) = (u64::from(epoch), UNIX_EPOCH + Duration::from_secs(start));
            let expected = began.saturating_add(past) >= start && began <= start.saturating_add(future);
            prop_assert_eq!(window.holds(id, at), expected);
        }
    }
}
