//! A world with a tracer provider whose ended spans can be awaited, and a server in it.

use std::{fmt, net::SocketAddr, sync::Mutex, time::Duration};

use axum::{Router, body::Body};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry::{Context, trace::Status};
use opentelemetry_aws_xray::{
    XrayExporter,
    propagator::XrayPropagator,
    sink::MemorySink,
    tower::{AxumBodies, XrayClientLayer, XrayLayer},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, ShouldSample, Span, SpanData, SpanProcessor, TracerProviderBuilder},
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type HyperClient = Client<HttpConnector, Body>;

pub(crate) struct World {
    pub(crate) provider: SdkTracerProvider,
    ended: mpsc::UnboundedReceiver<SpanData>,
}

impl World {
    pub(crate) fn new(sampler: impl ShouldSample + 'static) -> Self {
        Self::build(SdkTracerProvider::builder().with_sampler(sampler))
    }

    /// One that samples everything, and whose spans are documents in the sink by the time that they can be awaited.
    pub(crate) fn of_documents() -> (Self, MemorySink) {
        let sink = MemorySink::default();
        let exporter = XrayExporter::builder().with_sink(sink.clone()).build();
        (Self::build(SdkTracerProvider::builder().with_simple_exporter(exporter)), sink)
    }

    fn build(builder: TracerProviderBuilder) -> Self {
        let (sender, ended) = mpsc::unbounded_channel();
        let provider = builder.with_span_processor(Tell(Mutex::new(sender))).build();
        Self { provider, ended }
    }

    pub(crate) fn layer(&self) -> XrayLayer<AxumBodies> {
        self.dress(XrayLayer::axum())
    }

    pub(crate) fn dress<B>(&self, layer: XrayLayer<B>) -> XrayLayer<B> {
        layer.with_tracer_provider(&self.provider).with_propagator(XrayPropagator::new())
    }

    pub(crate) fn client_layer(&self) -> XrayClientLayer {
        XrayClientLayer::new().with_tracer_provider(&self.provider).with_propagator(XrayPropagator::new())
    }

    /// The next span that ends.
    pub(crate) async fn span(&mut self) -> SpanData {
        timeout(PATIENCE, self.ended.recv()).await.unwrap().unwrap()
    }

    /// Whether no span has ended that was not asked for.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.ended.try_recv().is_err()
    }
}

/// Sends every sampled span that ends.
struct Tell(Mutex<mpsc::UnboundedSender<SpanData>>);

impl SpanProcessor for Tell {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            let _ = self.0.lock().unwrap().send(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tell")
    }
}

pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

pub(crate) fn hyper_client() -> HyperClient {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) async fn fetch(request: Request<Body>) -> Response<String> {
    let (head, body) = hyper_client().request(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(bytes.to_vec()).unwrap())
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Request<Body> {
    Request::get(format!("http://{address}{path}")).body(Body::empty()).unwrap()
}

/// The attribute as text; empty if there is none.
pub(crate) fn attribute(span: &SpanData, key: &str) -> String {
    let found = span.attributes.iter().find(|kv| kv.key.as_str() == key);
    found.map(|kv| kv.value.to_string()).unwrap_or_default()
}

pub(crate) fn is_error(span: &SpanData) -> bool {
    matches!(span.status, Status::Error { .. })
}

/// `type: message` of the exception event; empty if there is none.
pub(crate) fn exception(span: &SpanData) -> String {
    let Some(event) = span.events.iter().find(|event| event.name == "exception") else {
        return String::new();
    };
    let text = |key| event.attributes.iter().find(|kv| kv.key.as_str() == key).unwrap().value.to_string();
    format!("{}: {}", text("exception.type"), text("exception.message"))
}
