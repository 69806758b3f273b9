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

/// Every operation of sampling, as the model of the service has it.
pub(crate) async fn sampling_is_what_the_model_says(python: Python) {
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").with_rules_per_page(1).start().await.unwrap();
    let rule = json!({
        "RuleName": "checkout", "ResourceARN": "*", "Priority": 10, "FixedRate": 0.05, "ReservoirSize": 10,
        "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "POST", "URLPath": "/checkout*", "Version": 1,
        "Attributes": {"tier": "gold*"}, "SamplingRateBoost": {"MaxRate": 0.5, "CooldownWindowMinutes": 1},
    });
    let report = |rule: &str, client: &str| {
        json!({"RuleName": rule, "ClientID": client.repeat(24), "Timestamp": 1_465_510_280, "RequestCount": 100,
            "SampledCount": 10, "BorrowCount": 1})
    };
    let answers = call(&python, &xray, &[], json!([
        ["create_sampling_rule", {"SamplingRule": rule, "Tags": [{"Key": "team", "Value": "shop"}]}],
        ["create_sampling_rule", {"SamplingRule": rule}],
        ["get_sampling_rules", {}],
        ["get_sampling_rules", {"NextToken": "00010/checkout"}],
        ["update_sampling_rule", {"SamplingRuleUpdate": {"RuleName": "checkout", "FixedRate": 0.1}}],
        ["get_sampling_targets", {
            "SamplingStatisticsDocuments": [report("checkout", "a"), report("gone", "a")],
            "SamplingBoostStatisticsDocuments": [{"RuleName": "checkout", "ServiceName": "shop",
                "Timestamp": 1_465_510_280, "AnomalyCount": 40, "TotalCount": 100, "SampledAnomalyCount": 2}],
        }],
        ["get_sampling_statistic_summaries", {}],
        ["delete_sampling_rule", {"RuleARN": "arn:aws:xray:local:000000000000:sampling-rule/checkout"}],
        ["delete_sampling_rule", {"RuleName": "Default"}],
    ])).await;

    assert_eq!(answers[0]["SamplingRuleRecord"]["SamplingRule"]["Attributes"], rule["Attributes"]);
    let refused = json!({"error": "InvalidRequestException", "status": 400});
    assert_eq!((&answers[1], &answers[8]), (&refused, &refused));
    assert_eq!(answers[2]["NextToken"], "00010/checkout");
    assert_eq!(answers[3]["SamplingRuleRecords"][0]["SamplingRule"]["RuleName"], "Default");
    assert_eq!(answers[4]["SamplingRuleRecord"]["SamplingRule"]["FixedRate"], 0.1);

    let target = &answers[5]["SamplingTargetDocuments"][0];
    let last_modification = answers[4]["SamplingRuleRecord"]["ModifiedAt"].as_f64().unwrap();
    assert_eq!(
        (&target["FixedRate"], &target["ReservoirQuota"], &target["Interval"]),
        (&json!(0.1), &json!(10), &json!(10))
    );
    assert_eq!(target["SamplingBoost"]["BoostRate"], 0.25);
    let left = target["ReservoirQuotaTTL"].as_f64().unwrap() - last_modification;
    assert!((29.0..60.0).contains(&left), "{left}");
    assert!((answers[5]["LastRuleModification"].as_f64().unwrap() - last_modification).abs() < 0.001);
    assert_eq!(answers[5]["UnprocessedStatistics"][0]["RuleName"], "gone");
    let summary = &answers[6]["SamplingStatisticSummaries"][0];
    assert_eq!(
        (&summary["RequestCount"], &summary["SampledCount"], &summary["BorrowCount"]),
        (&json!(100), &json!(10), &json!(1))
    );
    assert_eq!(answers[7]["SamplingRuleRecord"]["SamplingRule"]["RuleName"], "checkout");
}
