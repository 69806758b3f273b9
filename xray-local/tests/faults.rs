//! Faults, as a client meets them.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::{net::UdpSocket, time::Duration};

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use xray_local::{Effect, ErrorAnswer, Fault, Faults, Unprocessed, XrayLocal};

/// Longer than anything here takes; a test that hangs should fail.
const PATIENCE: Duration = Duration::from_secs(20);

async fn start() -> XrayLocal {
    XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap()
}

fn client() -> Client {
    Client::builder().timeout(PATIENCE).build().unwrap()
}

fn documents(ids: std::ops::Range<u64>) -> String {
    let document = |id: u64| {
        json!({"name": "shop", "id": format!("{id:016x}"), "trace_id": format!("1-5759e988-{id:024x}"),
            "start_time": 1, "end_time": 2})
    };
    let documents: Vec<String> = ids.map(|id| document(id).to_string()).collect();
    json!({ "TraceSegmentDocuments": documents }).to_string()
}

async fn put(xray: &XrayLocal, ids: std::ops::Range<u64>) -> reqwest::Result<Response> {
    client().post(format!("{}/TraceSegments", xray.url())).body(documents(ids)).send().await
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_next_three_calls_are_throttled() {
    let xray = start().await;
    let throttled = ErrorAnswer::new(429).with_retry_after(Duration::from_secs(2));
    xray.set_faults(Faults::default().with(Fault::from(throttled).times(3)));
    for _ in 0..3 {
        let answer = put(&xray, 1..2).await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "2");
        assert_eq!(answer.headers()["x-amzn-errortype"], "ThrottledException");
        assert_eq!(xray.stats().accepted, 0);
    }
    assert_eq!(put(&xray, 1..2).await.unwrap().status(), StatusCode::OK);
    assert_eq!((xray.faults_struck(), xray.stats().accepted), (vec![3], 1));
}

#[tokio::test]
async fn connections_break_where_they_are_told_to() {
    for (effect, accepted) in [
        (Effect::ResetBeforeBody, 0),
        (Effect::ResetAfterBody, 0),
        (Effect::LostAnswer, 5),
        (Effect::HalfAnswer, 5),
    ] {
        let xray = start().await;
        xray.set_faults(Faults::default().with(Fault::from(effect.clone()).times(1)));
        let answer = put(&xray, 1..6).await;
        if effect == Effect::HalfAnswer {
            let answer = answer.unwrap();
            assert_eq!(answer.content_length(), Some(31));
            assert!(answer.bytes().await.is_err());
        } else {
            assert!(answer.unwrap_err().is_request(), "{effect:?}");
        }
        assert_eq!(xray.stats().accepted, accepted, "{effect:?}");
        assert_eq!(put(&xray, 1..6).await.unwrap().status(), StatusCode::OK, "{effect:?}");
    }
}

#[tokio::test]
async fn a_delay_delays_and_no_more() {
    let xray = start().await;
    xray.set_faults(Faults::default().with(Effect::Delay(Duration::from_millis(300))));
    let hasty = Client::builder().timeout(Duration::from_millis(20)).build().unwrap();
    let call = hasty.post(format!("{}/TraceSegments", xray.url())).body(documents(1..2));
    assert!(call.send().await.unwrap_err().is_timeout());
    assert_eq!(put(&xray, 1..2).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn some_documents_come_back() {
    let xray = start().await;
    xray.set_faults(
        Faults::default().with_seed(3).with(Unprocessed::new(0.5, "InternalFailure").permanent()),
    );
    let unprocessed = async || -> Vec<String> {
        let answer = json_of(put(&xray, 1..41).await.unwrap()).await;
        let unprocessed = answer["UnprocessedTraceSegments"].as_array().unwrap();
        assert!(unprocessed.iter().all(|each| each["ErrorCode"] == "InternalFailure"));
        unprocessed.iter().map(|each| each["Id"].as_str().unwrap().to_owned()).collect()
    };
    let first = unprocessed().await;
    assert!((10..30).contains(&first.len()), "{}", first.len());
    assert_eq!(unprocessed().await, first);
    assert_eq!(xray.stats().traces, 40 - first.len());
    assert_eq!(xray.stats().rejected, 0);
}

#[tokio::test]
async fn faults_are_set_and_seen_over_http() {
    let xray = start().await;
    let url = format!("{}/api/faults", xray.url());
    let set = |body: Value| client().put(&url).body(body.to_string()).send();
    let fault = json!({"fault": "status", "status": 503, "path": "/TraceSegments", "share": 1.0, "times": 2});
    assert_eq!(set(json!({"faults": [fault]})).await.unwrap().status(), StatusCode::OK);
    assert_eq!(put(&xray, 1..2).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);

    let set_now = json_of(client().get(&url).send().await.unwrap()).await;
    assert_eq!((&set_now["faults"][0]["struck"], &set_now["faults"][0]["status"]), (&json!(1), &json!(503)));
    let page = client().get(xray.url()).send().await.unwrap().text().await.unwrap();
    let told = "status 503 ServiceUnavailable for every call of /TraceSegments; struck: 1 of 2";
    assert!(page.contains(told), "{page}");
    assert_eq!(set(set_now).await.unwrap().status(), StatusCode::OK, "what was read can be set");

    assert_eq!(
        set(json!({"faults": [{"fault": "status"}]})).await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    let stranger =
        client().put(&url).header("origin", "https://evil.example").body("{}").send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::FORBIDDEN);
    assert_eq!(client().delete(&url).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(put(&xray, 1..2).await.unwrap().status(), StatusCode::OK);
    assert!(xray.faults_struck().is_empty());
}

#[tokio::test]
async fn a_server_that_goes_away_comes_back_with_what_it_had() {
    let mut xray = start().await;
    put(&xray, 1..3).await.unwrap();
    xray.stop_listening().await;
    assert!(put(&xray, 3..4).await.unwrap_err().is_connect());
    let address = xray.addr();
    drop(UdpSocket::bind(address).unwrap());

    xray.listen_again().await.unwrap();
    xray.listen_again().await.unwrap();
    assert_eq!(xray.addr(), address);
    put(&xray, 3..4).await.unwrap();
    assert_eq!(xray.shutdown().await.traces.len(), 3);
}

#[tokio::test]
async fn unsigned_calls_are_refused_if_a_signature_is_required() {
    let xray =
        XrayLocal::builder().with_addr("127.0.0.1:0").with_required_signature(true).start().await.unwrap();
    let answer = put(&xray, 1..2).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
    assert_eq!(
        client().get(format!("{}/api/stats", xray.url())).send().await.unwrap().status(),
        StatusCode::OK
    );
}
