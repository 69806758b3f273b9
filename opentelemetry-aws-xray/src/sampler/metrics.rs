//! What the sampler decides, and how it gets its rules, as OpenTelemetry metrics. Observed when a reader collects: a decision
//! costs no more for it.

use opentelemetry::{KeyValue, metrics::Meter};
use xray_wire::sampling::Counts;

use super::{SamplerHandle, SamplerStatus};

/// Who decided: `rule`, `override` or `fallback`.
const BY: &str = "aws.xray.sampler.by";
/// The rule's name, or the override's place, from 1.
const NAME: &str = "aws.xray.sampler.name";
/// `sampled`, `borrowed` or `not_sampled`.
const DECISION: &str = "aws.xray.sampler.decision";

/// Rules and overrides that have numbers of their own, each; an account has 25 rules unless it asks for more. The others are
/// left out, for every name costs memory in all that metrics pass through.
const MAX_NAMES: usize = 100;

/// Lets a meter observe a sampler for as long as its provider lives.
pub(crate) fn observe(sampler: &SamplerHandle, meter: &Meter) {
    let decides = sampler.clone();
    meter
        .u64_observable_counter("aws.xray.sampler.decisions")
        .with_unit("{decision}")
        .with_description("Traces about which rules, overrides or the fallback have decided")
        .with_callback(move |instrument| {
            for (attributes, count) in decisions(&decides.status()) {
                instrument.observe(count, &attributes);
            }
        })
        .build();
    let ages = sampler.clone();
    meter
        .f64_observable_gauge("aws.xray.sampler.rules.age")
        .with_unit("s")
        .with_description("How long ago the rules were received")
        .with_callback(move |instrument| {
            if let Some(age) = ages.status().rules_age {
                instrument.observe(age.as_secs_f64(), &[]);
            }
        })
        .build();
    let calls = sampler.clone();
    meter
        .u64_observable_counter("aws.xray.sampler.calls")
        .with_unit("{call}")
        .with_description("Calls for rules and targets; with error.type those that failed")
        .with_callback(move |instrument| {
            let status = calls.status();
            instrument.observe(status.calls_answered, &[]);
            instrument.observe(status.calls_failed, &[KeyValue::new("error.type", "failed")]);
        })
        .build();
}

fn decisions(status: &SamplerStatus) -> Vec<(Vec<KeyValue>, u64)> {
    let rules = status.rules.iter().filter(|rule| rule.is_live).take(MAX_NAMES);
    let rules = rules.map(|rule| ("rule", Some(rule.name.clone()), rule.decisions));
    let overrides = status.overrides.iter().take(MAX_NAMES).enumerate();
    let overrides = overrides.map(|(at, counts)| ("override", Some((at + 1).to_string()), *counts));
    let fallback = status.fallback.map(|counts| ("fallback", None, counts));
    let mut decisions = Vec::new();
    for (by, name, Counts { sampled, borrowed, not_sampled }) in rules.chain(overrides).chain(fallback) {
        for (decision, count) in [("sampled", sampled), ("borrowed", borrowed), ("not_sampled", not_sampled)]
        {
            if count > 0 {
                let mut attributes = vec![KeyValue::new(BY, by), KeyValue::new(DECISION, decision)];
                attributes.extend(name.clone().map(|name| KeyValue::new(NAME, name)));
                decisions.push((attributes, count));
            }
        }
    }
    decisions
}
