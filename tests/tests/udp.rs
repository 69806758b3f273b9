//! From ended spans through the SDK's batch processor to a real UDP socket.

use std::{
    collections::HashSet,
    io::{self, Write},
    net::UdpSocket,
    sync::{Mutex, MutexGuard, PoisonError},
};

use e2e::{Receiver, end_at_once};
use opentelemetry_aws_xray::Xray;

/// A receiver that competes with other tests for two processors may have to wait too long for one.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pipeline(daemon_address: &impl ToString, nesting: bool) -> Xray {
    Xray::builder()
        .with_service_name("orders")
        .with_daemon_address(daemon_address.to_string())
        .with_exporter(|exporter| exporter.with_nesting(nesting))
        .build()
}

#[test]
fn rival_11_two_thousand_spans_at_once_arrive_complete() {
    let _alone = alone();
    for (nesting, traces, spans_each) in
        [(true, 100, 20), (true, 1, 2_000), (true, 2_000, 1), (false, 100, 20), (false, 2_000, 1)]
    {
        let what = format!("nesting={nesting}, {traces} traces of {spans_each} spans");
        let receiver = Receiver::bind("127.0.0.1:0").unwrap();
        let xray = pipeline(&receiver.address(), nesting);
        let ended = end_at_once(&xray, traces, spans_each);
        assert_eq!(ended.len(), 2_000, "{what}");
        xray.force_flush().unwrap();

        let stats = xray.stats();
        assert_eq!((stats.spans_in, stats.spans_sent, stats.spans_dropped()), (2_000, 2_000, 0), "{what}");
        assert_eq!(receiver.wait_for_spans(ended.len()), ended, "{what}");
        // A trace in one batch is one document; one that straddles batches of 512 has loose ends.
        let most = if nesting { traces + 2_000 / 512 * spans_each } else { 2_000 };
        assert!(stats.documents_sent <= most as u64, "{what}: {} documents", stats.documents_sent);
        receiver.close();
    }
}

#[test]
fn rival_10_a_daemon_that_restarts_misses_nothing() {
    let _alone = alone();
    let receiver = Receiver::bind("127.0.0.1:0").unwrap();
    let address = receiver.address();
    // By its name, which stands for both ::1 and 127.0.0.1 on most machines.
    let xray = pipeline(&format!("localhost:{}", address.port()), true);

    let before = end_at_once(&xray, 10, 5);
    xray.force_flush().unwrap();
    assert_eq!(receiver.wait_for_spans(before.len()), before);
    receiver.close();

    let meanwhile = end_at_once(&xray, 40, 5);
    xray.force_flush().unwrap();
    let stats = xray.stats();
    assert_eq!((stats.spans_sent, stats.spans_held, stats.spans_dropped()), (50, 200, 0));

    let receiver = Receiver::bind(address).unwrap();
    let after = end_at_once(&xray, 10, 5);
    xray.force_flush().unwrap();
    let expected: HashSet<_> = meanwhile.union(&after).copied().collect();
    assert_eq!(receiver.wait_for_spans(expected.len()), expected);
    let stats = xray.stats();
    assert_eq!((stats.spans_sent, stats.spans_held, stats.spans_dropped()), (300, 0, 0));
    receiver.close();
}

#[test]
fn spans_arrive_over_ipv6() {
    let _alone = alone();
    if let Err(error) = UdpSocket::bind("[::1]:0") {
        // Straight to stderr, since what a passing test prints is not shown.
        writeln!(io::stderr(), "SKIPPED spans_arrive_over_ipv6: no socket at [::1]: {error}").unwrap();
        return;
    }
    let receiver = Receiver::bind("[::1]:0").unwrap();
    let xray = pipeline(&receiver.address(), true);
    let ended = end_at_once(&xray, 10, 10);
    xray.force_flush().unwrap();
    assert_eq!(receiver.wait_for_spans(ended.len()), ended);
    receiver.close();
}
