//! The sampler that asks X-Ray.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue, StringValue, Value, otel_warn,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    trace::{SamplingDecision, SamplingResult, ShouldSample},
};
use xray_wire::sampling::{Entry, LocalRules, Process, Schedule, Table};

use super::{
    api::SamplingApi,
    control::{Control, Progress},
    fallback::Fallback,
    http::HttpSamplingApi,
    parent::{ParentDecision, parent_decision},
    poller::{Poller, Signal, nanos},
    process::OwnProcess,
    published::Published,
    request::{SpanAttributes, request, whole_request},
    route_override::{ActiveOverride, RouteOverride, Span},
    status::{self, SamplerStatus},
};
use crate::{
    clock::{Clock, SystemClock},
    config::{self, Environment},
};

/// The attribute by which the exporter tells X-Ray the rule.
pub(super) const RULE_ATTRIBUTE: &str = "aws.xray.sampling_rule";

/// Samples as the account's sampling rules say.
///
/// A parent that has decided is followed, a local or a remote one, and nothing is counted. For all others, those too whose
/// `X-Amzn-Trace-Id` left the decision open, the first of the account's rules decides that matches the span's attributes at
/// its start. A span that is sampled gets the rule's name as attribute `aws.xray.sampling_rule`, which the exporter shows in the
/// segment.
///
/// [Overrides](XraySamplerBuilder::with_override) decide before the rules do.
///
/// While there are no rules — before X-Ray has answered, or when it has not for an hour — and where none matches, the
/// [fallback](XraySamplerBuilder::with_fallback) decides.
///
/// Rules come through the X-Ray daemon, the CloudWatch agent or a Collector with the extension `awsproxy`. A thread of the sampler's own
/// fetches them: it starts with the first decision, and ends with the last clone. A decision waits for nothing, and
/// allocates nothing unless the span is sampled.
///
/// A thread does not live on in a process that was made by `fork` without `exec`. There the rules of the moment decide for ever, and
/// nothing is reported: make the sampler after the fork. To notice it would cost each decision a system call.
///
/// ```
/// use opentelemetry_aws_xray::sampler::XraySampler;
/// use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
///
/// let resource = Resource::builder().with_service_name("checkout").build();
/// let sampler = XraySampler::builder().with_resource(&resource).build();
/// let handle = sampler.handle();
/// let provider = SdkTracerProvider::builder().with_sampler(sampler).with_resource(resource).build();
/// assert!(handle.status().rules.is_empty(), "nothing is fetched before the first span");
/// ```
#[derive(Debug, Clone)]
pub struct XraySampler {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    poller: Poller,
    published: Arc<Published>,
    overrides: Arc<[ActiveOverride]>,
    fallback: Fallback,
    clock: Arc<dyn Clock>,
    progress: Arc<Mutex<Progress>>,
}

/// Shows what an [`XraySampler`] knows. It doesn't keep the sampler's thread alive.
#[derive(Debug, Clone)]
pub struct SamplerHandle {
    progress: Arc<Mutex<Progress>>,
    signal: Arc<Signal>,
    overrides: Arc<[ActiveOverride]>,
    fallback: Fallback,
    clock: Arc<dyn Clock>,
}

/// Builds an [`XraySampler`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct XraySamplerBuilder {
    process: OwnProcess,
    api: Option<Box<dyn SamplingApi>>,
    endpoint: Option<String>,
    rules_interval: Duration,
    overrides: Vec<RouteOverride>,
    fallback: Fallback,
    clock: Arc<dyn Clock>,
}

impl XraySampler {
    /// Where the X-Ray daemon listens, unless told otherwise.
    pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:2000";

    /// Starts to build a sampler.
    pub fn builder() -> XraySamplerBuilder {
        XraySamplerBuilder {
            process: OwnProcess::default(),
            api: None,
            endpoint: None,
            rules_interval: Schedule::RULES_INTERVAL,
            overrides: Vec::new(),
            fallback: Fallback::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// A handle by which to see what the sampler knows.
    #[must_use]
    pub fn handle(&self) -> SamplerHandle {
        SamplerHandle {
            progress: self.inner.progress.clone(),
            signal: self.inner.poller.signal(),
            overrides: self.inner.overrides.clone(),
            fallback: self.inner.fallback.clone(),
            clock: self.inner.clock.clone(),
        }
    }

    /// Fetches rules from now on, even if there is no decision to make.
    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn start(&self) {
        self.inner.poller.start();
    }

    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn published(&self) -> &Published {
        &self.inner.published
    }

    #[cfg(all(test, feature = "adaptive-sampling"))]
    pub(super) fn publish(&self, table: Option<Arc<Table>>) {
        self.inner.published.publish(table);
    }

    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
}

impl XraySamplerBuilder {
    /// The resource of the spans. Rules may ask for its `service.name`, its `cloud.platform`, and the ARN of its container or
    /// function; without it, rules for particular services match nothing.
    ///
    /// Default: none.
    pub fn with_resource(mut self, resource: &Resource) -> Self {
        self.process = OwnProcess::new(resource);
        self
    }

    /// Where the proxy is that signs the calls, as `http://host:port`. The calls are not encrypted. Takes the place of
    /// [`with_api`](Self::with_api).
    ///
    /// Default: the TCP part of `AWS_XRAY_DAEMON_ADDRESS`, else [`XraySampler::DEFAULT_ENDPOINT`].
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self.api = None;
        self
    }

    /// Another road to the API, instead of an endpoint.
    ///
    /// Default: [`HttpSamplingApi`] for the endpoint.
    pub fn with_api(mut self, api: impl SamplingApi) -> Self {
        self.api = Some(Box::new(api));
        self
    }

    /// The time between two calls for rules, one second at least. When X-Ray says that rules have changed, they are fetched
    /// earlier.
    ///
    /// Default: 300 seconds.
    pub fn with_rules_interval(mut self, interval: Duration) -> Self {
        self.rules_interval = interval;
        self
    }

    /// The sampler that decides while there are no rules, or none matches. It is asked for spans without a parent that has decided.
    ///
    /// Default: one request a second, and 5 % of the others.
    pub fn with_fallback(mut self, fallback: impl ShouldSample + 'static) -> Self {
        self.fallback = Fallback::Sampler(Arc::new(fallback));
        self
    }

    /// Rules of a file of the X-Ray SDKs to decide by while there are no rules, or none matches, instead of another sampler.
    ///
    /// Default: as above.
    pub fn with_fallback_rules(mut self, rules: LocalRules) -> Self {
        for warning in &rules.warnings {
            otel_warn!(name: "XraySampler.LocalRules", warning = warning.as_str());
        }
        self.fallback = Fallback::Rules(Arc::new(Table::local(rules.rules, &Process::default())));
        self
    }

    /// A decision of one's own for some requests, before the account's rules are asked. The first override that matches
    /// decides, in the order in which they are given.
    ///
    /// Default: none.
    pub fn with_override(mut self, asked: RouteOverride) -> Self {
        self.overrides.push(asked);
        self
    }

    /// Several overrides, such as those of a file, behind those given before.
    ///
    /// Default: none.
    pub fn with_overrides(mut self, asked: impl IntoIterator<Item = RouteOverride>) -> Self {
        self.overrides.extend(asked);
        self
    }

    /// The clock by which quotas and rules end.
    ///
    /// Default: the operating system's.
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the sampler. Nothing is fetched before its first decision.
    #[must_use]
    pub fn build(self) -> XraySampler {
        let published = Arc::new(Published::new());
        let progress: Arc<Mutex<Progress>> = Arc::default();
        let endpoint = self.endpoint;
        let daemon = || config::daemon_address(None, &Environment::process()).tcp.to_string();
        let api = || HttpSamplingApi::new(&endpoint.unwrap_or_else(daemon));
        let control = Control::new(
            self.api.unwrap_or_else(|| Box::new(api())),
            self.process,
            Schedule::new(self.rules_interval, nanos(&*self.clock)),
            published.clone(),
            progress.clone(),
        );
        let poller = Poller::new(control, published.clone(), self.clock.clone());
        let inner = Inner {
            poller,
            published,
            overrides: self.overrides.into_iter().map(ActiveOverride::new).collect(),
            fallback: self.fallback,
            clock: self.clock,
            progress,
        };
        XraySampler { inner: Arc::new(inner) }
    }
}

impl SamplerHandle {
    /// What the sampler knows now.
    #[must_use]
    pub fn status(&self) -> SamplerStatus {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = nanos(&*self.clock);
        SamplerStatus {
            rules: progress.table.map(|table| status::rules(&table, now)).unwrap_or_default(),
            rules_age: progress.rules_at.map(|at| Duration::from_nanos(now.saturating_sub(at))),
            last_error: progress.last_error,
            calls_answered: progress.answered,
            calls_failed: progress.failed,
            reports_refused: progress.refused,
            has_ended: self.signal.has_ended(),
            overrides: self.overrides.iter().map(ActiveOverride::decisions).collect(),
            fallback: self.fallback.decisions(),
        }
    }

    /// Fetches rules now, not waiting for the interval to end; a second apart at least, and not sooner after a failure than
    /// planned. Does nothing before the first decision, which fetches them anyway.
    pub fn refresh_now(&self) {
        self.signal.refresh();
    }

    /// Ends the sampler's thread; from then on the fallback decides, also if there was no decision before. What was counted since the
    /// last report goes to X-Ray, which is waited for, one second at most. The thread ends by itself with the last clone of the
    /// sampler.
    pub fn shutdown(&self) {
        self.signal.stop_and_wait();
    }
}

impl ShouldSample for XraySampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        self.decide(parent_context, Root { trace_id, name, span_kind, attributes, names_all: false }, links)
    }
}

impl XraySampler {
    /// Decides about a span, as one without a parent that has decided if there is none.
    #[inline]
    pub(super) fn decide(
        &self,
        parent_context: Option<&Context>,
        root: Root<'_>,
        links: &[Link],
    ) -> SamplingResult {
        match parent_decision(parent_context) {
            ParentDecision::Sampled => return followed(SamplingDecision::RecordAndSample, parent_context),
            ParentDecision::NotSampled => return followed(SamplingDecision::Drop, parent_context),
            ParentDecision::Undecided => {}
        }
        self.inner.poller.start();
        let (overrides, clock) = (&self.inner.overrides, &*self.inner.clock);
        let mut by = None;
        let decided = self.inner.published.read(|table| {
            let overridden =
                if overrides.is_empty() { None } else { root.by_overrides(overrides, table, clock, &mut by) };
            overridden.or_else(|| root.by_rules(table?, clock, &mut by))
        });
        let is_sampled = match (decided, &self.inner.fallback) {
            (Some(is_sampled), _) => is_sampled,
            (None, Fallback::Rules(table)) => {
                root.by_first_match(table, clock).is_some_and(|(_, sampled)| sampled)
            }
            (None, Fallback::Sampler(sampler)) => {
                let Root { trace_id, name, span_kind, attributes, .. } = root;
                return sampler.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
            }
        };
        result(is_sampled, by)
    }
}

/// A span about which nobody has decided.
///
/// Its methods answer whether it is sampled. If one of the account's rules has sampled it, they leave the name in `by`: an answer
/// that held the name would not fit into a register, and that costs more than the decision.
#[derive(Clone, Copy)]
pub(super) struct Root<'a> {
    pub(super) trace_id: TraceId,
    pub(super) name: &'a str,
    pub(super) span_kind: &'a SpanKind,
    pub(super) attributes: &'a [KeyValue],
    /// Whether a rule is named that has not sampled the span, too.
    pub(super) names_all: bool,
}

impl Root<'_> {
    /// What the first override says that matches, if one does.
    fn by_overrides(
        &self,
        overrides: &[ActiveOverride],
        table: Option<&Table>,
        clock: &dyn Clock,
        by: &mut Option<Arc<str>>,
    ) -> Option<bool> {
        let attributes = SpanAttributes(self.attributes);
        let request = whole_request(self.span_kind, &attributes);
        let span = Span { name: self.name, kind: self.span_kind, attributes, request };
        let trace_id = self.trace_id.to_bytes();
        let decide = |asked: &ActiveOverride| asked.decide(&span, table, trace_id, clock, stripe());
        let overridden = overrides.iter().find_map(decide)?;
        let is_sampled = overridden.decision.is_sampled();
        *by = overridden.rule.filter(|_| is_sampled || self.names_all).map(|rule| rule.name.clone());
        Some(is_sampled)
    }

    /// What the account's rules say, if one of them matches.
    #[inline]
    fn by_rules(&self, table: &Table, clock: &dyn Clock, by: &mut Option<Arc<str>>) -> Option<bool> {
        let (entry, is_sampled) = self.by_first_match(table, clock)?;
        if is_sampled || self.names_all {
            *by = Some(entry.rule.name.clone());
        }
        Some(is_sampled)
    }

    #[inline]
    fn by_first_match<'t>(&self, table: &'t Table, clock: &dyn Clock) -> Option<(&'t Entry, bool)> {
        let attributes = SpanAttributes(self.attributes);
        let entry = table.find(&request(table, self.span_kind, &attributes))?;
        let decision = entry.state.decide(self.trace_id.to_bytes(), || nanos(clock), stripe());
        Some((entry, decision.is_sampled()))
    }
}

/// The answer as the SDK takes it.
#[inline]
fn result(is_sampled: bool, by: Option<Arc<str>>) -> SamplingResult {
    let decision = if is_sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
    let attributes = match by {
        Some(rule) => vec![KeyValue::new(RULE_ATTRIBUTE, Value::String(StringValue::from(rule)))],
        None => Vec::new(),
    };
    SamplingResult { decision, attributes, trace_state: TraceState::NONE }
}

/// The parent's decision, with its trace state.
fn followed(decision: SamplingDecision, parent_context: Option<&Context>) -> SamplingResult {
    let trace_state =
        parent_context.map(|cx| cx.span().span_context().trace_state().clone()).unwrap_or_default();
    SamplingResult { decision, attributes: Vec::new(), trace_state }
}

/// A small number of this thread's own, to count by.
#[inline]
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static STRIPE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let of_thread = |stripe: &Cell<Option<usize>>| {
        stripe.get().unwrap_or_else(|| {
            let new = NEXT.fetch_add(1, Ordering::Relaxed);
            stripe.set(Some(new));
            new
        })
    };
    STRIPE.try_with(of_thread).unwrap_or_default()
}
