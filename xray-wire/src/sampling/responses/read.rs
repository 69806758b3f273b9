//! Reads answers tolerantly: what is odd costs itself, never its neighbours.

use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value};

use super::{
    super::{Boost, Pattern, Rate, Rule, Target, TargetBoost},
    ReadError, RulesPage, SkippedRule, Targets, Unprocessed,
};
use crate::limits::{MAX_PATTERN_BYTES, MAX_SAMPLING_BODY_BYTES};

/// Reads a page of rules.
///
/// # Errors
/// If it is none. An answer that names no rules at all is one; an error message is not.
///
/// ```
/// use xray_wire::sampling::rules_page;
///
/// let page = rules_page(br#"{"SamplingRuleRecords": [{"SamplingRule": {
///     "RuleName": "payments", "Priority": 10, "FixedRate": 0.5, "ReservoirSize": 5, "Version": 1,
///     "ServiceName": "*", "ServiceType": "*", "ResourceARN": "*",
///     "Host": "*", "HTTPMethod": "*", "URLPath": "/pay/*"
/// }}]}"#)?;
/// assert!(page.rules[0].url_path.matches(Some("/pay/42")));
/// # Ok::<(), xray_wire::sampling::ReadError>(())
/// ```
pub fn rules_page(body: &[u8]) -> Result<RulesPage, ReadError> {
    let mut body = object(body)?;
    let Some(Value::Array(records)) = body.remove("SamplingRuleRecords") else {
        return Err(ReadError::Missing("SamplingRuleRecords"));
    };
    let mut page = RulesPage { rules: Vec::new(), skipped: Vec::new(), next_token: None };
    if let Some(Value::String(token)) = body.remove("NextToken")
        && !token.is_empty()
    {
        page.next_token = Some(token);
    }
    for record in &records {
        let fields = record.get("SamplingRule").unwrap_or(record);
        match rule(fields) {
            Ok(rule) => page.rules.push(rule),
            Err(reason) => {
                page.skipped.push(SkippedRule { name: text(fields, "RuleName").map(Into::into), reason });
            }
        }
    }
    Ok(page)
}

/// Reads targets.
///
/// # Errors
/// If they are none.
///
/// ```
/// let body = br#"{
///     "SamplingTargetDocuments": [{"RuleName": "Default", "FixedRate": 0.1, "Interval": 10}],
///     "LastRuleModification": 1500000000,
///     "UnprocessedStatistics": []
/// }"#;
/// let answer = xray_wire::sampling::targets(body)?;
/// assert_eq!((answer.targets[0].interval, answer.last_rule_modification), (Some(10), Some(1.5e9)));
/// # Ok::<(), xray_wire::sampling::ReadError>(())
/// ```
pub fn targets(body: &[u8]) -> Result<Targets, ReadError> {
    let body = Value::Object(object(body)?);
    let Some(documents) = body.get("SamplingTargetDocuments").and_then(Value::as_array) else {
        return Err(ReadError::Missing("SamplingTargetDocuments"));
    };
    let unprocessed = |list| {
        let refused = body.get(list).and_then(Value::as_array).into_iter().flatten();
        refused.filter_map(unprocessed_report).collect()
    };
    Ok(Targets {
        targets: documents.iter().filter_map(target).collect(),
        last_rule_modification: number(&body, "LastRuleModification"),
        unprocessed: unprocessed("UnprocessedStatistics"),
        unprocessed_boosts: unprocessed("UnprocessedBoostStatistics"),
    })
}

fn object(body: &[u8]) -> Result<Map<String, Value>, ReadError> {
    if body.len() > MAX_SAMPLING_BODY_BYTES {
        return Err(ReadError::TooLarge(body.len()));
    }
    serde_json::from_slice(body).map_err(ReadError::Json)
}

/// A rule, or why it can't be followed.
fn rule(fields: &Value) -> Result<Rule, &'static str> {
    if number(fields, "Version") != Some(1.0) {
        return Err("expected Version 1");
    }
    Ok(Rule {
        name: text(fields, "RuleName").filter(|name| !name.is_empty()).ok_or("expected a RuleName")?.into(),
        priority: whole(fields, "Priority").ok_or("expected a whole number as Priority")?,
        fixed_rate: number(fields, "FixedRate")
            .and_then(Rate::new)
            .ok_or("expected a FixedRate between 0 and 1")?,
        reservoir_size: whole(fields, "ReservoirSize").ok_or("expected a whole number as ReservoirSize")?,
        service_name: pattern(fields, "ServiceName").ok_or("expected text as ServiceName")?,
        service_type: pattern(fields, "ServiceType").ok_or("expected text as ServiceType")?,
        resource_arn: pattern(fields, "ResourceARN").ok_or("expected text as ResourceARN")?,
        host: pattern(fields, "Host").ok_or("expected text as Host")?,
        http_method: pattern(fields, "HTTPMethod").ok_or("expected text as HTTPMethod")?,
        url_path: pattern(fields, "URLPath").ok_or("expected text as URLPath")?,
        attributes: attributes(fields).ok_or("expected texts as Attributes")?,
        boost: boost(fields),
    })
}

/// What is odd about a boost costs the boost, not the rule.
fn boost(fields: &Value) -> Option<Boost> {
    let boost = fields.get("SamplingRateBoost")?;
    // Not in the API reference. AWS's own agents know it, in either place.
    let is_disabled = [boost, fields]
        .iter()
        .any(|fields| fields.get("DisableDefaultAnomalyDetection").and_then(Value::as_bool) == Some(true));
    Some(Boost {
        max_rate: number(boost, "MaxRate").and_then(Rate::new)?,
        cooldown_minutes: whole(boost, "CooldownWindowMinutes")?,
        default_detection: !is_disabled,
    })
}

fn target_boost(fields: &Value) -> Option<TargetBoost> {
    let boost = fields.get("SamplingBoost")?;
    Some(TargetBoost {
        rate: number(boost, "BoostRate").and_then(Rate::new)?,
        ttl: number(boost, "BoostRateTTL")?,
    })
}

fn attributes(fields: &Value) -> Option<Vec<(Box<str>, Pattern)>> {
    match fields.get("Attributes") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Object(attributes)) => attributes
            .keys()
            .map(|key| Some((key.as_str().into(), pattern(fields.get("Attributes")?, key)?)))
            .collect(),
        Some(_) => None,
    }
}

fn target(fields: &Value) -> Option<Target> {
    Some(Target {
        rule_name: text(fields, "RuleName")?.into(),
        fixed_rate: number(fields, "FixedRate").and_then(Rate::new),
        reservoir_quota: whole(fields, "ReservoirQuota"),
        reservoir_quota_ttl: number(fields, "ReservoirQuotaTTL"),
        interval: whole(fields, "Interval").map(u64::from),
        boost: target_boost(fields),
    })
}

fn unprocessed_report(fields: &Value) -> Option<Unprocessed> {
    Some(Unprocessed {
        rule_name: text(fields, "RuleName")?.into(),
        error_code: match fields.get("ErrorCode") {
            Some(Value::String(code)) => code.as_str().into(),
            Some(code) => code.to_string().into(),
            None => Box::default(),
        },
        message: text(fields, "Message").unwrap_or_default().into(),
    })
}

fn text<'v>(fields: &'v Value, key: &str) -> Option<&'v str> {
    fields.get(key)?.as_str()
}

/// A number, or text that is one: times come in both forms.
fn number(fields: &Value, key: &str) -> Option<f64> {
    match fields.get(key)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

fn whole(fields: &Value, key: &str) -> Option<u32> {
    let number = number(fields, key)?;
    let whole = number as u32;
    (f64::from(whole) == number).then_some(whole)
}

fn pattern(fields: &Value, key: &str) -> Option<Pattern> {
    text(fields, key).filter(|text| text.len() <= MAX_PATTERN_BYTES).map(Pattern::new)
}

#[cfg(test)]
mod tests {
    use std::{format, vec};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(edit: impl FnOnce(&mut Value)) -> Value {
        let mut rule = json!({
            "RuleName": "checkout", "RuleARN": "arn:aws:xray:eu-west-1:1:sampling-rule/checkout", "ResourceARN": "*",
            "Priority": 100, "FixedRate": 0.05, "ReservoirSize": 2, "ServiceName": "shop", "ServiceType": "*",
            "Host": "*", "HTTPMethod": "POST", "URLPath": "/pay/*", "Version": 1, "Attributes": { "tier": "gold" },
        });
        edit(&mut rule);
        json!({ "SamplingRule": rule, "CreatedAt": 0.0, "ModifiedAt": "2026-01-01T00:00:00Z" })
    }

    fn page(records: &[Value]) -> RulesPage {
        rules_page(json!({ "SamplingRuleRecords": records, "NextToken": null }).to_string().as_bytes())
            .unwrap()
    }

    #[test]
    fn a_rule_as_the_api_sends_it() {
        let RulesPage { rules, skipped, next_token } = page(&[record(|_| ())]);
        let mut expected = Rule::for_all("checkout", 100, 2, Rate::new(0.05).unwrap());
        expected.service_name = "shop".into();
        expected.http_method = "POST".into();
        expected.url_path = "/pay/*".into();
        expected.attributes = vec![("tier".into(), "gold".into())];
        assert_eq!((rules, skipped, next_token), (vec![expected], vec![], None));
        let body = br#"{"SamplingRuleRecords":[],"NextToken":"more"}"#;
        assert_eq!(rules_page(body).unwrap().next_token.as_deref(), Some("more"));
    }

    #[test]
    fn a_boost_as_the_api_sends_it() {
        for (field, expected) in [
            (json!({ "MaxRate": 0.5, "CooldownWindowMinutes": 10 }), Some(true)),
            (
                json!({ "MaxRate": 0.5, "CooldownWindowMinutes": 10, "DisableDefaultAnomalyDetection": true }),
                Some(false),
            ),
            (json!({ "MaxRate": 1.5, "CooldownWindowMinutes": 10 }), None),
            (json!({ "MaxRate": 0.5 }), None),
            (json!(null), None),
        ] {
            let page = page(&[record(|rule| rule["SamplingRateBoost"] = field.clone())]);
            let expected = expected.map(|default_detection| Boost {
                max_rate: Rate::new(0.5).unwrap(),
                cooldown_minutes: 10,
                default_detection,
            });
            assert_eq!(page.rules[0].boost, expected, "{field}");
        }
    }

    #[test]
    fn an_odd_rule_costs_itself() {
        for (key, value, reason) in [
            ("Version", json!(2), Some("expected Version 1")),
            ("Version", json!(null), Some("expected Version 1")),
            ("RuleName", json!(""), Some("expected a RuleName")),
            ("RuleName", json!(7), Some("expected a RuleName")),
            ("Priority", json!(1.5), Some("expected a whole number as Priority")),
            ("FixedRate", json!(1.01), Some("expected a FixedRate between 0 and 1")),
            ("FixedRate", json!("0.1"), None),
            ("ReservoirSize", json!(-1), Some("expected a whole number as ReservoirSize")),
            ("ReservoirSize", json!(1e300), Some("expected a whole number as ReservoirSize")),
            ("Host", json!(null), Some("expected text as Host")),
            ("URLPath", json!("a".repeat(MAX_PATTERN_BYTES + 1)), Some("expected text as URLPath")),
            ("Attributes", json!([]), Some("expected texts as Attributes")),
            ("Attributes", json!({ "a": 1 }), Some("expected texts as Attributes")),
            ("Attributes", json!(null), None),
            ("SamplingRateBoost", json!({ "MaxRate": 1 }), None),
            ("SamplingRateBoost", json!([]), None),
        ] {
            let page = page(&[
                record(|rule| rule[key] = value.clone()),
                record(|rule| rule["RuleName"] = "other".into()),
            ]);
            assert_eq!(page.skipped.first().map(|skipped| skipped.reason), reason, "{key} {value:.20}");
            assert_eq!(page.rules.len(), if reason.is_some() { 1 } else { 2 }, "{key}");
        }
    }

    #[test]
    fn targets_as_the_api_sends_them() {
        let body = json!({
            "SamplingTargetDocuments": [
                { "RuleName": "a", "FixedRate": 0.1, "ReservoirQuota": 3, "ReservoirQuotaTTL": 1789000000.0, "Interval": 10,
                  "SamplingBoost": { "BoostRate": 0.5, "BoostRateTTL": 1789000060.0 } },
                { "RuleName": "b", "FixedRate": 0.0, "ReservoirQuota": null, "SamplingBoost": { "BoostRate": 2 } },
                { "FixedRate": 1.0 },
                "odd",
            ],
            "LastRuleModification": 1788999999.5,
            "UnprocessedStatistics": [
                { "RuleName": "c", "ErrorCode": "400", "Message": "gone" },
                { "RuleName": "d", "ErrorCode": 500 },
                {},
            ],
            "UnprocessedBoostStatistics": [{ "RuleName": "e", "ErrorCode": "500", "Message": "later" }],
        });
        let read = targets(body.to_string().as_bytes()).unwrap();
        let target = |name: &str, rate, quota, ttl, interval| Target {
            rule_name: name.into(),
            fixed_rate: Rate::new(rate),
            reservoir_quota: quota,
            reservoir_quota_ttl: ttl,
            interval,
            boost: None,
        };
        let unprocessed = |name: &str, code: &str, message: &str| Unprocessed {
            rule_name: name.into(),
            error_code: code.into(),
            message: message.into(),
        };
        let boost = Some(TargetBoost { rate: Rate::new(0.5).unwrap(), ttl: 1_789_000_060.0 });
        assert_eq!(
            read,
            Targets {
                targets: vec![
                    Target { boost, ..target("a", 0.1, Some(3), Some(1_789_000_000.0), Some(10)) },
                    target("b", 0.0, None, None, None),
                ],
                last_rule_modification: Some(1_788_999_999.5),
                unprocessed: vec![unprocessed("c", "400", "gone"), unprocessed("d", "500", "")],
                unprocessed_boosts: vec![unprocessed("e", "500", "later")],
            }
        );
    }

    #[test]
    fn a_report_is_refused_for_good_or_for_now() {
        for (error_code, expected) in [
            ("400", true),
            ("404", true),
            ("InvalidRequestException", true),
            ("429", false),
            ("408", false),
            ("500", false),
            ("503", false),
            ("ThrottledException", false),
            ("Throttling", false),
            ("InternalFailure", false),
            ("", false),
            ("é", false),
        ] {
            let refused =
                Unprocessed { rule_name: "r".into(), error_code: error_code.into(), message: "".into() };
            assert_eq!(refused.is_final(), expected, "{error_code}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for (body, expected) in [
            ("", "expected JSON"),
            ("<html>", "expected JSON"),
            ("[]", "expected JSON"),
            ("{}", "expected the list SamplingRuleRecords"),
            (r#"{"message":"Forbidden"}"#, "expected the list SamplingRuleRecords"),
            (&" ".repeat(MAX_SAMPLING_BODY_BYTES + 1), "expected at most 1048576 bytes, but found 1048577"),
        ] {
            assert_eq!(rules_page(body.as_bytes()).unwrap_err().to_string(), expected);
        }
        assert_eq!(targets(b"{}").unwrap_err().to_string(), "expected the list SamplingTargetDocuments");
        assert!(rules_page(&b"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_body_panics(body: Vec<u8>, text in "[\\[\\]{}\":,0-9a-zA-Z ]{0,80}") {
            for body in [&body[..], text.as_bytes(), format!(r#"{{"SamplingRuleRecords":[{text}]}}"#).as_bytes()] {
                let _ = (rules_page(body), targets(body));
            }
        }
    }
}
