//! One request through eight services, every other one ours: both X-Ray SDKs, and OpenTelemetry with its propagators for
//! X-Ray, in Python and in Node.js. What they say of it is one trace without a gap.

use std::collections::BTreeMap;

use axum::{Router, extract::State, routing::get};
use e2e::{Family, PATIENCE};
use opentelemetry_aws_xray::{
    Xray,
    tower::{XrayClient, XrayClientLayer, XrayLayer},
};
use reqwest::{Method, Request, Url};
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};
use tower::{Layer, ServiceExt};
use xray_local::{Node, Snapshot, XrayLocal};
use xray_wire::segment::Kind;

use crate::{
    needs::{Chain, Hop},
    program::Server,
};

pub(crate) async fn is_one_trace_from_the_sdk_for_python_on(chain: Chain) {
    follow(&chain, [Hop::SdkPython, Hop::OtelPython, Hop::SdkNode, Hop::OtelNode]).await;
}

pub(crate) async fn is_one_trace_from_opentelemetry_for_node_on(chain: Chain) {
    follow(&chain, [Hop::OtelNode, Hop::SdkNode, Hop::OtelPython, Hop::SdkPython]).await;
}

/// Sends one request through all hops, ours between each two, and looks at the trace.
async fn follow(chain: &Chain, hops: [Hop; 4]) {
    let xray_local = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let daemon = xray_local.addr().to_string();

    // From the last one on, since each has to know where the next one is.
    let (mut foreign, mut ours) = (Vec::new(), Vec::new());
    let mut next: Option<String> = None;
    for (index, hop) in hops.iter().enumerate().rev() {
        let mut command = chain.command(*hop);
        command.arg(hop.name()).arg(&daemon).args(&next);
        let server = Server::start(command).await;
        let url = format!("http://127.0.0.1:{}/", server.port);
        foreign.push(server);
        if index > 0 {
            let service = Ours::start(&format!("ours-{index}"), &daemon, &url).await;
            next = Some(service.url.clone());
            ours.push(service);
        } else {
            next = Some(url);
        }
    }

    let expected: Vec<String> = ["", "ours-1", "ours-2", "ours-3"]
        .iter()
        .zip(hops)
        .flat_map(|(ours, hop)| [(*ours).to_owned(), hop.name().to_owned()])
        .skip(1)
        .collect();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let answer = client.get(next.unwrap()).send().await.unwrap().error_for_status().unwrap();
    let told: Vec<Value> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    for service in ours {
        service.stop().await;
    }
    let everyone = |received: &Snapshot| {
        received.traces.iter().any(|trace| segments(&Family::of(trace)) == expected.len())
    };
    timeout(PATIENCE, xray_local.wait_until(everyone)).await.unwrap();
    drop(foreign);
    let received = xray_local.shutdown().await;

    assert_eq!(received.rejected, []);
    let [trace] = received.traces.as_slice() else { panic!("{:#?}", received.traces) };
    let trace_ids: Vec<_> =
        told.iter().map(|hop| (hop["service"].as_str(), hop["trace_id"].as_str())).collect();
    let trace_id = trace.id.to_string();
    assert_eq!(trace_ids, hops.map(|hop| (Some(hop.name()), Some(trace_id.as_str()))));

    let family = Family::of(trace);
    let roots = family.roots();
    let [(root, None)] = roots.as_slice() else { panic!("expected one root, but found {roots:#?}") };
    assert_eq!((root.name.as_str(), root.kind), (expected[0].as_str(), Kind::Segment));
    let callers = callers(&family);
    for pair in expected.windows(2) {
        assert_eq!(callers.get(pair[1].as_str()), Some(&pair[0].as_str()), "who called {}", pair[1]);
    }
    assert_eq!(callers.len() + 1, expected.len());
}

fn segments(family: &Family<'_>) -> usize {
    family.services().values().sum()
}

/// The service that called each service: that of the segment around the subsegment that its own segment names.
fn callers<'t>(family: &Family<'t>) -> BTreeMap<&'t str, &'t str> {
    let parents: BTreeMap<_, &Node> = family.pairs().map(|(child, parent)| (child.id, parent)).collect();
    let services = family.nodes().filter(|node| node.kind == Kind::Segment);
    let caller = |service: &'t Node| {
        let call = parents.get(&service.id)?;
        assert_eq!(call.kind, Kind::Subsegment, "what {} hangs on", service.name);
        let mut around = parents.get(&call.id)?;
        while around.kind == Kind::Subsegment {
            around = parents.get(&around.id)?;
        }
        Some((service.name.as_str(), around.name.as_str()))
    };
    services.filter_map(caller).collect()
}

/// A service of ours: it asks the next one and hands on what that says.
struct Ours {
    url: String,
    xray: Xray,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

type Client = XrayClient<reqwest::Client>;

impl Ours {
    async fn start(name: &str, daemon: &str, next: &str) -> Self {
        let xray = Xray::builder().with_service_name(name).with_daemon_address(daemon).build();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let client: Client = XrayClientLayer::new()
            .with_tracer_provider(xray.tracer_provider())
            .with_propagator(xray.propagator())
            .layer(client);
        let layer =
            XrayLayer::axum().with_tracer_provider(xray.tracer_provider()).with_propagator(xray.propagator());
        let next: Url = next.parse().unwrap();
        let app = Router::new().route("/", get(ask)).with_state((client, next)).layer(layer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, app)
            .with_graceful_shutdown(async move { drop(stopped.await) })
            .into_future();
        Self { url, xray, stop, serving: tokio::spawn(serving) }
    }

    /// Ends it when it has answered, and sends what it has.
    async fn stop(self) {
        drop(self.stop);
        self.serving.await.unwrap().unwrap();
        self.xray.shutdown().unwrap();
    }
}

async fn ask(State((client, next)): State<(Client, Url)>) -> String {
    let response = client.oneshot(Request::new(Method::GET, next)).await.unwrap();
    response.text().await.unwrap()
}
