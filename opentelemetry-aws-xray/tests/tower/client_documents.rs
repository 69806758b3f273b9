//! What X-Ray is told of outgoing calls, over real sockets.

use std::{future::Future, net::SocketAddr, time::Duration};

use axum::{Router, routing::get as on_get};
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::sink::MemorySink;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tower::{Layer, ServiceExt};

use crate::{
    grpc,
    support::{PATIENCE, World, get, hyper_client, serve},
};

/// Runs a call within a segment and waits for `spans` more. All documents: the calls', the other side's, then the rest.
async fn documents(
    world: &mut World,
    sink: &MemorySink,
    spans: usize,
    call: impl Future<Output = ()>,
) -> Vec<Value> {
    let work = world.provider.tracer("test").span_builder("work").with_kind(SpanKind::Server);
    let cx = Context::new().with_span(work.start(&world.provider.tracer("test")));
    call.with_context(cx.clone()).await;
    drop(cx);
    for _ in 0..=spans {
        world.span().await;
    }
    let mut documents: Vec<Value> =
        sink.take().iter().map(|document| serde_json::from_str(document).unwrap()).collect();
    documents.sort_by_key(|document| (document["namespace"].is_null(), document["parent_id"].is_null()));
    documents
}

fn reqwest_request(url: &str) -> reqwest::Request {
    reqwest::Request::new(http::Method::GET, url.parse().unwrap())
}

/// A peer that answers every request with these bytes, and then hangs up.
async fn peer(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
    });
    address
}

/// A peer that takes connections and says nothing. Hold on to it.
async fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn the_other_sides_segment_hangs_on_the_call() {
    let (mut world, sink) = World::of_documents();
    let app = Router::new().route("/orders/{id}", on_get(async || "an order")).layer(world.layer());
    let address = serve(app).await;
    let layer = || world.client_layer().with_traced_callee(true);
    let with_hyper = layer().layer(hyper_client());
    let with_reqwest = layer().layer(reqwest::Client::new());
    let url = format!("http://{address}/orders/7?token=secret");
    let hyper = async {
        let response = with_hyper.oneshot(get(address, "/orders/7?token=secret")).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "an order");
    };
    let first = documents(&mut world, &sink, 2, hyper).await;
    let reqwest = async {
        let response = with_reqwest.oneshot(reqwest_request(&url)).await.unwrap();
        assert_eq!(response.text().await.unwrap(), "an order");
    };
    let second = documents(&mut world, &sink, 2, reqwest).await;
    for documents in [first, second] {
        let [call, server, work] = documents.as_slice() else { panic!("{documents:#?}") };
        assert_eq!((&call["type"], &call["name"]), (&json!("subsegment"), &json!("127.0.0.1")));
        assert_eq!(call["namespace"], "remote");
        assert_eq!(
            call["http"],
            json!({
                "request": { "method": "GET", "url": url.replace("secret", "REDACTED"), "traced": true },
                "response": { "status": 200, "content_length": 8 },
            })
        );
        assert_eq!(call["parent_id"], work["id"]);
        assert_eq!(server["parent_id"], call["id"]);
        assert_eq!(server["http"]["response"]["status"], 200);
        assert!(documents.iter().all(|document| document["trace_id"] == work["trace_id"]));
    }
}

#[tokio::test]
async fn a_procedure_is_called_by_its_service() {
    let (mut world, sink) = World::of_documents();
    let address = grpc::server(world.layer()).await;
    for (service, flag) in [("shop.Orders", "none"), ("shop.Nobody", "error")] {
        let mut client = grpc::client(&world, address).await;
        let call = async { drop(client.check(grpc::request(service)).await) };
        let documents = documents(&mut world, &sink, 2, call).await;
        let [call, server, work] = documents.as_slice() else { panic!("{documents:#?}") };
        assert_eq!((&call["name"], &call["namespace"]), (&json!("grpc.health.v1.Health"), &json!("remote")));
        assert_eq!((&call["parent_id"], &server["parent_id"]), (&work["id"], &call["id"]));
        for document in [call, server] {
            assert_eq!(document.get(flag).is_some(), flag != "none", "{document:#}");
            assert!(document.get("fault").is_none(), "{document:#}");
            assert_eq!(document["metadata"]["default"]["rpc.method"], "Check", "{document:#}");
        }
        assert_eq!(server["http"]["request"]["method"], "POST", "{server:#}");
    }
}

#[tokio::test]
async fn calls_that_fail_say_how() {
    let (mut world, sink) = World::of_documents();
    let (held, quiet) = silent().await;
    let closed = silent().await.1;
    let truncating = peer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nand then").await;
    let soon = Duration::from_millis(50);
    for (why, address, timeout, message, source, status) in [
        ("refused", closed, PATIENCE, "error sending request", "tcp connect error: Connection refused", None),
        ("too slow", quiet, soon, "error sending request", "operation timed out", None),
        ("cut off", truncating, PATIENCE, "request or response body error", "end of file before", Some(200)),
    ] {
        let client = reqwest::Client::builder().timeout(timeout).build().unwrap();
        let client = world.client_layer().layer(client);
        let url = format!("http://{address}/?token=secret");
        let call = async {
            let Ok(response) = client.oneshot(reqwest_request(&url)).await else { return };
            response.bytes().await.unwrap_err();
        };
        let documents = documents(&mut world, &sink, 1, call).await;
        let call = &documents[0];
        assert_eq!(call["fault"], true, "{why}: {call:#}");
        assert_eq!(call["namespace"], "remote", "{why}: {call:#}");
        assert_eq!(call["http"]["response"]["status"].as_u64(), status, "{why}: {call:#}");
        let exception = &call["cause"]["exceptions"][0];
        assert_eq!(exception["type"], "reqwest::error::Error", "{why}: {call:#}");
        let told = exception["message"].as_str().unwrap();
        assert!(told.starts_with(message) && told.contains(source), "{why}: {told}");
        assert!(!call.to_string().contains("secret"), "{why}: {call:#}");
    }
    drop(held);
}

#[tokio::test]
async fn who_waits_no_longer_is_no_fault_of_the_other_side() {
    let (mut world, sink) = World::of_documents();
    let (_held, quiet) = silent().await;
    let client = world.client_layer().layer(hyper_client());
    let call = async move {
        let waiting = client.oneshot(get(quiet, "/"));
        tokio::time::timeout(Duration::from_millis(50), waiting).await.unwrap_err();
    };
    let documents = documents(&mut world, &sink, 1, call).await;
    assert_eq!(documents[0].get("fault"), None);
    assert_eq!(documents[0]["metadata"]["default"]["xray.response.aborted"], "head");
}
