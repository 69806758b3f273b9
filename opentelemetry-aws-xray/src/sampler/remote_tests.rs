//! The sampler and its thread, against an X-Ray that answers as told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample},
};
use xray_wire::sampling::{
    ClientId, Counts, Report, RulesPage, Schedule, Stripe, Table, Targets, rules_page, targets,
    targets_request,
};

use super::{
    control::{Control, Moment, Progress},
    process::OwnProcess,
    published::Published,
    *,
};
use crate::clock::{Clock, ManualClock};

const SECOND: u64 = 1_000_000_000;

/// What X-Ray answers, and what it was asked.
#[derive(Debug, Default)]
struct XRay {
    /// Pages of rules; each call takes the next one, and the last one stays.
    rules: VecDeque<String>,
    targets: VecDeque<Result<String, &'static str>>,
    calls: Vec<String>,
    counts: Counts,
}

#[derive(Debug)]
struct FakeApi {
    xray: Arc<Mutex<XRay>>,
    _ended: Option<mpsc::Sender<()>>,
}

impl SamplingApi for FakeApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        let mut xray = self.xray.lock().unwrap();
        xray.calls.push(format!("rules {}", next_token.unwrap_or_default()));
        let page = if xray.rules.len() > 1 { xray.rules.pop_front() } else { xray.rules.front().cloned() };
        rules_page(page.unwrap_or_default().as_bytes()).map_err(|error| SamplingApiError::caused_by(&error))
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        let mut xray = self.xray.lock().unwrap();
        xray.calls.push(format!("targets {}", reports.len()));
        assert!(!targets_request(client, epoch_millis, reports).is_empty());
        let answer =
            xray.targets.pop_front().unwrap_or(Ok(NO_TARGETS.to_owned())).map_err(SamplingApiError::new)?;
        for report in reports {
            xray.counts.not_sampled += report.counts().not_sampled;
            xray.counts.sampled += report.counts().sampled;
            xray.counts.borrowed += report.counts().borrowed;
        }
        Ok(targets(answer.as_bytes()).unwrap())
    }

    fn endpoint(&self) -> String {
        "fake".to_owned()
    }
}

const NO_TARGETS: &str = r#"{"SamplingTargetDocuments":[]}"#;

fn rule(name: &str, priority: u32, path: &str, reservoir: u32, rate: f64) -> String {
    format!(
        r#"{{"SamplingRule":{{"RuleName":"{name}","Priority":{priority},"URLPath":"{path}","ReservoirSize":{reservoir},
        "FixedRate":{rate},"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","ResourceARN":"*","Version":1}}}}"#
    )
}

fn page(rules: &[String], next_token: &str) -> String {
    format!(r#"{{"SamplingRuleRecords":[{}],"NextToken":"{next_token}"}}"#, rules.join(","))
}

fn default_page() -> String {
    page(&[rule("Default", 10_000, "*", 1, 0.0)], "")
}

/// A control, and what it publishes, at a time that the test gives.
struct World {
    xray: Arc<Mutex<XRay>>,
    control: Control,
    published: Arc<Published>,
    progress: Arc<Mutex<Progress>>,
}

impl World {
    fn new(rules: &[String]) -> Self {
        let xray = Arc::new(Mutex::new(XRay { rules: rules.iter().cloned().collect(), ..XRay::default() }));
        let (published, progress) = (Arc::new(Published::new()), Arc::default());
        let control = Control::new(
            Box::new(FakeApi { xray: xray.clone(), _ended: None }),
            OwnProcess::default(),
            Schedule::new(Schedule::RULES_INTERVAL, 0),
            published.clone(),
            Arc::clone(&progress),
        );
        Self { xray, control, published, progress }
    }

    /// Steps through all that is due until then.
    fn run_until(&mut self, seconds: u64) {
        let mut now = 0;
        while now <= seconds * SECOND {
            let moment = Moment { nanos: now, epoch_millis: 1_789_000_000_000 + now / 1_000_000, random: 0 };
            now = self.control.step(moment).max(now + 1);
        }
    }

    fn step(&mut self, seconds: u64) {
        self.control.step(Moment { nanos: seconds * SECOND, epoch_millis: seconds * 1_000, random: 0 });
    }

    fn table(&self) -> Option<Arc<Table>> {
        self.progress.lock().unwrap().table.clone()
    }

    fn calls(&self) -> Vec<String> {
        self.xray.lock().unwrap().calls.drain(..).collect()
    }

    /// Lets every rule decide about a request.
    fn use_all(&self) {
        for entry in self.table().unwrap().entries() {
            entry.state.decide([0xff; 16], || 0, Stripe::shared(0));
        }
    }
}

#[test]
fn all_pages_are_fetched_and_in_force() {
    let mut world = World::new(&[
        page(&[rule("b", 2, "*", 0, 0.0)], "more"),
        page(&[rule("a", 1, "/a", 0, 0.0)], "and more"),
        page(&[], ""),
    ]);
    assert!(world.published.read(|table| table.is_none()));
    world.step(0);
    assert_eq!(world.calls(), ["rules ", "rules more", "rules and more"]);
    let names = world
        .published
        .read(|table| table.unwrap().entries().iter().map(|e| e.rule.name.to_string()).collect::<Vec<_>>());
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn rules_without_an_end_are_a_failure_and_the_old_ones_stay() {
    let many = |count: usize, padding: usize| {
        let rules: Vec<String> =
            (0..count).map(|n| rule(&format!("{n}{}", "x".repeat(padding)), 1, "/", 0, 0.0)).collect();
        page(&rules, "")
    };
    let tokens = |count: usize| (0..count).map(|n| page(&[], &format!("{n}"))).collect::<Vec<_>>();
    for (pages, calls, expected) in [
        (vec![page(&[], "again")], 2, "expected another page, but its token is that of an earlier one"),
        (tokens(101), 100, "expected at most 100 pages of rules, but found more"),
        (vec![many(1_001, 0)], 1, "expected at most 1000 rules, but found more"),
        (
            vec![page(&[rule("a", 1, "/", 0, 0.0)], "b"), many(1_000, 0)],
            2,
            "expected at most 1000 rules, but found more",
        ),
        (
            (0..5).map(|n| page(&[rule(&"y".repeat(1_000_000), 1, "/", 0, 0.0)], &n.to_string())).collect(),
            5,
            "expected rules of at most 4194304 bytes, but found more",
        ),
        (vec![many(1_000, 0)], 1, ""),
    ] {
        let mut world = World::new(&[default_page()]);
        world.step(0);
        world.calls();
        world.xray.lock().unwrap().rules = pages.into();
        world.control.refresh();
        world.step(2);
        assert_eq!(world.calls().len(), calls, "{expected}");
        let error = world.progress.lock().unwrap().last_error.clone();
        assert_eq!(error.unwrap_or_default(), expected);
        let rules = world.published.read(|table| table.unwrap().entries().len());
        assert_eq!(rules, if expected.is_empty() { 1_000 } else { 1 }, "{expected}");
    }
}

#[test]
fn more_than_a_call_takes_goes_in_several_and_a_failure_loses_nothing() {
    let rules: Vec<String> =
        (0..60).map(|n| rule(&format!("r{n}"), n + 1, &format!("/{n}"), 0, 0.0)).collect();
    let mut world = World::new(&[page(&rules, "")]);
    world.step(0);
    world.use_all();
    world.calls();
    world.xray.lock().unwrap().targets = VecDeque::from([Ok(NO_TARGETS.to_owned()), Err("away")]);
    world.step(10);
    assert_eq!(world.calls(), ["targets 25", "targets 25"], "the third is not tried");
    assert_eq!(world.xray.lock().unwrap().counts.requests(), 25);
    assert_eq!(world.progress.lock().unwrap().last_error.as_deref(), Some("away"));
    world.step(20);
    assert_eq!(world.calls(), ["targets 25", "targets 10"]);
    assert_eq!(world.xray.lock().unwrap().counts.requests(), 60);
    assert_eq!(world.progress.lock().unwrap().last_error, None);
    world.step(30);
    assert_eq!(world.calls(), [""; 0], "nothing to report");
}

#[test]
fn a_report_that_x_ray_refuses() {
    for (code, requests, calls) in [
        ("400", 0, vec!["targets 1", "rules "]),
        ("500", 1, vec!["targets 1"]),
        ("429", 1, vec!["targets 1"]),
        ("ThrottledException", 1, vec!["targets 1"]),
    ] {
        let mut world = World::new(&[default_page()]);
        world.step(0);
        world.use_all();
        world.calls();
        let refused = format!(
            r#"{{"SamplingTargetDocuments":[],"UnprocessedStatistics":[{{"RuleName":"Default","ErrorCode":"{code}","Message":"no"}}]}}"#
        );
        world.xray.lock().unwrap().targets.push_back(Ok(refused));
        world.step(10);
        world.step(12);
        assert_eq!(world.calls(), calls, "{code}");
        let left = world
            .table()
            .unwrap()
            .take_due(u64::MAX)
            .iter()
            .map(|report| report.counts().requests())
            .sum::<u64>();
        assert_eq!(left, requests, "{code}");
        assert_eq!(world.progress.lock().unwrap().refused, 1 - requests, "{code}");
    }
}

#[test]
fn a_change_of_the_rules_is_fetched_with_the_next_report() {
    let mut world = World::new(&[default_page(), page(&[rule("Default", 10_000, "*", 1, 1.0)], "")]);
    world.step(0);
    world.use_all();
    let modified = r#"{"SamplingTargetDocuments":[{"RuleName":"Default","FixedRate":0.5}],"LastRuleModification":1789000005.0}"#;
    world.xray.lock().unwrap().targets.push_back(Ok(modified.to_owned()));
    world.step(10);
    assert_eq!(world.table().unwrap().entries()[0].state.rate().as_f64(), 0.5);
    world.step(11);
    assert_eq!(world.calls(), ["rules ", "targets 1", "rules "]);
    assert_eq!(world.table().unwrap().entries()[0].state.rate().as_f64(), 1.0);
}

#[test]
fn rules_outlive_failures_for_an_hour() {
    let mut world = World::new(&[default_page()]);
    world.step(0);
    world.xray.lock().unwrap().rules = VecDeque::from(["<html>".to_owned()]);
    for (until, in_force) in [(3_599, true), (3_601, false)] {
        world.run_until(until);
        assert_eq!(world.published.read(|table| table.is_some()), in_force, "{until} s");
    }
    let failures = world.progress.lock().unwrap().failed;
    assert!((100..300).contains(&failures), "{failures}");
    assert_eq!(
        world.progress.lock().unwrap().last_error.as_deref(),
        Some("expected JSON: expected value at line 1 column 1")
    );
    world.xray.lock().unwrap().rules = VecDeque::from([default_page()]);
    world.step(3_700);
    assert!(world.published.read(|table| table.is_some()));
}

#[test]
fn the_last_report_needs_not_be_due() {
    let mut world = World::new(&[default_page()]);
    world.step(0);
    world.use_all();
    world.control.report_rest(Moment { nanos: SECOND, epoch_millis: 1_000, random: u64::MAX });
    assert_eq!(world.calls(), ["rules ", "targets 1"]);

    let mut away = World::new(&["<html>".to_owned()]);
    away.step(0);
    away.control.report_rest(Moment { nanos: SECOND, epoch_millis: 1_000, random: 0 });
    assert_eq!(away.calls(), ["rules "], "who didn't answer is not asked");
}

#[test]
fn a_shutdown_waits_for_the_last_report() {
    let xray = Arc::new(Mutex::new(XRay { rules: VecDeque::from([default_page()]), ..XRay::default() }));
    let sampler = XraySampler::builder().with_api(FakeApi { xray: xray.clone(), _ended: None }).build();
    let handle = sampler.handle();
    assert!(!handle.status().has_ended);
    handle.shutdown();
    assert!(handle.status().has_ended);
    decide(&sampler, None, "/", 0);
    assert!(handle.status().has_ended, "no thread starts after the end");
    assert_eq!(xray.lock().unwrap().calls.len(), 0, "a thread that never ran is not waited for");

    let sampler = XraySampler::builder().with_api(FakeApi { xray: xray.clone(), _ended: None }).build();
    let handle = sampler.handle();
    decide(&sampler, None, "/", 0);
    wait_until(|| !handle.status().rules.is_empty());
    for _ in 0..5 {
        decide(&sampler, None, "/", u128::MAX);
    }
    handle.shutdown();
    let status = handle.status();
    assert_eq!((status.has_ended, status.rules.len()), (true, 1), "what was known at the end");
    // The first may have been decided by the fallback.
    assert!((5..=6).contains(&xray.lock().unwrap().counts.requests()));
}

/// An X-Ray during whose calls the sampler decides.
#[derive(Debug)]
struct BusyApi {
    fake: FakeApi,
    sampler: Arc<Mutex<Option<XraySampler>>>,
}

impl SamplingApi for BusyApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        self.fake.rules(next_token)
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        if let Some(sampler) = &*self.sampler.lock().unwrap() {
            decide(sampler, None, "/", u128::MAX);
        }
        self.fake.targets(client, epoch_millis, reports)
    }

    fn endpoint(&self) -> String {
        self.fake.endpoint()
    }
}

#[test]
fn no_rule_decides_while_the_last_report_is_under_way() {
    let xray = Arc::new(Mutex::new(XRay { rules: VecDeque::from([default_page()]), ..XRay::default() }));
    let shared = Arc::new(Mutex::new(None));
    let api = BusyApi { fake: FakeApi { xray: xray.clone(), _ended: None }, sampler: shared.clone() };
    let sampler = XraySampler::builder().with_api(api).build();
    let handle = sampler.handle();
    decide(&sampler, None, "/", 0);
    wait_until(|| !handle.status().rules.is_empty());
    decide(&sampler, None, "/", 0);
    *shared.lock().unwrap() = Some(sampler.clone());
    handle.shutdown();
    wait_until(|| handle.status().has_ended);
    let decided = handle.status().rules[0].decisions.requests();
    assert_eq!(xray.lock().unwrap().counts.requests(), decided);
    assert!(handle.status().fallback.unwrap().requests() > 0);
    shared.lock().unwrap().take();
}

fn decide(
    sampler: &impl ShouldSample,
    parent: Option<&Context>,
    path: &str,
    trace_id: u128,
) -> SamplingResult {
    let attributes =
        [KeyValue::new("http.request.method", "GET"), KeyValue::new("url.path", path.to_owned())];
    sampler.should_sample(parent, TraceId::from(trace_id), "span", &SpanKind::Server, &attributes, &[])
}

/// Waits until the sampler's thread has done what it does by itself.
fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        crate::clock::SystemClock.sleep(Duration::from_millis(5));
    }
    panic!("waited for ten seconds");
}

#[test]
fn the_thread_starts_with_the_first_decision_and_ends_with_the_last_clone() {
    let xray = Arc::new(Mutex::new(XRay {
        rules: VecDeque::from([page(
            &[rule("pay", 1, "/pay/*", 0, 1.0), rule("Default", 10_000, "*", 0, 0.0)],
            "",
        )]),
        ..XRay::default()
    }));
    let (sender, ended) = mpsc::channel();
    let sampler = XraySampler::builder()
        .with_resource(&Resource::builder_empty().with_service_name("shop").build())
        .with_api(FakeApi { xray: xray.clone(), _ended: Some(sender) })
        .build();
    let handle = sampler.handle();

    let flags = TraceFlags::default();
    let unsampled = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, true, TraceState::NONE);
    let unsampled = Context::new().with_remote_span_context(unsampled);
    assert_eq!(decide(&sampler, Some(&unsampled), "/pay/1", 1).decision, SamplingDecision::Drop);
    assert_eq!(xray.lock().unwrap().calls.len(), 0, "who follows a parent needs no rules");
    decide(&sampler, None, "/", 0);
    wait_until(|| !handle.status().rules.is_empty());
    let sampled = decide(&sampler, None, "/pay/1", u128::MAX);
    assert_eq!(sampled.decision, SamplingDecision::RecordAndSample);
    assert_eq!(sampled.attributes, [KeyValue::new("aws.xray.sampling_rule", "pay")]);
    assert_eq!(decide(&sampler, None, "/", 0).decision, SamplingDecision::Drop);
    let status = handle.status();
    let names: Vec<_> = status.rules.iter().map(|rule| (rule.name.as_str(), rule.is_live)).collect();
    assert_eq!(names, [("pay", true), ("Default", true)]);
    assert_eq!((status.calls_answered, status.calls_failed, status.last_error), (1, 0, None));

    let clone = sampler.clone();
    drop(sampler);
    handle.refresh_now();
    wait_until(|| xray.lock().unwrap().calls.len() >= 2);
    drop(clone);
    assert_eq!(ended.recv_timeout(Duration::from_secs(10)), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn without_rules_the_fallback_decides() {
    let clock = ManualClock::new();
    let sampler = XraySampler::builder()
        .with_api(FakeApi { xray: Arc::default(), _ended: None })
        .with_clock(clock.clone());
    let sampler = sampler.build();
    let mut sampled = 0;
    for n in 0..10_000u64 {
        let id = u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        sampled += usize::from(decide(&sampler, None, "/", id).decision == SamplingDecision::RecordAndSample);
        clock.advance(Duration::from_millis(1));
    }
    assert!((450..570).contains(&sampled), "1 a second and 5 %: {sampled}");
    assert!(sampler.handle().status().last_error.is_some());

    let other = XraySampler::builder()
        .with_api(FakeApi { xray: Arc::default(), _ended: None })
        .with_fallback(Sampler::AlwaysOff)
        .build();
    assert_eq!(decide(&other, None, "/", 0).decision, SamplingDecision::Drop);
}

#[test]
fn a_header_that_leaves_it_open_is_decided_here() {
    use std::collections::HashMap;

    use opentelemetry::propagation::TextMapPropagator;

    let sampler = XraySampler::builder()
        .with_api(FakeApi { xray: Arc::default(), _ended: None })
        .with_fallback(Sampler::AlwaysOff)
        .build();
    for (fields, expected) in [
        ("", SamplingDecision::Drop),
        (";Sampled=?", SamplingDecision::Drop),
        (";Parent=53995c3f42cd8ad8", SamplingDecision::Drop),
        (";Parent=53995c3f42cd8ad8;Sampled=1", SamplingDecision::RecordAndSample),
        (";Sampled=0", SamplingDecision::Drop),
    ] {
        let header = format!("Root=1-5759e988-bd862e3fe1be46a994272793{fields}");
        let carrier = HashMap::from([("x-amzn-trace-id".to_owned(), header)]);
        let parent = crate::XrayPropagator::new().extract_with_context(&Context::new(), &carrier);
        assert_eq!(decide(&sampler, Some(&parent), "/", 0).decision, expected, "{fields}");
    }
}

#[test]
fn overrides_decide_before_the_rules() {
    let page = page(
        &[
            rule("pay", 1, "/pay/*", 0, 1.0),
            rule("named", 2, "/none", 0, 1.0),
            rule("Default", 10_000, "*", 0, 0.0),
        ],
        "",
    );
    let xray = Arc::new(Mutex::new(XRay { rules: VecDeque::from([page]), ..XRay::default() }));
    let clock = ManualClock::new();
    let overrides: Overrides = r#"
        rule=gone        path=/*
        never            path=/pay/health
        always report    path=/vip/*  method=get
        2/s              route=/orders/{id}
        rule=named       tenant.plan=gold
        rule=named no-report  name=quiet
        100%             kind=consumer
    "#
    .parse()
    .unwrap();
    let sampler = XraySampler::builder()
        .with_api(FakeApi { xray: xray.clone(), _ended: None })
        .with_clock(clock.clone())
        .with_overrides(overrides)
        .build();
    let handle = sampler.handle();
    let decide = |name: &str, kind: SpanKind, attributes: &[(&'static str, &'static str)]| {
        let attributes: Vec<_> = attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
        let result = sampler.should_sample(None, TraceId::from(u128::MAX), name, &kind, &attributes, &[]);
        let rule = result.attributes.first().map(|attribute| attribute.value.to_string());
        (result.decision == SamplingDecision::RecordAndSample, rule)
    };
    decide("start", SpanKind::Internal, &[]);
    wait_until(|| !handle.status().rules.is_empty());
    let get = ("http.request.method", "GET");
    for (name, kind, attributes, expected) in [
        ("", SpanKind::Server, vec![get, ("url.path", "/pay/1")], (true, Some("pay"))),
        ("", SpanKind::Server, vec![get, ("url.path", "/pay/health")], (false, None)),
        ("", SpanKind::Server, vec![get, ("url.path", "/vip/1")], (true, None)),
        ("", SpanKind::Server, vec![("url.path", "/vip/1")], (false, None)),
        ("", SpanKind::Server, vec![("http.route", "/orders/{id}")], (true, None)),
        ("", SpanKind::Server, vec![("http.route", "/orders/{id}")], (true, None)),
        ("", SpanKind::Server, vec![("http.route", "/orders/{id}")], (false, None)),
        ("", SpanKind::Server, vec![("tenant.plan", "Gold")], (true, Some("named"))),
        ("quiet", SpanKind::Internal, vec![], (true, Some("named"))),
        ("", SpanKind::Consumer, vec![], (true, None)),
        ("", SpanKind::Producer, vec![], (false, None)),
    ] {
        assert_eq!(
            decide(name, kind, &attributes),
            (expected.0, expected.1.map(Into::into)),
            "{name} {attributes:?}"
        );
    }
    // Once for each decision of a rule, and once for `/vip/1`, which `Default` would have decided.
    clock.advance(Duration::from_secs(11));
    handle.refresh_now();
    wait_until(|| xray.lock().unwrap().counts.requests() > 0);
    let counts = xray.lock().unwrap().counts;
    assert!(counts.sampled == 3, "{counts:?}");
}

#[test]
fn what_decides_is_observed() {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData, ScopeMetrics},
    };

    let page = page(&[rule("pay", 1, "/pay/*", 0, 1.0), rule("Default", 10_000, "*", 0, 0.0)], "");
    let xray = Arc::new(Mutex::new(XRay { rules: VecDeque::from([page]), ..XRay::default() }));
    let sampler = XraySampler::builder()
        .with_api(FakeApi { xray, _ended: None })
        .with_override(RouteOverride::never().with_path("/health"))
        .build();
    let handle = sampler.handle();
    let exporter = InMemoryMetricExporter::default();
    let metrics = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    observe(&handle, &metrics.meter("test"));
    decide(&sampler, None, "/health", 0);
    wait_until(|| !handle.status().rules.is_empty());
    for path in ["/pay/1", "/pay/2", "/health", "/"] {
        decide(&sampler, None, path, u128::MAX);
    }
    metrics.force_flush().unwrap();
    let mut found = Vec::new();
    for resource in exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(ScopeMetrics::metrics) {
            if let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data()
                && metric.name() == "aws.xray.sampler.decisions"
            {
                found.extend(sum.data_points().map(|point| {
                    let mut values: Vec<_> =
                        point.attributes().map(|attribute| attribute.value.to_string()).collect();
                    values.sort();
                    (values.join(" "), point.value())
                }));
            }
        }
    }
    found.sort();
    let expected = [("1 not_sampled override", 2), ("Default not_sampled rule", 1), ("pay rule sampled", 2)];
    assert_eq!(found, expected.map(|(values, count)| (values.to_owned(), count)));
}

#[test]
fn a_local_rules_file_is_a_fallback_or_overrides() {
    let file = r#"{"version":2,"rules":[{"host":"*","http_method":"GET","url_path":"/a","fixed_target":0,"rate":1}],
        "default":{"fixed_target":0,"rate":0},"extra":1}"#;
    let rules = LocalRules::parse(file).unwrap();
    let builder = || XraySampler::builder().with_api(FakeApi { xray: Arc::default(), _ended: None });
    for sampler in [
        builder().with_fallback_rules(rules.clone()).build(),
        builder()
            .with_overrides(RouteOverride::from_local_rules(&rules))
            .with_fallback(Sampler::AlwaysOff)
            .build(),
    ] {
        for (path, expected) in [("/a", SamplingDecision::RecordAndSample), ("/b", SamplingDecision::Drop)] {
            let result = decide(&sampler, None, path, u128::MAX);
            assert_eq!((result.decision, result.attributes.len()), (expected, 0), "{path}");
        }
    }
}

/// Answers one request after the other, each on the connection that it comes on, and hands out what they said.
fn serve(answers: Vec<String>) -> (String, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let head = head.to_ascii_lowercase();
            let length = head.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            sender.send((head, String::from_utf8(body).unwrap())).unwrap();
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, requests)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[test]
fn calls_over_http() {
    let too_large = " ".repeat(2 << 20);
    let (address, requests) = serve(vec![
        answer("200 OK", &default_page()),
        answer("200 OK", NO_TARGETS),
        answer("403 Forbidden", "{\"message\":\"no\ncredentials\"}"),
        answer("302 Found", ""),
        answer("200 OK", &too_large),
    ]);
    let mut api = HttpSamplingApi::new(&address);
    assert_eq!(api.endpoint(), format!("http://{address}"));
    assert_eq!(api.rules(None).unwrap().rules.len(), 1);
    let (head, body) = requests.recv().unwrap();
    assert!(head.starts_with("post /getsamplingrules http/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert!(!head.contains("expect:") && !head.contains("transfer-encoding"), "{head}");
    assert_eq!(body, "{}");

    api.targets(ClientId::from_random([7; 12]), 0, &[]).unwrap();
    let (head, body) = requests.recv().unwrap();
    assert!(head.starts_with("post /samplingtargets http/1.1\r\n"), "{head}");
    assert_eq!(body, r#"{"SamplingStatisticsDocuments":[]}"#);

    for expected in [
        r#"the answer was 403 Forbidden: {\"message\":\"no\ncredentials\"}"#,
        "the answer was 302 Found: ",
        "expected at most 1048576 bytes, but found 1048577",
    ] {
        assert_eq!(api.rules(Some("t")).unwrap_err().to_string(), expected);
        assert_eq!(requests.recv().unwrap().1, r#"{"NextToken":"t"}"#);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = HttpSamplingApi::new(&format!("http://{nobody}/")).rules(None).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("refused"), "{error}");
}
