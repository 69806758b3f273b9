//! Hours of sampling in milliseconds: a process, an X-Ray that answers it, and a clock that is moved.

use std::{string::String, vec, vec::Vec};

use proptest::prelude::*;

use super::*;

/// A process that decides, reports and asks for rules, as its schedule says.
struct World {
    now: u64,
    /// The time of day at the start, in epoch seconds.
    epoch: f64,
    schedule: Schedule,
    table: Option<Table>,
    xray: XRay,
    decided: Vec<(u64, Decision)>,
    calls: Vec<(u64, Call)>,
}

/// What X-Ray knows and would answer.
struct XRay {
    is_away: bool,
    rules: Vec<Rule>,
    modified: f64,
    quota: Option<u32>,
    quota_seconds: f64,
    /// How far X-Ray's clock is ahead of the process's.
    clock_ahead: f64,
    received: Counts,
}

const MILLISECOND: u64 = SECOND / 1_000;
const EPOCH: f64 = 1_789_000_000.0;

impl World {
    fn new(rules: Vec<Rule>) -> Self {
        let xray = XRay {
            is_away: false,
            rules,
            modified: 0.0,
            quota: None,
            quota_seconds: 20.0,
            clock_ahead: 0.0,
            received: Counts::default(),
        };
        Self {
            // A clock needn't start at zero.
            now: 5 * SECOND,
            epoch: EPOCH,
            schedule: Schedule::new(Schedule::RULES_INTERVAL, 5 * SECOND),
            table: None,
            xray,
            decided: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn epoch_seconds(&self) -> f64 {
        self.epoch + self.now as f64 / SECOND as f64
    }

    /// Lets so many seconds pass with a request every so many milliseconds.
    fn run(&mut self, seconds: u64, every_milliseconds: u64) {
        let end = self.now + seconds * SECOND;
        while self.now < end {
            self.poll();
            self.request();
            self.now += every_milliseconds * MILLISECOND;
        }
    }

    fn request(&mut self) {
        if let Some(entry) = self.table.as_ref().and_then(|table| table.find(&Request::UNKNOWN)) {
            let id = u128::from(self.now.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes();
            self.decided
                .push((self.now, entry.state.decide(id, || self.now, Stripe::shared(self.now as usize))));
        }
    }

    fn poll(&mut self) {
        let (call, due) = self.schedule.next();
        if due > self.now {
            return;
        }
        match call {
            Call::Rules => self.ask_for_rules(),
            Call::Targets => self.report(),
        }
    }

    fn ask_for_rules(&mut self) {
        self.calls.push((self.now, Call::Rules));
        if self.xray.is_away {
            return self.schedule.rules_failed(self.now, self.now);
        }
        let rules = self.xray.rules.clone();
        let table = Table::new(rules, &Process::default(), self.table.as_ref(), self.now);
        self.schedule.rules_arrived(self.now, table.next_report(), self.now);
        self.table = Some(table);
    }

    fn report(&mut self) {
        let Some(table) = &self.table else { return };
        let reports = table.take_due(self.now);
        if reports.is_empty() {
            return self.schedule.nothing_to_report(table.next_report(), self.now);
        }
        self.calls.push((self.now, Call::Targets));
        if self.xray.is_away {
            drop(reports);
            return self.schedule.targets_failed(self.now, table.next_report(), self.now);
        }
        let mut targets = Vec::new();
        for report in reports {
            let counts = report.counts();
            self.xray.received.not_sampled += counts.not_sampled;
            self.xray.received.sampled += counts.sampled;
            self.xray.received.borrowed += counts.borrowed;
            targets.push(Target {
                rule_name: report.rule_name().into(),
                fixed_rate: None,
                reservoir_quota: self.xray.quota,
                reservoir_quota_ttl: Some(
                    self.epoch_seconds() + self.xray.clock_ahead + self.xray.quota_seconds,
                ),
                interval: Some(10),
                boost: None,
            });
            report.accept();
        }
        table.apply(&targets, self.now, self.epoch_seconds());
        self.schedule.targets_arrived(table.next_report(), self.now);
        self.schedule.rules_modified(self.xray.modified);
    }

    /// How many were sampled for a reason since this many seconds.
    fn sampled(&self, decision: Decision, since: u64) -> usize {
        self.decided.iter().filter(|(at, decided)| *at >= since && *decided == decision).count()
    }

    fn calls(&self, call: Call, since: u64) -> usize {
        self.calls.iter().filter(|(at, called)| *at >= since && *called == call).count()
    }

    fn most_sampled_in_a_second(&self) -> usize {
        let sampled: Vec<u64> =
            self.decided.iter().filter(|(_, decided)| decided.is_sampled()).map(|(at, _)| *at).collect();
        let mut end = 0;
        let in_second = sampled.iter().enumerate().map(|(start, at)| {
            while sampled.get(end).is_some_and(|later| *later < at + SECOND) {
                end += 1;
            }
            end - start
        });
        in_second.max().unwrap_or(0)
    }
}

fn default_rule(reservoir_size: u32, rate: f64) -> Rule {
    Rule::for_all(Rule::DEFAULT_NAME, 10_000, reservoir_size, Rate::new(rate).unwrap())
}

#[test]
fn one_request_a_second_is_borrowed_until_there_is_a_quota() {
    let mut world = World::new(vec![default_rule(100, 0.0)]);
    world.xray.quota = Some(7);
    world.run(60, 5);
    assert_eq!(world.sampled(Decision::Borrowed, 0), 10, "until the first report");
    let quota = world.sampled(Decision::Quota, 0);
    assert!((7 * 49 - 7..=7 * 50).contains(&quota), "{quota}");
    assert_eq!(world.most_sampled_in_a_second(), 7);
    assert_eq!(world.calls(Call::Targets, 0), 5);
}

#[test]
fn without_x_ray_for_an_hour_a_trickle_stays_and_nothing_is_lost() {
    let mut world = World::new(vec![default_rule(100, 0.0)]);
    world.xray.quota = Some(7);
    world.run(300, 20);
    world.xray.is_away = true;
    let away = world.now;
    world.run(3_600, 20);
    // The last quota holds for up to 20 s.
    let quota = world.sampled(Decision::Quota, away);
    assert!((7 * 9..=7 * 21).contains(&quota), "{quota}");
    let borrowed = world.sampled(Decision::Borrowed, away);
    assert!((3_575..=3_592).contains(&borrowed), "{borrowed}");
    let calls = (world.calls(Call::Rules, away), world.calls(Call::Targets, away));
    assert!((60..130).contains(&calls.0) && (60..130).contains(&calls.1), "{calls:?}");

    world.xray.is_away = false;
    let back = world.now;
    world.run(120, 20);
    assert!(world.sampled(Decision::Quota, back) > 0, "it takes a minute at most to be back");
    let left: u64 =
        world.table.unwrap().take_due(u64::MAX).iter().map(|report| report.counts().requests()).sum();
    assert_eq!(world.xray.received.requests() + left, world.decided.len() as u64);
}

#[test]
fn rules_that_are_an_hour_old_have_ended() {
    let mut world = World::new(vec![default_rule(1, 0.0)]);
    world.run(1, 1_000);
    assert_eq!(world.schedule.rules_age(world.now), Some(core::time::Duration::from_secs(1)));
    assert_eq!(world.schedule.rules_end(), Some(3_605 * SECOND));
}

#[test]
fn an_edit_is_noticed_with_the_next_report_and_keeps_what_is_counted() {
    let mut world = World::new(vec![default_rule(10, 0.0)]);
    world.xray.quota = Some(5);
    world.run(15, 10);
    world.xray.rules = vec![default_rule(20, 1.0)];
    world.xray.modified = world.epoch_seconds();
    let edited = world.now;
    world.run(8, 10);
    let at = world.calls.iter().find(|(at, call)| *at > edited && *call == Call::Rules).unwrap().0;
    assert!(at - edited < 7 * SECOND, "{at}");
    assert_eq!(world.sampled(Decision::NotSampled, at), 0, "the new rate holds");
    let quota = world.sampled(Decision::Quota, at);
    assert!(quota >= 5 && world.sampled(Decision::Borrowed, edited) == 0, "the quota goes on: {quota}");
    assert_eq!(world.calls(Call::Rules, 0), 2);

    // A rule that goes and comes again begins anew; one that another hides goes on.
    world.xray.rules.insert(0, Rule::for_all("all", 1, 0, Rate::NEVER));
    world.schedule.refresh_rules();
    let hidden = world.now;
    world.run(3, 10);
    world.xray.rules.remove(0);
    world.schedule.refresh_rules();
    world.run(3, 10);
    assert!(world.sampled(Decision::Quota, hidden) > 0);
    let left: u64 =
        world.table.unwrap().take_due(u64::MAX).iter().map(|report| report.counts().requests()).sum();
    let not_counted = world.decided.len() as u64 - world.xray.received.requests() - left;
    assert!(not_counted <= 300, "those of the rule that has gone: {not_counted}");
}

#[test]
fn without_a_reservoir_nothing_is_borrowed() {
    for (before, after, borrowed) in [(0, 0, 0), (1, 0, 5), (1, 1, 10)] {
        let mut world = World::new(vec![default_rule(before, 0.0)]);
        world.run(5, 10);
        world.xray.rules = vec![default_rule(after, 0.0)];
        world.schedule.refresh_rules();
        world.run(5, 10);
        assert_eq!(world.sampled(Decision::Borrowed, 0), borrowed, "{before} then {after}");
    }
}

#[test]
fn a_rate_follows_the_target_until_the_rule_is_edited() {
    let mut table = Table::new(vec![default_rule(0, 0.5)], &Process::default(), None, 0);
    let target = |rate: f64| Target {
        rule_name: Rule::DEFAULT_NAME.into(),
        fixed_rate: Rate::new(rate),
        reservoir_quota: None,
        reservoir_quota_ttl: None,
        interval: None,
        boost: None,
    };
    let refreshed = |table: &Table, rule: Rule| Table::new(vec![rule], &Process::default(), Some(table), 0);
    let rate = |table: &Table| table.entries()[0].state.rate().as_f64();
    assert_eq!(table.apply(&[target(0.25), Target { rule_name: "gone".into(), ..target(1.0) }], 0, EPOCH), 1);
    assert_eq!(rate(&table), 0.25);
    table = refreshed(&table, default_rule(0, 0.5));
    assert_eq!(rate(&table), 0.25);
    table = refreshed(&table, default_rule(3, 0.5));
    assert_eq!(rate(&table), 0.25);
    table = refreshed(&table, default_rule(3, 0.75));
    assert_eq!(rate(&table), 0.75);
}

#[test]
fn a_boost_holds_until_it_says_or_the_next_target_has_none() {
    let (never, half, always) = (Rate::NEVER, Rate::new(0.5).unwrap(), Rate::ALWAYS);
    let boost = |rate, seconds: f64| Some(TargetBoost { rate, ttl: EPOCH + seconds });
    // (the target's rate, its boost, the rate a second later, the rate 61 seconds later)
    for (fixed_rate, boost, soon, late) in [
        (Some(never), boost(half, 60.0), half, never),
        (Some(half), boost(always, 60.0), always, half),
        (Some(half), boost(half, 60.0), half, half),
        (Some(half), boost(never, 60.0), half, half),
        (None, boost(half, 60.0), half, never),
        (None, boost(half, 0.0), never, never),
        (None, boost(half, f64::NAN), never, never),
        (None, boost(half, 1e9), half, half),
    ] {
        let rule = default_rule(0, 0.0);
        let state = RuleState::new(&rule, 0);
        let target = Target {
            rule_name: Rule::DEFAULT_NAME.into(),
            fixed_rate,
            reservoir_quota: None,
            reservoir_quota_ttl: None,
            interval: None,
            boost,
        };
        state.apply(&target, 0, EPOCH);
        assert_eq!(state.rate_at(SECOND), soon, "{target:?}");
        assert_eq!(state.after_edit(&rule, &rule).rate_at(SECOND), soon, "{target:?}");
        assert_eq!(state.rate_at(61 * SECOND), late, "{target:?}");
        assert_eq!(state.ask([0; 16], || SECOND).is_sampled(), soon != never);
        state.apply(&Target { boost: None, ..target }, SECOND, EPOCH);
        assert_eq!(state.rate_at(SECOND), fixed_rate.unwrap_or(never));
    }
}

#[test]
fn a_failed_report_of_anomalies_loses_nothing() {
    let table = Table::new(vec![default_rule(0, 0.0)], &Process::default(), None, 0);
    let counts = BoostCounts { traces: 3, anomalies: 2, sampled_anomalies: 1 };
    let state = &table.entries()[0].state;
    state.count_boost(counts);
    let refused = table.take_due(u64::MAX);
    assert_eq!(refused[0].boost_counts(), counts);
    assert!(table.take_due(u64::MAX).is_empty());
    state.count_boost(BoostCounts { traces: 1, ..BoostCounts::default() });
    drop(refused);
    let [report] = &mut table.take_due(u64::MAX)[..] else { panic!("one report") };
    assert_eq!(report.boost_counts(), BoostCounts { traces: 4, ..counts });
    report.accept_boost_counts();
    assert!(table.take_due(u64::MAX).is_empty());
}

#[test]
fn a_quota_ends_when_it_says_whatever_the_clocks_do() {
    // (seconds that X-Ray's clock is ahead, what the quota's end says, seconds for which it holds)
    for (ahead, seconds, expected) in [
        (0.0, 20.0, 20.0),
        (-30.0, 20.0, 0.0),
        (300.0, 20.0, 320.0),
        (1e9, 20.0, 600.0),
        (-1e9, 20.0, 0.0),
        (f64::NAN, 0.0, 0.0),
    ] {
        let state = RuleState::new(&default_rule(10, 0.0), 0);
        let target = Target {
            rule_name: Rule::DEFAULT_NAME.into(),
            fixed_rate: None,
            reservoir_quota: Some(3),
            reservoir_quota_ttl: Some(EPOCH + ahead + seconds),
            interval: Some(u64::MAX),
            boost: None,
        };
        state.apply(&target, 0, EPOCH);
        let end = (expected * SECOND as f64) as u64;
        assert_eq!(state.quota(end), None, "{ahead} {seconds}");
        assert_eq!(state.quota(end.saturating_sub(1)), (expected > 0.0).then_some(3), "{ahead} {seconds}");
        // A target without its end, or without a quota, leaves the earlier one.
        state.apply(&Target { reservoir_quota_ttl: None, ..target.clone() }, 0, EPOCH);
        state.apply(&Target { reservoir_quota: None, ..target }, 0, EPOCH);
        assert_eq!(state.quota(end.saturating_sub(1)), (expected > 0.0).then_some(3));
    }
}

#[test]
fn twenty_six_rules_report_within_the_limit_of_a_call() {
    let rules: Vec<Rule> = (0..26)
        .map(|n| {
            let mut rule = Rule::for_all(&std::format!("r{n}"), n, 1, Rate::NEVER);
            rule.url_path = std::format!("/{n}").into();
            rule
        })
        .collect();
    let table = Table::new(rules, &Process::default(), None, 0);
    for n in 0..26 {
        let path = std::format!("/{n}");
        let request = Request { url_path: Some(&path), ..Request::UNKNOWN };
        table.find(&request).unwrap().state.decide([0; 16], || 0, Stripe::shared(0));
    }
    assert_eq!(table.take_due(RuleState::REPORT_INTERVAL * SECOND - 1).len(), 0, "not yet due");
    let reports = table.take_due(RuleState::REPORT_INTERVAL * SECOND);
    assert_eq!(reports.len(), 26);
    let bodies: Vec<usize> = reports
        .chunks(crate::limits::MAX_STATISTICS_PER_CALL)
        .map(|chunk| targets_request(ClientId::from_random([0; 12]), 0, chunk))
        .map(|body| String::from_utf8(body).unwrap().matches("RuleName").count())
        .collect();
    assert_eq!(bodies, [25, 1]);
    assert_eq!(table.take_due(RuleState::REPORT_INTERVAL * SECOND).len(), 0, "put off");
    drop(reports);
    assert_eq!(
        table.take_due(2 * RuleState::REPORT_INTERVAL * SECOND).len(),
        26,
        "what was not accepted comes again"
    );
}

proptest! {
    #[test]
    fn whatever_happens_every_decision_is_reported_once_and_no_quota_is_exceeded(
        events in prop::collection::vec((0u8..7, 1u64..40, 1u64..500, 0u32..9), 1..30),
    ) {
        let mut world = World::new(vec![default_rule(8, 0.0)]);
        for (event, seconds, every, number) in events {
            match event {
                0 => world.xray.is_away = !world.xray.is_away,
                1 => world.xray.quota = Some(number),
                2 => world.xray.quota = None,
                3 => world.epoch += f64::from(number) * 1_000.0 - 4_000.0,
                4 => world.xray.clock_ahead = f64::from(number) * 100.0 - 400.0,
                5 => {
                    world.xray.rules = vec![default_rule(8 + number, 0.0)];
                    world.schedule.refresh_rules();
                }
                _ => {}
            }
            world.run(seconds, every);
        }
        prop_assert!(world.most_sampled_in_a_second() <= 8);
        let left = world.table.map_or(0, |table| {
            table.take_due(u64::MAX).iter().map(|report| report.counts().requests()).sum()
        });
        prop_assert_eq!(world.xray.received.requests() + left, world.decided.len() as u64);
    }
}
