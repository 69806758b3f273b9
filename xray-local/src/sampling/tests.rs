//! The service as clients use it, on a clock of our own.

use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_nanos(seconds * SECOND)
}

fn caller() -> Caller {
    Caller::new([127, 0, 0, 1].into(), "test/1.0")
}

fn draft(name: &str, priority: i64, reservoir_size: i64) -> Draft {
    Draft {
        rule_name: Some(name.to_owned()),
        priority: Some(priority),
        reservoir_size: Some(reservoir_size),
        ..Draft::default()
    }
}

/// With rules of these names, priorities and reservoirs.
fn sampling(rules: &[(&str, i64, i64)]) -> Sampling {
    let mut sampling = Sampling::new(100, at(1_000));
    for (name, priority, reservoir_size) in rules {
        let rule = draft(name, *priority, *reservoir_size).into_rule_for_everything().unwrap();
        sampling.create(rule, at(1_000)).unwrap();
    }
    sampling
}

fn document(rule: &str, client: u64, requests: u64) -> serde_json::Value {
    serde_json::json!({
        "RuleName": rule, "ClientID": format!("{client:024x}"), "Timestamp": 1, "RequestCount": requests, "SampledCount": 0,
    })
}

fn report(sampling: &mut Sampling, documents: &[serde_json::Value], now: Timestamp) -> Targets {
    let call = serde_json::json!({ "SamplingStatisticsDocuments": documents });
    sampling.targets(&serde_json::from_value(call).unwrap(), &caller(), now).unwrap()
}

fn quota_of(sampling: &mut Sampling, rule: &str, client: u64, requests: u64, now: Timestamp) -> u32 {
    report(sampling, &[document(rule, client, requests)], now).targets[0].reservoir_quota
}

fn names(sampling: &Sampling) -> Vec<String> {
    sampling.overview(at(0)).rules.into_iter().map(|row| row.rule.rule_name).collect()
}

#[test]
fn rules_stand_by_priority_then_name_and_the_default_one_last() {
    let mut sampling = sampling(&[("b", 10, 0), ("a", 10, 0), ("late", 9_999, 0), ("early", 1, 0)]);
    assert_eq!(names(&sampling), ["early", "a", "b", "late", "Default"]);
    sampling.update(draft("early", 50, 7), at(1_001)).unwrap();
    assert_eq!(names(&sampling), ["a", "b", "early", "late", "Default"]);
    sampling.delete(&RuleKey::Name("a".to_owned()), at(1_002)).unwrap();
    sampling.delete(&RuleKey::Arn(rule::arn("b")), at(1_003)).unwrap();
    assert_eq!(names(&sampling), ["early", "late", "Default"]);
    assert_eq!(sampling.rules.last_modification(), at(1_003));
}

#[test]
fn what_a_call_can_not_mean_is_refused_and_changes_nothing() {
    let mut sampling = sampling(&[("known", 1, 0)]);
    type Change = fn(&mut Draft);
    let create = |change: Change| {
        let mut draft = draft("new", 5, 0);
        change(&mut draft);
        draft.into_rule_for_everything()
    };
    let text = |length: usize| Some("x".repeat(length));
    let cases: [(Change, &str); 14] = [
        (|draft| draft.rule_name = None, "RuleName"),
        (|draft| draft.rule_name = Some("ä".repeat(33)), "RuleName"),
        (|draft| draft.rule_arn = Some(String::new()), "RuleName alone"),
        (|draft| draft.priority = Some(0), "Priority"),
        (|draft| draft.priority = Some(10_000), "Priority"),
        (|draft| draft.priority = None, "Priority"),
        (|draft| draft.fixed_rate = Some(1.01), "FixedRate"),
        (|draft| draft.fixed_rate = Some(f64::NAN), "FixedRate"),
        (|draft| draft.reservoir_size = Some(-1), "ReservoirSize"),
        (|draft| draft.http_method = Some("x".repeat(11)), "HTTPMethod"),
        (|draft| draft.version = Some(2), "Version"),
        (
            |draft| draft.attributes = Some((0..6).map(|n| (n.to_string(), "*".to_owned())).collect()),
            "at most 5",
        ),
        (|draft| draft.attributes = Some([(String::new(), "*".to_owned())].into()), "1 to 32"),
        (
            |draft| {
                draft.sampling_rate_boost = Some(BoostDraft { max_rate: 2.0, cooldown_window_minutes: 1 });
            },
            "MaxRate",
        ),
    ];
    for (change, part) in cases {
        let error = create(change).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    for (draft, part) in [
        (draft("unknown", 5, 0), "\"unknown\""),
        (Draft::default(), "either RuleName or RuleARN"),
        (Draft { url_path: text(129), ..draft("known", 5, 0) }, "URLPath"),
        (Draft { host: text(3), rule_name: Some("Default".to_owned()), ..Draft::default() }, "default rule"),
    ] {
        let error = sampling.update(draft, at(2_000)).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    let again = draft("known", 5, 0).into_rule_for_everything().unwrap();
    assert!(sampling.create(again, at(2_000)).unwrap_err().to_string().contains("exists already"));
    assert!(sampling.delete(&RuleKey::Name("Default".to_owned()), at(2_000)).is_err());
    assert_eq!(
        (names(&sampling), sampling.rules.last_modification()),
        (vec!["known".to_owned(), "Default".to_owned()], at(1_000))
    );
}

#[test]
fn there_is_room_for_25_rules() {
    let names: Vec<String> = (0..26).map(|number| format!("rule{number}")).collect();
    let rules: Vec<(&str, i64, i64)> = names[..25].iter().map(|name| (name.as_str(), 1, 1)).collect();
    let mut sampling = sampling(&rules);
    let one_more = draft(&names[25], 1, 1).into_rule_for_everything().unwrap();
    assert_eq!(sampling.create(one_more, at(1_000)), Err(SamplingError::LimitExceeded(25)));
}

#[test]
fn a_reservoir_moves_to_where_the_demand_is() {
    let mut sampling = sampling(&[("api", 1, 10)]);
    for (second, client, requests, expected) in [
        (1_000, 1, 100, 10),
        // All is granted; the newcomer waits until the other has reported.
        (1_001, 2, 300, 0),
        (1_010, 1, 100, 3),
        (1_011, 2, 300, 7),
        // Still that of its last ten seconds.
        (1_020, 1, 900, 3),
        (1_021, 2, 100, 1),
        (1_030, 1, 900, 9),
        // The other has been silent for longer than a grant holds.
        (1_062, 2, 100, 10),
    ] {
        let found = quota_of(&mut sampling, "api", client, requests, at(second));
        assert_eq!(found, expected, "client {client} at {second}");
    }
}

#[test]
fn a_target_says_what_holds_until_when() {
    let mut sampling = sampling(&[("api", 1, 4)]);
    let answer = report(
        &mut sampling,
        &[document("api", 1, 5), document("gone", 1, 5), document("Default", 1, 5)],
        at(2_000),
    );
    let expected = Target {
        rule_name: "api".to_owned(),
        fixed_rate: 0.05,
        reservoir_quota: 4,
        reservoir_quota_ttl: at(2_030),
        interval: 10,
        sampling_boost: None,
    };
    assert_eq!(answer.targets[0], expected);
    assert_eq!(answer.targets[1].rule_name, "Default");
    assert_eq!(answer.last_rule_modification, at(1_000));
    assert_eq!(answer.unprocessed_statistics[0].rule_name, "gone");
    assert!(answer.unprocessed_statistics[0].error_code.starts_with('4'));
}

#[test]
fn statistics_that_can_not_be_harm_no_others() {
    let mut sampling = sampling(&[]);
    let mut wrong_id = document("Default", 1, 5);
    wrong_id["ClientID"] = "short".into();
    let mut less_than_none = document("Default", 1, 5);
    less_than_none["BorrowCount"] = (-1).into();
    let mut by_another_name = document("Default", 2, 5);
    by_another_name["SampleCount"] = by_another_name["SampledCount"].take();
    by_another_name.as_object_mut().unwrap().remove("SampledCount");
    let answer = report(&mut sampling, &[wrong_id, less_than_none, by_another_name], at(2_000));
    assert_eq!((answer.unprocessed_statistics.len(), answer.targets.len()), (2, 1));
    let too_many = serde_json::json!({"SamplingStatisticsDocuments": vec![document("Default", 1, 5); 26]});
    let error =
        sampling.targets(&serde_json::from_value(too_many).unwrap(), &caller(), at(2_000)).unwrap_err();
    assert!(error.to_string().contains("at most 25"), "{error}");
}

#[test]
fn summaries_tell_windows_of_ten_seconds_and_have_pages() {
    let mut sampling = sampling(&[("a", 1, 1), ("b", 2, 1)]);
    for second in (1_000..2_000).step_by(5) {
        if second > 1_060 {
            assert_eq!(sampling.overview(at(second)).rules[0].requests_per_second, 0.6, "{second}");
        }
        report(&mut sampling, &[document("a", 1, 3), document("b", 1, 1)], at(second));
    }
    let first = sampling.summaries(None).unwrap();
    assert_eq!((&*first.summaries[0].rule_name, first.summaries[0].timestamp), ("a", at(1_990)));
    assert_eq!(first.summaries[0].request_count, 6);
    let second = sampling.summaries(first.next_token.as_deref()).unwrap();
    assert_eq!((first.summaries.len(), second.summaries.len(), second.next_token), (100, 20, None));
    assert!(sampling.summaries(Some("nonsense")).is_err());
    let rates: Vec<f64> =
        sampling.overview(at(2_000)).rules.iter().map(|row| row.requests_per_second).collect();
    assert_eq!(rates, [0.6, 0.2, 0.0]);

    assert_eq!(sampling.overview(at(1_999)).callers[0].polled.targets.calls, 200);
    sampling.clear();
    assert!(sampling.overview(at(1_999)).clients.is_empty());
}

#[test]
fn a_file_may_say_it_in_each_way() {
    let rule = r#"{"RuleName": "shop", "Priority": 7, "URLPath": "/cart*", "FixedRate": 0.5}"#;
    for json in [
        format!("[{rule}]"),
        format!(r#"[{{"SamplingRule": {rule}}}]"#),
        format!(r#"{{"SamplingRule": {rule}}}"#),
        format!(
            r#"{{"SamplingRuleRecords": [{{"SamplingRule": {rule}, "CreatedAt": 0.0}},
               {{"SamplingRule": {{"RuleName": "Default", "Priority": 10000, "Host": "*", "FixedRate": 0.9, "ReservoirSize": 3}}}}]}}"#
        ),
    ] {
        let mut sampling = sampling(&[]);
        sampling.load(&json, at(1_000)).unwrap();
        let shop = sampling.rules.find("shop").unwrap();
        assert_eq!(
            (shop.url_path.as_str(), shop.host.as_str(), shop.fixed_rate),
            ("/cart*", "*", 0.5),
            "{json}"
        );
    }
    for (json, part) in [
        ("{", "EOF"),
        ("7", "rule 1: invalid type"),
        (r#"[{"RuleName": "a", "Priority": "1"}]"#, "rule 1: invalid type: string"),
        (r#"[{"RuleName": "a", "Priority": 1, "UrlPath": "/a"}]"#, "\"UrlPath\""),
        (r#"[{"RuleName": "shop"}]"#, "rule 1: expected Priority"),
        (r#"[{"RuleName": "a", "Priority": 1}, {"RuleName": "a", "Priority": 1}]"#, "rule 2: a rule named"),
    ] {
        let error = sampling(&[]).load(json, at(1_000)).unwrap_err().to_string();
        assert!(error.contains(part), "{json}: {error}");
    }
}

#[test]
fn a_boost_reaches_the_targets_of_its_rule() {
    let mut sampling = sampling(&[("plain", 2, 1)]);
    let boosted = Draft {
        sampling_rate_boost: Some(BoostDraft { max_rate: 0.5, cooldown_window_minutes: 1 }),
        ..draft("boosted", 1, 1)
    };
    sampling.create(boosted.into_rule_for_everything().unwrap(), at(1_000)).unwrap();
    let anomalies = |rule: &str| serde_json::json!({"RuleName": rule, "ServiceName": "shop", "Timestamp": 1, "AnomalyCount": 40, "TotalCount": 90, "SampledAnomalyCount": 2});
    let call = serde_json::json!({
        "SamplingStatisticsDocuments": [document("boosted", 1, 90), document("plain", 1, 90)],
        "SamplingBoostStatisticsDocuments": [anomalies("boosted"), anomalies("plain"), anomalies("gone")],
    });
    let answer = sampling.targets(&serde_json::from_value(call).unwrap(), &caller(), at(2_000)).unwrap();
    let boost = SamplingBoost { boost_rate: 0.25, boost_rate_ttl: at(2_060) };
    assert_eq!(
        answer.targets.iter().map(|target| target.sampling_boost).collect::<Vec<_>>(),
        [Some(boost), None]
    );
    assert_eq!(answer.unprocessed_boost_statistics[0].rule_name, "gone");
}

proptest! {
    /// Whoever reports, whenever: all grants that hold at a time fit into the reservoir.
    #[test]
    fn no_more_is_granted_than_there_is(
        size in 0_i64..200,
        reports in prop::collection::vec((0_u64..20, 0_u64..6, 0_u64..10_000), 1..120),
    ) {
        let mut sampling = sampling(&[("api", 1, size)]);
        let mut now = 1_000;
        for (seconds, client, requests) in reports {
            now += seconds;
            quota_of(&mut sampling, "api", client, requests, at(now));
            let granted: u64 = sampling.statistics.clients_of("api").map(|(_, client)| u64::from(client.outstanding(at(now)))).sum();
            prop_assert!(granted <= size as u64, "{granted} of {size} at {now}");
        }
    }

    /// Clients that go on reporting soon have all of it.
    #[test]
    fn all_that_there_is_is_granted(size in 0_i64..200, demands in prop::collection::vec(0_u64..10_000, 1..8)) {
        let mut sampling = sampling(&[("api", 1, size)]);
        let mut granted = 0;
        for round in 0..3 {
            granted = (0..).zip(&demands).map(|(client, requests)| {
                u64::from(quota_of(&mut sampling, "api", client, *requests, at(1_000 + round * 10)))
            }).sum();
        }
        prop_assert_eq!(granted, size as u64);
    }

    #[test]
    fn pages_hold_every_rule_once(size in 1_usize..30, priorities in prop::collection::vec(1_i64..4, 0..25)) {
        let names: Vec<String> = (0..priorities.len()).map(|number| format!("r{number}")).collect();
        let rules: Vec<_> = names.iter().zip(&priorities).map(|(name, priority)| (name.as_str(), *priority, 1)).collect();
        let mut sampling = sampling(&rules);
        sampling.rules_per_page = size;
        let (mut found, mut token) = (Vec::new(), None);
        for _ in 0..100 {
            let (page, next) = sampling.rules(token.as_deref(), &caller(), at(1)).unwrap();
            prop_assert!(page.len() <= size);
            found.extend(page.into_iter().map(|record| record.rule.rule_name));
            token = next;
            if token.is_none() {
                break;
            }
        }
        prop_assert_eq!(found, self::names(&sampling));
    }

    #[test]
    fn no_token_or_file_panics(text: String) {
        let mut sampling = sampling(&[("a", 1, 1)]);
        let _ = sampling.rules(Some(&text), &caller(), at(1));
        let _ = sampling.summaries(Some(&text));
        let _ = sampling.load(&text, at(1));
    }
}
