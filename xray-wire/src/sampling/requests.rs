//! The bodies of the two calls, as X-Ray reads them.

use alloc::{string::ToString, vec::Vec};

use super::{ClientId, Report};
use crate::{encode::json, limits::MAX_STATISTICS_PER_CALL};

/// The body of `POST /GetSamplingRules`: for the first page, or for the one that the last page's token names.
///
/// ```
/// use xray_wire::sampling::rules_request;
///
/// assert_eq!(rules_request(None), b"{}");
/// assert_eq!(rules_request(Some("page 2")), br#"{"NextToken":"page 2"}"#);
/// ```
#[must_use]
pub fn rules_request(next_token: Option<&str>) -> Vec<u8> {
    let mut body = Vec::new();
    match next_token {
        None => body.extend_from_slice(b"{}"),
        Some(token) => {
            body.extend_from_slice(b"{\"NextToken\":");
            json::string(token, &mut body);
            body.push(b'}');
        }
    }
    body
}

/// The body of `POST /SamplingTargets`, for reports that were taken at `epoch_millis`.
///
/// X-Ray takes up to [`MAX_STATISTICS_PER_CALL`] of them; those beyond are left out, so split them before.
///
/// Requests that were sampled by borrowing are counted as sampled and as borrowed, as OpenTelemetry's samplers do.
///
/// ```
/// use xray_wire::sampling::{ClientId, Process, Rate, Rule, Stripe, Table, targets_request};
///
/// let table = Table::new(vec![Rule::for_all("Default", 10_000, 1, Rate::NEVER)], &Process::default(), None, 0);
/// table.entries()[0].state.decide([1; 16], || 0, Stripe::shared(0));
/// let reports = table.take_due(10_000_000_000);
/// let body = targets_request(ClientId::from_random([1; 12]), 1_500_000_000_250, &reports);
/// let expected = concat!(
///     r#"{"SamplingStatisticsDocuments":[{"RuleName":"Default","ClientID":"010101010101010101010101","#,
///     r#""Timestamp":1500000000.250,"RequestCount":1,"SampledCount":1,"BorrowCount":1}]}"#,
/// );
/// assert_eq!(body, expected.as_bytes());
/// ```
#[must_use]
pub fn targets_request(client: ClientId, epoch_millis: u64, reports: &[Report]) -> Vec<u8> {
    let client = client.to_string();
    let mut body = Vec::from(b"{\"SamplingStatisticsDocuments\":");
    let requests =
        reports.iter().take(MAX_STATISTICS_PER_CALL).filter(|report| report.counts().requests() > 0);
    json::list(requests, &mut body, |report, out| {
        let counts = report.counts();
        out.extend_from_slice(b"{\"RuleName\":");
        json::string(report.rule_name(), out);
        out.extend_from_slice(b",\"ClientID\":");
        json::string(&client, out);
        out.extend_from_slice(b",\"Timestamp\":");
        seconds(epoch_millis, out);
        for (key, count) in [
            (&b",\"RequestCount\":"[..], counts.requests()),
            (b",\"SampledCount\":", counts.all_sampled()),
            (b",\"BorrowCount\":", counts.borrowed),
        ] {
            integer(key, count, out);
        }
        out.push(b'}');
    });
    let mut boosts = reports
        .iter()
        .take(MAX_STATISTICS_PER_CALL)
        .filter(|report| report.boost_counts().traces > 0)
        .peekable();
    if boosts.peek().is_some() {
        body.extend_from_slice(b",\"SamplingBoostStatisticsDocuments\":");
        json::list(boosts, &mut body, |report, out| boost_document(report, epoch_millis, out));
    }
    body.push(b'}');
    body
}

fn boost_document(report: &Report, epoch_millis: u64, out: &mut Vec<u8>) {
    let counts = report.boost_counts();
    out.extend_from_slice(b"{\"RuleName\":");
    json::string(report.rule_name(), out);
    out.extend_from_slice(b",\"ServiceName\":");
    json::string(report.service_name(), out);
    out.extend_from_slice(b",\"Timestamp\":");
    seconds(epoch_millis, out);
    for (key, count) in [
        (&b",\"TotalCount\":"[..], counts.traces),
        (b",\"AnomalyCount\":", counts.anomalies),
        (b",\"SampledAnomalyCount\":", counts.sampled_anomalies),
    ] {
        integer(key, count, out);
    }
    out.push(b'}');
}

/// An integer of 32 bits there.
fn integer(key: &[u8], count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    json::integer(count.min(i32::MAX as u64), out);
}

/// Epoch seconds with three digits after the point, all of them exact.
fn seconds(epoch_millis: u64, out: &mut Vec<u8>) {
    json::integer(epoch_millis / 1_000, out);
    // A leading one keeps the zeros, and makes room for the point.
    let point = out.len();
    json::integer(1_000 + epoch_millis % 1_000, out);
    if let Some(byte) = out.get_mut(point) {
        *byte = b'.';
    }
}

#[cfg(test)]
mod tests {
    use std::{string::String, vec};

    use super::*;
    use crate::sampling::{BoostCounts, Decision, Process, Rate, Rule, Stripe, Table};

    #[test]
    fn anomalies_stand_in_a_list_of_their_own() {
        let shop = Process { service_name: Some(&"s".repeat(65)), ..Process::default() };
        let table = Table::new(vec![Rule::for_all("Default", 1, 1, Rate::NEVER)], &shop, None, 0);
        let counts = BoostCounts { traces: 7, anomalies: 2, sampled_anomalies: 1 };
        table.entries()[0].state.count_boost(counts);
        let body = targets_request(ClientId::from_random([0; 12]), 5_000, &table.take_due(u64::MAX));
        let expected = concat!(
            r#"{"SamplingStatisticsDocuments":[],"SamplingBoostStatisticsDocuments":[{"RuleName":"Default","ServiceName":""#,
            "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss",
            r#"","Timestamp":5.000,"TotalCount":7,"AnomalyCount":2,"SampledAnomalyCount":1}]}"#,
        );
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn the_bodies_of_both_calls() {
        let text = |body: Vec<u8>| String::from_utf8(body).unwrap();
        assert_eq!(text(rules_request(None)), "{}");
        assert_eq!(text(rules_request(Some("a\"b"))), r#"{"NextToken":"a\"b"}"#);

        let client = ClientId::from_random([0xab; 12]);
        assert_eq!(text(targets_request(client, 0, &[])), r#"{"SamplingStatisticsDocuments":[]}"#);

        let rules = vec![
            Rule::for_all("My \"rule\"", 1, 1, Rate::NEVER),
            Rule::for_all("Default", 10_000, 1, Rate::NEVER),
        ];
        let table = Table::new(rules, &Process::default(), None, 0);
        for (rule, decisions) in [
            (
                0,
                vec![
                    Decision::Borrowed,
                    Decision::Rate,
                    Decision::Quota,
                    Decision::NotSampled,
                    Decision::NotSampled,
                ],
            ),
            (1, vec![Decision::NotSampled]),
        ] {
            decisions
                .into_iter()
                .for_each(|decision| table.entries()[rule].state.count(decision, Stripe::shared(0)));
        }
        let reports = table.take_due(u64::MAX);
        assert_eq!(
            text(targets_request(client, 1_789_000_000_007, &reports)),
            concat!(
                r#"{"SamplingStatisticsDocuments":["#,
                r#"{"RuleName":"My \"rule\"","ClientID":"abababababababababababab","Timestamp":1789000000.007,"#,
                r#""RequestCount":5,"SampledCount":3,"BorrowCount":1},"#,
                r#"{"RuleName":"Default","ClientID":"abababababababababababab","Timestamp":1789000000.007,"#,
                r#""RequestCount":1,"SampledCount":0,"BorrowCount":0}]}"#,
            )
        );
    }
}
