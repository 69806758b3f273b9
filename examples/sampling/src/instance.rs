//! One instance of the service: a router, its pipeline, and a sampler that asks X-Ray.

use std::convert::Infallible;

use axum::{Router, body::Body, extract::Request, response::Response, routing::any};
use opentelemetry::KeyValue;
use opentelemetry_aws_xray::{
    Xray,
    sampler::{Overrides, SamplerHandle, XraySampler},
    tower::{AxumBodies, XrayLayer},
};
use opentelemetry_sdk::{Resource, trace::Sampler};
use tower::ServiceExt;

use crate::{
    Error, Route, Row,
    reports::{Reports, WatchedApi},
    rules::{self, FALLBACK_SHARE},
    snapshot::DecidedBy,
    tally::{Tally, Watched},
};

/// The service's name, which the rule for orders asks for.
const SERVICE: &str = "checkout";

/// An instance at work.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    name: &'static str,
    router: Router,
    sampler: SamplerHandle,
    tally: Tally,
    reports: Reports,
}

impl Instance {
    /// An instance, and its pipeline to the X-Ray at `url`.
    pub(crate) fn new(name: &'static str, url: &str) -> Result<(Self, Xray), Error> {
        let resource = Resource::builder()
            .with_service_name(SERVICE)
            .with_attribute(KeyValue::new("service.instance.id", name))
            .build();
        let (tally, reports) = (Tally::default(), Reports::default());
        let sampler = XraySampler::builder()
            .with_resource(&resource)
            // A service says `with_endpoint(url)`. Here somebody looks at what is reported.
            .with_api(WatchedApi::new(url, reports.clone()))
            .with_overrides(rules::overrides().parse::<Overrides>().map_err(Error::Overrides)?)
            .with_fallback(Sampler::TraceIdRatioBased(FALLBACK_SHARE))
            .build();
        let handle = sampler.handle();
        let xray = Xray::builder()
            .with_resource(resource)
            .with_daemon_address(url.trim_start_matches("http://"))
            .with_sampler(Watched::new(sampler, tally.clone()))
            .build();
        let layer =
            XrayLayer::axum().with_tracer_provider(xray.tracer_provider()).with_propagator(xray.propagator());
        Ok((Self { name, router: router(layer), sampler: handle, tally, reports }, xray))
    }

    /// Answers a request for this path.
    pub(crate) async fn answer(&self, path: String) -> Result<Response, Infallible> {
        let mut request = Request::new(Body::empty());
        // The paths of this program are all paths.
        *request.uri_mut() = path.parse().unwrap_or_default();
        self.router.clone().oneshot(request).await
    }

    /// What it has decided so far, by route.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let (status, reported) = (self.sampler.status(), self.reports.so_far());
        let row = |route: Route| {
            let counted = self.tally.of(route);
            let rule = counted.rule.as_deref();
            let known = status.rules.iter().find(|known| Some(known.name.as_str()) == rule);
            Row {
                route,
                instance: self.name,
                requests: counted.requests,
                sampled: counted.sampled,
                borrowed: rule.and_then(|rule| reported.borrowed.get(rule)).copied(),
                quota: known.and_then(|known| known.quota),
                decided_by: match (rule, rules::override_of(route)) {
                    (Some(rule), _) => DecidedBy::Rule(rule.to_owned()),
                    (None, Some(line)) => DecidedBy::Override(line),
                    (None, None) if counted.sampled > 0 => DecidedBy::Fallback,
                    (None, None) => DecidedBy::Unknown,
                },
            }
        };
        Route::ALL.map(row).into()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The id by which X-Ray knows it, once it has reported.
    pub(crate) fn client(&self) -> Option<String> {
        self.reports.so_far().client
    }

    /// The rate of one of the account's rules as it knows it, from 0 to 1.
    pub(crate) fn rate_of(&self, rule: &str) -> Option<f64> {
        let rules = self.sampler.status().rules;
        rules.iter().find(|known| known.name == rule).map(|known| known.fixed_rate)
    }
}

fn router(layer: XrayLayer<AxumBodies>) -> Router {
    let routes = Route::ALL.map(Route::pattern);
    routes.into_iter().fold(Router::new(), |router, path| router.route(path, any(|| async {}))).layer(layer)
}
