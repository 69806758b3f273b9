//! Who decides: rules, overrides, the fallback.

use super::*;

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
