//! Flushes and shutdowns end in time, whatever the other side does.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use e2e::end_at_once;
use opentelemetry_aws_xray::{DropReason, Xray, config::Transport};
use xray_local::{Effect, ErrorAnswer, Fault, Faults};

use crate::{
    faults::mixed,
    road::{Road, one_by_one},
};

/// What a busy machine may take on top.
const GRACE: Duration = Duration::from_secs(2);

/// What a flush takes at most; the SDK's number.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// A pipeline to a port where connections are made and nobody ever reads.
fn to_the_silent() -> (Xray, TcpListener) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let xray = Xray::builder()
        .with_service_name("orders")
        .with_daemon_address(silent.local_addr().unwrap().to_string())
        .with_transport(Transport::Tcp);
    (one_by_one(xray).build(), silent)
}

fn assert_within(deadline: Duration, what: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let took = start.elapsed();
    assert!(took <= deadline + GRACE, "{what} took {took:?}, of {deadline:?}");
}

#[test]
fn a_flush_and_a_shutdown_of_who_is_never_answered_end_in_time() {
    let (xray, _silent) = to_the_silent();
    assert_eq!(end_at_once(&xray, 100, 10).len(), 1_000);
    assert_within(FLUSH_TIMEOUT, "the flush", || assert!(xray.force_flush().is_err()));
    assert_eq!((xray.stats().spans_held, xray.stats().spans_dropped()), (1_000, 0), "{:?}", xray.stats());

    let second = Duration::from_secs(1);
    assert_within(second, "the shutdown", || {
        let _ = xray.tracer_provider().shutdown_with_timeout(second);
    });
    let stats = xray.stats();
    let (in_calls, not_tried) = (stats.dropped(DropReason::Unanswered), stats.dropped(DropReason::ShutDown));
    assert_eq!((in_calls + not_tried, stats.spans_held, stats.spans_sent), (1_000, 0, 0), "{stats:?}");
    assert!(in_calls > 0 && not_tried > 0, "eight calls hold fewer documents: {stats:?}");
}

#[test]
fn dropping_the_handle_ends_in_time_too() {
    let (xray, _silent) = to_the_silent();
    let _ = end_at_once(&xray, 100, 10);
    assert_within(FLUSH_TIMEOUT, "the drop", || drop(xray));
}

#[test]
fn a_shutdown_does_not_wait_for_who_is_away() {
    let mut road = Road::open(Faults::default());
    road.runtime.block_on(road.local.stop_listening());
    road.end(20, 5);
    assert_within(Duration::ZERO, "the shutdown", || road.xray.shutdown().unwrap());
    let stats = road.close().stats;
    assert_eq!((stats.dropped(DropReason::Unreachable), stats.spans_held), (100, 0), "{stats:?}");
}

#[test]
fn a_shutdown_tries_once_more_what_was_to_wait_for_longer() {
    let minute = Duration::from_secs(60);
    let throttled = ErrorAnswer::new(429).with_retry_after(minute);
    let mut road = Road::open(Faults::default().with(Fault::from(throttled).times(1)));
    road.end(4, 5);
    assert_within(Duration::ZERO, "the flush", || road.xray.force_flush().unwrap());
    assert_eq!(road.xray.stats().spans_held, 20, "{:?}", road.xray.stats());
    assert_within(Duration::ZERO, "the shutdown", || road.xray.shutdown().unwrap());
    road.close().assert_complete("a wait cut short");
}

#[test]
fn a_shutdown_in_the_middle_of_it_all_counts_everything() {
    let timeout = Duration::from_secs(1);
    for faults in [mixed(7), Faults::default().with(Effect::Delay(Duration::from_millis(400)))] {
        let mut road = Road::open(faults);
        road.end(400, 5);
        assert_within(timeout, "the shutdown", || {
            let _ = road.xray.tracer_provider().shutdown_with_timeout(timeout);
        });
        let outcome = road.close();
        let stats = outcome.stats;
        assert_eq!((stats.spans_ended, stats.spans_held), (2_000, 0), "{stats:?}");
        assert_eq!(stats.spans_sent + stats.spans_dropped(), 2_000, "{stats:?}");
        assert!(outcome.arrived.len() as u64 >= stats.spans_sent, "{stats:?}");
    }
}
