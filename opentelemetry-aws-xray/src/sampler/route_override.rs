//! What a process knows better than the account's rules: overrides, asked before them.

use std::sync::Arc;

use opentelemetry::trace::SpanKind;
use xray_wire::sampling::{
    Attributes, Counts, Decision, LocalRules, Pattern, Rate, Request, Rule, RuleState, Stripe, Table,
};

use super::{poller::nanos, request::SpanAttributes};
use crate::clock::Clock;

/// A decision of the process's own for some of its requests, before the account's rules are asked.
///
/// The first override that matches decides. All that is asked for has to match; one that asks for nothing matches every
/// request. Patterns are those of X-Ray's rules: `*` for any text, `?` for one character, in either case of letters, the
/// whole value. A contained text is `*text*`.
///
/// ```
/// use opentelemetry_aws_xray::sampler::{RouteOverride, XraySampler};
///
/// let sampler = XraySampler::builder()
///     .with_override(RouteOverride::never().with_path("/health*"))
///     .with_override(RouteOverride::always().with_path("/api/auth*").with_method("POST"))
///     .with_override(RouteOverride::per_second(5, 0.1).with_route("/orders/{id}"))
///     .build();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RouteOverride {
    answer: Answer,
    is_reported: Option<bool>,
    path: Option<Pattern>,
    route: Option<Pattern>,
    method: Option<Pattern>,
    host: Option<Pattern>,
    span_name: Option<Pattern>,
    kind: Option<SpanKind>,
    attributes: Vec<(String, Pattern)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Always,
    Never,
    PerSecond(u32, Rate),
    Rule(Arc<str>),
}

impl RouteOverride {
    fn new(answer: Answer) -> Self {
        Self {
            answer,
            is_reported: None,
            path: None,
            route: None,
            method: None,
            host: None,
            span_name: None,
            kind: None,
            attributes: Vec::new(),
        }
    }

    /// Samples every request.
    #[must_use]
    pub fn always() -> Self {
        Self::new(Answer::Always)
    }

    /// Samples no request.
    #[must_use]
    pub fn never() -> Self {
        Self::new(Answer::Never)
    }

    /// Samples a share of the requests, from 0 to 1. A number below counts as 0, one above as 1, and one that is none as 0.
    #[must_use]
    pub fn rate(share: f64) -> Self {
        Self::per_second(0, share)
    }

    /// Samples up to so many requests a second, in this process and 4,096 at most, and a share of the others, as for [`rate`](Self::rate).
    ///
    /// ```
    /// use opentelemetry_aws_xray::sampler::RouteOverride;
    ///
    /// // Five requests a second, and one of a hundred beyond.
    /// let orders = RouteOverride::per_second(5, 0.01).with_route("/orders/{id}");
    /// ```
    #[must_use]
    pub fn per_second(requests: u32, share: f64) -> Self {
        let share = Rate::new(share.clamp(0.0, 1.0)).unwrap_or(Rate::NEVER);
        Self::new(Answer::PerSecond(requests, share))
    }

    /// Lets the account's rule with this name decide, whatever it says itself about requests. While there is none with this
    /// name, this override matches nothing.
    ///
    /// ```
    /// use opentelemetry_aws_xray::sampler::RouteOverride;
    ///
    /// // Its reservoir and rate are set in the console; which requests are payments, the service knows best.
    /// let payments = RouteOverride::rule("payments").with_route("/pay/{id}");
    /// ```
    #[must_use]
    pub fn rule(name: &str) -> Self {
        Self::new(Answer::Rule(name.into()))
    }

    /// Whether the decision is counted in what is reported to X-Ray, for the account's rule that decides or would have
    /// decided. X-Ray shares out quotas by these counts.
    ///
    /// Default: `true` for [`rule`](Self::rule), else `false`.
    #[must_use]
    pub fn with_report(mut self, is_reported: bool) -> Self {
        self.is_reported = Some(is_reported);
        self
    }

    /// Asks for the request's path. Default: any, or none.
    #[must_use]
    pub fn with_path(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Asks for the route that the request takes, `http.route`. Default: any, or none.
    #[must_use]
    pub fn with_route(mut self, route: &str) -> Self {
        self.route = Some(route.into());
        self
    }

    /// Asks for the request's method. Default: any, or none.
    #[must_use]
    pub fn with_method(mut self, method: &str) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Asks for the host that the request was sent to. Default: any, or none.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Asks for the name that the span starts with. Default: any.
    #[must_use]
    pub fn with_span_name(mut self, name: &str) -> Self {
        self.span_name = Some(name.into());
        self
    }

    /// Asks for the span's kind. Default: any.
    #[must_use]
    pub fn with_kind(mut self, kind: SpanKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Asks for an attribute that the span starts with; several are all asked for. Default: none.
    ///
    /// ```
    /// use opentelemetry_aws_xray::sampler::RouteOverride;
    ///
    /// let gold = RouteOverride::rate(0.5)
    ///     .with_attribute("tenant.plan", "gold*")
    ///     .with_attribute("url.query", "*debug=*");
    /// ```
    #[must_use]
    pub fn with_attribute(mut self, key: impl Into<String>, value: &str) -> Self {
        self.attributes.push((key.into(), value.into()));
        self
    }

    /// The rules of a file of the X-Ray SDKs as overrides, without its default: what no rule matches goes on to the account's
    /// rules.
    ///
    /// ```
    /// use opentelemetry_aws_xray::sampler::{LocalRules, RouteOverride};
    ///
    /// let rules = LocalRules::parse(r#"{
    ///     "version": 2,
    ///     "rules": [{"host": "*", "http_method": "GET", "url_path": "/health", "fixed_target": 0, "rate": 0}],
    ///     "default": {"fixed_target": 1, "rate": 0.1}
    /// }"#)?;
    /// let never = RouteOverride::rate(0.0).with_host("*").with_method("GET").with_path("/health");
    /// assert_eq!(RouteOverride::from_local_rules(&rules), [never]);
    /// # Ok::<(), opentelemetry_aws_xray::sampler::LocalRulesError>(())
    /// ```
    #[must_use]
    pub fn from_local_rules(rules: &LocalRules) -> Vec<Self> {
        let rules = rules.rules.iter().filter(|rule| !rule.is_default());
        let of_rule = |rule: &Rule| Self {
            host: Some(rule.host.clone()),
            method: Some(rule.http_method.clone()),
            path: Some(rule.url_path.clone()),
            ..Self::new(Answer::PerSecond(rule.reservoir_size, rule.fixed_rate))
        };
        rules.map(of_rule).collect()
    }
}

/// A span about which an override is asked.
pub(super) struct Span<'a> {
    pub(super) name: &'a str,
    pub(super) kind: &'a SpanKind,
    pub(super) attributes: SpanAttributes<'a>,
    pub(super) request: Request<'a>,
}

/// An override at work.
#[derive(Debug)]
pub(super) struct ActiveOverride {
    asked: RouteOverride,
    is_reported: bool,
    /// Quota and rate, and what was decided.
    state: RuleState,
}

/// What an override has decided.
pub(super) struct Overridden<'t> {
    pub(super) decision: Decision,
    /// The account's rule, if it was one that decided.
    pub(super) rule: Option<&'t Rule>,
}

impl ActiveOverride {
    pub(super) fn new(asked: RouteOverride) -> Self {
        let rule = match asked.answer {
            Answer::Always => Rule::for_all("override", 0, 0, Rate::ALWAYS),
            Answer::Never | Answer::Rule(_) => Rule::for_all("override", 0, 0, Rate::NEVER),
            Answer::PerSecond(requests, share) => Rule::for_all("override", 0, requests, share),
        };
        let is_reported = asked.is_reported.unwrap_or(matches!(asked.answer, Answer::Rule(_)));
        Self { is_reported, state: RuleState::local(&rule), asked }
    }

    /// Whether it can decide by method, path and host alone, and tells nobody but itself of it.
    #[cfg(feature = "tower")]
    pub(super) fn is_about_the_request(&self) -> bool {
        let RouteOverride { route, span_name, attributes, .. } = &self.asked;
        !self.is_reported && route.is_none() && span_name.is_none() && attributes.is_empty()
    }

    /// What it has decided.
    pub(super) fn decisions(&self) -> Counts {
        self.state.total()
    }

    /// Decides, if the span matches.
    pub(super) fn decide<'t>(
        &self,
        span: &Span<'_>,
        table: Option<&'t Table>,
        trace_id: [u8; 16],
        clock: &dyn Clock,
        stripe: Stripe,
    ) -> Option<Overridden<'t>> {
        if !self.asked.matches(span) {
            return None;
        }
        if let Answer::Rule(name) = &self.asked.answer {
            let entry = table?.named(name)?;
            let decision = entry.state.ask(trace_id, || nanos(clock));
            self.state.count(decision, stripe);
            if self.is_reported {
                entry.state.count(decision, stripe);
            }
            return Some(Overridden { decision, rule: Some(&entry.rule) });
        }
        let decision = self.state.decide(trace_id, || nanos(clock), stripe);
        if self.is_reported
            && let Some(entry) = table.and_then(|table| table.find(&span.request))
        {
            entry.state.count(decision, stripe);
        }
        Some(Overridden { decision, rule: None })
    }
}

impl RouteOverride {
    fn matches(&self, span: &Span<'_>) -> bool {
        let is_match =
            |asked: &Option<Pattern>, found| asked.as_ref().is_none_or(|asked| asked.matches(found));
        let has = |key: &str, asked: &Pattern| span.attributes.matches(key, asked);
        is_match(&self.method, span.request.http_method)
            && is_match(&self.path, span.request.url_path)
            && is_match(&self.host, span.request.host)
            && is_match(&self.span_name, Some(span.name))
            && self.kind.as_ref().is_none_or(|kind| kind == span.kind)
            && self.route.as_ref().is_none_or(|asked| asked.is_any() || has("http.route", asked))
            && self.attributes.iter().all(|(key, asked)| has(key, asked))
    }
}
