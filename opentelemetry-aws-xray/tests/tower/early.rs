//! Where X-Ray's rules decide alone, a request that they don't sample is never described.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, body::Body, routing::get as on_get};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt},
};
use opentelemetry_aws_xray::{
    Xray, XrayPropagator,
    sampler::{RouteOverride, SamplingApi, SamplingApiError},
    sink::MemorySink,
    tower::XrayLayer,
};
use serde_json::Value;
use tower::ServiceExt;
use xray_wire::sampling::{ClientId, Rate, Report, Rule, RulesPage, Targets};

const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

/// X-Ray, with a rule that samples `/always*` and one that samples nothing else.
#[derive(Debug)]
struct Rules;

impl SamplingApi for Rules {
    fn rules(&mut self, _: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        let mut always = Rule::for_all("always", 1, 0, Rate::ALWAYS);
        always.url_path = "/always*".into();
        let rules = vec![always, Rule::for_all("Default", 10_000, 0, Rate::NEVER)];
        Ok(RulesPage { rules, skipped: Vec::new(), next_token: None })
    }

    fn targets(&mut self, _: ClientId, _: u64, _: &[Report]) -> Result<Targets, SamplingApiError> {
        Ok(Targets::default())
    }

    fn endpoint(&self) -> String {
        "memory".to_owned()
    }
}

struct Service {
    xray: Xray,
    documents: MemorySink,
    app: Router,
    /// How often the layer asked for the route: once for each request that it described.
    described: Arc<AtomicUsize>,
}

impl Service {
    fn new() -> Self {
        let documents = MemorySink::default();
        let sink = documents.clone();
        let xray = Xray::builder()
            .with_central_sampling(|sampler| {
                sampler.with_api(Rules).with_override(RouteOverride::never().with_path("*/health"))
            })
            .with_exporter(|exporter| exporter.with_sink(sink))
            .build();
        let described = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&described);
        let layer = XrayLayer::axum()
            .with_tracer_provider(xray.tracer_provider())
            .with_propagator(XrayPropagator::new())
            .with_route(move |head| {
                count.fetch_add(1, Ordering::Relaxed);
                Some(head.uri.path().to_owned().into())
            });
        let app = Router::new().fallback(on_get(passed_on)).layer(layer);
        Self { xray, documents, app, described }
    }

    /// A service whose layer has had a request, and whose sampler has the rules.
    async fn in_operation() -> Self {
        let service = Self::new();
        while service.xray.sampler_status().unwrap().rules.is_empty() {
            service.call("/first", None).await;
            tokio::task::yield_now().await;
        }
        service.xray.force_flush().unwrap();
        let _ = service.documents.take();
        service.described.store(0, Ordering::Relaxed);
        service
    }

    /// The answer's trace header, and what the handler would have passed on.
    async fn call(&self, path: &str, trace_header: Option<&str>) -> (String, String) {
        let mut request = Request::get(path).header("host", "shop.example.com");
        if let Some(value) = trace_header {
            request = request.header("x-amzn-trace-id", value);
        }
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let answer = response.headers()["x-amzn-trace-id"].to_str().unwrap().to_owned();
        let body = response.collect().await.unwrap().to_bytes();
        (answer, String::from_utf8(body.to_vec()).unwrap())
    }

    fn documents(&self) -> Vec<Value> {
        self.xray.force_flush().unwrap();
        self.documents.take().iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    fn described(&self) -> usize {
        self.described.swap(0, Ordering::Relaxed)
    }
}

/// What a client would send from within the handler.
async fn passed_on() -> String {
    let cx = Context::current();
    let span = cx.span();
    assert!(span.span_context().is_valid() && !span.span_context().is_remote());
    assert_ne!(span.span_context().span_id(), SpanId::from(0x5399_5c3f_42cd_8ad8));
    let mut headers = HeaderMap::new();
    XrayPropagator::new().inject_into(&cx, &mut headers);
    headers["x-amzn-trace-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_is_described_if_it_is_sampled() {
    struct Case {
        path: &'static str,
        sent: Option<&'static str>,
        /// The rule that sampled it; empty if the caller did; `None` if it is not sampled.
        sampled_by: Option<&'static str>,
        answer: &'static str,
        /// The end of what is passed on.
        passed_on: &'static str,
    }
    const CALLER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8";
    let service = Service::in_operation().await;
    let by_caller = |sampled| &*format!("{CALLER};Sampled={sampled}").leak();
    for Case { path, sent, sampled_by, answer, passed_on } in [
        Case { path: "/no", sent: Some(ROOT), sampled_by: None, answer: ROOT, passed_on: ";Sampled=0" },
        Case {
            path: "/always",
            sent: Some(ROOT),
            sampled_by: Some("always"),
            answer: ROOT,
            passed_on: ";Sampled=1",
        },
        Case {
            path: "/always/health",
            sent: Some(ROOT),
            sampled_by: None,
            answer: ROOT,
            passed_on: ";Sampled=0",
        },
        Case {
            path: "/no",
            sent: Some(by_caller("?;Lineage=1:2")),
            sampled_by: None,
            answer: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            passed_on: ";Sampled=0;Lineage=1:2",
        },
        Case {
            path: "/always",
            sent: Some(by_caller("?;Lineage=1:2")),
            sampled_by: Some("always"),
            answer: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
            passed_on: ";Sampled=1;Lineage=1:2",
        },
        Case {
            path: "/no",
            sent: Some(by_caller("1")),
            sampled_by: Some(""),
            answer: ROOT,
            passed_on: ";Sampled=1",
        },
        Case {
            path: "/always",
            sent: Some(by_caller("0")),
            sampled_by: None,
            answer: ROOT,
            passed_on: ";Sampled=0",
        },
        Case {
            path: "/no",
            sent: Some("Sampled=0"),
            sampled_by: None,
            answer: "Root=1-",
            passed_on: ";Sampled=0",
        },
        Case { path: "/no", sent: None, sampled_by: None, answer: "Root=1-", passed_on: ";Sampled=0" },
        Case {
            path: "/always",
            sent: None,
            sampled_by: Some("always"),
            answer: "Root=1-",
            passed_on: ";Sampled=1",
        },
    ] {
        let (answered, passed) = service.call(path, sent).await;
        assert!(answered.starts_with(answer), "{path} {sent:?}: {answered}");
        let root = answered.split(';').next().unwrap();
        assert!(passed.starts_with(root) && passed.ends_with(passed_on), "{path} {sent:?}: {passed}");
        let documents = service.documents();
        assert_eq!(documents.len(), usize::from(sampled_by.is_some()), "{path} {sent:?}: {documents:?}");
        assert_eq!(service.described(), documents.len(), "{path} {sent:?}");
        if let (Some(rule), [document]) = (sampled_by, &documents[..]) {
            let found = document["aws"]["xray"]["sampling_rule_name"].as_str().unwrap_or_default();
            assert_eq!(found, rule, "{document}");
            assert_eq!(document["http"]["request"]["url"], format!("http://shop.example.com{path}"));
        }
    }
}

#[tokio::test]
async fn each_request_is_counted_once() {
    let service = Service::in_operation().await;
    let counts = || {
        let status = service.xray.sampler_status().unwrap();
        let of_rules = status.rules.iter().map(|rule| (rule.decisions.sampled, rule.decisions.not_sampled));
        (of_rules.collect::<Vec<_>>(), status.overrides[0].not_sampled)
    };
    let before = counts();
    for path in ["/always", "/no", "/no", "/health"] {
        service.call(path, Some(ROOT)).await;
    }
    let after = counts();
    let new = |rule: usize| (after.0[rule].0 - before.0[rule].0, after.0[rule].1 - before.0[rule].1);
    assert_eq!((new(0), new(1), after.1 - before.1), ((1, 0), (0, 2), 1));
}
