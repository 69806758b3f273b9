//! A small span that goes the whole way, and what became of it.

use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::{
    InstrumentationScope, SpanId, TraceFlags,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    trace::{IdGenerator, SpanData, SpanExporter},
};

use super::{CheckReport, Verdict};
use crate::{
    clock::epoch,
    config::{Environment, Transport},
    exporter::{CallFailure, DropReason, ExporterStats, XrayExporterBuilder},
    id_generator::XrayIdGenerator,
};

/// The service's name under which it shows up in X-Ray.
const SERVICE: &str = "xray-check";

/// An answer is waited for no longer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a span as these settings would, and adds what became of it.
pub(super) fn send(
    exporter: XrayExporterBuilder,
    transport: Transport,
    environment: &Environment,
    report: &mut CheckReport,
) {
    let span = span(epoch());
    let trace_id = xray_wire::TraceId::from_bytes(span.span_context.trace_id().to_bytes());
    let trace = trace_id.map(|id| id.to_string()).unwrap_or_default();
    let mut exporter = exporter.build_with(environment);
    exporter.set_resource(&Resource::builder_empty().with_service_name(SERVICE).build());
    let stats = exporter.stats_handle();
    // How it ended is in the numbers.
    let _ = exporter.export_now(vec![span]);
    let _ = exporter.flush_within(TIMEOUT);
    let (verdict, text) = judge(&stats.now(), stats.failure().as_ref(), transport);
    let _ = exporter.shutdown_with_timeout(Duration::ZERO);
    report.add(verdict, format!("a test span (trace {trace}, service {SERVICE}): {text}"));
}

fn judge(stats: &ExporterStats, failure: Option<&CallFailure>, transport: Transport) -> (Verdict, String) {
    if stats.spans_sent > 0 && transport == Transport::Udp {
        return (Verdict::Unknown, "sent; over UDP nobody answers, so look for it in X-Ray".into());
    }
    if stats.spans_sent > 0 {
        return (Verdict::Fine, "X-Ray took it".into());
    }
    if let Some(failure) = failure {
        let (verdict, advice) = advice(failure);
        return (verdict, format!("{advice} ({})", failure.message));
    }
    match DropReason::ALL.into_iter().find(|reason| stats.dropped(*reason) > 0) {
        Some(reason) => (Verdict::Problem, format!("dropped: {reason}")),
        None => (Verdict::Problem, format!("nobody took it within {} seconds", TIMEOUT.as_secs())),
    }
}

/// What a failed call means, and what to do about it.
fn advice(failure: &CallFailure) -> (Verdict, &'static str) {
    const CLOCK: [&str; 4] =
        ["Signature expired", "Signature not yet current", "RequestTimeTooSkewed", "RequestExpired"];
    if CLOCK.iter().any(|sign| failure.message.contains(sign)) {
        return (Verdict::Problem, "this machine's clock is not AWS's; set it, with chrony or NTP");
    }
    let text = match &*failure.error_type {
        "unresolved" => "the name can't be resolved; is the address right?",
        "unreachable" => "nobody answers there; is it running, and does it listen on TCP at this address?",
        "credentials" => "there are no valid AWS credentials",
        "timeout" => "there was no answer in time; a firewall or a security group may swallow the packets",
        "403" => "the credentials do not allow it; they need xray:PutTraceSegments",
        "404" => "this is no X-Ray endpoint; is the address right?",
        "408" | "429" | "500" | "502" | "503" | "504" => {
            return (Verdict::Warning, "X-Ray can't take it now; documents like it would be sent again");
        }
        _ => "the call failed",
    };
    (Verdict::Problem, text)
}

/// A span of one millisecond that has just ended.
fn span(now: Duration) -> SpanData {
    let ids = XrayIdGenerator::default();
    let end = UNIX_EPOCH + now;
    let context =
        SpanContext::new(ids.new_trace_id(), ids.new_span_id(), TraceFlags::SAMPLED, false, TraceState::NONE);
    SpanData {
        span_context: context,
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: SERVICE.into(),
        start_time: end - Duration::from_millis(1),
        end_time: end,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: Default::default(),
        links: Default::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_with_what_to_do() {
        for (error_type, message, verdict, words) in [
            ("403", "403 AccessDeniedException: no", Verdict::Problem, "xray:PutTraceSegments"),
            ("403", "403 InvalidSignatureException: Signature expired: 2026", Verdict::Problem, "clock"),
            ("429", "429 ThrottledException: slow", Verdict::Warning, "sent again"),
            ("unreachable", "refused", Verdict::Problem, "is it running"),
            ("credentials", "none", Verdict::Problem, "credentials"),
            ("418", "teapot", Verdict::Problem, "failed"),
        ] {
            let failure = CallFailure { error_type: error_type.into(), message: message.into() };
            let (found, text) = judge(&ExporterStats::default(), Some(&failure), Transport::Udp);
            assert_eq!(found, verdict, "{message}");
            assert!(text.contains(words) && text.contains(message), "{text}");
        }
    }
}
