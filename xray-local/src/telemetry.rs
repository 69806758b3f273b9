//! Telemetry records: what daemons say of themselves (`PutTelemetryRecords`), the latest kept.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xray_wire::Timestamp;

use crate::summary::as_seconds;

/// Calls that are kept: more than an hour of one daemon, which calls once a minute.
const MAX_CALLS_KEPT: usize = 100;

/// Records of a call that are kept; the daemon sends at most ten.
const MAX_RECORDS_KEPT: usize = 30;

/// A call of `PutTelemetryRecords` (X-Ray API reference). Fields that the service does not know are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TelemetryCall {
    telemetry_records: Vec<TelemetryRecord>,
    #[serde(rename = "EC2InstanceId", skip_serializing_if = "Option::is_none")]
    ec2_instance_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    #[serde(rename = "ResourceARN", skip_serializing_if = "Option::is_none")]
    resource_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TelemetryRecord {
    /// Seconds since the epoch; some clients write them as text.
    timestamp: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments_received_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments_sent_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments_spillover_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments_rejected_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend_connection_errors: Option<BackendConnectionErrors>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct BackendConnectionErrors {
    #[serde(rename = "TimeoutCount", skip_serializing_if = "Option::is_none")]
    timeout: Option<i64>,
    #[serde(rename = "ConnectionRefusedCount", skip_serializing_if = "Option::is_none")]
    connection_refused: Option<i64>,
    #[serde(rename = "HTTPCode4XXCount", skip_serializing_if = "Option::is_none")]
    http_code_4xx: Option<i64>,
    #[serde(rename = "HTTPCode5XXCount", skip_serializing_if = "Option::is_none")]
    http_code_5xx: Option<i64>,
    #[serde(rename = "UnknownHostCount", skip_serializing_if = "Option::is_none")]
    unknown_host: Option<i64>,
    #[serde(rename = "OtherCount", skip_serializing_if = "Option::is_none")]
    other: Option<i64>,
}

/// A call and when it came.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Received {
    #[serde(serialize_with = "as_seconds")]
    received: Timestamp,
    #[serde(flatten)]
    call: TelemetryCall,
}

/// The latest calls, the last one first.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Telemetry(VecDeque<Received>);

impl Telemetry {
    pub(crate) fn keep(&mut self, mut call: TelemetryCall, now: Timestamp) {
        call.telemetry_records.truncate(MAX_RECORDS_KEPT);
        self.0.truncate(MAX_CALLS_KEPT - 1);
        self.0.push_front(Received { received: now, call });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
