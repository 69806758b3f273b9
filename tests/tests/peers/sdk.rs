//! One trace through services in Python, which use the X-Ray SDK, and one of ours between them.
//!
//! ```text
//! caller (X-Ray SDK, requests) -> ours (XrayLayer, XrayClientLayer) -> callee (X-Ray SDK, Flask)
//! ```

use std::collections::BTreeMap;

use axum::{Router, routing::get};
use e2e::{Family, PATIENCE};
use opentelemetry_aws_xray::{
    Xray,
    tower::{XrayClient, XrayClientLayer, XrayLayer},
};
use reqwest::{Method, Request, Url};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, time::timeout};
use tower::{Layer, ServiceExt};
use xray_local::{Snapshot, XrayLocal};
use xray_wire::segment::Kind;

use crate::{
    needs::Python,
    program::{Server, run},
};

/// What the caller printed, and what arrived once all three had ended.
struct Outcome {
    caller: Value,
    received: Snapshot,
}

/// Sends one request through all three and waits until `enough` has arrived.
async fn call_through(python: &Python, sampled: &str, enough: impl FnMut(&Snapshot) -> bool) -> Outcome {
    let xray_local = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let daemon = xray_local.addr().to_string();
    let mut callee = python.script("sdk_callee.py");
    callee.arg(&daemon);
    let callee = Server::start(callee).await;

    let xray = Xray::builder().with_service_name("ours").with_daemon_address(&daemon).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/through", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, ours(&xray, callee.port))
        .with_graceful_shutdown(async move { drop(stopped.await) })
        .into_future();
    let serving = tokio::spawn(serving);

    let mut caller = python.script("sdk_caller.py");
    caller.args([&daemon, &url, sampled]);
    let caller = run(caller, &Value::Null).await;
    drop(stop);
    serving.await.unwrap().unwrap();
    xray.shutdown().unwrap();
    timeout(PATIENCE, xray_local.wait_until(enough)).await.unwrap();
    Outcome { caller, received: xray_local.shutdown().await }
}

/// Our service: it asks the callee and hands on what that says.
fn ours(xray: &Xray, callee_port: u16) -> Router {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let client: XrayClient<reqwest::Client> = XrayClientLayer::new()
        .with_tracer_provider(xray.tracer_provider())
        .with_propagator(xray.propagator())
        .layer(client);
    let url: Url = format!("http://127.0.0.1:{callee_port}/whose").parse().unwrap();
    let ask = async move || {
        let response = client.clone().oneshot(Request::new(Method::GET, url.clone())).await.unwrap();
        response.text().await.unwrap()
    };
    let layer =
        XrayLayer::axum().with_tracer_provider(xray.tracer_provider()).with_propagator(xray.propagator());
    Router::new().route("/through", get(ask)).layer(layer)
}

pub(crate) async fn continues_a_trace_and_is_continued(python: Python) {
    let segments = |received: &Snapshot| {
        let documents = received.traces.iter().flat_map(|trace| &trace.documents);
        documents.filter(|document| document.nodes[0].kind == Kind::Segment).count()
    };
    let Outcome { caller, received } = call_through(&python, "1", |received| segments(received) == 3).await;

    assert_eq!(received.rejected, []);
    let [trace] = received.traces.as_slice() else { panic!("{:#?}", received.traces) };
    assert_eq!(caller["trace_id"], json!(trace.id.to_string()));
    assert_eq!(caller["callee"]["trace_id"], caller["trace_id"]);
    let family = Family::of(trace);
    assert_eq!(family.services(), BTreeMap::from([("callee", 1), ("caller", 1), ("ours", 1)]));
    let roots = family.roots();
    let [(root, None)] = roots.as_slice() else { panic!("expected one root, but found {roots:#?}") };
    assert_eq!((root.name.as_str(), json!(root.id.to_string())), ("caller", caller["segment_id"].clone()));

    // Each segment below another one hangs on the subsegment of the call, which hangs on the segment of its caller.
    let parents: BTreeMap<_, _> =
        family.pairs().map(|(child, parent)| (child.id, (child.name.as_str(), parent))).collect();
    for (service, caller) in [("ours", "caller"), ("callee", "ours")] {
        let (_, call) = parents.values().find(|(name, _)| *name == service).unwrap();
        assert_eq!((call.kind, call.status), (Kind::Subsegment, Some(200)), "{service}");
        assert_eq!((parents[&call.id].1.name.as_str(), parents[&call.id].1.kind), (caller, Kind::Segment));
    }
}

pub(crate) async fn is_heeded_when_it_does_not_sample(python: Python) {
    let Outcome { caller, received } = call_through(&python, "0", |_| true).await;
    // The SDK has no ids for such a trace; what goes from us to the callee has new ones, and the same decision.
    assert_eq!(
        caller["header"],
        "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0"
    );
    assert_eq!(caller["callee"]["sampled"], json!(false));
    assert_eq!((received.stats.datagrams, received.traces.len()), (0, 0));
}
