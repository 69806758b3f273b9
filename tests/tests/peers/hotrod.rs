//! HotROD on AWS, as moto plays it.

use axum_hotrod::Account;
use e2e::{PATIENCE, Stage};
use serde_json::{Value, json};
use tokio::time::timeout;
use xray_local::Snapshot;

use crate::{needs::Python, program::Server};

/// What the service map infers from calls of AWS.
const INFERRED: [(&str, &str, &str); 5] = [
    ("frontend", "hotrod-orders", "AWS::DynamoDB::Table"),
    ("frontend", "hotrod-rides", "AWS::SQS::Queue"),
    ("receipts", "hotrod-orders", "AWS::DynamoDB::Table"),
    ("receipts", "hotrod-rides", "AWS::SQS::Queue"),
    ("receipts", "hotrod-receipts-123456789012", "AWS::S3::Bucket"),
];

pub(crate) async fn stores_orders_on_aws(python: Python) {
    let moto = Server::start(python.script("moto_server.py")).await;
    let endpoint = format!("http://127.0.0.1:{}", moto.port);
    let stage = Stage::start_with_aws(Some(Account::Emulator(endpoint))).await;
    let answer = stage.order("392", None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let are_both_there = |received: &Snapshot| receipts(received).is_some() && received.traces.len() == 2;
    timeout(PATIENCE, stage.xray().wait_until(are_both_there)).await.unwrap();

    let url = format!("http://{}/api/map", stage.xray().addr());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let map: Value =
        serde_json::from_slice(&client.get(url).send().await.unwrap().bytes().await.unwrap()).unwrap();
    let edges = map["edges"].as_array().unwrap();
    for (from, to, kind) in INFERRED {
        let edge = edges.iter().find(|edge| edge["from"]["name"] == from && edge["to"]["name"] == to);
        let edge = edge.unwrap_or_else(|| panic!("{from} to {to} in {map:#}"));
        assert_eq!((&edge["to"]["type"], &edge["to"]["inferred"]), (&json!(kind), &json!(true)));
        assert_eq!(edge["ok"], edge["total"], "{edge:#}");
    }

    let outcome = stage.finish().await;
    assert_eq!(outcome.summary.spans_dropped(), 0);
    assert_eq!(outcome.received.rejected, []);
    let segment = receipts(&outcome.received).unwrap();
    assert_eq!(segment["links"][0]["trace_id"], *answer.trace_id(), "{segment:#}");
    let calls = segment["subsegments"].as_array().unwrap().iter();
    let calls: Vec<_> = calls.map(|call| call["aws"]["operation"].as_str().unwrap()).collect();
    assert_eq!(calls, ["PutObject", "UpdateItem", "DeleteMessage"]);
}

/// The segment of the one that writes receipts.
fn receipts(received: &Snapshot) -> Option<Value> {
    let documents = received.traces.iter().flat_map(|trace| &trace.documents);
    let mut segments = documents.map(|document| serde_json::from_str::<Value>(&document.json).unwrap());
    segments.find(|segment| segment["name"] == "receipts" && segment["end_time"].is_number())
}
