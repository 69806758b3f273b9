//! Spans that `tracing` makes, in a job without server and without async runtime; part of `docs/getting-started.md`.

use opentelemetry::trace::TracerProvider;
use opentelemetry_aws_xray::Xray;
use tracing::{info, info_span, subscriber::with_default};
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

fn main() {
    // What it finds wrong in the environment is told here, before the subscriber that needs its tracer.
    let xray = with_default(tracing_subscriber::fmt().finish(), || {
        Xray::builder().with_service_name("nightly").install()
    });
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_subscriber::fmt::layer())
        .with(tracing_opentelemetry::layer().with_tracer(xray.tracer_provider().tracer("nightly")))
        .init();

    info_span!("close the books", shop = 7).in_scope(|| {
        let orders = info_span!("read orders").in_scope(|| 392);
        info!(orders, "closed");
    });

    xray.shutdown().ok();
}
