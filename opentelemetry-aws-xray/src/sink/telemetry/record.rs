//! What happened in a minute, as X-Ray wants to know it (X-Ray API reference, `PutTelemetryRecords`).

use std::fmt::Write;

/// How often something happened, since the start or within a minute.
///
/// X-Ray speaks of segments; here each span is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) received: u64,
    pub(super) sent: u64,
    /// Dropped before X-Ray had said anything.
    pub(super) spillover: u64,
    /// Refused by X-Ray.
    pub(super) rejected: u64,
    pub(super) errors: Errors,
}

/// How often a call failed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Errors {
    pub(super) timeout: u64,
    pub(super) connection_refused: u64,
    pub(super) status_4xx: u64,
    pub(super) status_5xx: u64,
    pub(super) unknown_host: u64,
    pub(super) other: u64,
}

/// A minute in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Its end, in seconds since the Unix epoch.
    pub(super) timestamp: u32,
    pub(super) counts: Counts,
}

/// Who reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reporter {
    pub(super) hostname: Option<String>,
    pub(super) instance_id: Option<String>,
    pub(super) resource_arn: Option<String>,
}

impl Counts {
    pub(super) fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// What was added since. Nothing here ever becomes less.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            received: self.received.saturating_sub(earlier.received),
            sent: self.sent.saturating_sub(earlier.sent),
            spillover: self.spillover.saturating_sub(earlier.spillover),
            rejected: self.rejected.saturating_sub(earlier.rejected),
            errors: self.errors.since(&earlier.errors),
        }
    }
}

impl Errors {
    fn since(&self, earlier: &Self) -> Self {
        Self {
            timeout: self.timeout.saturating_sub(earlier.timeout),
            connection_refused: self.connection_refused.saturating_sub(earlier.connection_refused),
            status_4xx: self.status_4xx.saturating_sub(earlier.status_4xx),
            status_5xx: self.status_5xx.saturating_sub(earlier.status_5xx),
            unknown_host: self.unknown_host.saturating_sub(earlier.unknown_host),
            other: self.other.saturating_sub(earlier.other),
        }
    }
}

/// The body of a request.
pub(super) fn body(records: &[Record], reporter: &Reporter) -> String {
    let mut body = String::from("{\"TelemetryRecords\":[");
    for (position, record) in records.iter().enumerate() {
        if position > 0 {
            body.push(',');
        }
        write_record(record, &mut body);
    }
    body.push(']');
    for (name, value) in [
        ("EC2InstanceId", &reporter.instance_id),
        ("Hostname", &reporter.hostname),
        ("ResourceARN", &reporter.resource_arn),
    ] {
        if let Some(value) = value {
            body.extend([",\"", name, "\":\""]);
            escape(value, &mut body);
            body.push('"');
        }
    }
    body.push('}');
    body
}

fn write_record(record: &Record, body: &mut String) {
    let Counts { received, sent, spillover, rejected, errors } = &record.counts;
    let _ = write!(body, "{{\"Timestamp\":{}", record.timestamp);
    for (name, count) in [
        ("SegmentsReceivedCount", received),
        ("SegmentsSentCount", sent),
        ("SegmentsSpilloverCount", spillover),
        ("SegmentsRejectedCount", rejected),
    ] {
        let _ = write!(body, ",\"{name}\":{}", integer(*count));
    }
    body.push_str(",\"BackendConnectionErrors\":{");
    for (position, (name, count)) in [
        ("TimeoutCount", errors.timeout),
        ("ConnectionRefusedCount", errors.connection_refused),
        ("HTTPCode4XXCount", errors.status_4xx),
        ("HTTPCode5XXCount", errors.status_5xx),
        ("UnknownHostCount", errors.unknown_host),
        ("OtherCount", errors.other),
    ]
    .into_iter()
    .enumerate()
    {
        let comma = if position > 0 { "," } else { "" };
        let _ = write!(body, "{comma}\"{name}\":{}", integer(count));
    }
    body.push_str("}}");
}

/// The API takes integers of 32 bits.
fn integer(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn escape(text: &str, body: &mut String) {
    for character in text.chars() {
        match character {
            '"' | '\\' => body.extend(['\\', character]),
            control if control.is_ascii_control() => {
                let _ = write!(body, "\\u{:04x}", u32::from(control));
            }
            other => body.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn records_look_as_the_api_wants_them() {
        let errors = Errors {
            timeout: 1,
            connection_refused: 2,
            status_4xx: 3,
            status_5xx: 4,
            unknown_host: 5,
            other: 6,
        };
        let counts = Counts { received: 7, sent: 8, spillover: 9, rejected: u64::MAX, errors };
        let record = Record { timestamp: 1_465_510_280, counts };
        let reporter = Reporter {
            hostname: Some("a \"host\"\n\\".into()),
            instance_id: Some("i-0".into()),
            resource_arn: None,
        };
        let expected = json!({
            "Timestamp": 1_465_510_280,
            "SegmentsReceivedCount": 7, "SegmentsSentCount": 8, "SegmentsSpilloverCount": 9,
            "SegmentsRejectedCount": i32::MAX,
            "BackendConnectionErrors": {
                "TimeoutCount": 1, "ConnectionRefusedCount": 2, "HTTPCode4XXCount": 3, "HTTPCode5XXCount": 4,
                "UnknownHostCount": 5, "OtherCount": 6,
            },
        });
        let parse = |body: &str| serde_json::from_str::<Value>(body).unwrap();
        assert_eq!(
            parse(&body(&[record, record], &reporter)),
            json!({
                "TelemetryRecords": [expected, expected],
                "EC2InstanceId": "i-0", "Hostname": "a \"host\"\n\\",
            })
        );
        assert_eq!(parse(&body(&[], &Reporter::default())), json!({"TelemetryRecords": []}));
    }
}
