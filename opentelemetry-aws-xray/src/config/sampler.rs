//! Who decides for traces that begin here, by name: `OTEL_TRACES_SAMPLER` and what belongs to it.

#[cfg(feature = "sampler")]
use std::time::Duration;

use opentelemetry_sdk::trace::Sampler;

use super::{Environment, parsed, understood, vars};
#[cfg(feature = "sampler")]
use crate::sampler::{LocalRules, Overrides};

/// A sampler that has a name (OpenTelemetry specification, "Environment Variable Specification").
#[derive(Debug, Clone)]
pub(crate) enum NamedSampler {
    /// Decides about every span, whatever a caller has decided.
    Every(Sampler),
    /// Decides where no caller has.
    Root(Sampler),
    /// X-Ray's rules decide where no caller has.
    #[cfg(feature = "sampler")]
    Xray,
}

/// The sampler that `OTEL_TRACES_SAMPLER` names, if it names one that there is.
pub(crate) fn named_sampler(environment: &Environment) -> Option<NamedSampler> {
    let name = environment.var(vars::TRACES_SAMPLER)?;
    understood(vars::TRACES_SAMPLER, &name, sampler_of(&name.to_ascii_lowercase(), environment))
}

fn sampler_of(name: &str, environment: &Environment) -> Result<NamedSampler, &'static str> {
    let sampler = match name.strip_prefix("parentbased_").unwrap_or(name) {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio(environment)),
        #[cfg(feature = "sampler")]
        "xray" => return Ok(NamedSampler::Xray),
        #[cfg(not(feature = "sampler"))]
        "xray" => {
            return Err("sampling by X-Ray's rules needs the feature `sampler` of opentelemetry-aws-xray");
        }
        _ => {
            return Err(
                "expected `xray`, or `always_on`, `always_off` or `traceidratio`, with or without `parentbased_` before",
            );
        }
    };
    let is_parent_based = name.starts_with("parentbased_");
    Ok(if is_parent_based { NamedSampler::Root(sampler) } else { NamedSampler::Every(sampler) })
}

/// The share of traces that `traceidratio` samples; all without a number that is one.
fn ratio(environment: &Environment) -> f64 {
    parsed::<Ratio>(vars::TRACES_SAMPLER_ARG, environment).map_or(1.0, |Ratio(share)| share)
}

struct Ratio(f64);

impl std::str::FromStr for Ratio {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.map(Self).ok_or("expected a number from 0 to 1")
    }
}

/// What `OTEL_TRACES_SAMPLER_ARG` says of the sampler `xray`.
#[cfg(feature = "sampler")]
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct XrayArguments {
    /// `endpoint=http://host:port`.
    pub(crate) endpoint: Option<String>,
    /// `polling_interval=300`, in seconds.
    pub(crate) polling_interval: Option<Duration>,
}

/// The arguments of the sampler `xray`: none if another one is named, whose arguments they are then.
#[cfg(feature = "sampler")]
pub(crate) fn xray_arguments(environment: &Environment) -> XrayArguments {
    let mut arguments = XrayArguments::default();
    let is_other = environment
        .var(vars::TRACES_SAMPLER)
        .is_some_and(|name| name.to_ascii_lowercase().trim_start_matches("parentbased_") != "xray");
    let Some(list) = environment.var(vars::TRACES_SAMPLER_ARG).filter(|_| !is_other) else {
        return arguments;
    };
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        understood(vars::TRACES_SAMPLER_ARG, item, arguments.set(item));
    }
    arguments
}

#[cfg(feature = "sampler")]
impl XrayArguments {
    fn set(&mut self, item: &str) -> Result<(), &'static str> {
        let (key, value) = item.split_once('=').ok_or("expected `key=value`")?;
        match (key.trim(), value.trim()) {
            (_, "") => return Err("expected a value behind `=`"),
            ("endpoint", endpoint) => self.endpoint = Some(endpoint.to_owned()),
            ("polling_interval", seconds) => {
                let seconds = seconds.parse().ok().filter(|seconds| *seconds > 0.0);
                let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                self.polling_interval =
                    Some(interval.ok_or("expected a number of seconds above 0 for `polling_interval`")?);
            }
            _ => return Err("expected `endpoint` or `polling_interval` before `=`"),
        }
        Ok(())
    }
}

/// Overrides of the file that `AWS_XRAY_SAMPLING_OVERRIDES` names.
#[cfg(feature = "sampler")]
pub(crate) fn sampling_overrides(environment: &Environment) -> Option<Overrides> {
    file(vars::SAMPLING_OVERRIDES, environment, |text| text.parse::<Overrides>().map_err(|e| e.to_string()))
}

/// Rules of the file that `AWS_XRAY_SAMPLING_RULES` names.
#[cfg(feature = "sampler")]
pub(crate) fn sampling_rules(environment: &Environment) -> Option<LocalRules> {
    file(vars::SAMPLING_RULES, environment, |text| LocalRules::parse(text).map_err(|e| e.to_string()))
}

/// What stands in the file that a variable names, if it can be read and understood.
#[cfg(feature = "sampler")]
fn file<T>(
    name: &'static str,
    environment: &Environment,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let path = environment.var(name)?;
    let content = super::file::read(&path).map_err(|error| format!("the file can't be read: {error}"));
    understood(name, &path, content.and_then(|text| parse(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers_by_name() {
        let xray = if cfg!(feature = "sampler") { "Some(Xray)" } else { "None" };
        for (name, argument, expected) in [
            ("", "", "None"),
            ("always_on", "", "Some(Every(AlwaysOn))"),
            ("ALWAYS_OFF", "", "Some(Every(AlwaysOff))"),
            ("parentbased_always_off", "", "Some(Root(AlwaysOff))"),
            ("traceidratio", "0.25", "Some(Every(TraceIdRatioBased(0.25)))"),
            ("parentbased_traceidratio", " 0.5 ", "Some(Root(TraceIdRatioBased(0.5)))"),
            ("parentbased_traceidratio", "", "Some(Root(TraceIdRatioBased(1.0)))"),
            ("parentbased_traceidratio", "2", "Some(Root(TraceIdRatioBased(1.0)))"),
            ("parentbased_traceidratio", "NaN", "Some(Root(TraceIdRatioBased(1.0)))"),
            ("xray", "endpoint=http://x", xray),
            ("parentbased_xray", "", xray),
            ("jaeger_remote", "", "None"),
        ] {
            let environment =
                Environment::of([("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
            assert_eq!(format!("{:?}", named_sampler(&environment)), expected, "{name} {argument}");
        }
    }

    #[cfg(feature = "sampler")]
    #[test]
    fn arguments_of_xray() {
        for (name, argument, endpoint, seconds) in [
            ("xray", "", None, None),
            ("", "endpoint=http://a:1", Some("http://a:1"), None),
            ("xray", " endpoint = http://a:1 , polling_interval=360", Some("http://a:1"), Some(360.0)),
            ("xray", "polling_interval=0.5,endpoint=", None, Some(0.5)),
            ("xray", "polling_interval=0,what=1,endpoint=b,,nonsense", Some("b"), None),
            ("xray", "polling_interval=NaN", None, None),
            ("xray", "polling_interval=1e300", None, None),
            ("traceidratio", "endpoint=http://a:1", None, None),
        ] {
            let environment =
                Environment::of([("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
            let found = xray_arguments(&environment);
            assert_eq!(found.endpoint.as_deref(), endpoint, "{argument}");
            assert_eq!(found.polling_interval.map(|interval| interval.as_secs_f64()), seconds, "{argument}");
        }
    }

    #[cfg(feature = "sampler")]
    #[test]
    fn files() {
        let directory = std::env::temp_dir().join(format!("xray-sampling-files-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name).display().to_string();
        for (name, content) in [
            ("overrides", "never path=/health"),
            ("rules", r#"{"version":2,"default":{"fixed_target":1,"rate":0}}"#),
            ("large", &"#".repeat(2 << 20)),
        ] {
            std::fs::write(path(name), content).unwrap();
        }
        for (name, overrides, rules) in [
            ("overrides", Some(1), false),
            ("rules", None, true),
            ("large", None, false),
            ("missing", None, false),
        ] {
            let overridden = sampling_overrides(&Environment::of([(vars::SAMPLING_OVERRIDES, &path(name))]));
            assert_eq!(overridden.map(|overrides| overrides.0.len()), overrides, "{name}");
            let found = sampling_rules(&Environment::of([(vars::SAMPLING_RULES, &path(name))]));
            assert_eq!(found.is_some(), rules, "{name}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
