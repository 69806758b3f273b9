//! The variables that are read: one table, from which the documentation is printed.

/// An environment variable that this crate or the SDK underneath honours.
///
/// ```
/// use opentelemetry_aws_xray::config::VARIABLES;
///
/// let address = VARIABLES.iter().find(|variable| variable.name == "AWS_XRAY_DAEMON_ADDRESS");
/// assert_eq!(address.map(|variable| variable.default), Some("`127.0.0.1:2000`"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub accepts: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// What it decides.
    pub effect: &'static str,
}

pub(crate) const DAEMON_ADDRESS: &str = "AWS_XRAY_DAEMON_ADDRESS";
pub(crate) const TRANSPORT: &str = "AWS_XRAY_TRANSPORT";
pub(crate) const PAYLOAD: &str = "AWS_XRAY_PAYLOAD";
pub(crate) const TRACING_NAME: &str = "AWS_XRAY_TRACING_NAME";
pub(crate) const SDK_ENABLED: &str = "AWS_XRAY_SDK_ENABLED";
pub(crate) const SDK_DISABLED: &str = "AWS_XRAY_SDK_DISABLED";
pub(crate) const ADAPTIVE_SAMPLING: &str = "AWS_XRAY_ADAPTIVE_SAMPLING_CONFIG";
pub(crate) const CONTEXT_MISSING: &str = "AWS_XRAY_CONTEXT_MISSING";
pub(crate) const HOSTNAME: &str = "AWS_HOSTNAME";
pub(crate) const LAMBDA_LOG_GROUP: &str = "AWS_LAMBDA_LOG_GROUP_NAME";
pub(crate) const INSTANCE_ID: &str = "AWS_INSTANCE_ID";
pub(crate) const RESOURCE_DETECTION: &str = "AWS_XRAY_RESOURCE_DETECTION";
pub(crate) const OTEL_SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
pub(crate) const QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
pub(crate) const SCHEDULE_DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
pub(crate) const OTEL_PROPAGATORS: &str = "OTEL_PROPAGATORS";
pub(crate) const TRACES_SAMPLER: &str = "OTEL_TRACES_SAMPLER";
pub(crate) const TRACES_SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
pub(crate) const SAMPLING_OVERRIDES: &str = "AWS_XRAY_SAMPLING_OVERRIDES";
pub(crate) const SAMPLING_RULES: &str = "AWS_XRAY_SAMPLING_RULES";

/// All of them. What is set in code wins over the environment, and the environment over the default.
///
/// ```
/// use opentelemetry_aws_xray::config::VARIABLES;
///
/// // For the `--help` of a service:
/// for variable in VARIABLES {
///     println!("{:<36} {} [default: {}]", variable.name, variable.effect, variable.default);
/// }
/// ```
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: DAEMON_ADDRESS,
        accepts: "`host:port`, or `tcp:host:port udp:host:port` in any order; host names, IPv4, IPv6 in brackets",
        default: "`127.0.0.1:2000`",
        effect: "Where the X-Ray daemon is. What is no address is told in a warning and not used.",
    },
    Variable {
        name: TRANSPORT,
        accepts: "`udp`; `tcp` with the feature `daemon-tcp`; `direct` with the feature `aws`; in any case",
        default: "`udp`",
        effect: "By which road documents go. `udp`: to the daemon, unanswered. `tcp`: through the daemon to X-Ray, whose answers come back. `direct`: to X-Ray itself, with AWS credentials.",
    },
    Variable {
        name: PAYLOAD,
        accepts: "`segments` or, with the crate's feature `otlp`, `otlp`",
        default: "`segments`",
        effect: "What is sent to X-Ray. It takes OTLP only where Transaction Search is on.",
    },
    Variable {
        name: TRACING_NAME,
        accepts: "text",
        default: "not set",
        effect: "The service's name. As in the X-Ray SDKs it wins over the code, too: over `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `service.name` in `with_resource` and `with_resource_attribute`, and a layer's `SegmentNaming`, but not over `with_service_name`.",
    },
    Variable {
        name: SDK_ENABLED,
        accepts: "`true` or `false` (also `1`/`0`, `yes`/`no`, `on`/`off`, in any case)",
        default: "`true`",
        effect: "`false` turns tracing off: no spans are made. What callers said of their traces is passed on; where there is no caller, calls go out as not sampled.",
    },
    Variable {
        name: SDK_DISABLED,
        accepts: "as above",
        default: "`false`",
        effect: "`true` turns tracing off, as above.",
    },
    Variable {
        name: CONTEXT_MISSING,
        accepts: "`LOG_ERROR`, `LOG_WARNING`, `RUNTIME_ERROR`, `IGNORE_ERROR`, in any case",
        default: "`LOG_ERROR`",
        effect: "What happens where a trace is needed and none is active: a call out of a traced client, an annotation. `RUNTIME_ERROR` fails what can fail, such as `try_annotate`; it never ends the process. Otherwise the call goes out as it is.",
    },
    Variable {
        name: RESOURCE_DETECTION,
        accepts: "`off`, `environment` or, with the crate's feature `resource-detection`, `full`; in any case",
        default: "`environment`",
        effect: "How far to look for where the application runs. `environment`: variables that Lambda, ECS and EKS set. `full`: files and metadata services too, which delays the start by 500 ms at most.",
    },
    Variable {
        name: TRACES_SAMPLER,
        accepts: "`xray` with the feature `sampler`; `parentbased_always_on`, `parentbased_always_off`, `parentbased_traceidratio`; the same without `parentbased_`; in any case",
        default: "`parentbased_always_on`",
        effect: "Who decides for traces that begin here, and where `X-Amzn-Trace-Id` left it open. `xray`: the account's sampling rules. Without `parentbased_` what callers decided doesn't count, save for `xray`.",
    },
    Variable {
        name: TRACES_SAMPLER_ARG,
        accepts: "for `xray`: `endpoint=http://host:port,polling_interval=seconds`, both or one, with 1 to 1800 seconds; for `…traceidratio`: a number from 0 to 1",
        default: "the TCP part of `AWS_XRAY_DAEMON_ADDRESS`, or X-Ray itself with `AWS_XRAY_TRANSPORT=direct`, and `300`; `1`",
        effect: "Where sampling rules are fetched, unencrypted, and how often; or the share of traces that is sampled. Keys that are not known are told in a warning.",
    },
    Variable {
        name: SAMPLING_OVERRIDES,
        accepts: "the path of a file of overrides",
        default: "not set",
        effect: "With `xray`: decisions before the account's rules are asked, behind those of the code. A file that can't be understood is told in a warning and not used.",
    },
    Variable {
        name: SAMPLING_RULES,
        accepts: "the path of a local rules file of the X-Ray SDKs, version 1 or 2",
        default: "not set: one request a second, and 5 % of the others",
        effect: "With `xray`: who decides while there are no rules from X-Ray, or none matches.",
    },
    Variable {
        name: LAMBDA_LOG_GROUP,
        accepts: "the name of a log group; Lambda sets it",
        default: "not set",
        effect: "The log group in which CloudWatch looks for the lines of a trace, where neither the resource nor `with_log_groups` names one.",
    },
    Variable {
        name: HOSTNAME,
        accepts: "text",
        default: "not set",
        effect: "The name of the host in telemetry records, where these are asked for (feature `aws`).",
    },
    Variable {
        name: INSTANCE_ID,
        accepts: "text",
        default: "not set",
        effect: "The id of the EC2 instance, as above.",
    },
    Variable {
        name: ADAPTIVE_SAMPLING,
        accepts: "YAML or JSON, or the path of a file with it; at most 64 KiB; with the feature `adaptive-sampling`",
        default: "not set",
        effect: "What is an anomaly, and how many traces with one are captured, for `AdaptiveSampling::from_environment`.",
    },
    Variable {
        name: "OTEL_SERVICE_NAME",
        accepts: "text",
        default: "`unknown_service:` + the program's name",
        effect: "The service's name. Wins over `OTEL_RESOURCE_ATTRIBUTES`.",
    },
    Variable {
        name: "OTEL_RESOURCE_ATTRIBUTES",
        accepts: "`key=value,key=value`",
        default: "not set",
        effect: "Attributes of the resource, such as `service.version` or `cloud.platform`.",
    },
    Variable {
        name: OTEL_PROPAGATORS,
        accepts: "a list of `xray`, `tracecontext`, `baggage`, or `none`",
        default: "`tracecontext,baggage,xray`",
        effect: "The headers that are read and written. They are read in this order; where two name a parent, the later one wins, but `xray` never replaces a parent by less.",
    },
    Variable {
        name: QUEUE_SIZE,
        accepts: "a number of spans",
        default: "`8192`",
        effect: "How many spans that have ended may wait for the exporter. What finds no room is lost, and counted as missed.",
    },
    Variable {
        name: SCHEDULE_DELAY,
        accepts: "milliseconds, at least 10",
        default: "`5000`",
        effect: "How long spans that have ended wait for others.",
    },
    Variable {
        name: OTEL_SDK_DISABLED,
        accepts: "`true` or `false`",
        default: "`false`",
        effect: "`true` turns tracing off, as above.",
    },
];

/// The table in Markdown, as it stands in the documentation.
///
/// ```
/// use opentelemetry_aws_xray::config::variables_markdown;
///
/// assert!(variables_markdown().starts_with("| variable | values | default | effect |\n|---|"));
/// ```
#[must_use]
pub fn variables_markdown() -> String {
    let mut table = String::from("| variable | values | default | effect |\n|---|---|---|---|\n");
    for Variable { name, accepts, default, effect } in VARIABLES {
        table.extend(["| `", name, "` | ", accepts, " | ", default, " | ", effect, " |\n"]);
    }
    table
}
