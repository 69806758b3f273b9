//! Beneath an application whose every `tracing` span is exported: what the calls to X-Ray do is not.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{layer::SubscriberExt, registry};
use xray_local::{Effect, ErrorAnswer, Fault, Faults};

use crate::{road::Road, way::Way};

/// The names of all spans that were exported.
#[derive(Debug, Clone, Default)]
struct Names(Arc<Mutex<Vec<String>>>);

impl SpanExporter for Names {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch.into_iter().map(|span| span.name.into_owned()));
        Ok(())
    }
}

#[test]
fn rival_08_calls_to_x_ray_are_not_traced() {
    let exported = Names::default();
    let application = SdkTracerProvider::builder().with_simple_exporter(exported.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(application.tracer("app"));
    // For all threads and levels.
    tracing::subscriber::set_global_default(registry().with(layer).with(LevelFilter::TRACE)).unwrap();
    Way::each(Way::ALL, |way| {
        // Connections are made anew, warnings are given, and the callback is called.
        let faults = Faults::default()
            .with(Fault::from(Effect::ResetAfterBody).times(1))
            .with(Fault::from(ErrorAnswer::new(404)).times(1));
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let mut road = Road::open_with(way, faults, |xray| {
            xray.with_exporter(|exporter| {
                exporter.with_on_rejected(move |_| {
                    // Where calls are made, as an HTTP client with spans of its own would.
                    let span = tracing::info_span!(target: "http::client", "POST");
                    count.fetch_add(usize::from(!span.is_disabled()), Relaxed);
                })
            })
        });
        for _ in 0..3 {
            road.end(1, 1);
            road.settle();
        }
        assert_eq!(made.load(Relaxed), 1, "{way:?}");
        assert_eq!(road.close().struck, [1, 1], "{way:?}");
    });
    tracing::info_span!("work of the application").in_scope(|| {});
    assert_eq!(*exported.0.lock().unwrap(), ["work of the application"]);
}
