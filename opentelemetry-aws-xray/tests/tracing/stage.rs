//! A pipeline into memory beneath a subscriber of `tracing`.

use opentelemetry::trace::TracerProvider;
use opentelemetry_aws_xray::{Xray, sink::MemorySink};
use serde_json::Value;
use tracing::Dispatch;
use tracing_subscriber::{layer::SubscriberExt, registry};

pub(crate) struct Stage {
    pub(crate) xray: Xray,
    pub(crate) subscriber: Dispatch,
    sink: MemorySink,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let sink = MemorySink::default();
        let taken = sink.clone();
        let xray = Xray::builder()
            .with_service_name("shop")
            .with_exporter(|exporter| exporter.with_sink(taken).with_indexed_attributes(["order.id"]))
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(xray.tracer_provider().tracer("test"));
        Self { xray, subscriber: Dispatch::new(registry().with(layer)), sink }
    }

    /// Runs `work` under the subscriber.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.subscriber, work)
    }

    /// The documents of all that has ended.
    pub(crate) fn documents(&self) -> Vec<Value> {
        self.xray.force_flush().unwrap();
        self.sink.take().iter().map(|document| serde_json::from_str(document).unwrap()).collect()
    }

    /// The one document of all that has ended.
    pub(crate) fn document(&self) -> Value {
        let mut documents = self.documents();
        assert_eq!(documents.len(), 1, "{documents:#?}");
        documents.remove(0)
    }
}
