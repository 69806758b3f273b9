//! The bodies of the two calls, as X-Ray reads them.

use alloc::{string::ToString, vec::Vec};

use super::{ClientId, Report};
use crate::{encode::json, limits::MAX_STATISTICS_PER_CALL};

/// The body of `POST /GetSamplingRules`: for the first page, or for the one that the last page's token names.
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
#[must_use]
pub fn targets_request(client: ClientId, epoch_millis: u64, reports: &[Report]) -> Vec<u8> {
    let client = client.to_string();
    let mut body = Vec::from(b"{\"SamplingStatisticsDocuments\":");
    json::list(reports.iter().take(MAX_STATISTICS_PER_CALL), &mut body, |report, out| {
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
            out.extend_from_slice(key);
            // An integer of 32 bits there.
            json::integer(count.min(i32::MAX as u64), out);
        }
        out.push(b'}');
    });
    body.push(b'}');
    body
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
    use crate::sampling::{Decision, Process, Rate, Rule, Table};

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
            decisions.into_iter().for_each(|decision| table.entries()[rule].state.count(decision, 0));
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
