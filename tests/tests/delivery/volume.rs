//! Many spans on a bad day.

use opentelemetry_aws_xray::DropReason;

use crate::{
    faults::mixed,
    road::{Road, one_by_one},
    way::Way,
};

const SPANS_EACH: usize = 20;

/// Traces of twenty spans in one go, with every fault there is.
fn deliver(way: Way, spans: usize, nesting: bool) {
    let what = format!("{spans} spans, {way:?}, nesting={nesting}");
    let mut road = Road::open_with(way, mixed(11), |xray| {
        let xray = xray.with_queue_size(spans);
        if nesting { xray } else { one_by_one(xray) }
    });
    road.end(spans / SPANS_EACH, SPANS_EACH);
    road.settle();
    let outcome = road.close();
    outcome.assert_accounted(&what);
    let stats = outcome.stats;
    // One document in a hundred is refused for good, and some hold all spans of a trace.
    assert!(stats.dropped(DropReason::Rejected) < spans as u64 / 20, "{what}: {stats:?}");
    assert_eq!(stats.dropped(DropReason::Rejected), stats.spans_dropped(), "{what}: {stats:?}");
}

#[test]
fn twenty_thousand_spans_are_all_accounted_for() {
    deliver(Way::Tcp, 20_000, false);
}

#[test]
fn ten_thousand_spans_on_each_road_are_all_accounted_for() {
    Way::each(Way::ALL, |way| deliver(way, 10_000, true));
}

/// `cargo test -p e2e --test delivery -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_spans_are_all_accounted_for() {
    deliver(Way::Tcp, 100_000, false);
    Way::each(Way::ALL, |way| deliver(way, 100_000, true));
}
