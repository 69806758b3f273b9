//! Every interleaving of threads that decide and threads that report: `scripts/interleavings`.

use std::{vec, vec::Vec};

use loom::{sync::Arc, thread};

use super::*;

fn table(reservoir_size: u32) -> Arc<Table> {
    let rule = Rule::for_all(Rule::DEFAULT_NAME, 10_000, reservoir_size, Rate::NEVER);
    Arc::new(Table::new(vec![rule], &Process::default(), None, 0))
}

fn decide(table: &Table, now: u64, stripe: Stripe) -> Decision {
    table.entries()[0].state.decide([0xff; 16], || now, stripe)
}

#[test]
fn a_token_is_granted_once() {
    loom::model(|| {
        let reservoir = Arc::new(Reservoir::new(2));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let reservoir = reservoir.clone();
                thread::spawn(move || {
                    let take = |now| usize::from(reservoir.take(2, now, || now));
                    take(0) + take(1)
                })
            })
            .collect();
        let granted: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(granted, 2, "no more than the quota, and no less");
    });
}

#[test]
fn the_quota_holds_while_it_arrives() {
    loom::model(|| {
        let table = table(2);
        let other = table.clone();
        let poller = thread::spawn(move || {
            let target = Target {
                rule_name: Rule::DEFAULT_NAME.into(),
                fixed_rate: None,
                reservoir_quota: Some(2),
                reservoir_quota_ttl: Some(10.0),
                interval: None,
                boost: None,
            };
            other.apply(&[target], 0, 0.0);
        });
        let sampled = (0..4).filter(|now| decide(&table, *now, Stripe::shared(0)).is_sampled()).count();
        poller.join().unwrap();
        assert!((1..=2).contains(&sampled));
        assert!(!decide(&table, 9, Stripe::shared(0)).is_sampled() || sampled == 1);
    });
}

#[test]
fn every_decision_is_reported_once_even_if_a_report_fails() {
    loom::model(|| {
        let table = table(1);
        let stripes: [fn() -> Stripe; 2] = [|| Stripe::shared(0), || Stripe::own(1).unwrap()];
        let threads: Vec<_> = stripes
            .into_iter()
            .map(|stripe| {
                let table = table.clone();
                thread::spawn(move || decide(&table, 0, stripe()).is_sampled())
            })
            .collect();
        let failed = table.take_due(u64::MAX);
        drop(failed);
        let mut reports = table.take_due(u64::MAX);
        let sampled =
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|sampled| *sampled).count();
        reports.extend(table.take_due(u64::MAX));
        let counts: Vec<Counts> = reports.iter().map(Report::counts).collect();
        assert_eq!(sampled, 1);
        assert_eq!(counts.iter().map(Counts::requests).sum::<u64>(), 2);
        assert_eq!(counts.iter().map(|counts| counts.borrowed).sum::<u64>(), 1);
        assert!(counts.iter().all(|counts| counts.all_sampled() <= counts.requests()));
    });
}

/// A rule before an edit and after it: threads that have not seen the new table yet still ask the old one.
#[test]
fn a_quota_is_granted_once_while_a_rule_is_edited() {
    for (before, after, most) in [(1, 1, 1), (1, 2, 2), (2, 1, 2)] {
        loom::model(move || {
            let old = table(before);
            let target = Target {
                rule_name: Rule::DEFAULT_NAME.into(),
                fixed_rate: None,
                reservoir_quota: Some(2),
                reservoir_quota_ttl: Some(10.0),
                interval: None,
                boost: None,
            };
            old.apply(&[target], 0, 0.0);
            let sees_the_old = old.clone();
            let thread = thread::spawn(move || {
                (0..2).filter(|now| decide(&sees_the_old, *now, Stripe::own(0).unwrap()).is_sampled()).count()
            });
            let rule = Rule::for_all(Rule::DEFAULT_NAME, 10_000, after, Rate::NEVER);
            let edited = Rule { fixed_rate: Rate::new(1e-15).unwrap(), ..rule };
            let new = Table::new(vec![edited], &Process::default(), Some(&old), 0);
            let sampled =
                (0..2).filter(|now| decide(&new, *now, Stripe::own(1).unwrap()).is_sampled()).count();
            let sampled = sampled + thread.join().unwrap();
            assert!(sampled <= most, "{before} -> {after}: {sampled}");
        });
    }
}
