//! From the start of spans to what X-Ray hears of them.

use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::{
    Context, KeyValue, SpanId,
    baggage::BaggageExt,
    trace::{
        SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SimpleSpanProcessor};
use xray_wire::sampling::{
    Boost, BoostCounts, ClientId, Process, Rate, Report, Rule, RulesPage, Table, Targets,
};

use super::{super::*, config_text::ParseAdaptiveSamplingError, *};
use crate::clock::ManualClock;

/// An X-Ray that is away, so that the rules are those that a test gives.
#[derive(Debug)]
struct Away;

impl SamplingApi for Away {
    fn rules(&mut self, _next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        Err(SamplingApiError::new("away"))
    }

    fn targets(&mut self, _: ClientId, _: u64, _: &[Report]) -> Result<Targets, SamplingApiError> {
        Err(SamplingApiError::new("away"))
    }

    fn endpoint(&self) -> String {
        "nowhere".to_owned()
    }
}

struct World {
    clock: ManualClock,
    table: std::sync::Arc<Table>,
    sampler: AdaptiveSampler,
    tracer: SdkTracer,
    _provider: SdkTracerProvider,
    exported: InMemorySpanExporter,
}

fn rule(name: &str, priority: u32, path: &str, has_boost: bool) -> Rule {
    let boost = Boost { max_rate: Rate::ALWAYS, cooldown_minutes: 1, default_detection: true };
    Rule {
        url_path: path.into(),
        boost: has_boost.then_some(boost),
        ..Rule::for_all(name, priority, 0, Rate::NEVER)
    }
}

fn boosted() -> Vec<Rule> {
    vec![rule("pay", 1, "/pay", true), rule("Default", 10_000, "*", false)]
}

impl World {
    fn new(rules: Vec<Rule>, config: AdaptiveSampling) -> Self {
        Self::with_overrides(rules, config, [])
    }

    fn with_overrides(
        rules: Vec<Rule>,
        config: AdaptiveSampling,
        overrides: impl IntoIterator<Item = RouteOverride>,
    ) -> Self {
        let clock = ManualClock::new();
        let xray = XraySampler::builder().with_api(Away).with_clock(clock.clone());
        let xray = xray.with_overrides(overrides).build();
        let table = std::sync::Arc::new(Table::new(rules, &Process::default(), None, 0));
        xray.publish(Some(table.clone()));
        let sampler = AdaptiveSampler::new(xray, config);
        let exported = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler.clone())
            .with_span_processor(sampler.processor(SimpleSpanProcessor::new(exported.clone())))
            .build();
        Self { clock, table, sampler, tracer: provider.tracer("test"), _provider: provider, exported }
    }

    fn request(&self, path: &str, parent: &Context) -> Context {
        let attributes = [("http.request.method", "GET"), ("url.path", path)]
            .map(|(key, value)| KeyValue::new(key, value.to_owned()));
        let builder =
            self.tracer.span_builder("request").with_kind(SpanKind::Server).with_attributes(attributes);
        parent.with_span(builder.start_with_context(&self.tracer, parent))
    }

    fn child(&self, parent: &Context) -> Context {
        parent.with_span(self.tracer.span_builder("child").start_with_context(&self.tracer, parent))
    }

    /// What X-Ray would hear now: rule, traces, anomalies, sampled anomalies.
    fn report(&self) -> Vec<(String, u64, u64, u64)> {
        let reports = self.table.take_due(u64::MAX).into_iter().filter_map(|report| {
            let BoostCounts { traces, anomalies, sampled_anomalies } = report.boost_counts();
            let name = report.rule_name().to_owned();
            report.accept();
            (traces > 0).then_some((name, traces, anomalies, sampled_anomalies))
        });
        reports.collect()
    }

    fn exported(&self) -> Vec<String> {
        let spans = self.exported.get_finished_spans().unwrap();
        self.exported.reset();
        assert!(spans.iter().all(|span| span.span_context.is_sampled()));
        spans.iter().map(|span| span.name.to_string()).collect()
    }
}

fn end(span: &Context, status: i64) {
    span.span().set_attribute(KeyValue::new("http.response.status_code", status));
    span.span().end();
}

fn remote(sampled: bool, state: &[(&'static str, &'static str)]) -> Context {
    let state = TraceState::from_key_value(state.iter().copied()).unwrap();
    let flags = TraceFlags::default().with_sampled(sampled);
    let parent = SpanContext::new(TraceId::from(7), SpanId::from(3), flags, true, state);
    Context::new().with_remote_span_context(parent)
}

fn xrsr(span: &Context) -> Option<String> {
    span.span().span_context().trace_state().get("xrsr").map(str::to_owned)
}

/// As `echo -n pay | sha256sum` begins.
const PAY: &str = "9350872d712a127c";

#[test]
fn the_rule_travels_from_the_first_service_on() {
    let with_baggage = |cx: Context| cx.with_baggage([KeyValue::new("xrsr", "0123456789abcdef")]);
    for (rules, parent, path, expected) in [
        (boosted(), Context::new(), "/pay", Some(PAY.to_owned())),
        (boosted(), Context::new(), "/", Some(rule_names::hash("Default"))),
        (boosted(), remote(false, &[]), "/pay", None),
        (boosted(), remote(true, &[("xrsr", "ffff")]), "/pay", Some("ffff".to_owned())),
        (boosted(), with_baggage(remote(false, &[("a", "b")])), "/pay", Some("0123456789abcdef".to_owned())),
        (boosted(), with_baggage(remote(false, &[("xrsr", "ffff")])), "/pay", Some("ffff".to_owned())),
        (vec![rule("pay", 1, "/pay", false)], Context::new(), "/pay", None),
    ] {
        let world = World::new(rules, AdaptiveSampling::new());
        let request = world.request(path, &parent);
        assert_eq!(xrsr(&request), expected, "{path}");
        assert_eq!(xrsr(&world.child(&request)), expected, "{path}");
        let is_sampled = parent.span().span_context().is_sampled();
        assert_eq!(request.span().span_context().is_sampled(), is_sampled);
    }
}

#[test]
fn what_an_override_decided_has_no_rule_to_boost() {
    let path = |path| RouteOverride::never().with_path(path);
    for (asked, hash, name, counted) in [
        (None, Some(PAY.to_owned()), Some("pay"), true),
        (Some(path("/pay")), None, None, false),
        (Some(RouteOverride::always().with_path("/pay")), None, None, false),
        (Some(path("/pay").with_report(true)), None, None, false),
        (
            Some(RouteOverride::rule("Default").with_path("/pay")),
            Some(rule_names::hash("Default")),
            Some("Default"),
            false,
        ),
        (Some(RouteOverride::rule("pay").with_path("/pay")), Some(PAY.to_owned()), Some("pay"), true),
        (Some(path("/other")), Some(PAY.to_owned()), Some("pay"), true),
    ] {
        let world = World::with_overrides(
            boosted(),
            AdaptiveSampling::new().with_captured_per_second(9),
            asked.clone(),
        );
        let request = world.request("/pay", &Context::new());
        assert_eq!(xrsr(&request), hash, "{asked:?}");
        end(&request, 500);
        let expected = if counted { vec![("pay".to_owned(), 1, 1, 0)] } else { vec![] };
        assert_eq!(world.report(), expected, "{asked:?}");
        let spans = world.exported.get_finished_spans().unwrap();
        let rules = spans[0].attributes.iter().filter(|it| it.key.as_str() == "aws.xray.sampling_rule");
        assert_eq!(rules.map(|it| it.value.to_string()).next().as_deref(), name, "{asked:?}");
    }
}

#[test]
fn nothing_is_recorded_that_nobody_asked_for() {
    for (has_boost, captured, expected) in [(false, 0, false), (true, 0, true), (false, 1, true)] {
        let config = AdaptiveSampling::new().with_captured_per_second(captured);
        let world = World::new(vec![rule("Default", 10_000, "*", has_boost)], config);
        let request = world.request("/", &Context::new());
        assert_eq!(request.span().is_recording(), expected, "{has_boost} {captured}");
    }
}

#[test]
fn each_trace_counts_once_for_its_first_rule() {
    let world = World::new(boosted(), AdaptiveSampling::new());
    for status in [200, 500] {
        let request = world.request("/pay", &Context::new());
        end(&world.child(&request), 503);
        end(&world.child(&request), 503);
        end(&request, status);
    }
    end(&world.request("/", &Context::new()), 500);
    let fine = world.request("/pay", &Context::new());
    end(&fine, 499);
    assert_eq!(world.report(), [("pay".to_owned(), 3, 2, 0)]);

    // Further down, whatever the path: the first service's rule counts, if it is known here.
    end(&world.request("/", &remote(true, &[("xrsr", PAY)])), 500);
    assert_eq!(world.report(), [("pay".to_owned(), 1, 1, 1)]);
    end(&world.request("/pay", &remote(true, &[("xrsr", "ffff")])), 500);
    assert_eq!(world.report(), []);
}

#[test]
fn an_anomaly_is_captured_with_what_ends_after_it_some_a_second() {
    let config = AdaptiveSampling::new().with_captured_per_second(2);
    let world = World::new(vec![rule("Default", 10_000, "*", false)], config);
    for (advance, expected) in [(0, vec!["child", "request"]), (0, vec!["child", "request"]), (0, vec![])] {
        world.clock.advance(Duration::from_secs(advance));
        let request = world.request("/", &Context::new());
        end(&world.child(&request), 200);
        end(&world.child(&request), 500);
        end(&request, 200);
        assert_eq!(world.exported(), expected);
    }
    world.clock.advance(Duration::from_secs(1));
    end(&world.request("/", &Context::new()), 500);
    assert_eq!(world.exported(), ["request"]);
    let stats = world.sampler.stats();
    assert_eq!((stats.spans_captured, stats.spans_passed_over), (5, 5));
}

#[test]
fn conditions_are_those_of_the_configuration() {
    use opentelemetry::InstrumentationScope;
    use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

    let config = |conditions: &str| -> AdaptiveSampling {
        format!("version: 1.0\nanomalyConditions:\n{conditions}").parse().unwrap()
    };
    let span = |status: Option<&str>, millis: u64, is_error: bool| SpanData {
        span_context: SpanContext::empty_context(),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Server,
        name: "request".into(),
        start_time: UNIX_EPOCH,
        end_time: UNIX_EPOCH + Duration::from_millis(millis),
        attributes: [
            ("http.request.method", Some("GET")),
            ("url.path", Some("/orders/7?x")),
            ("http.status_code", status),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some(KeyValue::new(key, value?.to_owned())))
        .collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if is_error { Status::error("") } else { Status::Unset },
        instrumentation_scope: InstrumentationScope::default(),
    };
    let failed = r#"  - errorCodeRegex: "5\\d\\d|429""#;
    let slow = "  - highLatencyMs: 100";
    let slow_to_the_digit = "  - highLatencyMs: 99.5";
    let both = "  - {errorCodeRegex: '^5..$', highLatencyMs: 100, usage: sampling-boost}";
    let orders = "  - {errorCodeRegex: '500', operations: [GET /orders], usage: anomaly-trace-capture}";
    let others = "  - {errorCodeRegex: '500', operations: [POST /orders, GET /orders/7]}";
    for (conditions, status, millis, is_error, boost, capture) in [
        (Some(failed), Some("500"), 0, false, true, true),
        (Some(failed), Some("429"), 0, false, true, true),
        (Some(failed), Some("5000"), 0, false, false, false),
        (Some(failed), None, 0, true, false, false),
        (Some("  - errorCodeRegex: 500"), Some("500"), 0, false, true, true),
        (Some(slow), Some("200"), 100, false, true, true),
        (Some(slow), None, 99, true, false, false),
        (Some(slow_to_the_digit), None, 99, false, false, false),
        (Some(slow_to_the_digit), None, 100, false, true, true),
        (Some(both), Some("500"), 100, false, true, false),
        (Some(both), Some("500"), 99, false, false, false),
        (Some(both), Some("200"), 100, false, false, false),
        (Some(orders), Some("500"), 0, false, false, true),
        (Some(others), Some("500"), 0, false, false, false),
        (Some("  - operations: []"), Some("500"), 100, true, false, false),
        (Some("  []"), Some("500"), 100, true, false, false),
        (None, Some("500"), 0, false, true, true),
        (None, Some("499"), 0, true, false, false),
        (None, None, 0, true, true, true),
        (None, None, 9_000, false, false, false),
    ] {
        let config = conditions.map_or_else(AdaptiveSampling::new, config);
        let found = config.detect(&span(status, millis, is_error), true);
        assert_eq!((found.boost, found.capture), (boost, capture), "{conditions:?} {status:?} {millis}");
    }
    assert_eq!(
        AdaptiveSampling::new().detect(&span(Some("500"), 0, true), false),
        anomaly::Anomaly::default()
    );
}

#[test]
fn what_is_no_configuration_says_why() {
    for (text, expected) in [
        ("", "expected `version: 1.0`, or another number from 1 to below 2"),
        ("version: 2.0", "expected `version: 1.0`, or another number from 1 to below 2"),
        ("version: 0.9", "expected `version: 1.0`, or another number from 1 to below 2"),
        ("version: 1\nanomalyConditions: 5", "expected as `anomalyConditions` a list"),
        (
            "version: 1\nanomalyConditions: [{errorCodeRegex: [500]}]",
            "expected as `errorCodeRegex` text; put it into quotes",
        ),
        (
            "version: 1\nanomalyConditions: [{usage: neither}]",
            "expected as `usage` `both`, `sampling-boost` or `anomaly-trace-capture`",
        ),
        (
            "version: 1\nanomalyCaptureLimit: {anomalyTracesPerSecond: -1}",
            "expected as `anomalyTracesPerSecond` a number, 0 or more",
        ),
        (
            "version: 1\nanomalyConditions: [{highLatencyMs: .nan}]",
            "expected as `highLatencyMs` a number, 0 or more",
        ),
    ] {
        assert_eq!(text.parse::<AdaptiveSampling>().unwrap_err().to_string(), expected, "{text}");
    }
    let error = "version: 1\nanomalyConditions: [{errorCodeRegex: '('}]".parse::<AdaptiveSampling>();
    assert!(matches!(error, Err(ParseAdaptiveSamplingError::Pattern(_))));
    assert!(matches!("{".parse::<AdaptiveSampling>(), Err(ParseAdaptiveSamplingError::Yaml(_))));
    for (text, captured) in [
        ("version: \"1.0\"", 1),
        (r#"{"version": 1.5, "anomalyCaptureLimit": {"anomalyTracesPerSecond": 7}}"#, 7),
        ("version: 1\nanomalyCaptureLimit: {anomalyTracesPerSecond: 7.0}", 7),
        ("version: 1\nanomalyCaptureLimit: {anomalyTracesPerSecond: 0.5}", 1),
        ("version: 1\nanomalyCaptureLimit: {anomalyTracesPerSecond: 1e99}", u32::MAX),
    ] {
        let expected = AdaptiveSampling::new().with_captured_per_second(captured);
        assert_eq!(text.parse::<AdaptiveSampling>().unwrap(), expected, "{text}");
    }
}
