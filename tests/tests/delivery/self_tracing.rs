//! Beneath an application whose every `tracing` span goes to X-Ray: what the calls to X-Ray do goes nowhere.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use opentelemetry::trace::TracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{layer::SubscriberExt, registry};
use xray_local::{Effect, Fault, Faults, Unprocessed};

use crate::road::Road;

#[test]
fn rival_08_calls_to_x_ray_are_not_traced() {
    // Failures, so that warnings are given, connections made anew, and the callback called.
    let faults = Faults::default()
        .with(Fault::from(Effect::ResetAfterBody).times(1))
        .with(Fault::from(Unprocessed::new(1.0, "InvalidSegment")).times(1));
    let made_by_us = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made_by_us);
    // The callback runs where calls are made, and does what an HTTP client with spans of its own would do there.
    let road = Road::open_with(faults, |xray, _| {
        xray.with_exporter(|exporter| {
            exporter.with_nesting(false).with_on_rejected(move |_| {
                let span = tracing::info_span!(target: "http::client", "POST");
                count.fetch_add(usize::from(!span.is_disabled()), Relaxed);
            })
        })
    });
    let layer = tracing_opentelemetry::layer().with_tracer(road.xray.tracer_provider().tracer("app"));
    // For all threads and levels.
    tracing::subscriber::set_global_default(registry().with(layer).with(LevelFilter::TRACE)).unwrap();
    for _ in 0..10 {
        tracing::info_span!("request").in_scope(|| tracing::info_span!("work").in_scope(|| {}));
        // What the calls of one flush made would come with the next.
        road.settle();
    }
    let outcome = road.close();
    let stats = outcome.stats;
    assert_eq!((stats.spans_ended, outcome.struck), (20, vec![1, 1]), "{stats:?}");
    assert_eq!(
        (made_by_us.load(Relaxed), stats.spans_dropped(), outcome.arrived.len()),
        (2, 2, 18),
        "{stats:?}"
    );
}
