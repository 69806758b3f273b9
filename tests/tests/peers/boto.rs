//! `xray-local` as the AWS SDK for Python sees it, which holds each answer against its model of the service.

use serde_json::{Value, json};
use xray_local::XrayLocal;

use crate::{needs::Python, program::run};

const TRACE_ID: &str = "1-5759e988-bd862e3fe1be46a994272793";

/// A segment in which one field is changed.
fn segment(id: &str, field: &str, value: Value) -> String {
    let mut segment = json!({
        "name": "shop", "id": id, "trace_id": TRACE_ID,
        "start_time": 1_465_510_280.25, "end_time": 1_465_510_280.75,
    });
    segment[field] = value;
    segment.to_string()
}

pub(crate) async fn put_trace_segments_is_answered(python: Python) {
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let good = segment("000000000000000a", "user", json!("somebody"));
    let calls = json!([
        [
            good,
            segment("000000000000000b", "trace_id", json!("1-2-3")),
            segment("000000000000000c", "name", json!("")),
            segment("000000000000000d", "end_time", json!("later")),
            segment("000000000000000e", "user", json!("somebody else")),
            "{",
        ],
        [good],
        // One more than the API takes.
        vec![good.clone(); 51],
    ]);
    let mut put = python.script("put_trace_segments.py");
    put.arg(xray.url());
    let answers = run(put, &calls).await;

    let unprocessed = answers[0]["unprocessed"].as_array().unwrap();
    let text = |segment: &Value, field: &str| segment[field].as_str().unwrap_or_default().to_owned();
    let told: Vec<_> =
        unprocessed.iter().map(|segment| (text(segment, "Id"), text(segment, "ErrorCode"))).collect();
    let expected = [
        ("000000000000000b", "InvalidTraceId"),
        ("000000000000000c", "InvalidName"),
        ("000000000000000d", "InvalidSegment"),
        ("", "InvalidSegment"),
    ];
    assert_eq!(told, expected.map(|(id, code)| (id.to_owned(), code.to_owned())));
    assert!(unprocessed.iter().all(|segment| !text(segment, "Message").is_empty()), "{unprocessed:#?}");
    assert_eq!(answers[1]["unprocessed"], json!([]));
    assert_eq!(answers[2]["error"], "InvalidRequestException");

    let received = xray.shutdown().await;
    let [trace] = received.traces.as_slice() else { panic!("{:?}", received.traces) };
    assert_eq!(trace.id.to_string(), TRACE_ID);
    let kept: Vec<_> = trace.documents.iter().map(|document| document.id.to_string()).collect();
    assert_eq!(kept, ["000000000000000a", "000000000000000e"]);
    assert_eq!(received.rejected.len(), expected.len());
}
