//! What the sampler's thread tells people: calls that fail, and rules that are odd.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use opentelemetry::{otel_info, otel_warn};
use xray_wire::sampling::{Call, Shadowed, SkippedRule, Unprocessed};

use super::api::SamplingApiError;

/// A failure that lasts is told again when this has passed.
const WARN_EVERY: Duration = Duration::from_secs(600);

/// Rules that are told once each as being odd; a bound, since their names come from outside.
const MAX_ODD_RULES: usize = 1_000;

/// What fails at present, and what was told before.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    rules: Option<Outage>,
    targets: Option<Outage>,
    /// Hashes: what is told may be long.
    odd_rules: HashSet<u64>,
    hasher: RandomState,
}

/// Calls of one kind that fail.
#[derive(Debug)]
struct Outage {
    since: u64,
    told: Option<u64>,
    error: String,
}

impl Outage {
    fn was_told_lately(&self, now: u64) -> bool {
        self.told.is_some_and(|told| now.saturating_sub(told) < WARN_EVERY.as_nanos() as u64)
    }
}

impl Warnings {
    /// Whether the last call of this kind failed.
    pub(super) fn fails(&mut self, call: Call) -> bool {
        self.outage(call).is_some()
    }

    /// Why calls fail, if they do.
    pub(super) fn last_error(&self) -> Option<&str> {
        self.rules.as_ref().or(self.targets.as_ref()).map(|outage| &*outage.error)
    }

    /// A call has failed. That is told at once, and again while it lasts; the same failure of both kinds is told once for both.
    pub(super) fn failed(
        &mut self,
        call: Call,
        error: &SamplingApiError,
        endpoint: &str,
        has_rules: bool,
        now: u64,
    ) {
        let error = error.to_string();
        let other = match call {
            Call::Rules => &self.targets,
            Call::Targets => &self.rules,
        };
        let told_of_other = other.as_ref().filter(|other| other.error == error && other.was_told_lately(now));
        let told_of_other = told_of_other.and_then(|other| other.told);
        let outage = self.outage(call).get_or_insert(Outage { since: now, told: None, error: String::new() });
        outage.error.clone_from(&error);
        if outage.was_told_lately(now) {
            return;
        }
        outage.told = told_of_other.or(Some(now));
        if told_of_other.is_some() {
            return;
        }
        let message = if has_rules {
            "X-Ray can't be asked how to sample; the rules that are known are followed for up to an hour. Is the X-Ray daemon, or a Collector with the extension awsproxy, running at this endpoint?"
        } else {
            "X-Ray can't be asked for sampling rules; until it answers the fallback decides, by default one request a second and 5 % of the others. Is the X-Ray daemon, or a Collector with the extension awsproxy, running at this endpoint? `with_endpoint` chooses another one"
        };
        otel_warn!(
            name: "XraySampler.Unreachable",
            endpoint = endpoint.to_owned(),
            call = name(call),
            error = error.clone(),
            message = message
        );
    }

    /// A call was answered. If it was told that such calls fail, it is told that they do so no more.
    pub(super) fn answered(&mut self, call: Call, endpoint: &str, now: u64) {
        let Some(outage) = self.outage(call).take().filter(|outage| outage.told.is_some()) else { return };
        otel_info!(
            name: "XraySampler.Reached",
            endpoint = endpoint.to_owned(),
            call = name(call),
            seconds = now.saturating_sub(outage.since) / 1_000_000_000,
            message = "X-Ray answers again about sampling"
        );
    }

    pub(super) fn refused(&mut self, refused: &Unprocessed) {
        if self.is_first(("refused", &refused.rule_name, &refused.error_code)) {
            otel_warn!(
                name: "XraySampler.ReportRefused",
                rule = shown(&refused.rule_name),
                code = shown(&refused.error_code),
                reason = shown(&refused.message),
                message = "X-Ray refuses the report of a sampling rule; what it counted is lost. Was the rule deleted?"
            );
        }
    }

    pub(super) fn skipped(&mut self, skipped: &SkippedRule) {
        let name = skipped.name.as_deref().unwrap_or_default();
        if self.is_first(("skipped", name, "")) {
            otel_warn!(
                name: "XraySampler.RuleSkipped",
                rule = shown(name),
                reason = skipped.reason,
                message = "a sampling rule can't be followed and is left out"
            );
        }
    }

    pub(super) fn shadowed(&mut self, found: Shadowed<'_>) {
        if self.is_first(("shadowed", &found.rule.name, &found.by.name)) {
            otel_warn!(
                name: "XraySampler.RuleShadowed",
                rule = shown(&found.rule.name),
                by = shown(&found.by.name),
                message = "a sampling rule is never reached: another one, asked before, takes all of its requests. Should it have a lower priority number?"
            );
        }
    }

    fn outage(&mut self, call: Call) -> &mut Option<Outage> {
        match call {
            Call::Rules => &mut self.rules,
            Call::Targets => &mut self.targets,
        }
    }

    fn is_first(&mut self, what: (&str, &str, &str)) -> bool {
        self.odd_rules.len() < MAX_ODD_RULES && self.odd_rules.insert(self.hasher.hash_one(what))
    }
}

fn name(call: Call) -> &'static str {
    match call {
        Call::Rules => "rules",
        Call::Targets => "targets",
    }
}

/// What X-Ray says, as far as a person wants to read it, on one line.
fn shown(text: &str) -> String {
    const SHOWN_CHARS: usize = 200;
    xray_wire::sanitize::truncate(text, SHOWN_CHARS).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> SamplingApiError {
        SamplingApiError::new(text)
    }

    #[test]
    fn each_kind_of_call_fails_and_comes_back_by_itself() {
        const MINUTE: u64 = 60_000_000_000;
        let mut warnings = Warnings::default();
        let told = |warnings: &Warnings| {
            let at = |outage: &Option<Outage>| outage.as_ref().and_then(|outage| outage.told);
            (at(&warnings.rules), at(&warnings.targets))
        };
        for (now, call, failure, expected, last_error) in [
            (1, Call::Rules, Some("a"), (Some(1), None), Some("a")),
            (2, Call::Targets, None, (Some(1), None), Some("a")),
            (3, Call::Rules, Some("b"), (Some(1), None), Some("b")),
            (4, Call::Targets, Some("b"), (Some(1), Some(1)), Some("b")),
            (11 * MINUTE, Call::Targets, Some("c"), (Some(1), Some(11 * MINUTE)), Some("b")),
            (12 * MINUTE, Call::Rules, Some("c"), (Some(11 * MINUTE), Some(11 * MINUTE)), Some("c")),
            (13 * MINUTE, Call::Rules, None, (None, Some(11 * MINUTE)), Some("c")),
            (14 * MINUTE, Call::Targets, None, (None, None), None),
        ] {
            match failure {
                Some(text) => warnings.failed(call, &error(text), "", true, now),
                None => warnings.answered(call, "", now),
            }
            assert_eq!((told(&warnings), warnings.last_error()), (expected, last_error), "{now}");
        }
    }

    #[test]
    fn what_is_remembered_and_shown_of_foreign_names_is_bounded() {
        let mut warnings = Warnings::default();
        for n in 0..2 * MAX_ODD_RULES {
            assert_eq!(warnings.is_first(("refused", &n.to_string(), "")), n < MAX_ODD_RULES);
        }
        assert_eq!(warnings.odd_rules.len(), MAX_ODD_RULES);
        assert_eq!(shown("a\nb"), "a\\nb");
        assert!(shown(&"é".repeat(1 << 20)).len() < 1_000);
    }
}
