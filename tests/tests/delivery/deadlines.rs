//! Flushes and shutdowns end in time, whatever the other side does.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use e2e::end_at_once;
use opentelemetry_aws_xray::{DropReason, Xray};
use xray_local::{Effect, ErrorAnswer, Fault, Faults};

use crate::{
    faults::mixed,
    road::{Road, one_by_one},
    way::Way,
};

/// What a busy machine may take on top: less than the five seconds that a flush or shutdown waits for, where it should not wait at all.
const GRACE: Duration = Duration::from_secs(4);

/// What a flush takes at most; the SDK's number.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// A pipeline to a port where connections are made and nobody ever reads.
fn to_the_silent(way: Way) -> (Xray, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let xray = Xray::builder().with_service_name("orders");
    let xray = way.to(one_by_one(xray), "127.0.0.1", silent.local_addr().unwrap().port());
    (xray.build(), silent)
}

fn assert_within(deadline: Duration, what: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let took = start.elapsed();
    assert!(took <= deadline + GRACE, "{what} took {took:?}, of {deadline:?}");
}

#[test]
fn a_flush_and_a_shutdown_of_who_is_never_answered_end_in_time() {
    Way::each(Way::ALL, |way| {
        let (xray, _silent) = to_the_silent(way);
        assert_eq!(end_at_once(&xray, 100, 10).len(), 1_000);
        assert_within(FLUSH_TIMEOUT, "the flush", || assert!(xray.force_flush().is_err()));
        let stats = xray.stats();
        assert_eq!((stats.spans_held, stats.spans_dropped()), (1_000, 0), "{way:?}: {stats:?}");

        let second = Duration::from_secs(1);
        assert_within(second, "the shutdown", || {
            let _ = xray.tracer_provider().shutdown_with_timeout(second);
        });
        let stats = xray.stats();
        let (in_calls, waiting) =
            (stats.dropped(DropReason::Unanswered), stats.dropped(DropReason::ShutDown));
        assert_eq!(
            (in_calls + waiting, stats.spans_held, stats.spans_sent),
            (1_000, 0, 0),
            "{way:?}: {stats:?}"
        );
        assert!(in_calls > 0, "{way:?}: {stats:?}");
    });
}

#[test]
fn dropping_the_handle_ends_in_time_too() {
    Way::each(Way::ALL, |way| {
        let (xray, _silent) = to_the_silent(way);
        let _ = end_at_once(&xray, 100, 10);
        assert_within(FLUSH_TIMEOUT, "the drop", || drop(xray));
    });
}

#[test]
fn a_shutdown_does_not_wait_for_who_is_away() {
    Way::each(Way::ALL, |way| {
        let mut road = Road::open(way, Faults::default());
        road.runtime.block_on(road.local.stop_listening());
        road.end(20, 5);
        assert_within(Duration::ZERO, "the shutdown", || road.xray.shutdown().unwrap());
        let stats = road.close().stats;
        assert_eq!(
            (stats.dropped(DropReason::Unreachable), stats.spans_held),
            (100, 0),
            "{way:?}: {stats:?}"
        );
    });
}

#[test]
fn a_shutdown_tries_once_more_what_was_to_wait_for_longer() {
    Way::each(Way::ALL, |way| {
        let throttled = ErrorAnswer::new(429).with_retry_after(Duration::from_secs(60));
        let mut road = Road::open(way, Faults::default().with(Fault::from(throttled).times(1)));
        road.end(4, 5);
        assert_within(Duration::ZERO, "the flush", || road.xray.force_flush().unwrap());
        assert_eq!(road.xray.stats().spans_held, 20, "{way:?}: {:?}", road.xray.stats());
        assert_within(Duration::ZERO, "the shutdown", || road.xray.shutdown().unwrap());
        road.close().assert_complete(&format!("{way:?}"));
    });
}

#[test]
fn a_shutdown_in_the_middle_of_it_all_counts_everything() {
    let timeout = Duration::from_secs(1);
    Way::each(Way::ALL, |way| {
        for faults in [mixed(7), Faults::default().with(Effect::Delay(Duration::from_millis(400)))] {
            let mut road = Road::open(way, faults);
            road.end(400, 5);
            assert_within(timeout, "the shutdown", || {
                let _ = road.xray.tracer_provider().shutdown_with_timeout(timeout);
            });
            let outcome = road.close();
            let stats = outcome.stats;
            assert_eq!((stats.spans_ended, stats.spans_held), (2_000, 0), "{way:?}: {stats:?}");
            assert_eq!(stats.spans_sent + stats.spans_dropped(), 2_000, "{way:?}: {stats:?}");
            assert!(outcome.arrived.len() as u64 >= stats.spans_sent, "{way:?}: {stats:?}");
        }
    });
}
