//! Which calls are made and when, and what becomes of their answers.

use super::*;

#[test]
fn all_pages_are_fetched_and_in_force() {
    let mut world = World::new(&[
        page(&[rule("b", 2, "*", 0, 0.0)], "more"),
        page(&[rule("a", 1, "/a", 0, 0.0)], "and more"),
        page(&[], ""),
    ]);
    assert!(world.published.read(|table| table.is_none()));
    world.step(0);
    assert_eq!(world.calls(), ["rules ", "rules more", "rules and more"]);
    let names = world
        .published
        .read(|table| table.unwrap().entries().iter().map(|e| e.rule.name.to_string()).collect::<Vec<_>>());
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn rules_without_an_end_are_a_failure_and_the_old_ones_stay() {
    let many = |count: usize, padding: usize| {
        let rules: Vec<String> =
            (0..count).map(|n| rule(&format!("{n}{}", "x".repeat(padding)), 1, "/", 0, 0.0)).collect();
        page(&rules, "")
    };
    let tokens = |count: usize| (0..count).map(|n| page(&[], &format!("{n}"))).collect::<Vec<_>>();
    for (pages, calls, expected) in [
        (vec![page(&[], "again")], 2, "expected another page, but its token is that of an earlier one"),
        (tokens(101), 100, "expected at most 100 pages of rules, but found more"),
        (vec![many(1_001, 0)], 1, "expected at most 1000 rules, but found more"),
        (
            vec![page(&[rule("a", 1, "/", 0, 0.0)], "b"), many(1_000, 0)],
            2,
            "expected at most 1000 rules, but found more",
        ),
        (
            (0..5).map(|n| page(&[rule(&"y".repeat(1_000_000), 1, "/", 0, 0.0)], &n.to_string())).collect(),
            5,
            "expected rules of at most 4194304 bytes, but found more",
        ),
        (vec![many(1_000, 0)], 1, ""),
    ] {
        let mut world = World::new(&[default_page()]);
        world.step(0);
        world.calls();
        world.xray.lock().unwrap().rules = pages.into();
        world.control.refresh();
        world.step(2);
        assert_eq!(world.calls().len(), calls, "{expected}");
        let error = world.progress.lock().unwrap().last_error.clone();
        assert_eq!(error.unwrap_or_default(), expected);
        let rules = world.published.read(|table| table.unwrap().entries().len());
        assert_eq!(rules, if expected.is_empty() { 1_000 } else { 1 }, "{expected}");
    }
}

#[test]
fn more_than_a_call_takes_goes_in_several_and_a_failure_loses_nothing() {
    let rules: Vec<String> =
        (0..60).map(|n| rule(&format!("r{n}"), n + 1, &format!("/{n}"), 0, 0.0)).collect();
    let mut world = World::new(&[page(&rules, "")]);
    world.step(0);
    world.use_all();
    world.calls();
    world.xray.lock().unwrap().targets = VecDeque::from([Ok(NO_TARGETS.to_owned()), Err("away")]);
    world.step(10);
    assert_eq!(world.calls(), ["targets 25", "targets 25"], "the third is not tried");
    assert_eq!(world.xray.lock().unwrap().counts.requests(), 25);
    assert_eq!(world.progress.lock().unwrap().last_error.as_deref(), Some("away"));
    world.step(20);
    assert_eq!(world.calls(), ["targets 25", "targets 10"]);
    assert_eq!(world.xray.lock().unwrap().counts.requests(), 60);
    assert_eq!(world.progress.lock().unwrap().last_error, None);
    world.step(30);
    assert_eq!(world.calls(), [""; 0], "nothing to report");
}

#[test]
fn a_report_that_x_ray_refuses() {
    for (code, requests, calls) in [
        ("400", 0, vec!["targets 1", "rules "]),
        ("500", 1, vec!["targets 1"]),
        ("429", 1, vec!["targets 1"]),
        ("ThrottledException", 1, vec!["targets 1"]),
    ] {
        let mut world = World::new(&[default_page()]);
        world.step(0);
        world.use_all();
        world.calls();
        let refused = format!(
            r#"{{"SamplingTargetDocuments":[],"UnprocessedStatistics":[{{"RuleName":"Default","ErrorCode":"{code}","Message":"no"}}]}}"#
        );
        world.xray.lock().unwrap().targets.push_back(Ok(refused));
        world.step(10);
        world.step(12);
        assert_eq!(world.calls(), calls, "{code}");
        let left = world
            .table()
            .unwrap()
            .take_due(u64::MAX)
            .iter()
            .map(|report| report.counts().requests())
            .sum::<u64>();
        assert_eq!(left, requests, "{code}");
        assert_eq!(world.progress.lock().unwrap().refused, 1 - requests, "{code}");
    }
}

#[test]
fn a_change_of_the_rules_is_fetched_with_the_next_report() {
    let mut world = World::new(&[default_page(), page(&[rule("Default", 10_000, "*", 1, 1.0)], "")]);
    world.step(0);
    world.use_all();
    let modified = r#"{"SamplingTargetDocuments":[{"RuleName":"Default","FixedRate":0.5}],"LastRuleModification":1789000005.0}"#;
    world.xray.lock().unwrap().targets.push_back(Ok(modified.to_owned()));
    world.step(10);
    assert_eq!(world.table().unwrap().entries()[0].state.rate().as_f64(), 0.5);
    world.step(11);
    assert_eq!(world.calls(), ["rules ", "targets 1", "rules "]);
    assert_eq!(world.table().unwrap().entries()[0].state.rate().as_f64(), 1.0);
}

#[test]
fn rules_outlive_failures_for_an_hour() {
    let mut world = World::new(&[default_page()]);
    world.step(0);
    world.xray.lock().unwrap().rules = VecDeque::from(["<html>".to_owned()]);
    for (until, in_force) in [(3_599, true), (3_601, false)] {
        world.run_until(until);
        assert_eq!(world.published.read(|table| table.is_some()), in_force, "{until} s");
    }
    let failures = world.progress.lock().unwrap().failed;
    assert!((100..300).contains(&failures), "{failures}");
    assert_eq!(
        world.progress.lock().unwrap().last_error.as_deref(),
        Some("expected JSON: expected value at line 1 column 1")
    );
    world.xray.lock().unwrap().rules = VecDeque::from([default_page()]);
    world.step(3_700);
    assert!(world.published.read(|table| table.is_some()));
}

#[test]
fn the_last_report_needs_not_be_due() {
    let mut world = World::new(&[default_page()]);
    world.step(0);
    world.use_all();
    world.control.report_rest(Moment { nanos: SECOND, epoch_millis: 1_000, random: u64::MAX });
    assert_eq!(world.calls(), ["rules ", "targets 1"]);

    let mut away = World::new(&["<html>".to_owned()]);
    away.step(0);
    away.control.report_rest(Moment { nanos: SECOND, epoch_millis: 1_000, random: 0 });
    assert_eq!(away.calls(), ["rules "], "who didn't answer is not asked");
}
