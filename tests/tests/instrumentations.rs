//! What sampling rules can ask of the spans of each instrumentation: they set different attributes before the sampler is asked.
//!
//! The table in `docs/sampling.md` is compared with what is found here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, http::Request, routing::get};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use e2e::PATIENCE;
use opentelemetry::{
    Context, KeyValue, global,
    trace::{Link, SpanKind, TraceId, TraceState, TracerProvider},
};
use opentelemetry_aws_xray::{
    clock::{Clock, SystemClock},
    sampler::{SamplingApi, SamplingApiError, XraySampler},
    tower::XrayLayer,
};
use opentelemetry_instrumentation_tower::http::server as instrumentation_tower;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_http::trace::TraceLayer;
use tracing::{field::Empty, info_span};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};
use xray_wire::sampling::{ClientId, Report, RulesPage, Targets, rules_page};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sampling.md");

/// The fields of a rule that are about a request, each with a pattern that the request below should match.
const FIELDS: [(&str, &str); 4] =
    [("ServiceName", "shop"), ("Host", "shop.example.com"), ("HTTPMethod", "GET"), ("URLPath", "/orders/7")];

type Drive = fn(&SdkTracerProvider);

const INSTRUMENTATIONS: [(&str, Drive); 7] = [
    ("`XrayLayer::new()`", |provider| {
        serve(orders().layer(XrayLayer::new().with_tracer_provider(provider)));
    }),
    ("`XrayLayer::axum()`", |provider| {
        serve(orders().layer(XrayLayer::axum().with_tracer_provider(provider)));
    }),
    ("opentelemetry-instrumentation-tower 0.19", |provider| {
        global::set_tracer_provider(provider.clone());
        serve(orders().layer(instrumentation_tower::Layer::new()));
    }),
    ("axum-tracing-opentelemetry 0.42", |provider| {
        with_tracing(provider, || serve(orders().layer(OtelAxumLayer::default())));
    }),
    ("tower-http 0.7, `TraceLayer`", |provider| {
        with_tracing(provider, || serve(orders().layer(TraceLayer::new_for_http())));
    }),
    ("a span of `tracing` with these fields", |provider| {
        with_tracing(provider, || {
            let span = info_span!(
                "GET",
                otel.kind = "server",
                http.request.method = "GET",
                url.path = "/orders/7",
                server.address = "shop.example.com",
            );
            span.in_scope(|| {});
        });
    }),
    ("the same, recorded after it was entered", |provider| {
        with_tracing(provider, || {
            let span = info_span!(
                "GET",
                otel.kind = "server",
                http.request.method = Empty,
                url.path = Empty,
                server.address = Empty,
            );
            let _entered = span.enter();
            span.record("http.request.method", "GET");
            span.record("url.path", "/orders/7");
            span.record("server.address", "shop.example.com");
        });
    }),
];

#[test]
fn the_table_of_what_rules_can_match_is_right() {
    let mut table = "| instrumentation |".to_owned();
    FIELDS.iter().for_each(|(field, _)| table += &format!(" `{field}` |"));
    table += " `Attributes` |\n|---|---|---|---|---|---|\n";
    for (name, drive) in INSTRUMENTATIONS {
        table += &row(name, &Start::of(drive));
    }
    let document = fs::read_to_string(DOCUMENT).unwrap();
    assert!(document.contains(&table), "docs/sampling.md is out of date; its table should be\n\n{table}");
}

fn row(name: &str, start: &Start) -> String {
    let fields = FIELDS.map(
        |(field, pattern)| {
            if start.matches(json!({ field: pattern })) { " yes |" } else { " – |" }
        },
    );
    let mut keys: Vec<_> = start.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    keys.sort_unstable();
    keys.retain(|key| start.matches(json!({"Attributes": {*key: "*"}})));
    let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    let keys = if keys.is_empty() { "–".to_owned() } else { keys.join(", ") };
    format!("| {name} |{} {keys} |\n", fields.concat())
}

/// A span as a sampler sees it: at its start.
#[derive(Debug, Clone)]
struct Start {
    kind: SpanKind,
    attributes: Vec<KeyValue>,
}

/// A sampler that remembers the first span.
#[derive(Debug, Clone, Default)]
struct FirstStart(Arc<Mutex<Option<Start>>>);

impl ShouldSample for FirstStart {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let start = || Start { kind: kind.clone(), attributes: attributes.to_vec() };
        self.0.lock().unwrap().get_or_insert_with(start);
        let decision = SamplingDecision::RecordAndSample;
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

impl Start {
    fn of(drive: Drive) -> Self {
        let first = FirstStart::default();
        let provider = SdkTracerProvider::builder().with_sampler(first.clone()).build();
        drive(&provider);
        provider.shutdown().unwrap();
        first.0.lock().unwrap().clone().unwrap()
    }

    /// Whether a rule samples this span that asks for nothing but these fields.
    fn matches(&self, fields: Value) -> bool {
        let sampler = XraySampler::builder()
            .with_resource(&Resource::builder_empty().with_service_name("shop").build())
            .with_api(OneRule::asking_for(fields))
            .with_fallback(Sampler::AlwaysOff)
            .build();
        let handle = sampler.handle();
        let is_sampled = || {
            let result = sampler.should_sample(None, TraceId::from(1), "", &self.kind, &self.attributes, &[]);
            result.decision == SamplingDecision::RecordAndSample
        };
        // The first decision makes it fetch the rule.
        is_sampled();
        let until = SystemClock.now() + PATIENCE;
        while handle.status().rules.is_empty() {
            assert!(SystemClock.now() < until, "no rules came");
            SystemClock.sleep(Duration::from_millis(1));
        }
        is_sampled()
    }
}

/// An X-Ray with one rule, which samples all that it matches.
#[derive(Debug)]
struct OneRule(String);

impl OneRule {
    fn asking_for(fields: Value) -> Self {
        let mut rule = json!({
            "RuleName": "asked", "Priority": 1, "FixedRate": 1.0, "ReservoirSize": 0, "Version": 1, "ServiceName": "*",
            "ServiceType": "*", "ResourceARN": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*",
        });
        let Value::Object(fields) = fields else { panic!("expected fields, but found {fields}") };
        rule.as_object_mut().unwrap().extend(fields);
        Self(json!({"SamplingRuleRecords": [{"SamplingRule": rule}]}).to_string())
    }
}

impl SamplingApi for OneRule {
    fn rules(&mut self, _: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        Ok(rules_page(self.0.as_bytes()).unwrap())
    }

    fn targets(&mut self, _: ClientId, _: u64, _: &[Report]) -> Result<Targets, SamplingApiError> {
        Err(SamplingApiError::new("there are none"))
    }

    fn endpoint(&self) -> String {
        "a test".to_owned()
    }
}

fn orders() -> Router {
    Router::new().route("/orders/{id}", get(async || "an order"))
}

/// Sends a request as it comes from a server: the host is in a header alone.
fn serve(orders: Router) {
    let request = Request::get("/orders/7?full=1")
        .header("host", "shop.example.com")
        .header("user-agent", "test")
        .body(Body::empty())
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(orders.oneshot(request)).unwrap();
    assert_eq!(response.status(), 200);
}

/// Runs this where spans of `tracing`, of all levels, become spans of OpenTelemetry. Where in the code they are is left out.
fn with_tracing(provider: &SdkTracerProvider, run: impl FnOnce()) {
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_location(false)
        .with_threads(false)
        .with_target(false);
    let _default = tracing_subscriber::registry().with(layer).set_default();
    run();
}
