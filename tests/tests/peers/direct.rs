//! Straight to X-Ray, as others see it: botocore, which signs again what we signed, and moto, which keeps it.

use std::{collections::BTreeSet, process::Command};

use serde_json::{Value, json};

use crate::{
    needs::Python,
    program::{Server, run},
};

/// A program of ours with fake credentials, to which everything is told by its environment.
fn sender(port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sends_directly"));
    command.env_clear().envs([
        ("AWS_XRAY_TRANSPORT", "direct"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "a secret/with+marks="),
        ("AWS_SESSION_TOKEN", "a/token+with=marks"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL_XRAY", &format!("http://127.0.0.1:{port}")),
        ("AWS_HOSTNAME", "a host"),
    ]);
    command
}

fn texts(values: &Value) -> BTreeSet<String> {
    values.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

/// The ids of a document and of all that is nested in it.
fn collect_ids(segment: &Value, ids: &mut BTreeSet<String>) {
    assert!(ids.insert(segment["id"].as_str().unwrap().to_owned()), "{segment} came twice");
    for subsegment in segment["subsegments"].as_array().into_iter().flatten() {
        collect_ids(subsegment, ids);
    }
}

fn ids<'d>(documents: impl Iterator<Item = &'d Value>) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for document in documents {
        collect_ids(&serde_json::from_str(document.as_str().unwrap()).unwrap(), &mut ids);
    }
    ids
}

/// What `sends_directly` says it sent, and the requests that a checker of signatures received, all of which have to agree.
async fn sent_and_checked(python: Python, payload: &str) -> (Value, Vec<Value>) {
    let mut checker = python.script("signature_checker.py");
    checker.arg(
        json!({
            "region": "eu-central-1", "access_key": "AKIDEXAMPLE",
            "secret_key": "a secret/with+marks=", "token": "a/token+with=marks",
        })
        .to_string(),
    );
    let checker = Server::start(checker).await;
    let mut sender = sender(checker.port);
    sender.env("AWS_XRAY_PAYLOAD", payload);
    let sent = run(sender, &Value::Null).await;

    let url = format!("http://127.0.0.1:{}/", checker.port);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let received = client.get(url).send().await.unwrap().bytes().await.unwrap();
    let received: Vec<Value> = serde_json::from_slice(&received).unwrap();
    assert!(!received.is_empty(), "{sent:#}");
    for request in &received {
        assert_eq!(request["agrees"], true, "{request:#}");
        assert_eq!(request["headers"]["x-amz-security-token"], "a/token+with=marks");
    }
    (sent, received)
}

pub(crate) async fn is_signed_as_botocore_signs(python: Python) {
    let (sent, received) = sent_and_checked(python, "segments").await;
    let bodies: Vec<Value> = received
        .iter()
        .map(|request| {
            assert_eq!(request["path"], "/TraceSegments");
            serde_json::from_str(request["body"].as_str().unwrap()).unwrap()
        })
        .collect();
    let documents = bodies.iter().flat_map(|body| body["TraceSegmentDocuments"].as_array().unwrap());
    assert_eq!(ids(documents), texts(&sent["ids"]), "{sent:#}");
}

pub(crate) async fn signs_otlp_after_compressing_it(python: Python) {
    let (sent, received) = sent_and_checked(python, "otlp").await;
    for request in &received {
        assert_eq!(request["path"], "/v1/traces");
        assert_eq!(request["headers"]["content-encoding"], "gzip");
    }
    assert_eq!(sent["sent"], json!(texts(&sent["ids"]).len()), "{sent:#}");
}

pub(crate) async fn is_found_again_in_moto(python: Python) {
    let moto = Server::start(python.script("moto_server.py")).await;
    let sent = run(sender(moto.port), &Value::Null).await;
    let spans = texts(&sent["ids"]);
    assert_eq!(sent["sent"], json!(spans.len()), "{sent:#}");

    let mut get = python.script("get_from_moto.py");
    get.arg(format!("http://127.0.0.1:{}", moto.port));
    let traces = run(get, &Value::Null).await;
    let documents = traces.as_object().unwrap().values().flat_map(|trace| trace.as_array().unwrap());
    assert_eq!(ids(documents), spans);
}
