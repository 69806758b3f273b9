//! The pages, as a browser sees them: complete, escaped, closed to strangers.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use xray_local::XrayLocal;

const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";

/// A frontend that calls a service, which queries a database; a remote call without an answer.
async fn with_a_trace() -> XrayLocal {
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let times = |start: f64, end: f64| json!({"start_time": 1_465_510_280.0 + start, "end_time": 1_465_510_280.0 + end});
    let with = |mut base: Value, more: Value| {
        base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        base
    };
    let frontend = with(
        times(0.0, 1.0),
        json!({
            "name": "frontend", "id": "000000000000000a", "trace_id": TRACE, "origin": "AWS::ECS::Container", "fault": true,
            "http": {"request": {"method": "GET", "url": "http://localhost/<b>?q=\"1\""}, "response": {"status": 500}},
            "annotations": {"customer": 392}, "metadata": {"default": {"note": "<script>alert(1)</script>"}},
            "cause": {"exceptions": [{"id": "00000000000000ee", "type": "E&E", "message": "<i>broken</i>",
                "stack": [{"path": "src/main.rs", "line": 7, "label": "main"}]}]},
            "subsegments": [
                with(times(0.1, 0.5), json!({"name": "backend", "id": "000000000000000b", "namespace": "remote"})),
                with(times(0.6, 0.9), json!({"name": "DynamoDB", "id": "000000000000000c", "namespace": "aws",
                    "aws": {"operation": "GetItem", "table_name": "orders"}})),
            ],
        }),
    );
    let backend = with(
        times(0.2, 0.4),
        json!({"name": "backend", "id": "000000000000000d", "trace_id": TRACE, "parent_id": "000000000000000b"}),
    );
    put(&xray, &[frontend, backend]).await;
    xray
}

async fn put(xray: &XrayLocal, documents: &[Value]) {
    let documents: Vec<String> = documents.iter().map(Value::to_string).collect();
    let body = json!({"TraceSegmentDocuments": documents}).to_string();
    let answer = Client::new().post(format!("{}/TraceSegments", xray.url())).body(body).send().await.unwrap();
    assert_eq!(text(answer).await, r#"{"UnprocessedTraceSegments":[]}"#);
}

async fn get(xray: &XrayLocal, path: &str) -> Response {
    reqwest::get(format!("{}{path}", xray.url())).await.unwrap()
}

async fn text(response: Response) -> String {
    response.text().await.unwrap()
}

#[tokio::test]
async fn pages_show_what_was_sent_and_escape_it() {
    let xray = with_a_trace().await;
    let trace_page = format!("/trace/{TRACE}");
    for (path, expected) in [
        ("/", vec!["frontend", TRACE, "1 s", "fault"]),
        ("/map", vec!["frontend", "ECS Container", "orders", "DynamoDB Table", "Client"]),
        (
            &trace_page,
            vec!["GetItem orders", "customer", "E&#38;E", "main at src/main.rs:7", "&#60;i&#62;broken"],
        ),
        ("/rejected", vec!["Nothing was refused"]),
    ] {
        let page = text(get(&xray, path).await).await;
        for part in expected {
            assert!(page.contains(part), "{part} on {path}");
        }
        for unescaped in ["<b>?", "<script>alert", "<i>broken", " style="] {
            assert!(!page.contains(unescaped), "{unescaped} on {path}");
        }
    }
}

#[tokio::test]
async fn every_page_has_what_it_refers_to() {
    let xray = with_a_trace().await;
    for path in ["/static/style.css", "/static/live.js", "/static/icon.svg"] {
        assert_eq!(get(&xray, path).await.status(), StatusCode::OK, "{path}");
    }
    for path in ["/nothing", "/trace/nonsense", "/trace/1-5759e988-000000000000000000000001"] {
        assert_eq!(get(&xray, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_root_without_http_shows_the_name_of_its_span() {
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    put(
        &xray,
        &[json!({"name": "worker", "id": "000000000000000a", "trace_id": TRACE, "start_time": 1, "end_time": 2,
            "metadata": {"default": {"otel.span.name": "tidy <up>"}}})],
    )
    .await;
    for (path, expected) in [
        ("/", "title=\"tidy &#60;up&#62;\">tidy &#60;up&#62;</td>"),
        (&format!("/trace/{TRACE}"), "worker <small>tidy &#60;up&#62;</small></h1>"),
        ("/api/traces?text=TIDY", "\"span_name\":\"tidy <up>\""),
    ] {
        let page = text(get(&xray, path).await).await;
        assert!(page.contains(expected), "{expected} on {path}");
    }
}

#[tokio::test]
async fn a_row_tells_in_full_what_may_be_cut() {
    let xray = with_a_trace().await;
    let page = text(get(&xray, &format!("/trace/{TRACE}")).await).await;
    for title in
        ["frontend GET /&#60;b&#62;?q=&#34;1&#34;", "backend remote", "DynamoDB GetItem orders", "backend"]
    {
        assert!(page.contains(&format!("<span class=\"label\" title=\"{title}\">")), "{title}");
    }
}

#[tokio::test]
async fn a_trace_that_has_not_arrived_is_waited_for() {
    let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
    let path = format!("/trace/{TRACE}");
    let before = get(&xray, &path).await;
    assert_eq!(before.status(), StatusCode::NOT_FOUND);
    let before = text(before).await;
    for part in [
        "a few seconds",
        "up to five seconds",
        TRACE,
        "/static/live.js",
        "<div id=\"trace\" data-live data-waiting>",
    ] {
        assert!(before.contains(part), "{part}");
    }
    put(
        &xray,
        &[json!({"name": "late", "id": "000000000000000a", "trace_id": TRACE, "start_time": 1, "end_time": 2})],
    )
    .await;
    let after = get(&xray, &path).await;
    assert_eq!(after.status(), StatusCode::OK);
    // The part of the same id takes the other's place.
    assert!(text(after).await.contains("<div id=\"trace\" data-live>"));
}

#[tokio::test]
async fn filters_choose() {
    let xray = with_a_trace().await;
    for (query, found) in [
        ("", 1),
        ("text=FRONT", 1),
        ("text=nowhere", 0),
        ("service=backend", 1),
        ("service=back", 0),
        ("status=fault", 1),
        ("status=ok", 0),
        ("status=throttle", 0),
        ("min_ms=1000", 1),
        ("min_ms=1000.1", 0),
        ("min_ms=nonsense", 1),
        ("annotation=customer%3D392", 1),
        ("annotation=customer", 1),
        ("annotation=customer%3D1", 0),
        ("status=fault&text=nowhere", 0),
    ] {
        let answer: Value =
            serde_json::from_str(&text(get(&xray, &format!("/api/traces?{query}")).await).await).unwrap();
        assert_eq!(answer["traces"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test]
async fn the_map_infers_who_does_not_answer() {
    let xray = with_a_trace().await;
    let map: Value = serde_json::from_str(&text(get(&xray, "/api/map").await).await).unwrap();
    let name = |service: &Value| format!("{} {}", service["name"].as_str().unwrap(), service["inferred"]);
    let services: Vec<String> = map["services"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(services, ["Client true", "backend false", "frontend false", "orders true"]);
    let edges: Vec<String> = map["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| {
            format!("{} > {}: {} {}", name(&edge["from"]), name(&edge["to"]), edge["total"], edge["fault"])
        })
        .collect();
    assert_eq!(
        edges,
        [
            "Client true > frontend false: 1 1",
            "frontend false > backend false: 1 0",
            "frontend false > orders true: 1 0",
        ]
    );
}

#[tokio::test]
async fn pages_of_strangers_get_nothing() {
    let xray = with_a_trace().await;
    let client = Client::new();
    let own = xray.url();
    for (path, host, expected) in [
        ("/", "evil.example", StatusCode::FORBIDDEN),
        ("/api/traces", "evil.example:2000", StatusCode::FORBIDDEN),
        ("/static/style.css", "evil.example", StatusCode::FORBIDDEN),
        ("/api/traces", "localhost:2000", StatusCode::OK),
    ] {
        let response = client.get(format!("{own}{path}")).header("host", host).send().await.unwrap();
        assert_eq!(response.status(), expected, "{path} as {host}");
    }
    for (path, origin, expected) in [
        ("/api/clear", "https://evil.example", StatusCode::FORBIDDEN),
        ("/clear", "null", StatusCode::FORBIDDEN),
        ("/TraceSegments", "https://evil.example", StatusCode::FORBIDDEN),
        ("/api/clear", own.as_str(), StatusCode::NO_CONTENT),
    ] {
        let response = client.post(format!("{own}{path}")).header("origin", origin).send().await.unwrap();
        assert_eq!(response.status(), expected, "{path} from {origin}");
    }
    assert_eq!(xray.stats().traces, 0);
}

#[tokio::test]
async fn every_answer_closes_the_page_to_foreign_content() {
    let xray = with_a_trace().await;
    for path in ["/", "/api/stats", "/nothing"] {
        let response = get(&xray, path).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}
