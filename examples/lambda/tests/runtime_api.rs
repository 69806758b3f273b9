//! The function under an emulator of Lambda's Runtime API, down to the documents that it sends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails with the test")]

mod emulator;

use std::time::Duration;

use emulator::{Answer, Emulator};
use serde_json::{Value, json};

const PARENT: &str = "53995c3f42cd8ad8";

/// The trace id of the nth invocation.
fn root(n: u32) -> String {
    format!("1-5759e988-{n:024x}")
}

fn sampled(n: u32) -> String {
    format!("Root={};Parent={PARENT};Sampled=1;Lineage=a87bd80c:{n}", root(n))
}

/// Of what had arrived when the answer came.
fn only_document(answer: &Answer) -> &Value {
    let [document] = answer.documents.as_slice() else { panic!("expected one document: {answer:#?}") };
    document
}

#[tokio::test]
async fn the_segment_is_there_before_the_answer() {
    let mut emulator = Emulator::start(&[]).await;
    for (n, (id, is_cold)) in [(1, true), (2, false), (4, false)].into_iter().enumerate() {
        let n = u32::try_from(n).unwrap();
        let answer = emulator.invoke(json!({ "id": id }), Some(sampled(n))).await;
        assert!(answer.is_response, "{answer:#?}");
        assert_eq!(answer.body["id"], id);

        let segment = only_document(&answer);
        assert_eq!(
            (&segment["name"], &segment["origin"]),
            (&json!("pricing"), &json!("AWS::Lambda::Function"))
        );
        assert_eq!((&segment["trace_id"], &segment["parent_id"]), (&json!(root(n)), &json!(PARENT)));
        assert_eq!(segment["aws"]["request_id"], answer.request_id);
        assert_eq!(segment["aws"]["account_id"], "123456789012");
        assert_eq!(segment["aws"]["cloudwatch_logs"], json!([{ "log_group": "/aws/lambda/pricing" }]));
        assert_eq!(segment["resource_arn"], emulator::FUNCTION_ARN);
        assert_eq!(segment["annotations"]["order.id"], id);
        let metadata = &segment["metadata"]["default"];
        assert_eq!(metadata["faas.coldstart"], is_cold, "{segment}");
        assert_eq!(metadata["otel.resource.faas.version"], "$LATEST", "{segment}");
        let step = &segment["subsegments"][0];
        assert_eq!(step["name"], "look up", "{segment}");
        assert!(segment.get("fault").is_none(), "{segment}");
    }
    let received = emulator.finish(3).await;
    assert_eq!((received.rejected.len(), received.traces.len()), (0, 3));
}

#[tokio::test]
async fn errors_and_panics_are_recorded_and_answered() {
    let mut emulator = Emulator::start(&[]).await;
    for (n, (id, kind, message)) in [
        (-1, "Box<dyn Error>", "there is no order -1"),
        (3, "panic", "index out of bounds: the len is 3 but the index is 3"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = emulator.invoke(json!({ "id": id }), Some(sampled(u32::try_from(n).unwrap()))).await;
        assert!(!answer.is_response, "{answer:#?}");
        let told = answer.body["errorMessage"].as_str().unwrap();
        assert!(told.ends_with(message), "{told}");
        let segment = only_document(&answer);
        assert_eq!(segment["fault"], true, "{segment}");
        let exception = &segment["cause"]["exceptions"][0];
        assert_eq!(exception["message"], message, "{segment}");
        assert_eq!(exception["type"], kind, "{segment}");
    }
    // The process lives on.
    let answer = emulator.invoke(json!({ "id": 1 }), Some(sampled(9))).await;
    assert!(answer.is_response && only_document(&answer).get("fault").is_none(), "{answer:#?}");
    assert_eq!(emulator.finish(3).await.rejected.len(), 0);
}

#[tokio::test]
async fn lambda_decides_what_is_sent() {
    let mut emulator = Emulator::start(&[]).await;
    for (header, sent) in [
        (Some(format!("Root={};Parent={PARENT};Sampled=0", root(1))), 0),
        // The tracing mode PassThrough.
        (Some(format!("Root={};Lineage=a87bd80c:1", root(2))), 0),
        (Some(sampled(3)), 1),
        // No trace at all: the function begins one.
        (None, 1),
    ] {
        let answer = emulator.invoke(json!({ "id": 1 }), header.clone()).await;
        assert!(answer.is_response, "{answer:#?}");
        assert_eq!(answer.documents.len(), sent, "{header:?}: {answer:#?}");
    }
    emulator.finish(2).await;
}

#[tokio::test]
async fn concurrent_invocations_keep_to_their_traces() {
    const INVOCATIONS: u32 = 12;
    // What is in the environment belongs to nobody then.
    let stale = format!("Root={};Parent={PARENT};Sampled=1", root(99));
    let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", "4"), ("_X_AMZN_TRACE_ID", &stale)];
    let mut emulator = Emulator::start(&variables).await;
    let ids: Vec<_> = (0..INVOCATIONS)
        .map(|n| emulator.send(json!({ "id": 4 * n, "supplier_millis": 50 }), Some(sampled(n)), None))
        .collect();
    let mut documents = Vec::new();
    for _ in 0..INVOCATIONS {
        documents.extend(emulator.answer().await.documents);
    }
    assert!(emulator.most_at_once() > 1, "they ran one after the other");
    // A flush sends what has ended in the invocations beside it, and shows that they run.
    documents.retain(|document| document.get("type").is_none() && document.get("in_progress").is_none());
    assert_eq!(documents.len(), ids.len());
    for (n, id) in ids.iter().enumerate() {
        let n = u32::try_from(n).unwrap();
        let own = documents.iter().filter(|document| document["trace_id"] == root(n)).collect::<Vec<_>>();
        let [document] = own.as_slice() else { panic!("invocation {n} has {own:#?}") };
        assert_eq!(
            (&document["aws"]["request_id"], &document["annotations"]["order.id"]),
            (&json!(id), &json!(4 * n))
        );
    }
    let cold = documents.iter().filter(|document| document["metadata"]["default"]["faas.coldstart"] == true);
    assert_eq!(cold.count(), 1);
    emulator.finish(ids.len()).await;
}

/// Lambda kills a function that runs out of time. By then, what it did has been sent, and that it runs.
#[tokio::test]
async fn a_function_that_runs_out_of_time_leaves_a_trace() {
    let mut emulator = Emulator::start(&[]).await;
    let payload = json!({ "id": 1, "supplier_millis": 3_600_000 });
    let id = emulator.send(payload, Some(sampled(1)), Some(Duration::from_millis(2_500)));
    let documents = emulator.documents(2).await;
    let of = |is: fn(&Value) -> bool| documents.iter().find(|document| is(document)).unwrap();
    let segment = of(|document| document["in_progress"] == true);
    let step = of(|document| document["name"] == "look up");
    assert_eq!((&segment["name"], &segment["aws"]["request_id"]), (&json!("pricing"), &json!(id)));
    assert_eq!((&step["trace_id"], &step["parent_id"]), (&segment["trace_id"], &segment["id"]));
    emulator.finish(0).await;
}
