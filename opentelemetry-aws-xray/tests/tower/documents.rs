//! What X-Ray gets of a request, over real sockets.

use std::{
    convert::Infallible,
    future,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
    routing::get as on_get,
};
use http::{Request, Response, Version, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use opentelemetry_aws_xray::{
    XrayExporter,
    sink::MemorySink,
    tower::{AxumBodies, SegmentNaming, XrayLayer},
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SpanExporter},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Layer, service_fn, util::MapRequest};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    ending::fed,
    support::{World, get, serve},
};

impl World {
    /// The document of the next span that ends.
    async fn document(&mut self) -> Value {
        let sink = MemorySink::default();
        let mut exporter = XrayExporter::builder().with_sink(sink.clone()).build();
        exporter.set_resource(&Resource::builder_empty().with_service_name("shop").build());
        exporter.export(vec![self.span().await]).await.unwrap();
        serde_json::from_str(&sink.take()[0]).unwrap()
    }
}

fn new_world() -> World {
    World::new(Sampler::AlwaysOn)
}

#[expect(clippy::panic, reason = "what becomes of it is the question")]
async fn panics() {
    panic!("on purpose")
}

/// Sends a request over a connection of its own, and reads the answer to its end. `None` if there was none.
async fn send(version: Version, mut request: Request<Body>) -> Option<StatusCode> {
    *request.version_mut() = version;
    let mut client = Client::builder(TokioExecutor::new());
    let response = client.http2_only(version == Version::HTTP_2).build_http().request(request).await.ok()?;
    let status = response.status();
    response.collect().await.ok()?;
    Some(status)
}

#[tokio::test]
async fn an_exchange_is_a_segment() {
    struct Case {
        why: &'static str,
        app: fn(XrayLayer<AxumBodies>) -> Router,
        path: &'static str,
        status: Option<u16>,
        /// Fields of the document, by JSON pointer.
        expected: Vec<(&'static str, Value)>,
    }
    let cases = [
        Case {
            why: "a route that answers",
            app: |layer| Router::new().route("/users/{id}", on_get(|| async { "ada" })).layer(layer),
            path: "/users/7?q=1&sig=secret",
            status: Some(200),
            expected: vec![
                ("/name", json!("shop")),
                ("/http/request/method", json!("GET")),
                ("/http/request/user_agent", json!("test/1")),
                ("/http/request/client_ip", json!("192.0.2.7")),
                ("/http/request/x_forwarded_for", json!(true)),
                ("/http/response/status", json!(200)),
                ("/http/response/content_length", json!(3)),
                ("/metadata/default/http.route", json!("/users/{id}")),
                ("/error", Value::Null),
                ("/fault", Value::Null),
            ],
        },
        Case {
            why: "no route",
            app: |layer| Router::new().route("/users", on_get(|| async {})).layer(layer),
            path: "/nowhere",
            status: Some(404),
            expected: vec![
                ("/http/response/status", json!(404)),
                ("/error", json!(true)),
                ("/fault", Value::Null),
                ("/metadata/default/http.route", Value::Null),
            ],
        },
        Case {
            why: "too many requests",
            app: |layer| {
                Router::new().route("/", on_get(|| async { StatusCode::TOO_MANY_REQUESTS })).layer(layer)
            },
            path: "/",
            status: Some(429),
            expected: vec![("/throttle", json!(true)), ("/error", json!(true)), ("/fault", Value::Null)],
        },
        Case {
            why: "a panic that is caught inside of the layer",
            app: |layer| Router::new().route("/", on_get(panics)).layer(CatchPanicLayer::new()).layer(layer),
            path: "/",
            status: Some(500),
            expected: vec![("/http/response/status", json!(500)), ("/fault", json!(true))],
        },
        Case {
            why: "a panic that is caught outside",
            app: |layer| Router::new().route("/", on_get(panics)).layer(layer).layer(CatchPanicLayer::new()),
            path: "/",
            status: Some(500),
            expected: vec![
                ("/http/response", Value::Null),
                ("/fault", json!(true)),
                ("/cause/exceptions/0/type", json!("panic")),
            ],
        },
        Case {
            why: "a panic that nobody catches",
            app: |layer| Router::new().route("/", on_get(panics)).layer(layer),
            path: "/",
            status: None,
            expected: vec![("/fault", json!(true)), ("/cause/exceptions/0/type", json!("panic"))],
        },
        Case {
            why: "a segment named by its host",
            app: |layer| {
                let naming = SegmentNaming::dynamic("127.*", "elsewhere");
                Router::new().route("/", on_get(|| async {})).layer(layer.with_naming(naming))
            },
            path: "/",
            status: Some(200),
            expected: vec![("/name", json!("127.0.0.1"))],
        },
        Case {
            why: "a client's own entry",
            app: |layer| Router::new().route("/", on_get(|| async {})).layer(layer.with_trusted_hops(1)),
            path: "/",
            status: Some(200),
            expected: vec![
                ("/http/request/client_ip", json!("198.51.100.9")),
                ("/http/request/x_forwarded_for", json!(true)),
            ],
        },
        Case {
            why: "nobody is believed",
            app: |layer| Router::new().route("/", on_get(|| async {})).layer(layer.with_trusted_hops(0)),
            path: "/",
            status: Some(200),
            expected: vec![
                ("/http/request/client_ip", json!("127.0.0.1")),
                ("/http/request/x_forwarded_for", Value::Null),
            ],
        },
    ];
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for Case { why, app, path, status, expected } in &cases {
            let mut world = new_world();
            let address = serve(app(world.layer())).await;
            let mut request = get(address, path);
            request.headers_mut().insert("user-agent", "test/1".parse().unwrap());
            request.headers_mut().insert("x-forwarded-for", "192.0.2.7, 198.51.100.9".parse().unwrap());
            let answered = send(version, request).await;
            assert_eq!(answered.map(|status| status.as_u16()), *status, "{why}, {version:?}");
            let document = world.document().await;
            for (pointer, value) in expected {
                let found = document.pointer(pointer).unwrap_or(&Value::Null);
                assert_eq!(found, value, "{why}, {version:?}, {pointer}: {document}");
            }
            let url = format!("http://{address}{}", path.replace("secret", "REDACTED"));
            assert_eq!(document["http"]["request"]["url"], url, "{why}, {version:?}");
            let text = document.to_string();
            assert!(!text.contains("secret"), "{why}: {text}");
        }
    }
}

#[tokio::test]
async fn a_stream_of_events_is_one_segment_until_its_end() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut world = new_world();
        let (feed, _active, body) = fed();
        let body = Arc::new(Mutex::new(Some(body)));
        let handler = move || {
            let body = Body::new(body.lock().unwrap().take().unwrap());
            future::ready(([(header::CONTENT_TYPE, "text/event-stream")], body))
        };
        let address = serve(Router::new().route("/events", on_get(handler)).layer(world.layer())).await;
        let mut client = Client::builder(TokioExecutor::new());
        let client = client.http2_only(version == Version::HTTP_2).build_http::<Body>();
        let mut response = client.request(get(address, "/events")).await.unwrap();
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            feed.send(Ok(event)).unwrap();
            assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), event);
            assert!(world.is_quiet(), "{version:?}: the stream goes on");
        }
        drop(feed);
        assert!(response.collect().await.unwrap().to_bytes().is_empty());
        let document = world.document().await;
        assert_eq!(document["http"]["response"], json!({"status": 200, "content_length": 18}), "{version:?}");
        assert_eq!(document["fault"], Value::Null, "{version:?}");
    }
}

#[tokio::test]
async fn a_stream_that_is_left_says_so() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut world = new_world();
        let (feed, _active, body) = fed();
        let body = Arc::new(Mutex::new(Some(body)));
        let handler = move || future::ready(Body::new(body.lock().unwrap().take().unwrap()));
        let address = serve(Router::new().route("/", on_get(handler)).layer(world.layer())).await;
        let mut client = Client::builder(TokioExecutor::new());
        let client = client.http2_only(version == Version::HTTP_2).build_http::<Body>();
        let mut response = client.request(get(address, "/")).await.unwrap();
        feed.send(Ok("one")).unwrap();
        response.body_mut().frame().await.unwrap().unwrap();
        drop((response, client));
        let document = world.document().await;
        assert_eq!(document["http"]["response"], json!({"status": 200, "content_length": 3}), "{version:?}");
        assert_eq!(
            document["metadata"]["default"]["xray.response.aborted"], "body",
            "{version:?}: {document}"
        );
        assert_eq!((&document["fault"], &document["error"]), (&Value::Null, &Value::Null), "{version:?}");
    }
}

/// Takes the connection over, and sends back what comes.
async fn echo(mut request: Request<Body>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut connection = TokioIo::new(upgrade.await.unwrap());
        let (mut from, mut to) = tokio::io::split(&mut connection);
        tokio::io::copy(&mut from, &mut to).await
    });
    let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    response.header("connection", "upgrade").header("upgrade", "echo").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn an_upgraded_connection_outlives_its_segment() {
    let mut world = new_world();
    let address = serve(Router::new().route("/ws", on_get(echo)).layer(world.layer())).await;
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = "GET /ws HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let document = world.document().await;
    assert_eq!(document["http"]["response"]["status"], 101);
    assert_eq!(document["http"]["request"]["url"], "http://shop/ws");

    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains("x-amzn-trace-id: Root=1-"), "{head}");
    connection.write_all(b"still there").await.unwrap();
    let mut echoed = [0; 11];
    connection.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"still there");
    assert!(world.is_quiet());
}

/// Serves one connection without axum, in the version that is asked for.
async fn serve_hyper(layer: XrayLayer, version: Version) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, peer) = listener.accept().await.unwrap();
        let service = layer.layer(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hi")))
        }));
        let service = MapRequest::new(service, move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            request
        });
        let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(service));
        match version {
            Version::HTTP_2 => {
                let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                connection.serve_connection(io, service).await
            }
            _ => hyper::server::conn::http1::Builder::new().serve_connection(io, service).await,
        }
    });
    address
}

#[tokio::test]
async fn bare_hyper_is_served_too() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut world = new_world();
        let layer = world.dress(XrayLayer::new()).with_peer(|head| head.extensions.get().copied());
        let address = serve_hyper(layer, version).await;
        assert_eq!(send(version, get(address, "/a?b=c")).await, Some(StatusCode::OK), "{version:?}");
        let document = world.document().await;
        let expected = json!({
            "request": {"method": "GET", "url": format!("http://{address}/a?b=c"), "client_ip": "127.0.0.1"},
            "response": {"status": 200, "content_length": 2},
        });
        assert_eq!(document["http"], expected, "{version:?}");
    }
}
