//! Many spans on a bad day.

use opentelemetry_aws_xray::DropReason;

use crate::{faults::mixed, road::Road};

const SPANS_EACH: usize = 20;

/// Traces of twenty spans in one go, with every fault there is.
fn deliver(spans: usize, nesting: bool) {
    let what = format!("{spans} spans, nesting={nesting}");
    let mut road = Road::open_with(mixed(11), |xray, _| {
        xray.with_queue_size(spans).with_exporter(|exporter| exporter.with_nesting(nesting))
    });
    road.end(spans / SPANS_EACH, SPANS_EACH);
    road.settle();
    let outcome = road.close();
    outcome.assert_accounted(&what);
    let stats = outcome.stats;
    // One document in a hundred is bad. Three failures of one call in a row are rare.
    assert!(stats.dropped(DropReason::Rejected) < spans as u64 / 20, "{what}: {stats:?}");
    assert!(stats.dropped(DropReason::Unanswered) < spans as u64 / 20, "{what}: {stats:?}");
    assert!(outcome.struck.iter().all(|struck| *struck > 0) || nesting, "{what}: {:?}", outcome.struck);
}

#[test]
fn twenty_thousand_spans_are_all_accounted_for() {
    deliver(20_000, false);
}

#[test]
fn twenty_thousand_spans_in_whole_traces_are_all_accounted_for() {
    deliver(20_000, true);
}

/// `cargo test -p e2e --test delivery -- --ignored`
#[test]
#[ignore = "takes a minute"]
fn a_hundred_thousand_spans_are_all_accounted_for() {
    deliver(100_000, false);
    deliver(100_000, true);
}
