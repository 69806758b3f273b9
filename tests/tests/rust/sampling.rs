//! What AWS expects of a sampler in every language: of 1,000 requests at once, how many are sampled by which rules.

use std::time::Duration;

use e2e::PATIENCE;
use opentelemetry::{
    KeyValue,
    trace::{SpanKind, TraceId},
};
use opentelemetry_aws_xray::{
    clock::ManualClock,
    sampler::{SamplerHandle, SamplerStatus, XraySampler},
};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample};
use serde_json::json;
use tokio::time::{sleep, timeout};
use xray_local::XrayLocal;
use xray_wire::sampling::{Process, Rate, Request, Rule, Stripe, Table, Target};

const REQUESTS: u128 = 1_000;

/// A tenth on each side, as AWS has it.
const TOLERANCE: f64 = 0.1;

/// Name, priority, reservoir, rate, path.
type Row = (&'static str, u32, u32, f64, &'static str);

const CASES: [(&[Row], f64); 6] = [
    (&[("reservoir", 1, 500, 0.0, "/*")], 500.0),
    (&[("reservoir and rate", 1, 500, 0.5, "/*")], 750.0),
    (&[("rate", 1, 0, 0.5, "/*")], 500.0),
    (&[("none", 1, 0, 0.0, "/*"), ("all", 2, 0, 1.0, "/*")], 0.0),
    (&[("none", 2, 0, 0.0, "/*"), ("all", 1, 0, 1.0, "/*")], 1_000.0),
    (&[("other", 1, 0, 1.0, "/other"), ("reservoir", 2, 500, 0.0, "/get?ampled")], 500.0),
];

const PATH: &str = "/getSampled";

#[test]
fn of_a_thousand_requests_as_many_are_sampled_as_the_rules_say() {
    const SECOND: u64 = 1_000_000_000;
    const EPOCH_SECONDS: f64 = 1_789_000_000.0;

    for (rows, expected) in CASES {
        let rules = rows.iter().map(|&(name, priority, reservoir, rate, path)| Rule {
            url_path: path.into(),
            ..Rule::for_all(name, priority, reservoir, Rate::new(rate).unwrap())
        });
        let table = Table::new(rules.collect(), &Process::default(), None, 0);
        let targets = rows.iter().map(|&(name, _, reservoir, rate, _)| Target {
            rule_name: name.into(),
            fixed_rate: Rate::new(rate),
            reservoir_quota: Some(reservoir),
            reservoir_quota_ttl: Some(EPOCH_SECONDS + 30.0),
            interval: None,
            boost: None,
        });
        table.apply(&targets.collect::<Vec<_>>(), 10 * SECOND, EPOCH_SECONDS);
        let request = Request { url_path: Some(PATH), ..Request::UNKNOWN };
        let is_sampled = |id: &u128| {
            let entry = table.find(&request).unwrap();
            entry.state.decide(id.to_be_bytes(), || 12 * SECOND, Stripe::shared(0)).is_sampled()
        };
        assert_near(trace_ids().filter(is_sampled).count(), expected, rows);
    }
}

#[tokio::test]
async fn of_a_thousand_requests_over_http_as_many_are_sampled() {
    for (rows, expected) in CASES {
        let rules: Vec<_> = rows
            .iter()
            .map(|(name, priority, reservoir, rate, path)| {
                json!({"RuleName": name, "Priority": priority, "ReservoirSize": reservoir, "FixedRate": rate, "URLPath": path})
            })
            .collect();
        let xray =
            XrayLocal::builder().with_addr("127.0.0.1:0").with_sampling_rules(json!(rules).to_string());
        let xray = xray.start().await.unwrap();
        let clock = ManualClock::new();
        let sampler = XraySampler::builder().with_endpoint(xray.url()).with_clock(clock.clone()).build();
        let handle = sampler.handle();

        // The first request makes it fetch the rules, and what one of them decides has to be reported.
        is_sampled(&sampler, 1);
        until(&handle, |status| !status.rules.is_empty()).await;
        is_sampled(&sampler, 1);
        clock.advance(Duration::from_secs(11));
        handle.refresh_now();
        until(&handle, |status| status.rules.iter().any(|rule| rule.quota.is_some())).await;
        clock.advance(Duration::from_secs(2));

        let sampled = trace_ids().filter(|id| is_sampled(&sampler, *id)).count();
        assert_near(sampled, expected, rows);
        xray.shutdown().await;
    }
}

/// Different, and the same in each run.
fn trace_ids() -> impl Iterator<Item = u128> {
    (1..=REQUESTS).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn is_sampled(sampler: &XraySampler, id: u128) -> bool {
    let attributes = [KeyValue::new("http.request.method", "GET"), KeyValue::new("url.path", PATH)];
    let result = sampler.should_sample(None, TraceId::from(id), "", &SpanKind::Server, &attributes, &[]);
    result.decision == SamplingDecision::RecordAndSample
}

async fn until(handle: &SamplerHandle, is_so: impl Fn(&SamplerStatus) -> bool) {
    let so = async {
        while !is_so(&handle.status()) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = timeout(PATIENCE, so).await;
    assert!(in_time.is_ok(), "{:?}", handle.status());
}

fn assert_near(sampled: usize, expected: f64, rows: &[Row]) {
    let off = (sampled as f64 - expected).abs();
    assert!(off <= expected * TOLERANCE, "{sampled}, where {expected} are expected: {rows:?}");
}
