//! One pipeline of traces for each service: all that a service needs to be seen in X-Ray.
//!
//! A program that is one service says [`install`](opentelemetry_aws_xray::XrayBuilder::install) instead of `build`,
//! uses the layers and tracers without handing a provider to each, and ends its subscriber with `init`.

use std::{error::Error, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
};
use opentelemetry::{
    Context, KeyValue,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_aws_xray::{
    Xray,
    logs::WithTraceId,
    tower::{AxumBodies, XrayClientLayer, XrayLayer},
};
#[cfg(feature = "aws")]
use opentelemetry_aws_xray::{aws_sdk::XrayInterceptor, messaging::Consumer};
use opentelemetry_sdk::trace::SdkTracer;
use tokio::task::spawn_blocking;
use tracing::{Dispatch, instrument::WithSubscriber};
use tracing_subscriber::{Layer, filter::LevelFilter, fmt, layer::SubscriberExt, registry};

/// Attributes that become annotations, by which the viewer and X-Ray find traces.
const INDEXED_ATTRIBUTES: [&str; 2] = ["hotrod.customer", "hotrod.driver"];

/// How often ended spans are sent. The default of five seconds is right for services and long for people who click.
const EXPORT_INTERVAL: Duration = Duration::from_millis(400);

/// The pipeline of one service, with its own name.
#[derive(Debug)]
pub(crate) struct Telemetry {
    xray: Xray,
    /// Makes spans of what `tracing` sees in the service, and log lines.
    subscriber: Dispatch,
}

impl Telemetry {
    /// A pipeline to the daemon at `daemon_address`.
    pub(crate) fn new(service: &'static str, daemon_address: &str, log: LevelFilter) -> Self {
        let xray = Xray::builder()
            .with_service_name(service)
            .with_daemon_address(daemon_address)
            .with_export_interval(EXPORT_INTERVAL)
            .with_exporter(|exporter| exporter.with_indexed_attributes(INDEXED_ATTRIBUTES))
            .build();
        let tracer = xray.tracer_provider().tracer("hotrod");
        let lines = fmt::layer().with_writer(io::stderr).map_event_format(WithTraceId::text);
        let subscriber = registry()
            .with(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(LevelFilter::INFO))
            .with(lines.with_filter(log));
        Self { xray, subscriber: subscriber.into() }
    }

    /// Routes with a span for each request, and with the service's subscriber for what happens inside.
    pub(crate) fn traced<S: Clone + Send + Sync + 'static>(&self, routes: Router<S>) -> Router<S> {
        let subscriber = self.subscriber.clone();
        routes.route_layer(self.server_layer()).route_layer(middleware::from_fn(
            move |request: Request, next: Next| next.run(request).with_subscriber(subscriber.clone()),
        ))
    }

    /// A span for each request that the service answers.
    fn server_layer(&self) -> XrayLayer<AxumBodies> {
        XrayLayer::axum()
            .with_tracer_provider(self.xray.tracer_provider())
            .with_propagator(self.xray.propagator())
            // There is no load balancer in front, so anybody could write these headers.
            .trust_forwarded(false)
    }

    /// A span for each call that the service makes.
    pub(crate) fn client_layer(&self) -> XrayClientLayer {
        XrayClientLayer::new()
            .with_tracer_provider(self.xray.tracer_provider())
            .with_propagator(self.xray.propagator())
            .with_context_missing(self.xray.context_missing())
    }

    /// A span for each call of the AWS SDK.
    #[cfg(feature = "aws")]
    pub(crate) fn aws_interceptor(&self) -> XrayInterceptor {
        XrayInterceptor::new()
            .with_tracer_provider(self.xray.tracer_provider())
            .with_context_missing(self.xray.context_missing())
    }

    /// A span for each batch of messages from a queue.
    #[cfg(feature = "aws")]
    pub(crate) fn consumer(&self, queue_url: &str) -> Consumer {
        Consumer::sqs(queue_url)
            .with_tracer_provider(self.xray.tracer_provider())
            .with_propagator(self.xray.propagator())
    }

    /// For spans of one's own.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.xray.tracer_provider().tracer("hotrod")
    }
}

/// Records on the active span of `cx` that its work failed, and why: X-Ray shows a fault with an exception.
pub(crate) fn record_error(cx: &Context, kind: &'static str, error: &impl Error) {
    let message = error.to_string();
    cx.span().add_event(
        "exception",
        vec![KeyValue::new("exception.type", kind), KeyValue::new("exception.message", message.clone())],
    );
    cx.span().set_status(Status::error(message));
}

/// The pipelines of all services.
#[derive(Debug, Clone)]
pub(crate) struct Pipelines(Arc<[Telemetry]>);

/// What became of all spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SpanCounts {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) dropped: u64,
}

impl Pipelines {
    pub(crate) fn new(pipelines: impl Into<Arc<[Telemetry]>>) -> Self {
        Self(pipelines.into())
    }

    /// Sends what is left, stops, and counts.
    pub(crate) async fn shutdown(&self) -> SpanCounts {
        // It fails if it takes longer than five seconds; the counts tell what was not sent.
        self.on_each(|xray| drop(xray.shutdown())).await;
        self.0.iter().map(|telemetry| telemetry.xray.stats()).fold(SpanCounts::default(), |counts, stats| {
            SpanCounts {
                received: counts.received + stats.spans_in,
                sent: counts.sent + stats.spans_sent,
                dropped: counts.dropped + stats.spans_dropped(),
            }
        })
    }

    /// Runs what blocks on a thread that may be blocked.
    async fn on_each(&self, work: impl Fn(&Xray) + Send + 'static) {
        let pipelines = Arc::clone(&self.0);
        // An error says that the work panicked, which has been told on stderr.
        let _ = spawn_blocking(move || pipelines.iter().for_each(|telemetry| work(&telemetry.xray))).await;
    }
}
