//! The exporter beneath spans that `tracing` makes: it opens none of its own, so it can neither wait for itself nor feed
//! itself.

use std::{net::UdpSocket, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_aws_xray::{ExporterStats, XrayExporter, XrayIdGenerator};
use opentelemetry_sdk::{
    runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use tracing::Dispatch;
use tracing_subscriber::{layer::SubscriberExt, registry};

/// A port where nobody listens, so that the exporter has something to warn of.
fn closed_port() -> String {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn exporter(address: &str) -> XrayExporter {
    XrayExporter::builder().with_daemon_address(address).build()
}

/// Ends three spans, one inside the other.
fn three_spans(provider: &SdkTracerProvider) {
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing::dispatcher::with_default(&Dispatch::new(registry().with(layer)), || {
        tracing::info_span!("request").in_scope(|| {
            tracing::info_span!("work").in_scope(|| tracing::info_span!("GET /users/{id}").in_scope(|| {}));
        });
    });
}

fn accounted(stats: &ExporterStats) -> u64 {
    stats.spans_sent + stats.spans_held + stats.spans_dropped()
}

#[test]
fn rival_07_the_simple_processor_does_not_wait_for_itself() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    for address in [receiver.local_addr().unwrap().to_string(), closed_port()] {
        let exporter = exporter(&address);
        let stats = exporter.stats_handle();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter)
            .with_id_generator(XrayIdGenerator::default())
            .build();
        three_spans(&provider);
        assert_eq!((stats.now().spans_in, accounted(&stats.now())), (3, 3), "{address}");
        provider.shutdown().unwrap();
    }
}

#[test]
fn rival_08_the_async_processor_does_not_feed_itself() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    for address in [receiver.local_addr().unwrap().to_string(), closed_port()] {
        let tokio =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let exporter = exporter(&address);
        let stats = exporter.stats_handle();
        let provider = {
            let _inside = tokio.enter();
            let processor = BatchSpanProcessor::builder(exporter, runtime::Tokio).build();
            SdkTracerProvider::builder().with_span_processor(processor).build()
        };
        // Every thread of the runtime listens to spans as well, as it would in a service.
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("runtime"));
        tokio.block_on(async {
            let listening = Dispatch::new(registry().with(layer));
            let listen =
                tokio::spawn(async move { std::mem::forget(tracing::dispatcher::set_default(&listening)) });
            listen.await.unwrap();
        });
        three_spans(&provider);
        provider.force_flush().unwrap();
        provider.force_flush().unwrap();
        assert_eq!((stats.now().spans_in, accounted(&stats.now())), (3, 3), "{address}");
        provider.shutdown_with_timeout(Duration::from_secs(5)).unwrap();
    }
}
