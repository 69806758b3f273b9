//! Every call of our sampler, and every answer of `xray-local`, against the AWS SDK's model of the service.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::Uri};
use opentelemetry::{
    KeyValue,
    trace::{SpanKind, TraceId},
};
use opentelemetry_aws_xray::{
    clock::ManualClock,
    sampler::{SamplerHandle, XraySampler},
};
use opentelemetry_sdk::trace::ShouldSample;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use xray_local::XrayLocal;

use crate::{needs::Python, program::run};

/// Hands calls on, and keeps them with their answers.
#[derive(Debug, Clone)]
struct Recorder {
    client: Client,
    to: String,
    exchanges: Arc<Mutex<Vec<Value>>>,
}

impl Recorder {
    /// Starts one, and answers where it listens.
    async fn start(to: String) -> (Self, String) {
        let client = Client::builder().no_proxy().build().unwrap();
        let recorder = Self { client, to, exchanges: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(hand_on).with_state(recorder.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        (recorder, endpoint)
    }
}

async fn hand_on(State(recorder): State<Recorder>, uri: Uri, body: Bytes) -> Bytes {
    let call = recorder.client.post(format!("{}{uri}", recorder.to)).body(body.clone());
    let answer = call.send().await.unwrap().bytes().await.unwrap();
    let json = |body: &Bytes| serde_json::from_slice::<Value>(body).unwrap();
    let exchange = json!({"path": uri.path(), "request": json(&body), "answer": json(&answer)});
    recorder.exchanges.lock().unwrap().push(exchange);
    answer
}

pub(crate) async fn every_call_is_what_it_says(python: Python) {
    // As many as an account has, and with `Default` more than one report may have.
    let rules: Vec<_> = (1..=25)
        .map(|n| {
            json!({"RuleName": format!("rule {n}"), "Priority": n, "FixedRate": 0.5, "ReservoirSize": 1,
                "URLPath": format!("/{n}"), "Attributes": {"tier": "gold*"}})
        })
        .collect();
    let xray = XrayLocal::builder()
        .with_addr("127.0.0.1:0")
        .with_rules_per_page(10)
        .with_sampling_rules(json!(rules).to_string())
        .start()
        .await
        .unwrap();
    let (recorder, endpoint) = Recorder::start(xray.url()).await;
    let clock = ManualClock::new();
    let sampler = XraySampler::builder().with_endpoint(endpoint).with_clock(clock.clone()).build();
    let handle = sampler.handle();

    meet_every_rule(&sampler);
    calls_answered(&handle, 1).await;
    meet_every_rule(&sampler);
    clock.advance(Duration::from_secs(11));
    handle.refresh_now();
    // Rules again, and the reports.
    calls_answered(&handle, 3).await;

    let exchanges = recorder.exchanges.lock().unwrap().clone();
    let paths: Vec<_> = exchanges.iter().map(|exchange| exchange["path"].as_str().unwrap()).collect();
    let (rules, targets) = ("/GetSamplingRules", "/SamplingTargets");
    assert_eq!(paths, [rules, rules, rules, rules, rules, rules, targets, targets]);
    let complaints = run(python.script("check_calls.py"), &json!(exchanges)).await;
    assert_eq!(complaints, json!([]));
}

/// Asks for a request of each rule, and for one of `Default`.
fn meet_every_rule(sampler: &XraySampler) {
    for n in 1..=26 {
        let attributes = [KeyValue::new("url.path", format!("/{n}")), KeyValue::new("tier", "gold card")];
        sampler.should_sample(None, TraceId::from(n), "", &SpanKind::Server, &attributes, &[]);
    }
}

async fn calls_answered(handle: &SamplerHandle, calls: u64) {
    let answered = async {
        while handle.status().calls_answered < calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = timeout(e2e::PATIENCE, answered).await;
    assert!(in_time.is_ok(), "{calls} calls expected: {:?}", handle.status());
}
