//! Configuration: what is set in code wins over the environment, and the environment over the default.
//!
//! A value that can't be understood never keeps a service from starting: it is named in a warning, and the next source
//! counts.

mod env;
#[cfg(feature = "sampler")]
mod file;
mod payload;
mod propagators;
mod sampler;
mod shown;
mod transport;
mod vars;

use std::{fmt::Display, time::Duration};

pub(crate) use env::Environment;
use opentelemetry::otel_warn;
pub use payload::{ParsePayloadError, Payload};
pub use propagators::{Propagator, UnknownPropagator};
pub(crate) use propagators::{composite, propagators};
pub(crate) use sampler::{NamedSampler, named_sampler};
#[cfg(feature = "sampler")]
pub(crate) use sampler::{sampling_overrides, sampling_rules, xray_arguments};
pub(crate) use shown::without_user;
pub use transport::{ParseTransportError, Transport};
pub use vars::{VARIABLES, Variable, variables_markdown};
use xray_wire::DaemonAddress;

#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::AdaptiveSampling;

use crate::{context_missing::ContextMissing, exporter::DEFAULT_QUEUE_SIZE, resource::ResourceDetection};

/// Where the daemon is.
pub(crate) fn daemon_address(explicit: Option<&str>, environment: &Environment) -> DaemonAddress {
    let from_code = explicit.and_then(|value| understood("with_daemon_address", value, value.parse()));
    from_code.or_else(|| parsed(vars::DAEMON_ADDRESS, environment)).unwrap_or_default()
}

/// By which road documents go.
pub(crate) fn transport(explicit: Option<Transport>, environment: &Environment) -> Transport {
    explicit.or_else(|| parsed(vars::TRANSPORT, environment)).unwrap_or_default()
}

/// Where the process runs, as AWS' runtimes say it of themselves.
#[cfg(feature = "daemon-tcp")]
pub(crate) fn execution_env(environment: &Environment) -> Option<String> {
    environment.var("AWS_EXECUTION_ENV")
}

/// How far to look for where the application runs.
pub(crate) fn resource_detection(
    explicit: Option<ResourceDetection>,
    environment: &Environment,
) -> ResourceDetection {
    explicit.or_else(|| parsed(vars::RESOURCE_DETECTION, environment)).unwrap_or_default()
}

/// Whether this process has one invocation at a time: everywhere but where Lambda was told to send more.
#[cfg(feature = "lambda")]
pub(crate) fn lambda_runs_one_at_a_time(environment: &Environment) -> bool {
    let most = environment.var("AWS_LAMBDA_MAX_CONCURRENCY");
    most.and_then(|most| most.parse::<u32>().ok()).is_none_or(|most| most <= 1)
}

/// Whether Lambda started this process before there was an invocation, so that none has waited for it.
#[cfg(feature = "lambda")]
pub(crate) fn lambda_is_warmed_up(environment: &Environment) -> bool {
    let initialization = environment.var("AWS_LAMBDA_INITIALIZATION_TYPE");
    matches!(initialization.as_deref(), Some("provisioned-concurrency" | "lambda-managed-instances"))
}

/// The trace header of the invocation that runs, as Lambda's runtimes leave it in the environment.
#[cfg(feature = "lambda")]
pub(crate) fn lambda_trace_header(environment: &Environment) -> Option<String> {
    environment.var("_X_AMZN_TRACE_ID")
}

/// What is sent.
pub(crate) fn payload(explicit: Option<Payload>, environment: &Environment) -> Payload {
    explicit.or_else(|| parsed(vars::PAYLOAD, environment)).unwrap_or_default()
}

/// What to do when there is no trace to take part in.
pub(crate) fn context_missing(explicit: Option<ContextMissing>, environment: &Environment) -> ContextMissing {
    explicit.or_else(|| parsed(vars::CONTEXT_MISSING, environment)).unwrap_or_default()
}

/// The service's name, as far as X-Ray's own variable has one; the SDK reads those of OpenTelemetry.
pub(crate) fn service_name(explicit: Option<String>, environment: &Environment) -> Option<String> {
    explicit.or_else(|| environment.var(vars::TRACING_NAME))
}

/// The SDK takes the room for its whole queue at once, some 400 MB for this many. A larger number is a mistake, and must not keep a
/// service from starting.
const MAX_QUEUE_SIZE: usize = 1_000_000;

/// How many spans may wait for the exporter; at least one.
pub(crate) fn queue_size(explicit: Option<usize>, environment: &Environment) -> usize {
    let size = explicit.or_else(|| parsed(vars::QUEUE_SIZE, environment));
    size.unwrap_or(DEFAULT_QUEUE_SIZE).clamp(1, MAX_QUEUE_SIZE)
}

/// The SDK's thread would never rest with an interval of zero. This wakes it a hundred times a second, which costs next to nothing.
const MIN_EXPORT_INTERVAL: Duration = Duration::from_millis(10);

/// How long spans that have ended wait for others; `None` for as long as the SDK says.
pub(crate) fn export_interval(explicit: Option<Duration>, environment: &Environment) -> Option<Duration> {
    let interval =
        explicit.or_else(|| parsed(vars::SCHEDULE_DELAY, environment).map(Duration::from_millis))?;
    Some(interval.max(MIN_EXPORT_INTERVAL))
}

/// Who sends telemetry records, as far as code or environment say.
#[cfg(feature = "aws")]
pub(crate) fn telemetry_records(
    explicit: crate::sink::telemetry::TelemetryRecords,
    environment: &Environment,
) -> crate::sink::telemetry::TelemetryRecords {
    explicit.or(environment.var(vars::HOSTNAME), environment.var(vars::INSTANCE_ID))
}

/// The log groups to which the application writes, as far as code or Lambda say.
pub(crate) fn log_groups(explicit: Vec<String>, environment: &Environment) -> Vec<String> {
    if explicit.is_empty() { environment.var(vars::LAMBDA_LOG_GROUP).into_iter().collect() } else { explicit }
}

/// Whether spans are made at all. Any one of the switches turns them off.
pub(crate) fn enabled(explicit: Option<bool>, environment: &Environment) -> bool {
    explicit.unwrap_or_else(|| {
        let switch = |name| environment.var(name).and_then(|value| understood(name, &value, truth(&value)));
        switch(vars::SDK_ENABLED) != Some(false)
            && switch(vars::SDK_DISABLED) != Some(true)
            && switch(vars::OTEL_SDK_DISABLED) != Some(true)
    })
}

fn truth(value: &str) -> Result<bool, &'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err("expected `true` or `false`"),
    }
}

fn parsed<T: std::str::FromStr<Err: Display>>(name: &'static str, environment: &Environment) -> Option<T> {
    let value = environment.var(name)?;
    understood(name, &value, value.parse())
}

/// The value if it was understood; else a warning that names it.
fn understood<T>(name: &'static str, value: &str, result: Result<T, impl Display>) -> Option<T> {
    /// A value is shown as far as a person wants to read it.
    const SHOWN_CHARS: usize = 100;
    result
        .inspect_err(|error| {
            let shown = without_user(value);
            let error = error.to_string();
            let error = if value.contains('@') { shown::without_excerpt(&error) } else { &error };
            otel_warn!(
                name: "XrayConfig.Invalid",
                setting = name,
                value = xray_wire::sanitize::truncate(&shown, SHOWN_CHARS).escape_debug().to_string(),
                error = error.to_owned(),
                message = "a setting could not be understood and is not used"
            );
        })
        .ok()
}

/// What is an anomaly: the variable's own text, or that of the file that it names.
#[cfg(feature = "adaptive-sampling")]
pub(crate) fn adaptive_sampling(environment: &Environment) -> AdaptiveSampling {
    let read = || {
        let value = environment.var(vars::ADAPTIVE_SAMPLING)?;
        // No path has a line, a brace, or a colon with a space behind it.
        if value.contains(['\n', '{']) || value.contains(": ") {
            return understood(vars::ADAPTIVE_SAMPLING, &value, value.parse());
        }
        let text = understood(vars::ADAPTIVE_SAMPLING, &value, file::read(&value))?;
        understood(vars::ADAPTIVE_SAMPLING, &value, text.parse())
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_wins_over_environment_over_default() {
        let environment = Environment::of([
            ("AWS_XRAY_DAEMON_ADDRESS", " tcp:10.0.0.1:1 udp:10.0.0.2:2 "),
            ("AWS_XRAY_CONTEXT_MISSING", "ignore_error"),
            ("AWS_XRAY_TRACING_NAME", "from environment"),
        ]);
        let nothing = Environment::of([]);
        let udp = |explicit, environment: &Environment| daemon_address(explicit, environment).udp.to_string();
        for (explicit, environment, expected) in [
            (Some("[::1]:3000"), &environment, "[::1]:3000"),
            (None, &environment, "10.0.0.2:2"),
            (None, &nothing, "127.0.0.1:2000"),
            // What is not understood is passed over.
            (Some("what?:x"), &environment, "10.0.0.2:2"),
            (Some("what?:x"), &nothing, "127.0.0.1:2000"),
        ] {
            assert_eq!(udp(explicit, environment), expected, "{explicit:?}");
        }
        assert_eq!(context_missing(None, &environment), ContextMissing::IgnoreError);
        assert_eq!(
            context_missing(Some(ContextMissing::LogWarning), &environment),
            ContextMissing::LogWarning
        );
        assert_eq!(context_missing(None, &nothing), ContextMissing::LogError);
        assert_eq!(service_name(None, &environment).as_deref(), Some("from environment"));
        assert_eq!(service_name(Some("code".into()), &environment).as_deref(), Some("code"));
        assert_eq!(service_name(None, &nothing), None);
    }

    #[test]
    fn an_export_interval_leaves_time_to_rest() {
        let millis = Duration::from_millis;
        for (explicit, variable, expected) in [
            (None, "", None),
            (None, "what?", None),
            (None, "200", Some(millis(200))),
            (None, "0", Some(MIN_EXPORT_INTERVAL)),
            (Some(millis(1_000)), "0", Some(millis(1_000))),
            (Some(Duration::ZERO), "200", Some(MIN_EXPORT_INTERVAL)),
        ] {
            let environment = Environment::of([("OTEL_BSP_SCHEDULE_DELAY", variable)]);
            assert_eq!(export_interval(explicit, &environment), expected, "{explicit:?} {variable}");
        }
    }

    #[test]
    fn transports() {
        let tcp = if cfg!(feature = "daemon-tcp") { "Tcp" } else { "Udp" };
        let direct = if cfg!(feature = "aws") { "Direct" } else { "Udp" };
        for (value, expected) in [
            ("", "Udp"),
            ("udp", "Udp"),
            (" TCP ", tcp),
            ("tcp", tcp),
            ("direct", direct),
            ("carrier pigeon", "Udp"),
        ] {
            let found = transport(None, &Environment::of([("AWS_XRAY_TRANSPORT", value)]));
            assert_eq!(format!("{found:?}"), expected, "{value}");
        }
        let environment = Environment::of([("AWS_XRAY_TRANSPORT", "tcp")]);
        assert_eq!(transport(Some(Transport::Udp), &environment), Transport::Udp);
    }

    #[test]
    fn detections_of_the_resource() {
        let full = if cfg!(feature = "resource-detection") { "Full" } else { "Environment" };
        for (value, expected) in [
            ("", "Environment"),
            ("OFF", "Off"),
            ("environment", "Environment"),
            ("Full", full),
            ("x", "Environment"),
        ] {
            let environment = Environment::of([("AWS_XRAY_RESOURCE_DETECTION", value)]);
            assert_eq!(format!("{:?}", resource_detection(None, &environment)), expected, "{value}");
            assert_eq!(
                resource_detection(Some(ResourceDetection::Off), &environment),
                ResourceDetection::Off
            );
        }
    }

    #[test]
    fn the_payload_is_segments_unless_chosen() {
        for (value, expected) in
            [("", Payload::Segments), ("Segments", Payload::Segments), ("json", Payload::Segments)]
        {
            assert_eq!(payload(None, &Environment::of([("AWS_XRAY_PAYLOAD", value)])), expected, "{value}");
        }
        let otlp = Environment::of([("AWS_XRAY_PAYLOAD", " OTLP ")]);
        assert_eq!(payload(None, &otlp) == Payload::Segments, !cfg!(feature = "otlp"));
        assert_eq!(payload(Some(Payload::Segments), &otlp), Payload::Segments);
    }

    #[test]
    #[cfg(feature = "adaptive-sampling")]
    fn adaptive_sampling_is_text_or_a_file_with_it() {
        let text = "version: 1.0\nanomalyCaptureLimit:\n  anomalyTracesPerSecond: 3\n";
        let file = std::env::temp_dir().join(format!("adaptive-sampling-{}.yaml", std::process::id()));
        let long = format!("#{}\n{text}", "x".repeat(100_000));
        std::fs::write(&file, long).unwrap();
        let (three, none) = (AdaptiveSampling::new().with_captured_per_second(3), AdaptiveSampling::new());
        let one = AdaptiveSampling::new().with_captured_per_second(1);
        for (value, expected) in [
            (text, &three),
            (r#"{"version": 1, "anomalyCaptureLimit": {"anomalyTracesPerSecond": 3}}"#, &three),
            (file.to_str().unwrap(), &three),
            ("version: 1.0", &one),
            ("/no/such/file.yaml", &none),
            ("version: 9\n", &none),
            ("", &none),
        ] {
            let environment = Environment::of([("AWS_XRAY_ADAPTIVE_SAMPLING_CONFIG", value)]);
            assert_eq!(&adaptive_sampling(&environment), expected, "{value}");
        }
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn any_switch_turns_tracing_off() {
        for (name, value, expected) in [
            ("AWS_XRAY_SDK_ENABLED", "false", false),
            ("AWS_XRAY_SDK_ENABLED", "0", false),
            ("AWS_XRAY_SDK_ENABLED", "True", true),
            ("AWS_XRAY_SDK_ENABLED", "maybe", true),
            ("AWS_XRAY_SDK_DISABLED", "TRUE", false),
            ("AWS_XRAY_SDK_DISABLED", "no", true),
            ("OTEL_SDK_DISABLED", "true", false),
            ("OTEL_SDK_DISABLED", "", true),
        ] {
            assert_eq!(enabled(None, &Environment::of([(name, value)])), expected, "{name}={value}");
            assert!(enabled(Some(true), &Environment::of([(name, value)])), "{name}={value}");
        }
    }
}
