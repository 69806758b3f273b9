//! A receiver that goes away, and comes back or turns up elsewhere.

use std::{
    io::{self, Write},
    net::{Ipv6Addr, ToSocketAddrs},
    time::Duration,
};

use e2e::end_at_once;
use xray_local::{Effect, Faults, XrayLocal};

use crate::{
    road::{Road, ids},
    way::Way,
};

#[test]
fn who_restarts_misses_nothing() {
    Way::each(Way::ALL, |way| {
        let mut road = Road::open(way, Faults::default());
        road.end(10, 5);
        road.settle();
        road.runtime.block_on(road.local.stop_listening());
        road.end(40, 5);
        road.xray.force_flush().unwrap();
        let stats = road.xray.stats();
        let numbers = (stats.spans_sent, stats.spans_held, stats.spans_dropped());
        assert_eq!(numbers, (50, 200, 0), "{way:?}: {stats:?}");
        assert!(stats.refused > 0, "{way:?}: {stats:?}");

        road.runtime.block_on(road.local.listen_again()).unwrap();
        // The shutdown alone delivers what was held.
        road.close().assert_complete(&format!("{way:?}"));
    });
}

#[test]
fn who_restarts_in_the_middle_misses_nothing() {
    Way::each(Way::ALL, |way| {
        // Slow, so that there are several connections, which all break.
        let mut road = Road::open(way, Faults::default().with(Effect::Delay(Duration::from_millis(20))));
        for _ in 0..3 {
            road.end(60, 5);
            road.runtime.block_on(road.local.stop_listening());
            road.end(60, 5);
            road.runtime.block_on(road.local.listen_again()).unwrap();
        }
        road.settle();
        // No call may meet one broken connection after the other until its attempts are used up.
        road.runtime.block_on(road.local.stop_listening());
        road.runtime.block_on(road.local.listen_again()).unwrap();
        road.end(1, 1);
        road.settle();
        road.close().assert_complete(&format!("{way:?}"));
    });
}

#[test]
fn a_name_that_moves_is_followed() {
    let names_both = ("localhost", 0)
        .to_socket_addrs()
        .is_ok_and(|mut found| found.any(|address| address.ip() == Ipv6Addr::LOCALHOST));
    if !names_both {
        // Straight to stderr, since what a passing test prints is not shown.
        writeln!(io::stderr(), "SKIPPED a_name_that_moves_is_followed: localhost is not ::1 as well")
            .unwrap();
        return;
    }
    Way::each(Way::ALL, |way| {
        let mut road = Road::open_to_host("localhost", way);
        road.end(10, 5);
        road.settle();
        road.runtime.block_on(road.local.stop_listening());

        let elsewhere = XrayLocal::builder().with_addr(format!("[::1]:{}", road.local.addr().port()));
        let elsewhere = road.runtime.block_on(elsewhere.start()).unwrap();
        let moved = end_at_once(&road.xray, 10, 5);
        road.settle();
        assert_eq!(road.xray.stats().spans_sent, 100, "{way:?}");
        assert_eq!(ids(&elsewhere.snapshot()), moved, "{way:?}");
    });
}
