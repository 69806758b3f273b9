//! From ended spans through the daemon's TCP road to an X-Ray that has bad days: what was called sent is there, and nothing is lost
//! without a reason.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use e2e::end_at_once;
use opentelemetry_aws_xray::{DropReason, Xray, config::Transport};
use tokio::runtime::Runtime;
use xray_local::{Effect, ErrorAnswer, Fault, Faults, Snapshot, Unprocessed, XrayLocal};
use xray_wire::SegmentId;

fn start(runtime: &Runtime, faults: Faults) -> XrayLocal {
    let builder = XrayLocal::builder().with_addr("127.0.0.1:0").with_faults(faults);
    runtime.block_on(builder.start()).unwrap()
}

fn pipeline(xray: &XrayLocal, told: &Arc<Mutex<u64>>) -> Xray {
    let told = Arc::clone(told);
    Xray::builder()
        .with_service_name("orders")
        .with_daemon_address(xray.addr().to_string())
        .with_transport(Transport::Tcp)
        .with_exporter(|exporter| {
            let counted = move |spans| *told.lock().unwrap() += u64::from(spans);
            exporter.with_nesting(false).with_on_rejected(move |rejected| counted(rejected.spans))
        })
        .build()
}

fn ids(snapshot: &Snapshot) -> HashSet<SegmentId> {
    let documents = snapshot.traces.iter().flat_map(|trace| &trace.documents);
    documents.flat_map(|document| &document.nodes).map(|node| node.id).collect()
}

#[test]
fn on_a_bad_day_everything_arrives_or_has_a_reason() {
    let throttled = ErrorAnswer::new(429).with_code("ThrottledException");
    let bad = Unprocessed::new(0.1, "InvalidSegment").permanent();
    let rows: [(&str, Faults, &[DropReason]); 9] = [
        ("a good day", Faults::default(), &[]),
        ("throttled", Faults::default().with(Fault::from(throttled).times(3)), &[]),
        ("slow", Faults::default().with(Effect::Delay(Duration::from_millis(100))), &[]),
        ("reset before", Faults::default().with(Fault::from(Effect::ResetBeforeBody).times(2)), &[]),
        ("reset after", Faults::default().with(Fault::from(Effect::ResetAfterBody).times(2)), &[]),
        ("answers lost", Faults::default().with(Fault::from(Effect::LostAnswer).times(2)), &[]),
        ("half answers", Faults::default().with(Fault::from(Effect::HalfAnswer).times(2)), &[]),
        (
            "some not now",
            Faults::default().with(Fault::from(Unprocessed::new(0.1, "InternalFailure")).times(3)),
            &[],
        ),
        ("some never", Faults::default().with(bad), &[DropReason::Rejected]),
    ];
    let runtime = Runtime::new().unwrap();
    for (what, faults, reasons) in rows {
        let xray_local = start(&runtime, faults);
        let told = Arc::default();
        let xray = pipeline(&xray_local, &told);
        let ended = end_at_once(&xray, 60, 5);
        // Attempts may take longer than one flush.
        for _ in 0..4 {
            let _ = xray.force_flush();
        }
        let stats = xray.stats();
        let arrived = ids(&runtime.block_on(xray_local.shutdown()));
        assert_eq!((stats.spans_in, stats.spans_held), (300, 0), "{what}: {stats:?}");
        assert_eq!(stats.spans_sent + stats.spans_dropped(), 300, "{what}: {stats:?}");
        assert_eq!(arrived.len() as u64, stats.spans_sent, "{what}: {stats:?}");
        assert!(arrived.is_subset(&ended), "{what}");
        assert_eq!(stats.spans_dropped() > 0, !reasons.is_empty(), "{what}: {stats:?}");
        let expected: u64 = reasons.iter().map(|reason| stats.dropped(*reason)).sum();
        assert_eq!((stats.spans_dropped(), *told.lock().unwrap()), (expected, expected), "{what}: {stats:?}");
    }
}

#[test]
fn a_daemon_that_restarts_misses_nothing() {
    let runtime = Runtime::new().unwrap();
    let mut xray_local = start(&runtime, Faults::default());
    let xray = pipeline(&xray_local, &Arc::default());
    let mut ended = end_at_once(&xray, 10, 5);
    xray.force_flush().unwrap();
    runtime.block_on(xray_local.stop_listening());
    ended.extend(end_at_once(&xray, 40, 5));
    xray.force_flush().unwrap();
    let stats = xray.stats();
    assert_eq!((stats.spans_sent, stats.spans_held, stats.spans_dropped()), (50, 200, 0), "{stats:?}");
    runtime.block_on(xray_local.listen_again()).unwrap();
    xray.shutdown().unwrap();
    let stats = xray.stats();
    assert_eq!((stats.spans_sent, stats.spans_held, stats.spans_dropped()), (250, 0, 0), "{stats:?}");
    assert_eq!(ids(&runtime.block_on(xray_local.shutdown())), ended);
}
