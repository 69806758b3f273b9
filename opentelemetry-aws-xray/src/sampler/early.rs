//! Decisions before there is a span: the server layer asks with what it has at hand, and describes the request only if
//! the answer is yes.

use std::{
    cell::Cell,
    sync::{Arc, OnceLock},
};

use opentelemetry::{
    Context,
    trace::{SpanKind, TraceId},
};
use xray_wire::sampling::{Attributes, Pattern, Request, Table};

use super::{
    fallback::Fallback,
    poller::nanos,
    request::SpanAttributes,
    route_override::{ActiveOverride, Span},
    stripe::stripe,
    xray::XraySampler,
};

/// What the layer knows of a request without any work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EarlyRequest<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) host: Option<&'a str>,
}

/// What was decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlyDecision {
    pub(crate) is_sampled: bool,
    /// The account's rule that sampled it.
    pub(crate) rule: Option<Arc<str>>,
}

/// A value of the context in which a span starts, by which the layer speaks to the sampler.
#[derive(Debug)]
pub(crate) enum Hint {
    /// The sampler that decides alone shall leave itself here, if it is one of ours.
    WhoDecides(Arc<OnceLock<XraySampler>>),
    /// It has decided already.
    Decided(EarlyDecision),
}

impl Hint {
    /// What `sampler` has decided already. If it is asked who it is, it answers.
    #[inline]
    pub(super) fn heed<'a>(cx: Option<&'a Context>, sampler: &XraySampler) -> Option<&'a EarlyDecision> {
        match cx?.get::<Self>()? {
            Self::Decided(decision) => Some(decision),
            Self::WhoDecides(answer) => {
                if sampler.decides_alone {
                    let _ = answer.set(sampler.clone());
                }
                None
            }
        }
    }
}

impl XraySampler {
    /// The same sampler, in a place where its decisions are final: no other sampler asks it on its own behalf.
    pub(crate) fn alone(mut self) -> Self {
        self.decides_alone = true;
        self
    }

    /// Decides about a request of which nobody has decided, as it would about its span. `None` if that depends on more
    /// than is known: nothing has been decided, nor counted.
    pub(crate) fn decide_early(&self, early: &EarlyRequest<'_>) -> Option<EarlyDecision> {
        self.inner.poller.start();
        let overrides = &*self.inner.overrides;
        if !overrides.iter().all(ActiveOverride::is_about_the_request) {
            return None;
        }
        let attributes = Unknown::default();
        let request = Request {
            http_method: Some(early.method),
            url_path: Some(early.path),
            host: early.host,
            attributes: &attributes,
            ..Request::UNKNOWN
        };
        let clock = &*self.inner.clock;
        let (trace_id, stripe) = (early.trace_id.to_bytes(), stripe());
        self.inner.published.read(|table| {
            let span = Span { name: "", kind: &SpanKind::Server, attributes: SpanAttributes(&[]), request };
            let overridden =
                overrides.iter().find_map(|asked| asked.decide(&span, table, trace_id, clock, stripe));
            if let Some(overridden) = overridden {
                let is_sampled = overridden.decision.is_sampled();
                let rule = overridden.rule.filter(|_| is_sampled).map(|rule| rule.name.clone());
                return Some(EarlyDecision { is_sampled, rule });
            }
            let by_first_match = |table: &Table| {
                let entry = table.find(&request).filter(|_| !attributes.were_asked_for())?;
                let is_sampled = entry.state.decide(trace_id, || nanos(clock), stripe).is_sampled();
                Some((is_sampled, entry.rule.name.clone()))
            };
            if let Some((is_sampled, rule)) = table.and_then(by_first_match) {
                return Some(EarlyDecision { is_sampled, rule: is_sampled.then_some(rule) });
            }
            match &self.inner.fallback {
                Fallback::Rules(table) if !attributes.were_asked_for() => {
                    let is_sampled = by_first_match(table).is_some_and(|(is_sampled, _)| is_sampled);
                    Some(EarlyDecision { is_sampled, rule: None })
                }
                _ => None,
            }
        })
    }
}

/// The attributes of a span that isn't there.
#[derive(Debug, Default)]
struct Unknown {
    were_asked_for: Cell<bool>,
}

impl Unknown {
    /// Whether a rule wants to know them.
    fn were_asked_for(&self) -> bool {
        self.were_asked_for.get()
    }
}

impl Attributes for Unknown {
    fn matches(&self, _: &str, _: &Pattern) -> bool {
        self.were_asked_for.set(true);
        false
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{KeyValue, Value};
    use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};
    use proptest::prelude::*;
    use xray_wire::sampling::{Process, Rate, Rule};

    use super::*;
    use crate::{clock::ManualClock, sampler::RouteOverride};

    fn rule(name: &str, path: &str, rate: f64) -> Rule {
        let mut rule = Rule::for_all(name, 1, 0, Rate::new(rate).unwrap());
        rule.url_path = path.into();
        rule
    }

    /// A sampler by these rules, that asks X-Ray for no others.
    fn sampler(rules: &[Rule], overrides: &[RouteOverride]) -> XraySampler {
        let builder =
            XraySampler::builder().with_clock(ManualClock::default()).with_endpoint("http://127.0.0.1:1");
        let sampler = builder.with_overrides(overrides.iter().cloned()).build();
        let table = Table::local(rules.to_vec(), &Process::default());
        sampler.inner.published.publish(Some(Arc::new(table)));
        sampler
    }

    fn asked<'a>(trace_id: u128, method: &'a str, path: &'a str, host: Option<&'a str>) -> EarlyRequest<'a> {
        EarlyRequest { trace_id: TraceId::from(trace_id), method, path, host }
    }

    /// What the sampler says of the span that the request would get.
    fn of_span(sampler: &XraySampler, early: &EarlyRequest<'_>) -> EarlyDecision {
        let mut attributes = vec![
            KeyValue::new("http.request.method", early.method.to_owned()),
            KeyValue::new("url.path", early.path.to_owned()),
        ];
        attributes.extend(early.host.map(|host| KeyValue::new("server.address", host.to_owned())));
        let result = sampler.should_sample(None, early.trace_id, "span", &SpanKind::Server, &attributes, &[]);
        EarlyDecision {
            is_sampled: result.decision == SamplingDecision::RecordAndSample,
            rule: result.attributes.into_iter().find_map(|attribute| match attribute.value {
                Value::String(rule) => Some(rule.as_str().into()),
                _ => None,
            }),
        }
    }

    #[test]
    fn decides_unless_it_depends_on_the_span() {
        let with_attribute = |name| {
            let mut rule = rule(name, "/a", 1.0);
            rule.attributes = [("tenant".into(), "gold".into())].into();
            rule
        };
        let sampled_by = |rule: &str| Some((true, Some(rule.to_owned())));
        let [all, none] = [rule("all", "/a*", 1.0), rule("none", "*", 0.0)];
        for (why, rules, overrides, expected) in [
            ("a rule says yes", vec![all.clone()], vec![], sampled_by("all")),
            ("a rule says no", vec![none.clone()], vec![], Some((false, None))),
            ("a rule wants an attribute", vec![with_attribute("a"), all.clone()], vec![], None),
            (
                "it comes too late to matter",
                vec![all.clone(), with_attribute("b")],
                vec![],
                sampled_by("all"),
            ),
            ("no rule matches: the fallback", vec![rule("other", "/b", 1.0)], vec![], Some((true, None))),
            (
                "an override decides",
                vec![none.clone()],
                vec![RouteOverride::always().with_path("/a").with_method("GET").with_host("h")],
                Some((true, None)),
            ),
            (
                "one that does not match",
                vec![all.clone()],
                vec![RouteOverride::never().with_path("/b")],
                sampled_by("all"),
            ),
            (
                "one for another kind",
                vec![all.clone()],
                vec![RouteOverride::never().with_kind(SpanKind::Client)],
                sampled_by("all"),
            ),
            (
                "one that asks for the route",
                vec![all.clone()],
                vec![RouteOverride::never().with_route("/x")],
                None,
            ),
            (
                "one that asks for the name",
                vec![all.clone()],
                vec![RouteOverride::never().with_span_name("x")],
                None,
            ),
            (
                "one that asks for an attribute",
                vec![all.clone()],
                vec![RouteOverride::never().with_attribute("x", "y")],
                None,
            ),
            ("one that is reported", vec![all.clone()], vec![RouteOverride::rule("none")], None),
            (
                "one that names a rule",
                vec![none, all],
                vec![RouteOverride::rule("all").with_report(false)],
                sampled_by("all"),
            ),
        ] {
            let found = sampler(&rules, &overrides).decide_early(&asked(7, "GET", "/a", Some("h")));
            let found = found.map(|found| (found.is_sampled, found.rule.map(|rule| rule.to_string())));
            assert_eq!(found, expected, "{why}");
        }
    }

    #[test]
    fn a_fallback_of_one_s_own_sees_the_span() {
        let sampler = XraySampler::builder()
            .with_endpoint("http://127.0.0.1:1")
            .with_fallback(Sampler::AlwaysOn)
            .build();
        assert_eq!(sampler.decide_early(&asked(7, "GET", "/a", None)), None);
    }

    #[test]
    fn what_was_decided_is_not_decided_again() {
        let sampler = sampler(&[rule("none", "*", 0.0)], &[]);
        let decision = EarlyDecision { is_sampled: true, rule: Some("by hand".into()) };
        let cx = Context::new().with_value(Hint::Decided(decision));
        let result = sampler.should_sample(Some(&cx), TraceId::from(7), "s", &SpanKind::Server, &[], &[]);
        assert_eq!(result.decision, SamplingDecision::RecordAndSample);
        assert_eq!(result.attributes, [KeyValue::new("aws.xray.sampling_rule", "by hand")]);
        sampler.inner.published.read(|table| {
            let counts = table.unwrap().entries()[0].state.total();
            assert_eq!((counts.sampled, counts.not_sampled), (0, 0));
        });
    }

    #[test]
    fn only_who_decides_alone_says_so() {
        let sampler = sampler(&[], &[]);
        for (sampler, expected) in [(sampler.clone(), false), (sampler.alone(), true)] {
            let answer = Arc::new(OnceLock::new());
            let cx = Context::new().with_value(Hint::WhoDecides(answer.clone()));
            sampler.should_sample(Some(&cx), TraceId::from(7), "s", &SpanKind::Server, &[], &[]);
            assert_eq!(answer.get().is_some(), expected);
        }
    }

    proptest! {
        #[test]
        fn says_the_same_as_of_the_span(
            rules in prop::collection::vec(
                ("[*/]|/[ab*]{1,2}", "GET|P*|\\*", "h|\\*|h\\.\\*", 0.0..=1.0_f64, any::<bool>()),
                0..5,
            ),
            overrides in prop::collection::vec(("[*/]|/[ab*]{1,2}", 0.0..=1.0_f64, prop::option::of(0..5_usize)), 0..3),
            request in (any::<u128>(), "GET|POST|BREW", "/[ab]{0,2}", prop::option::of("h|h\\.x")),
        ) {
            let rules: Vec<_> = rules.into_iter().enumerate().map(|(n, (path, method, host, rate, vip))| {
                let mut rule = rule(&n.to_string(), &path, rate);
                (rule.http_method, rule.host) = (method.as_str().into(), host.as_str().into());
                if vip {
                    rule.attributes = [("url.path".into(), "/a*".into())].into();
                }
                rule
            }).collect();
            let overrides: Vec<_> = overrides.iter().map(|(path, rate, rule)| {
                let asked = match rule {
                    Some(name) => RouteOverride::rule(&name.to_string()).with_report(false),
                    None => RouteOverride::rate(*rate),
                };
                asked.with_path(path)
            }).collect();
            let (trace_id, method, path, host) = &request;
            let early = asked(*trace_id, method, path, host.as_deref());
            let [one, other] = [sampler(&rules, &overrides), sampler(&rules, &overrides)];
            if let Some(decision) = one.decide_early(&early) {
                prop_assert_eq!(decision, of_span(&other, &early));
                prop_assert_eq!(one.handle().status().overrides, other.handle().status().overrides);
            } else {
                prop_assert!(rules.iter().any(|rule| !rule.attributes.is_empty()));
            }
        }
    }
}
