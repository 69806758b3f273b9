//! Five samplers side by side, under the same rules and the same load: ours, that of the AWS Distro for OpenTelemetry
//! Python, OpenTelemetry's for Node.js, and those of the X-Ray SDKs for Python and Node.js.
//!
//! Each is held against what the rules say, not against the others:
//!
//! | rule | expected |
//! |---|---|
//! | a rate p | of n requests n·p, give or take 4 standard deviations of the binomial distribution, √(n·p·(1 − p)): one run in 16,000 is further off |
//! | a reservoir, before the first quota | one a second is borrowed |
//! | a reservoir, with a quota | the quota in each second, of which one may fall into the second beside it |
//!
//! Where a peer does otherwise, its row in [`PEERS`] says so.

use std::{
    collections::BTreeMap,
    ops::{Range, RangeInclusive},
    process::Command,
};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use xray_local::XrayLocal;

use crate::{
    load::{Count, Counts, Load, Request, total},
    needs::Samplers,
};

const SECONDS: usize = 25;
const PER_SECOND: usize = 20;

/// All samplers report ten seconds after their start, which is two before that of the load. Until then they borrow.
const BORROWING: Range<usize> = 0..7;

/// By then the answer is there, even on a machine that is busy.
const WITH_QUOTA: Range<usize> = 13..SECONDS;

const RESERVOIR: u32 = 5;
const RATE: f64 = 0.3;
const DEFAULT_RATE: f64 = 0.1;

/// In the order in which they are asked; each has a request of its own below.
fn rules() -> String {
    json!([
        // Asked before `quota`, which would match these requests too.
        {"RuleName": "posts", "Priority": 1, "FixedRate": 0.0, "ReservoirSize": 0, "HTTPMethod": "POST"},
        {"RuleName": "quota", "Priority": 2, "FixedRate": 0.0, "ReservoirSize": RESERVOIR, "URLPath": "/quota/*"},
        {"RuleName": "rate", "Priority": 3, "FixedRate": RATE, "ReservoirSize": 0, "URLPath": "/rate/?"},
        {"RuleName": "host", "Priority": 4, "FixedRate": 1.0, "ReservoirSize": 0, "Host": "shop.?xample.*"},
        {"RuleName": "Default", "FixedRate": DEFAULT_RATE, "ReservoirSize": 0},
    ])
    .to_string()
}

const QUOTA: Request = Request { name: "quota", method: "GET", path: "/quota/1", host: "localhost" };

const REQUESTS: [Request; 5] = [
    Request { name: "posts", method: "POST", path: "/quota/1", host: "localhost" },
    QUOTA,
    Request { name: "rate", method: "GET", path: "/rate/1", host: "localhost" },
    Request { name: "host", method: "GET", path: "/", host: "shop.example.com" },
    Request { name: "Default", method: "GET", path: "/", host: "localhost" },
];

#[derive(Debug, Clone, Copy)]
struct Sampler {
    name: &'static str,
    /// What drives it; ours is driven here.
    command: Option<fn(&Samplers) -> Command>,
    /// Whether it comes to use the quotas that it gets.
    uses_quotas: bool,
    /// Whether it reports borrowed requests as sampled ones too. The API reference does not say.
    borrowed_are_sampled: bool,
}

const OURS: Sampler = Sampler { name: "ours", command: None, uses_quotas: true, borrowed_are_sampled: true };

const PEERS: [Sampler; 4] = [
    Sampler {
        name: "AWS Distro for OpenTelemetry Python",
        command: Some(Samplers::adot_python),
        uses_quotas: true,
        borrowed_are_sampled: true,
    },
    Sampler {
        name: "OpenTelemetry for Node.js",
        command: Some(Samplers::otel_node),
        uses_quotas: true,
        borrowed_are_sampled: true,
    },
    Sampler {
        name: "X-Ray SDK for Python",
        command: Some(Samplers::sdk_python),
        uses_quotas: true,
        borrowed_are_sampled: false,
    },
    Sampler {
        name: "X-Ray SDK for Node.js",
        command: Some(Samplers::sdk_node),
        // It reads the end of a quota, in epoch seconds, as milliseconds: each has ended long ago, and it borrows for ever.
        uses_quotas: false,
        borrowed_are_sampled: false,
    },
];

impl Sampler {
    /// Puts the load on it.
    fn under(
        self,
        load: Load,
        samplers: &Samplers,
        endpoint: String,
    ) -> impl Future<Output = Counts> + use<> {
        let command = self.command.map(|command| command(samplers));
        async move {
            match command {
                Some(command) => load.on(command, &endpoint).await,
                None => load.on_ours(&endpoint).await,
            }
        }
    }
}

pub(crate) async fn agree(samplers: Samplers) {
    tokio::join!(alone(&samplers), together(&samplers));
}

/// Each sampler has an X-Ray of its own, and so the whole reservoir.
async fn alone(samplers: &Samplers) {
    let load = Load { seconds: SECONDS, per_second: PER_SECOND, requests: REQUESTS.to_vec() };
    let mut running = JoinSet::new();
    for sampler in [OURS].into_iter().chain(PEERS) {
        let xray = start().await;
        let counts = sampler.under(load.clone(), samplers, xray.url());
        running.spawn(async move { (sampler, counts.await, first_report(&xray).await) });
    }
    for (sampler, counts, report) in running.join_all().await {
        follows_the_rules(sampler, &counts);
        reports_what_it_borrows(sampler, &report);
    }
}

/// Ours, twice, and the peers that use quotas share one X-Ray: together they stay within the reservoir.
async fn together(samplers: &Samplers) {
    let xray = start().await;
    let load = Load { seconds: SECONDS, per_second: PER_SECOND, requests: vec![QUOTA] };
    let mut running = JoinSet::new();
    for sampler in [OURS, OURS].into_iter().chain(PEERS).filter(|sampler| sampler.uses_quotas) {
        let counts = sampler.under(load.clone(), samplers, xray.url());
        running.spawn(async move { (sampler.name, total(&counts.await["quota"][WITH_QUOTA]).sampled) });
    }
    let sampled = running.join_all().await;
    let sum: u32 = sampled.iter().map(|(_, sampled)| sampled).sum();
    // They did not start in the same moment, and a quota that goes from one to another may be used in a second by both.
    let expected = around(RESERVOIR * WITH_QUOTA.len() as u32, 3 * RESERVOIR);
    assert!(expected.contains(&sum), "{expected:?} expected of all, but found {sampled:?}");
}

fn follows_the_rules(Sampler { name, uses_quotas, .. }: Sampler, counts: &Counts) {
    let of = |request: &str| total(&counts[request]);
    for request in REQUESTS {
        assert_eq!(of(request.name).asked as usize, SECONDS * PER_SECOND, "{name}, {}", request.name);
    }
    assert_eq!(of("posts").sampled, 0, "{name}: the first rule that matches decides");
    let Count { asked, sampled } = of("host");
    assert_eq!(sampled, asked, "{name}: the host matches");
    for (request, rate) in [("rate", RATE), ("Default", DEFAULT_RATE)] {
        let Count { asked, sampled } = of(request);
        let expected = binomial(asked, rate);
        assert!(expected.contains(&sampled), "{name}, {request}: {sampled}, not within {expected:?}");
    }
    let seconds = &counts["quota"];
    let per_second = if uses_quotas { RESERVOIR } else { 1 };
    for (range, quota) in [(BORROWING, 1), (WITH_QUOTA, per_second)] {
        let sampled = total(&seconds[range.clone()]).sampled;
        // The seconds of the sampler are not ours: at each end one second's worth may be counted beside the range.
        let expected = around(quota * range.len() as u32, 2 * quota);
        assert!(
            expected.contains(&sampled),
            "{name}, seconds {range:?}: not within {expected:?}: {seconds:?}"
        );
    }
}

/// In the ten seconds before its first report.
fn reports_what_it_borrows(Sampler { name, borrowed_are_sampled, .. }: Sampler, report: &Value) {
    let borrowed = report["BorrowCount"].as_u64().unwrap();
    assert!((8..=12).contains(&borrowed), "{name}: {report}");
    let sampled = if borrowed_are_sampled { borrowed } else { 0 };
    assert_eq!(report["SampledCount"], json!(sampled), "{name}: {report}");
}

fn around(expected: u32, tolerance: u32) -> RangeInclusive<u32> {
    expected.saturating_sub(tolerance)..=expected + tolerance
}

/// Four standard deviations on each side.
fn binomial(asked: u32, rate: f64) -> RangeInclusive<u32> {
    let mean = f64::from(asked) * rate;
    around(mean.round() as u32, (4.0 * (mean * (1.0 - rate)).sqrt()).ceil() as u32)
}

async fn start() -> XrayLocal {
    XrayLocal::builder().with_addr("127.0.0.1:0").with_sampling_rules(rules()).start().await.unwrap()
}

/// What was first reported of the rule with a reservoir.
async fn first_report(xray: &XrayLocal) -> Value {
    let client = Client::builder().no_proxy().build().unwrap();
    let call = client.post(format!("{}/SamplingStatisticSummaries", xray.url())).body("{}");
    let answer: Value = serde_json::from_slice(&call.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let summaries = answer["SamplingStatisticSummaries"].as_array().unwrap();
    let reports: BTreeMap<_, _> = summaries
        .iter()
        .filter(|summary| summary["RuleName"] == "quota")
        .map(|summary| (summary["Timestamp"].as_f64().unwrap() as u64, summary))
        .collect();
    reports.into_values().next().cloned().unwrap_or_default()
}
