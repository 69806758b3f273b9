//! Orders through all four services, and what X-Ray sees of them.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use std::{collections::HashSet, time::Duration};

use axum_hotrod::{Options, Running, start};
use serde_json::Value;
use tokio::time::timeout;
use xray_local::{Snapshot, Trace};
use xray_wire::segment::Kind;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Frontend, customer, driver, and route for each of ten drivers.
const SEGMENTS: usize = 13;

async fn hotrod(change: impl FnOnce(&mut Options)) -> Running {
    let mut options = Options {
        addr: "127.0.0.1:0".to_owned(),
        viewer: Some("127.0.0.1:0".to_owned()),
        seed: 392,
        ..Options::default()
    };
    change(&mut options);
    start(options).await.unwrap()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Waits until the xray-local inside has what is looked for.
async fn received(hotrod: &Running, enough: impl FnMut(&Snapshot) -> bool) -> Snapshot {
    timeout(PATIENCE, hotrod.xray_local().unwrap().wait_until(enough)).await.unwrap()
}

/// Whether an order's trace has all of its segments, and every node's parent but the root's.
fn is_whole(trace: &Trace) -> bool {
    let nodes = || trace.documents.iter().flat_map(|document| &document.nodes);
    let ids: HashSet<_> = nodes().map(|node| node.id).collect();
    let segments = nodes().filter(|node| node.kind == Kind::Segment).count();
    let roots = nodes()
        .filter(|node| node.enclosing.is_none())
        .filter(|node| node.parent_id.is_none_or(|parent| !ids.contains(&parent)))
        .count();
    segments == SEGMENTS && roots == 1
}

/// Walks documents as they were sent: each id, each parent's id, each name of a segment.
#[derive(Default)]
struct Walk {
    ids: HashSet<String>,
    parents: Vec<Option<String>>,
    services: HashSet<String>,
    callees: HashSet<String>,
}

impl Walk {
    fn over(documents: &Value) -> Self {
        let mut walk = Self::default();
        for document in documents["documents"].as_array().unwrap() {
            walk.parents.push(document["parent_id"].as_str().map(str::to_owned));
            walk.visit(document, document["type"] != "subsegment");
        }
        walk
    }

    fn visit(&mut self, node: &Value, is_segment: bool) {
        assert!(self.ids.insert(node["id"].as_str().unwrap().to_owned()), "ids are unique");
        assert!(node["end_time"].is_number(), "all have ended: {node}");
        let names = if is_segment { &mut self.services } else { &mut self.callees };
        names.insert(node["name"].as_str().unwrap().to_owned());
        for child in node["subsegments"].as_array().into_iter().flatten() {
            self.visit(child, false);
        }
    }
}

#[tokio::test]
async fn one_order_is_one_trace_of_four_services() {
    let hotrod = hotrod(|_| ()).await;
    let url = format!("http://{}/dispatch?customer=392", hotrod.frontend_addr);
    let (status, answer) = json(client().get(url)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["customer"], "Trom Chocolatier");
    assert!(answer["driver"].as_str().unwrap().starts_with("T7"), "{answer}");
    assert!(answer["eta_minutes"].as_u64().unwrap() >= 1, "{answer}");
    let id = answer["trace_id"].as_str().unwrap();
    let viewer = hotrod.viewer_url.clone().unwrap();
    assert_eq!(answer["trace_url"], format!("{viewer}/trace/{id}"));

    let snapshot = received(&hotrod, |received| received.traces.iter().any(|trace| is_whole(trace))).await;
    assert_eq!(snapshot.traces.len(), 1);
    assert_eq!(snapshot.stats.rejected, 0);

    let (status, documents) = json(client().get(format!("{viewer}/api/traces/{id}"))).await;
    assert_eq!(status, 200);
    let Walk { ids, parents, services, callees } = Walk::over(&documents);
    assert_eq!(services, HashSet::from(["frontend", "customer", "driver", "route"].map(str::to_owned)));
    for callee in ["customer", "driver", "route", "redis", "customers@mysql"] {
        assert!(callees.contains(callee), "{callee} in {callees:?}");
    }
    assert_eq!(parents.iter().filter(|parent| parent.is_none()).count(), 1, "one root");
    assert!(parents.iter().flatten().all(|parent| ids.contains(parent)), "a closed tree");

    let page = client().get(answer["trace_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let summary = hotrod.shutdown().await;
    assert_eq!((summary.spans_sent(), summary.spans_dropped()), (summary.spans_received(), 0));
}

#[tokio::test]
async fn a_callers_trace_is_continued() {
    const TRACE_ID: &str = "1-5759e988-bd862e3fe1be46a994272793";
    let hotrod = hotrod(|_| ()).await;
    let url = format!("http://{}/dispatch?customer=731", hotrod.frontend_addr);
    for (sampled, has_url) in [("1", true), ("0", false)] {
        let header = format!("Root={TRACE_ID};Parent=53995c3f42cd8ad8;Sampled={sampled}");
        let (status, answer) = json(client().get(&url).header("x-amzn-trace-id", header)).await;
        assert_eq!((status, answer["trace_id"].as_str()), (200, Some(TRACE_ID)), "{answer}");
        assert_eq!(answer["trace_url"].is_string(), has_url, "{answer}");
    }
    received(&hotrod, |received| received.traces.iter().any(|trace| is_whole(trace))).await;
    hotrod.shutdown().await;
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let hotrod = hotrod(|_| ()).await;
    for (query, expected, error) in [
        ("?customer=999", 404, "there is no customer 999"),
        ("?customer=0", 404, "there is no customer 0"),
        ("", 400, "expected a customer's number, as in /dispatch?customer=392"),
        ("?customer=", 400, "expected a customer's number, as in /dispatch?customer=392"),
        ("?customer=%3Cscript%3E", 400, "expected a customer's number, as in /dispatch?customer=392"),
        ("?customer=4294967296", 400, "expected a customer's number, as in /dispatch?customer=392"),
        ("?customer=1&customer=2", 400, "expected a customer's number, as in /dispatch?customer=392"),
    ] {
        let url = format!("http://{}/dispatch{query}", hotrod.frontend_addr);
        let (status, answer) = json(client().get(url)).await;
        assert_eq!((status, answer["error"].as_str()), (expected, Some(error)), "{query}");
        assert!(answer["trace_id"].is_string(), "{answer}");
    }
    hotrod.shutdown().await;
}

#[tokio::test]
async fn the_page_works_without_its_script() {
    let hotrod = hotrod(|_| ()).await;
    let front = format!("http://{}", hotrod.frontend_addr);
    for (path, status, contains) in [
        ("/", 200, "Rachel&#39;s Floral Designs"),
        ("/dispatch?customer=123", 200, "<b class=\"customer\">Rachel&#39;s Floral Designs</b>"),
        ("/dispatch?customer=999", 404, "Nobody comes: there is no customer 999."),
        ("/static/style.css", 200, "color-scheme"),
        ("/static/order.js", 200, "addEventListener"),
        ("/static/icon.svg", 200, "<svg"),
    ] {
        let request = client().get(format!("{front}{path}")).header("accept", "text/html,*/*;q=0.8");
        let response = request.send().await.unwrap();
        let csp = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(csp.starts_with("default-src 'none'"), "{csp}");
        assert_eq!(response.status(), status, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(contains), "{path}: {text}");
    }
    hotrod.shutdown().await;
}

#[tokio::test]
async fn the_load_orders_by_itself() {
    let hotrod = hotrod(|options| options.load = Some(20.0)).await;
    received(&hotrod, |received| received.traces.iter().filter(|trace| is_whole(trace)).count() >= 3).await;
    let summary = hotrod.shutdown().await;
    assert_eq!(summary.spans_dropped(), 0);
    assert!(summary.to_string().starts_with("load: "), "{summary}");
}

#[tokio::test]
async fn a_configured_daemon_gets_the_traces() {
    let daemon = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let hotrod =
        hotrod(|options| (options.daemon, options.viewer) = (Some(daemon.addr().to_string()), None)).await;
    assert!(hotrod.xray_local().is_none());
    let url = format!("http://{}/dispatch?customer=567", hotrod.frontend_addr);
    let (_, answer) = json(client().get(url)).await;
    assert!(answer["trace_id"].is_string() && answer["trace_url"].is_null(), "{answer}");
    let whole = daemon.wait_until(|received| received.traces.iter().any(|trace| is_whole(trace)));
    timeout(PATIENCE, whole).await.unwrap();
    hotrod.shutdown().await;
}
