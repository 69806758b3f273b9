//! What a client's span says, and what the other side hears.

use std::{convert::Infallible, future::Ready};

use axum::{Router, body::Body, http::HeaderMap, routing::get as on_get};
use http::{Request, StatusCode, Uri};
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanId, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{
    ContextMissing, ContextMissingError,
    tower::{CountResendsLayer, XrayClient, XrayLayer},
};
use opentelemetry_sdk::trace::Sampler;
use tower::{
    BoxError, Layer, ServiceBuilder, ServiceExt,
    retry::{Policy, RetryLayer},
};

use crate::support::{HyperClient, World, attribute, exception, fetch, get, hyper_client, is_error, serve};

/// A context with an active span.
fn active(world: &World) -> Context {
    Context::new().with_span(world.provider.tracer("test").start("work"))
}

/// A server that answers with the trace header that it got, `-` for none.
async fn echo() -> String {
    let handler = |headers: HeaderMap| async move {
        headers.get("x-amzn-trace-id").map_or("-".to_owned(), |value| value.to_str().unwrap().to_owned())
    };
    let address = serve(Router::new().route("/", on_get(handler))).await;
    format!("http://{address}/")
}

async fn read(client: XrayClient<HyperClient>, url: String) -> String {
    let request = Request::get(url).body(Body::empty()).unwrap();
    let response = client.oneshot(request).await.unwrap();
    String::from_utf8(response.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_chain_of_services_is_one_trace() {
    let mut world = World::new(Sampler::AlwaysOn);
    let backend = serve(Router::new().route("/b", on_get(|| async { "deep" })).layer(world.layer())).await;
    let url = format!("http://{backend}/b?sig=secret");
    let with_hyper = world.client_layer().layer(hyper_client());
    let with_reqwest = world.client_layer().layer(reqwest::Client::new());
    let (for_hyper, for_reqwest) = (url.clone(), url.clone());
    let app = Router::new()
        .route("/hyper", on_get(move || read(with_hyper, for_hyper)))
        .route(
            "/reqwest",
            on_get(move || async move {
                let request = reqwest::Request::new(http::Method::GET, for_reqwest.parse().unwrap());
                let response = with_reqwest.oneshot(request).await.unwrap();
                assert_eq!(response.url().as_str(), for_reqwest);
                assert_eq!(response.content_length(), Some(4));
                response.text().await.unwrap()
            }),
        )
        .layer(world.layer());
    let frontend = serve(app).await;

    for path in ["/hyper", "/reqwest"] {
        assert_eq!(fetch(get(frontend, path)).await.body(), "deep");
        let spans = [world.span().await, world.span().await, world.span().await];
        let find = |kind: SpanKind, port: u16| {
            let port = port.to_string();
            spans
                .iter()
                .find(|span| span.span_kind == kind && attribute(span, "server.port") == port)
                .unwrap()
        };
        let outer = find(SpanKind::Server, frontend.port());
        let call = find(SpanKind::Client, backend.port());
        let inner = find(SpanKind::Server, backend.port());
        assert_eq!(outer.parent_span_id, SpanId::INVALID);
        assert_eq!(call.parent_span_id, outer.span_context.span_id());
        assert_eq!(inner.parent_span_id, call.span_context.span_id());
        assert!(spans.iter().all(|span| span.span_context.trace_id() == outer.span_context.trace_id()));

        assert_eq!(call.name, "GET");
        for (key, expected) in [
            ("http.request.method", "GET"),
            ("url.full", url.replace("secret", "REDACTED").as_str()),
            ("server.address", "127.0.0.1"),
            ("network.protocol.version", "1.1"),
            ("http.response.status_code", "200"),
            ("http.response.body.size", "4"),
        ] {
            assert_eq!(attribute(call, key), expected, "{path} {key}");
        }
    }
}

#[tokio::test]
async fn an_unsampled_trace_is_unsampled_further_down() {
    let mut world = World::new(Sampler::parent_based(Sampler::AlwaysOn));
    let url = echo().await;
    let client = world.client_layer().layer(hyper_client());
    let app = Router::new().route("/", on_get(move || read(client, url))).layer(world.layer());
    let address = serve(app).await;
    let mut request = get(address, "/");
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";
    request.headers_mut().insert("x-amzn-trace-id", header.parse().unwrap());
    let heard = fetch(request).await.into_body();
    assert!(heard.starts_with("Root=1-5759e988-bd862e3fe1be46a994272793;Parent="), "{heard}");
    assert!(heard.contains(";Sampled=0"), "{heard}");
    assert!(world.is_quiet());
}

#[tokio::test]
async fn without_a_span_the_request_goes_out_as_it_is() {
    let mut world = World::new(Sampler::AlwaysOn);
    let layer = world.client_layer().with_context_missing(ContextMissing::IgnoreError);
    let url = echo().await;
    assert_eq!(read(layer.layer(hyper_client()), url.clone()).await, "-");
    let request = reqwest::Request::new(http::Method::GET, url.parse().unwrap());
    let response = layer.layer(reqwest::Client::new()).oneshot(request).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "-");
    assert!(world.is_quiet());
}

#[tokio::test]
async fn suppressed_telemetry_stays_silent() {
    let mut world = World::new(Sampler::AlwaysOn);
    let cx = active(&world).with_telemetry_suppressed();
    let client = world.client_layer().layer(hyper_client());
    assert_eq!(read(client, echo().await).with_context(cx.clone()).await, "-");
    assert!(world.is_quiet());
}

#[tokio::test]
async fn both_4xx_and_5xx_are_a_clients_errors() {
    for (status, expected_error, expected_type) in [(200, false, ""), (404, true, "404"), (503, true, "503")]
    {
        let mut world = World::new(Sampler::AlwaysOn);
        let handler = move || async move { StatusCode::from_u16(status).unwrap() };
        let address = serve(Router::new().route("/", on_get(handler))).await;
        let client = world.client_layer().layer(hyper_client());
        let cx = active(&world);
        read(client, format!("http://{address}/")).with_context(cx.clone()).await;
        let span = world.span().await;
        assert_eq!(
            (is_error(&span), attribute(&span, "error.type").as_str()),
            (expected_error, expected_type)
        );
    }
}

#[tokio::test]
async fn a_call_that_fails_is_an_error() {
    let mut world = World::new(Sampler::AlwaysOn);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cx = active(&world);
    let client = world.client_layer().layer(hyper_client());
    client.oneshot(get(closed, "/")).with_context(cx.clone()).await.unwrap_err();
    let span = world.span().await;
    assert!(is_error(&span));
    assert_eq!(attribute(&span, "error.type"), "hyper_util::client::legacy::client::Error");

    // In a box it can tell its sources.
    let boxed = ServiceExt::<Request<_>>::map_err(hyper_client(), BoxError::from);
    let client = world.client_layer().layer(boxed);
    client.oneshot(get(closed, "/")).with_context(cx.clone()).await.unwrap_err();
    let told = exception(&world.span().await);
    let expected = "Box<dyn Error>: client error (Connect): tcp connect error: Connection refused";
    assert!(told.starts_with(expected), "{told}");

    let url = format!("http://{closed}/?X-Amz-Signature=secret");
    let request = reqwest::Request::new(http::Method::GET, url.parse().unwrap());
    let client = world.client_layer().layer(reqwest::Client::new());
    client.oneshot(request).with_context(cx.clone()).await.unwrap_err();
    let told = exception(&world.span().await);
    assert!(told.starts_with("reqwest::error::Error: "), "{told}");
    assert!(told.contains("X-Amz-Signature=REDACTED") && !told.contains("secret"), "{told}");
}

#[tokio::test]
async fn a_response_that_is_not_read_to_its_end_is_no_error() {
    let mut world = World::new(Sampler::AlwaysOn);
    let cx = active(&world);
    let client = world.client_layer().layer(hyper_client());
    let address = serve(Router::new().route("/", on_get(|| async { "long" }))).await;
    let response = client.oneshot(get(address, "/")).with_context(cx.clone()).await.unwrap();
    assert!(world.is_quiet());
    drop(response);
    let span = world.span().await;
    assert!(!is_error(&span));
    assert_eq!(attribute(&span, "xray.response.aborted"), "");
    assert_eq!(attribute(&span, "http.response.body.size"), "");
}

#[tokio::test]
async fn a_call_that_is_given_up_says_so() {
    let mut world = World::new(Sampler::AlwaysOn);
    let cx = active(&world);
    let service = tower::service_fn(|_: Request<()>| {
        std::future::pending::<Result<http::Response<Body>, std::fmt::Error>>()
    });
    let call = world.client_layer().layer(service).oneshot(Request::new(())).with_context(cx.clone());
    assert!(futures_now(call).is_none());
    assert_eq!(attribute(&world.span().await, "xray.response.aborted"), "head");
}

#[tokio::test]
async fn what_is_told_to_a_layer_is_recorded() {
    let mut world = World::new(Sampler::AlwaysOn);
    let cx = active(&world);
    let service =
        || tower::service_fn(async |_: Request<()>| Ok::<_, Infallible>(http::Response::new(Body::empty())));
    let layer = || world.client_layer().with_origin(Uri::from_static("https://orders.internal/"));
    let (plain, traced) = (layer(), layer().with_traced_callee(true));
    let request = || Request::get("/a?token=secret").body(()).unwrap();
    for (layer, traced) in [(plain, ""), (traced, "true")] {
        drop(layer.layer(service()).oneshot(request()).with_context(cx.clone()).await);
        let span = world.span().await;
        for (key, expected) in [
            ("url.full", "https://orders.internal/a?token=REDACTED"),
            ("server.address", "orders.internal"),
            ("server.port", "443"),
            ("aws.xray.traced", traced),
            ("http.request.resend_count", ""),
        ] {
            assert_eq!(attribute(&span, key), expected, "{key}");
        }
    }
}

#[tokio::test]
async fn each_attempt_says_which_one_it_is() {
    /// Sends a request three times in all.
    #[derive(Clone)]
    struct Thrice(u32);

    impl<Res> Policy<Request<()>, Res, &'static str> for Thrice {
        type Future = Ready<()>;

        fn retry(
            &mut self,
            _: &mut Request<()>,
            result: &mut Result<Res, &'static str>,
        ) -> Option<Ready<()>> {
            self.0 += 1;
            (result.is_err() && self.0 < 3).then(|| std::future::ready(()))
        }

        fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
            Some(request.clone())
        }
    }

    let mut world = World::new(Sampler::AlwaysOn);
    let cx = active(&world);
    let inside = world.client_layer().layer(tower::service_fn(async |_: Request<()>| {
        Err::<http::Response<Body>, _>("a token is of no use")
    }));
    // Whatever an attempt calls by itself is no attempt.
    let refreshing = tower::service_fn(move |_: Request<()>| inside.clone().oneshot(Request::new(())));
    let client = ServiceBuilder::new()
        .layer(CountResendsLayer::new())
        .layer(RetryLayer::new(Thrice(0)))
        .layer(world.client_layer())
        .service(refreshing);
    client.oneshot(Request::new(())).with_context(cx.clone()).await.unwrap_err();
    for expected in ["", "1", "2"] {
        assert_eq!(attribute(&world.span().await, "http.request.resend_count"), "");
        assert_eq!(attribute(&world.span().await, "http.request.resend_count"), expected);
    }
    assert!(world.is_quiet());
}

#[tokio::test]
async fn only_a_fallible_layer_fails_without_a_span() {
    let mut world = World::new(Sampler::AlwaysOn);
    let layer = world.client_layer().with_context_missing(ContextMissing::RuntimeError);
    let url = echo().await;
    assert_eq!(read(layer.clone().layer(hyper_client()), url.clone()).await, "-");

    let client = layer.fallible().layer(hyper_client());
    let request = || Request::get(&url).body(Body::empty()).unwrap();
    let error = client.clone().oneshot(request()).await.unwrap_err();
    assert_eq!(
        error.downcast_ref::<ContextMissingError>().unwrap().to_string(),
        "expected an active trace for an outgoing call, but found none"
    );
    let cx = active(&world);
    let response = client.oneshot(request()).with_context(cx.clone()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    drop(response);
    assert_eq!(attribute(&world.span().await, "http.response.status_code"), "200");
}

/// Polls once, then drops.
fn futures_now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn layers_can_be_shared_between_threads() {
    fn check<T: Clone + Send + Sync + std::fmt::Debug + 'static>(_: &T) {}
    check(&XrayLayer::new());
    check(&opentelemetry_aws_xray::tower::XrayClientLayer::new());
    assert_eq!(size_of::<opentelemetry_aws_xray::tower::XrayService<()>>(), size_of::<usize>());
}
