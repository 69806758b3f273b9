//! What a server's span says, and what the caller hears.

use std::sync::{Arc, Mutex};

use axum::{Router, http::StatusCode, routing::get as on_get};
use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_aws_xray::{
    XrayPropagator,
    tower::{AxumBodies, XrayLayer},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use tower::Layer;

use crate::support::{World, attribute, fetch, get, is_error, serve};

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

/// Samples everything and keeps what it was told.
#[derive(Debug, Clone, Default)]
struct Witness(Arc<Mutex<Vec<Told>>>);

/// A span's name and its attributes.
type Told = (String, Vec<KeyValue>);

impl ShouldSample for Witness {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        self.0.lock().unwrap().push((name.to_owned(), attributes.to_vec()));
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

#[tokio::test]
async fn the_sampler_sees_the_request_before_the_span_starts() {
    let witness = Witness::default();
    let mut world = World::new(witness.clone());
    let app = Router::new().route("/users/{id}", on_get(|| async { "ada" })).layer(world.layer());
    let address = serve(app).await;
    let mut request = get(address, "/users/7?q=1");
    request.headers_mut().insert("x-forwarded-for", "192.0.2.7".parse().unwrap());
    request.headers_mut().insert("user-agent", "test/1".parse().unwrap());
    assert_eq!(fetch(request).await.body(), "ada");

    let (name, attributes) = witness.0.lock().unwrap()[0].clone();
    let seen = attributes.iter().filter(|kv| kv.key.as_str() != "network.peer.port");
    let seen: Vec<_> = seen.map(|kv| format!("{}={}", kv.key, kv.value)).collect();
    assert_eq!(name, "GET /users/{id}");
    assert_eq!(
        seen,
        [
            "http.request.method=GET",
            "url.scheme=http",
            "url.path=/users/7",
            "url.query=q=1",
            "server.address=127.0.0.1",
            &format!("server.port={}", address.port()),
            "client.address=192.0.2.7",
            "http.route=/users/{id}",
            "user_agent.original=test/1",
            "network.protocol.version=1.1",
            "network.peer.address=127.0.0.1",
        ]
    );

    let span = world.span().await;
    assert_eq!((span.name.as_ref(), span.span_kind.clone()), ("GET /users/{id}", SpanKind::Server));
    assert_eq!(span.instrumentation_scope.name(), "opentelemetry-aws-xray");
    for (key, expected) in
        [("http.response.status_code", "200"), ("http.response.body.size", "3"), ("error.type", "")]
    {
        assert_eq!(attribute(&span, key), expected, "{key}");
    }
}

#[tokio::test]
async fn the_global_provider_and_propagator_may_be_installed_after_the_layer() {
    let address = serve(Router::new().route("/", on_get(|| async {})).layer(XrayLayer::new())).await;
    // No other test here uses the globals.
    let mut world = World::new(Sampler::AlwaysOn);
    opentelemetry::global::set_tracer_provider(world.provider.clone());
    opentelemetry::global::set_text_map_propagator(XrayPropagator::new());
    let mut request = get(address, "/");
    request.headers_mut().insert("x-amzn-trace-id", format!("Root={ROOT}").parse().unwrap());
    fetch(request).await;
    let span = world.span().await;
    assert_eq!(span.span_context.trace_id().to_string(), ROOT[2..].replace('-', ""));
    assert_eq!((span.name.as_ref(), attribute(&span, "network.peer.address").as_str()), ("GET", ""));
}

#[tokio::test]
async fn routes_are_known_where_axum_has_matched() {
    async fn ok() {}
    struct Case {
        why: &'static str,
        app: fn(XrayLayer<AxumBodies>) -> Router,
        path: &'static str,
        status: u16,
        /// `None` if the layer does not see the request.
        span: Option<&'static str>,
    }
    let cases = [
        Case {
            why: "layer, matched",
            app: |layer| Router::new().route("/a/{id}", on_get(ok)).layer(layer),
            path: "/a/1",
            status: 200,
            span: Some("GET /a/{id}"),
        },
        Case {
            why: "layer, wrong method: the route matched nevertheless",
            app: |layer| Router::new().route("/a/{id}", axum::routing::post(ok)).layer(layer),
            path: "/a/1",
            status: 405,
            span: Some("GET /a/{id}"),
        },
        Case {
            why: "layer, no route",
            app: |layer| Router::new().route("/a", on_get(ok)).layer(layer),
            path: "/b",
            status: 404,
            span: Some("GET"),
        },
        Case {
            why: "layer, own fallback",
            app: |layer| Router::new().fallback(ok).layer(layer),
            path: "/b",
            status: 200,
            span: Some("GET"),
        },
        Case {
            why: "layer, then another route: not seen",
            app: |layer| Router::new().route("/a", on_get(ok)).layer(layer).route("/b", on_get(ok)),
            path: "/b",
            status: 200,
            span: None,
        },
        Case {
            why: "route_layer, matched",
            app: |layer| Router::new().route("/a/{id}", on_get(ok)).route_layer(layer),
            path: "/a/1",
            status: 200,
            span: Some("GET /a/{id}"),
        },
        Case {
            why: "route_layer, no route: not seen",
            app: |layer| Router::new().route("/a", on_get(ok)).route_layer(layer),
            path: "/b",
            status: 404,
            span: None,
        },
        Case {
            why: "layer inside a nested router: the whole route",
            app: |layer| Router::new().nest("/api", Router::new().route("/a/{id}", on_get(ok)).layer(layer)),
            path: "/api/a/1",
            status: 200,
            span: Some("GET /api/a/{id}"),
        },
        Case {
            why: "layer outside a nested router: the whole route",
            app: |layer| Router::new().nest("/api", Router::new().route("/a/{id}", on_get(ok))).layer(layer),
            path: "/api/a/1",
            status: 200,
            span: Some("GET /api/a/{id}"),
        },
        Case {
            why: "around the router: before the match",
            app: |layer| {
                Router::new().fallback_service(layer.layer(Router::new().route("/a/{id}", on_get(ok))))
            },
            path: "/a/1",
            status: 200,
            span: Some("GET"),
        },
    ];
    for Case { why, app, path, status, span } in cases {
        let mut world = World::new(Sampler::AlwaysOn);
        let address = serve(app(world.layer())).await;
        assert_eq!(fetch(get(address, path)).await.status(), status, "{why}");
        match span {
            Some(name) => assert_eq!(world.span().await.name, name, "{why}"),
            None => assert!(world.is_quiet(), "{why}"),
        }
    }
}

#[tokio::test]
async fn the_caller_is_answered() {
    struct Case {
        sent: &'static str,
        sampler: Sampler,
        answers: bool,
        own: Option<&'static str>,
        expected: &'static str,
    }
    let asked = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?";
    let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
    let cases = [
        Case {
            sent: asked,
            sampler: Sampler::AlwaysOn,
            expected: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
            answers: true,
            own: None,
        },
        Case {
            sent: asked,
            sampler: Sampler::AlwaysOff,
            expected: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            answers: true,
            own: None,
        },
        Case {
            sent: "Self=1-67891233-abcdef012345678912345678;Root=1-5759e988-bd862e3fe1be46a994272793",
            sampler: Sampler::AlwaysOn,
            answers: true,
            own: None,
            expected: root,
        },
        Case {
            sent: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            sampler: Sampler::AlwaysOn,
            answers: true,
            own: None,
            expected: root,
        },
        Case { sent: asked, sampler: Sampler::AlwaysOn, answers: false, own: None, expected: "" },
        Case { sent: asked, sampler: Sampler::AlwaysOn, answers: true, own: Some("mine"), expected: "mine" },
    ];
    for Case { sent, sampler, answers, own, expected } in cases {
        let world = World::new(sampler);
        let handler = move || async move { own.map_or([("x-other", "")], |own| [("x-amzn-trace-id", own)]) };
        let layer = world.layer().with_response_header(answers);
        let address = serve(Router::new().route("/", on_get(handler)).layer(layer)).await;
        let mut request = get(address, "/");
        request.headers_mut().insert("x-amzn-trace-id", sent.parse().unwrap());
        let response = fetch(request).await;
        let answer = response.headers().get("x-amzn-trace-id").map_or("", |value| value.to_str().unwrap());
        assert_eq!(answer, expected, "{sent}");
    }
}

#[tokio::test]
async fn a_load_balancers_root_is_continued() {
    let mut world = World::new(Sampler::AlwaysOn);
    let address = serve(Router::new().route("/", on_get(|| async {})).layer(world.layer())).await;
    let mut request = get(address, "/");
    let header = format!("Self=1-67891234-12456789abcdef012345678;Root={ROOT}");
    request.headers_mut().insert("x-amzn-trace-id", header.parse().unwrap());
    fetch(request).await;
    let span = world.span().await;
    assert_eq!(span.span_context.trace_id().to_string(), ROOT[2..].replace('-', ""));
}

#[tokio::test]
async fn a_span_recorded_against_the_callers_decision_is_as_complete() {
    let mut world = World::new(Sampler::AlwaysOn);
    let app = Router::new().route("/users/{id}", on_get(|| async {})).layer(world.layer());
    let address = serve(app).await;
    let mut request = get(address, "/users/7?q=1");
    let header = format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0");
    request.headers_mut().insert("x-amzn-trace-id", header.parse().unwrap());
    fetch(request).await;
    let span = world.span().await;
    assert_eq!(span.name, "GET /users/{id}");
    for (key, expected) in [
        ("http.request.method", "GET"),
        ("url.path", "/users/7"),
        ("url.query", "q=1"),
        ("http.route", "/users/{id}"),
        ("network.peer.address", "127.0.0.1"),
    ] {
        assert_eq!(attribute(&span, key), expected, "{key}");
    }
}

#[tokio::test]
async fn handlers_run_inside_the_span() {
    let mut world = World::new(Sampler::AlwaysOn);
    let handler = || async { Context::current().span().span_context().span_id().to_string() };
    let address = serve(Router::new().route("/", on_get(handler)).layer(world.layer())).await;
    let inside = fetch(get(address, "/")).await.into_body();
    assert_eq!(inside, world.span().await.span_context.span_id().to_string());
}

#[tokio::test]
async fn filtered_requests_pass_without_a_trace() {
    let mut world = World::new(Sampler::AlwaysOn);
    let handler = || async { Context::current().has_active_span().to_string() };
    let layer = world.layer().with_filter(|head| head.uri.path() != "/health");
    let app = Router::new().route("/health", on_get(handler)).route("/", on_get(handler)).layer(layer);
    let address = serve(app).await;
    let health = fetch(get(address, "/health")).await;
    assert_eq!(health.body(), "false");
    assert_eq!(health.headers().get("x-amzn-trace-id"), None);
    assert!(world.is_quiet());
    assert_eq!(fetch(get(address, "/")).await.body(), "true");
    assert_eq!(attribute(&world.span().await, "url.path"), "/");
}

#[tokio::test]
async fn only_5xx_is_a_servers_error() {
    for (status, expected_error, expected_type) in
        [(200, false, ""), (404, false, ""), (429, false, ""), (503, true, "503")]
    {
        let mut world = World::new(Sampler::AlwaysOn);
        let handler = move || async move { StatusCode::from_u16(status).unwrap() };
        let address = serve(Router::new().route("/", on_get(handler)).layer(world.layer())).await;
        fetch(get(address, "/")).await;
        let span = world.span().await;
        assert_eq!(
            (is_error(&span), attribute(&span, "error.type").as_str()),
            (expected_error, expected_type)
        );
        assert_eq!(attribute(&span, "http.response.status_code"), status.to_string());
    }
}
