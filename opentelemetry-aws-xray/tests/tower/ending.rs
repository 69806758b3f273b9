//! When a server's span ends, and how.

use std::{
    convert::Infallible,
    future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context as TaskContext, Poll},
};

use axum::{Router, body::Body, routing::get as on_get};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt},
};
use opentelemetry_aws_xray::tower::XrayBody;
use opentelemetry_sdk::trace::Sampler;
use tokio::sync::{Notify, mpsc};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;

use crate::support::{World, attribute, exception, get, hyper_client, is_error, serve};

pub(crate) type Chunk = Result<&'static str, &'static str>;

/// A body that is fed by a channel, and tells which span was active when it was polled.
pub(crate) struct Fed {
    chunks: mpsc::UnboundedReceiver<Chunk>,
    polled_in: mpsc::UnboundedSender<SpanId>,
    size: SizeHint,
}

impl http_body::Body for Fed {
    type Data = axum::body::Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let _ = self.polled_in.send(Context::current().span().span_context().span_id());
        self.chunks.poll_recv(cx).map(|chunk| chunk.map(|chunk| chunk.map(|text| Frame::data(text.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

pub(crate) fn fed() -> (mpsc::UnboundedSender<Chunk>, mpsc::UnboundedReceiver<SpanId>, Fed) {
    let (feed, chunks) = mpsc::unbounded_channel();
    let (polled_in, active) = mpsc::unbounded_channel();
    (feed, active, Fed { chunks, polled_in, size: SizeHint::default() })
}

/// A server whose one response has `body`.
async fn serve_body(world: &World, body: Fed) -> SocketAddr {
    let body = Arc::new(Mutex::new(Some(body)));
    let handler = move || future::ready(Body::new(body.lock().unwrap().take().unwrap()));
    serve(Router::new().route("/", on_get(handler)).layer(world.layer())).await
}

#[tokio::test]
async fn a_streamed_response_ends_with_its_body() {
    let mut world = World::new(Sampler::AlwaysOn);
    let (feed, mut active, body) = fed();
    let address = serve_body(&world, body).await;
    let mut response = hyper_client().request(get(address, "/")).await.unwrap();
    feed.send(Ok("one")).unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    assert!(world.is_quiet());
    feed.send(Ok("three")).unwrap();
    drop(feed);
    response.collect().await.unwrap();
    let span = world.span().await;
    assert_eq!(attribute(&span, "http.response.body.size"), "8");
    assert_eq!(attribute(&span, "xray.response.aborted"), "");
    assert_eq!(active.recv().await, Some(span.span_context.span_id()));
}

#[tokio::test]
async fn a_body_runs_in_its_span_unless_nobody_sees_that_and_the_size_is_known() {
    for (sampler, size, runs_in_span) in [
        (Sampler::AlwaysOn, SizeHint::default(), true),
        (Sampler::AlwaysOn, SizeHint::with_exact(3), true),
        (Sampler::AlwaysOff, SizeHint::default(), true),
        (Sampler::AlwaysOff, SizeHint::with_exact(3), false),
    ] {
        let case = format!("{sampler:?} {size:?}");
        let world = World::new(sampler);
        let (feed, mut active, body) = fed();
        feed.send(Ok("one")).unwrap();
        drop(feed);
        let body = Mutex::new(Some(Fed { size, ..body }));
        let service = service_fn(|_| {
            future::ready(Ok::<_, Infallible>(Response::new(body.lock().unwrap().take().unwrap())))
        });
        let response = world.layer().layer(service).oneshot(Request::new(())).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "one", "{case}");
        assert_eq!(active.recv().await.is_some_and(|span| span != SpanId::INVALID), runs_in_span, "{case}");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_in_the_middle_is_recorded() {
    let mut world = World::new(Sampler::AlwaysOn);
    let (feed, _active, body) = fed();
    let address = serve_body(&world, body).await;
    let client = hyper_client();
    let mut response = client.request(get(address, "/")).await.unwrap();
    feed.send(Ok("one")).unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    drop(client);
    let span = world.span().await;
    assert_eq!(attribute(&span, "xray.response.aborted"), "body");
    assert_eq!(attribute(&span, "http.response.status_code"), "200");
    assert_eq!(attribute(&span, "http.response.body.size"), "3");
    assert!(!is_error(&span));
}

#[tokio::test]
async fn a_caller_who_does_not_wait_is_recorded() {
    let mut world = World::new(Sampler::AlwaysOn);
    let entered = Arc::new(Notify::new());
    let signal = Arc::clone(&entered);
    let handler = move || async move {
        signal.notify_one();
        future::pending::<()>().await;
    };
    let address = serve(Router::new().route("/", on_get(handler)).layer(world.layer())).await;
    let call = tokio::spawn(hyper_client().request(get(address, "/")));
    entered.notified().await;
    call.abort();
    let span = world.span().await;
    assert_eq!(attribute(&span, "xray.response.aborted"), "head");
    assert_eq!(attribute(&span, "http.response.status_code"), "");
    assert!(!is_error(&span));
}

#[tokio::test]
async fn a_body_that_fails_is_an_error() {
    let mut world = World::new(Sampler::AlwaysOn);
    let (feed, _active, body) = fed();
    let address = serve_body(&world, body).await;
    feed.send(Err("disk on fire")).unwrap();
    let _ = hyper_client().request(get(address, "/")).await;
    let span = world.span().await;
    assert!(is_error(&span));
    assert!(exception(&span).ends_with(": disk on fire"), "{}", exception(&span));
}

#[tokio::test]
async fn a_service_that_fails_is_an_error() {
    let mut world = World::new(Sampler::AlwaysOn);
    let service = service_fn(|_: Request<()>| future::ready(Err::<Response<Body>, _>(std::fmt::Error)));
    let failed = world.layer().layer(service).oneshot(Request::new(())).await;
    assert!(failed.is_err());
    let span = world.span().await;
    assert!(is_error(&span));
    assert_eq!(attribute(&span, "error.type"), "core::fmt::Error");
    assert!(exception(&span).starts_with("core::fmt::Error: an error occurred"));
    assert_eq!(attribute(&span, "xray.response.aborted"), "");
}

#[tokio::test]
async fn panics_are_errors_wherever_they_are_caught() {
    async fn polled(_: Request<Body>) -> Result<Response<Body>, Infallible> {
        panic!("on purpose")
    }
    fn called(_: Request<Body>) -> future::Ready<Result<Response<Body>, Infallible>> {
        panic!("on purpose")
    }
    let expected = "panic: the service panicked";

    // Caught outside, while polling: the future is dropped later, when nothing panics any more.
    let mut world = World::new(Sampler::AlwaysOn);
    let service = CatchPanicLayer::new().layer(world.layer().layer(service_fn(polled)));
    assert_eq!(service.oneshot(Request::new(Body::empty())).await.unwrap().status(), 500);
    assert_eq!(exception(&world.span().await), expected);

    // Caught outside, while calling.
    let mut world = World::new(Sampler::AlwaysOn);
    let service = CatchPanicLayer::new().layer(world.layer().layer(service_fn(called)));
    assert_eq!(service.oneshot(Request::new(Body::empty())).await.unwrap().status(), 500);
    assert_eq!(exception(&world.span().await), expected);

    // Caught by nobody but the task.
    let mut world = World::new(Sampler::AlwaysOn);
    let service = world.layer().layer(service_fn(polled));
    assert!(tokio::spawn(service.oneshot(Request::new(Body::empty()))).await.is_err());
    let span = world.span().await;
    assert_eq!(exception(&span), expected);
    assert!(is_error(&span));

    // Caught inside: a plain 500.
    let mut world = World::new(Sampler::AlwaysOn);
    let service = world.layer().layer(CatchPanicLayer::new().layer(service_fn(polled)));
    service.oneshot(Request::new(Body::empty())).await.unwrap().collect().await.unwrap();
    let span = world.span().await;
    assert_eq!(
        (attribute(&span, "http.response.status_code").as_str(), exception(&span).as_str()),
        ("500", "")
    );
}

#[tokio::test]
async fn a_body_that_will_not_be_read_ends_the_span_at_once() {
    struct Case {
        why: &'static str,
        method: &'static str,
        status: u16,
        /// Whether the span has ended while the response is still held.
        ends_at_once: bool,
    }
    for Case { why, method, status, ends_at_once } in [
        Case { why: "HEAD", method: "HEAD", status: 200, ends_at_once: true },
        Case { why: "no content", method: "GET", status: 204, ends_at_once: true },
        Case { why: "not modified", method: "GET", status: 304, ends_at_once: true },
        Case { why: "upgrade", method: "GET", status: 101, ends_at_once: true },
        Case { why: "tunnel", method: "CONNECT", status: 200, ends_at_once: true },
        Case { why: "tunnel refused", method: "CONNECT", status: 403, ends_at_once: false },
        Case { why: "a body", method: "GET", status: 200, ends_at_once: false },
    ] {
        let mut world = World::new(Sampler::AlwaysOn);
        let (_feed, _active, body) = fed();
        let mut response = Some(Response::builder().status(status).body(body).unwrap());
        let service =
            service_fn(move |_: Request<()>| future::ready(Ok::<_, Infallible>(response.take().unwrap())));
        let request = Request::builder().method(method).uri("/").body(()).unwrap();
        let held = world.layer().layer(service).oneshot(request).await.unwrap();
        assert_eq!(!world.is_quiet(), ends_at_once, "{why}");
        drop(held);
    }
}

#[tokio::test]
async fn an_announced_length_is_an_end() {
    let mut world = World::new(Sampler::AlwaysOn);
    let (feed, _active, body) = fed();
    feed.send(Ok("three")).unwrap();
    let mut response = Some(Response::builder().header("content-length", "5").body(body).unwrap());
    let service =
        service_fn(move |_: Request<()>| future::ready(Ok::<_, Infallible>(response.take().unwrap())));
    let mut held = world.layer().layer(service).oneshot(Request::new(())).await.unwrap();
    held.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(attribute(&world.span().await, "http.response.body.size"), "5");
}

#[test]
fn a_body_has_a_default_if_the_inner_one_has() {
    let body = XrayBody::<http_body_util::Empty<axum::body::Bytes>>::default();
    assert!(http_body::Body::is_end_stream(&body));
}
