//! Straight to X-Ray from wherever spans end: the SDK's processors in all kinds of runtimes, and beneath `tracing`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_aws_xray::{
    Xray, XrayExporter, XrayIdGenerator,
    aws::{Direct, DirectSink},
};
use opentelemetry_sdk::{
    runtime,
    trace::{
        BatchSpanProcessor, SdkTracerProvider, SimpleSpanProcessor, TracerProviderBuilder,
        span_processor_with_async_runtime::BatchSpanProcessor as AsyncBatchSpanProcessor,
    },
};
use tokio::runtime::Builder;
use tracing_subscriber::{layer::SubscriberExt, registry};

/// A scenario that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const SPANS: u64 = 3;

/// An X-Ray that takes everything. Hands back its URL.
fn xray() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            thread::spawn(move || take_all(connection.unwrap()));
        }
    });
    url
}

fn take_all(connection: TcpStream) {
    let mut reader = BufReader::new(connection);
    loop {
        let head: Vec<_> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(length) = head.iter().find_map(|line| line.strip_prefix("content-length: ")) else { return };
        reader.by_ref().take(length.parse().unwrap()).read_to_end(&mut Vec::new()).unwrap();
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    }
}

fn sink(url: &str) -> DirectSink {
    let credentials = Credentials::new("AKID", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    DirectSink::new(Direct::new().with_sdk_config(config).with_endpoint(url))
}

fn end_spans(provider: &SdkTracerProvider) {
    let tracer = provider.tracer("test");
    for _ in 0..SPANS {
        tracer.start("work").end();
    }
}

#[derive(Debug, Clone, Copy)]
enum Processor {
    Batch,
    Simple,
    /// The batch processor that runs as a task of the application's runtime.
    Async,
}

impl Processor {
    const ALL: [Self; 3] = [Self::Batch, Self::Simple, Self::Async];

    fn provider(self, exporter: XrayExporter) -> SdkTracerProvider {
        let builder = TracerProviderBuilder::default().with_id_generator(XrayIdGenerator::default());
        match self {
            Self::Batch => builder.with_span_processor(BatchSpanProcessor::builder(exporter).build()),
            Self::Simple => builder.with_span_processor(SimpleSpanProcessor::new(exporter)),
            Self::Async => builder
                .with_span_processor(AsyncBatchSpanProcessor::builder(exporter, runtime::Tokio).build()),
        }
        .build()
    }
}

/// Ends spans where the scenario says, shuts down, and hands back how many spans were sent. One that hangs fails.
fn sent(
    processor: Processor,
    name: &str,
    scenario: impl FnOnce(Processor, XrayExporter) + Send + 'static,
) -> u64 {
    let exporter = XrayExporter::builder().with_sink(sink(&xray())).build();
    let stats = exporter.stats_handle();
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        scenario(processor, exporter);
        let _ = done.send(());
    });
    if let Err(error) = is_done.recv_timeout(PATIENCE) {
        panic!("{processor:?} {name}: {error}");
    }
    stats.now().spans_sent
}

#[test]
fn without_a_runtime() {
    for processor in [Processor::Batch, Processor::Simple] {
        let sent = sent(processor, "without a runtime", |processor, exporter| {
            let provider = processor.provider(exporter);
            end_spans(&provider);
            provider.shutdown().unwrap();
        });
        assert_eq!(sent, SPANS, "{processor:?}");
    }
}

#[test]
fn within_runtimes() {
    for (name, mut builder) in
        [("multi-thread", Builder::new_multi_thread()), ("current-thread", Builder::new_current_thread())]
    {
        for processor in Processor::ALL {
            let runtime = builder.worker_threads(1).enable_all().build().unwrap();
            let sent = sent(processor, name, move |processor, exporter| {
                runtime.block_on(async {
                    let provider = processor.provider(exporter);
                    end_spans(&provider);
                    if matches!(processor, Processor::Async) {
                        // On a thread of the runtime this would wait for a task that waits for the thread.
                        tokio::task::spawn_blocking(move || provider.shutdown()).await.unwrap().unwrap();
                    } else {
                        provider.shutdown().unwrap();
                    }
                });
            });
            assert_eq!(sent, SPANS, "{processor:?} {name}");
        }
    }
}

#[test]
fn after_the_runtime_has_gone() {
    for processor in Processor::ALL {
        let sent = sent(processor, "after the runtime", |processor, exporter| {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let provider = runtime.block_on(async { processor.provider(exporter) });
            drop(runtime);
            end_spans(&provider);
            // The processor that was a task of the runtime went with it, and says so.
            let _ = provider.shutdown();
        });
        let expected = if matches!(processor, Processor::Async) { 0 } else { SPANS };
        assert_eq!(sent, expected, "{processor:?}");
    }
}

/// With every span of every thread traced, those of the AWS SDK and its HTTP client among them.
#[test]
fn rival_08_what_is_sent_gives_rise_to_nothing_to_send() {
    let xray = Xray::builder().with_exporter(|exporter| exporter.with_sink(sink(&xray()))).build();
    let layer = tracing_opentelemetry::layer().with_tracer(xray.tracer_provider().tracer("test"));
    tracing::subscriber::set_global_default(registry().with(layer)).unwrap();
    tracing::info_span!("request").in_scope(|| {
        tracing::info_span!("work").in_scope(|| tracing::info_span!("GET /users/{id}").in_scope(|| {}));
    });
    // Each flush waits until X-Ray has answered, so that the next one would find what the call gave rise to.
    for _ in 0..3 {
        xray.force_flush().unwrap();
    }
    xray.shutdown().unwrap();
    assert_eq!((xray.stats().spans_in, xray.stats().spans_sent), (SPANS, SPANS), "{:?}", xray.stats());
}
