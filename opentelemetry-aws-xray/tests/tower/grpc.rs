//! gRPC with tonic, through the same layers as HTTP.

use std::{future::Future, net::SocketAddr};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt, Full};
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::tower::{AxumBodies, XrayClient, XrayLayer};
use opentelemetry_sdk::trace::{Sampler, SpanData};
use tonic::{
    Code,
    service::Routes,
    transport::{Channel, Endpoint},
};
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_client::HealthClient},
    server::health_reporter,
};
use tower::Layer;

use crate::support::{World, attribute, is_error, serve};

pub(crate) type Client = HealthClient<XrayClient<Channel>>;

/// A server of gRPC's health service, which knows one service that is up.
pub(crate) async fn server(layer: XrayLayer<AxumBodies>) -> SocketAddr {
    let (reporter, health) = health_reporter();
    reporter.set_service_status("shop.Orders", ServingStatus::Serving).await;
    serve(Routes::new(health).into_axum_router().layer(layer)).await
}

pub(crate) async fn client(world: &World, address: SocketAddr) -> Client {
    let origin: Uri = format!("http://{address}").parse().unwrap();
    let channel = Endpoint::from(origin.clone()).connect_lazy();
    HealthClient::new(world.client_layer().with_origin(origin).layer(channel))
}

pub(crate) fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// Runs a call below an active span. The spans of both sides, the client's first.
async fn called<T>(world: &mut World, call: impl Future<Output = T>) -> (T, SpanData, SpanData) {
    let cx = Context::new().with_span(world.provider.tracer("test").start("work"));
    let output = call.with_context(cx.clone()).await;
    let (one, other) = (world.span().await, world.span().await);
    let (client, server) = if one.span_kind == SpanKind::Client { (one, other) } else { (other, one) };
    assert_eq!(client.parent_span_id, cx.span().span_context().span_id());
    assert_eq!(server.parent_span_id, client.span_context.span_id());
    drop(cx);
    assert_eq!(world.span().await.name, "work");
    (output, client, server)
}

#[tokio::test]
async fn a_call_is_a_span_on_either_side() {
    let mut world = World::new(Sampler::AlwaysOn);
    let address = server(world.layer()).await;
    let mut client = client(&world, address).await;
    let call = client.check(request("shop.Orders"));
    let (answer, client, server) = called(&mut world, call).await;
    assert_eq!(answer.unwrap().into_inner().status, 1);
    for (span, kind) in [(&client, SpanKind::Client), (&server, SpanKind::Server)] {
        assert_eq!((span.name.as_ref(), &span.span_kind), ("grpc.health.v1.Health/Check", &kind));
        for (key, expected) in [
            ("rpc.system", "grpc"),
            ("rpc.service", "grpc.health.v1.Health"),
            ("rpc.method", "Check"),
            ("rpc.grpc.status_code", "0"),
            ("server.address", "127.0.0.1"),
            ("server.port", &address.port().to_string()),
            ("http.response.status_code", ""),
        ] {
            assert_eq!(attribute(span, key), expected, "{kind:?} {key}");
        }
        assert!(!is_error(span));
    }
    assert_eq!(attribute(&client, "url.full"), "");
}

#[tokio::test]
async fn a_status_is_an_error_of_whom_it_concerns() {
    let mut world = World::new(Sampler::AlwaysOn);
    let address = server(world.layer()).await;
    let mut client = client(&world, address).await;
    let call = client.check(request("shop.Nobody"));
    let (answer, client, server) = called(&mut world, call).await;
    assert_eq!(answer.unwrap_err().code(), Code::NotFound);
    assert_eq!(attribute(&client, "rpc.grpc.status_code"), "5");
    assert_eq!(attribute(&server, "rpc.grpc.status_code"), "5");
    assert_eq!((attribute(&client, "error.type").as_str(), is_error(&client)), ("NOT_FOUND", true));
    assert_eq!(client.status, Status::error("service not registered"));
    assert_eq!((attribute(&server, "error.type").as_str(), is_error(&server)), ("", false));
}

#[tokio::test]
async fn a_stream_is_one_span_until_it_is_given_up() {
    let mut world = World::new(Sampler::AlwaysOn);
    let address = server(world.layer()).await;
    let mut client = client(&world, address).await;
    let call = async {
        let mut answers = client.watch(request("shop.Orders")).await.unwrap().into_inner();
        assert_eq!(answers.message().await.unwrap().unwrap().status, 1);
    };
    let ((), client, server) = called(&mut world, call).await;
    for span in [&client, &server] {
        assert_eq!(span.name, "grpc.health.v1.Health/Watch");
        assert_eq!(attribute(span, "rpc.grpc.status_code"), "");
        assert!(!is_error(span));
    }
    assert_eq!(attribute(&server, "xray.response.aborted"), "body");
}

#[tokio::test]
async fn an_announced_length_does_not_end_a_call_before_its_trailers() {
    let mut world = World::new(Sampler::AlwaysOn);
    // A message of two bytes: serving.
    const MESSAGE: &[u8] = &[0, 0, 0, 0, 2, 8, 1];
    let app = Router::new().fallback(async |_: Request<Body>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let body = Full::new(Bytes::from_static(MESSAGE)).with_trailers(async { Some(Ok(trailers)) });
        let headers = [("content-type", "application/grpc"), ("content-length", "7")];
        (headers, Body::new(body))
    });
    let address = serve(app.layer(world.layer())).await;
    let mut client = client(&world, address).await;
    let call = client.check(request(""));
    let (answer, client, server) = called(&mut world, call).await;
    assert_eq!(answer.unwrap().into_inner().status, 1);
    for span in [client, server] {
        assert_eq!((attribute(&span, "rpc.grpc.status_code").as_str(), is_error(&span)), ("0", false));
    }
}

#[tokio::test]
async fn what_is_not_answered_by_grpc_has_the_status_of_http_or_none() {
    let mut world = World::new(Sampler::AlwaysOn);
    let refusing = Router::new().fallback(async || http::StatusCode::SERVICE_UNAVAILABLE);
    let silent = Router::new().fallback(async |_: Request<Body>| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/grpc".parse().unwrap());
        headers
    });
    for (app, code, http_status, grpc_status, error) in
        [(refusing, Code::Unavailable, "503", "", "503"), (silent, Code::Unknown, "", "2", "UNKNOWN")]
    {
        let address = serve(app.layer(world.layer())).await;
        let mut client = client(&world, address).await;
        let call = client.check(request(""));
        let (answer, client, server) = called(&mut world, call).await;
        assert_eq!(answer.unwrap_err().code(), code);
        for span in [client, server] {
            assert_eq!(attribute(&span, "http.response.status_code"), http_status);
            assert_eq!(attribute(&span, "rpc.grpc.status_code"), grpc_status);
            assert_eq!((attribute(&span, "error.type").as_str(), is_error(&span)), (error, true));
        }
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_an_error() {
    let mut world = World::new(Sampler::AlwaysOn);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut client = client(&world, closed).await;
    let cx = Context::new().with_span(world.provider.tracer("test").start("work"));
    let answer = client.check(request("")).with_context(cx.clone()).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
    let span = world.span().await;
    assert_eq!(span.name, "grpc.health.v1.Health/Check");
    assert_eq!(
        (attribute(&span, "error.type").as_str(), is_error(&span)),
        ("tonic::transport::error::Error", true)
    );
}
