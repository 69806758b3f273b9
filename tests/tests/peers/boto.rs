//! `xray-local` as the AWS SDK for Python sees it, which holds each answer against its model of the service.

use serde_json::{Value, json};
use xray_local::{Effect, ErrorAnswer, Fault, Faults, Unprocessed, XrayLocal};

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

/// Calls operations one after the other.
async fn call(python: &Python, xray: &XrayLocal, arguments: &[&str], calls: Value) -> Value {
    let mut script = python.script("aws_calls.py");
    script.arg(xray.url()).args(arguments);
    run(script, &calls).await
}

pub(crate) async fn faults_and_telemetry_are_understood(python: Python) {
    let xray =
        XrayLocal::builder().with_addr("127.0.0.1:0").with_required_signature(true).start().await.unwrap();
    let good = segment("000000000000000a", "user", json!("somebody"));
    let put = json!(["put_trace_segments", {"TraceSegmentDocuments": [good]}]);
    let telemetry = json!(["put_telemetry_records", {
        "TelemetryRecords": [{"Timestamp": 1_465_510_280, "SegmentsSentCount": 7, "BackendConnectionErrors": {"TimeoutCount": 1}}],
        "EC2InstanceId": "i-1", "Hostname": "host", "ResourceARN": "arn",
    }]);
    xray.set_faults(
        Faults::default()
            .with(Fault::from(ErrorAnswer::new(429)).times(1))
            .with(Fault::from(ErrorAnswer::new(500)).times(1))
            .with(Fault::from(Effect::ResetAfterBody).times(1))
            .with(Fault::from(Unprocessed::new(1.0, "InternalFailure")).times(1)),
    );
    let answers = call(&python, &xray, &[], json!([put, put, put, put, put, telemetry])).await;
    assert_eq!(answers[0], json!({"error": "ThrottledException", "status": 429}));
    assert_eq!(answers[1], json!({"error": "InternalFailure", "status": 500}));
    assert_eq!(answers[2]["error"], "connection closed");
    let unprocessed = &answers[3]["UnprocessedTraceSegments"][0];
    assert_eq!(
        (&unprocessed["Id"], &unprocessed["ErrorCode"]),
        (&json!("000000000000000a"), &json!("InternalFailure"))
    );
    assert_eq!((&answers[4], &answers[5]), (&json!({"UnprocessedTraceSegments": []}), &json!({})));

    let answers = call(&python, &xray, &["--unsigned"], json!([put])).await;
    assert_eq!(answers[0], json!({"error": "MissingAuthenticationTokenException", "status": 403}));
    assert_eq!(xray.shutdown().await.stats.accepted, 1);
}
