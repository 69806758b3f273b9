//! What can be set of a sampler.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::otel_warn;
use opentelemetry_sdk::{Resource, trace::ShouldSample};
use xray_wire::sampling::{LocalRules, Process, Schedule, Table};

use super::{
    api::SamplingApi,
    control::{Control, Progress},
    fallback::Fallback,
    http::HttpSamplingApi,
    poller::{Poller, nanos},
    process::OwnProcess,
    published::Published,
    route_override::{ActiveOverride, RouteOverride},
    xray::{Inner, XraySampler},
};
use crate::{
    clock::{Clock, SystemClock},
    config::{self, Environment},
};

/// Builds an [`XraySampler`].
///
/// ```
/// use std::time::Duration;
///
/// use opentelemetry_aws_xray::sampler::{RouteOverride, XraySampler};
/// use opentelemetry_sdk::{Resource, trace::Sampler};
///
/// let sampler = XraySampler::builder()
///     .with_resource(&Resource::builder().with_service_name("checkout").build())
///     .with_endpoint("http://xray-daemon.internal:2000")
///     .with_rules_interval(Duration::from_secs(60))
///     .with_override(RouteOverride::never().with_path("/health*"))
///     .with_fallback(Sampler::TraceIdRatioBased(0.01))
///     .build();
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct XraySamplerBuilder {
    process: OwnProcess,
    api: Option<Box<dyn SamplingApi>>,
    endpoint: Option<String>,
    rules_interval: Duration,
    overrides: Vec<RouteOverride>,
    fallback: Fallback,
    clock: Arc<dyn Clock>,
}

impl XraySamplerBuilder {
    pub(super) fn new() -> Self {
        Self {
            process: OwnProcess::default(),
            api: None,
            endpoint: None,
            rules_interval: Schedule::RULES_INTERVAL,
            overrides: Vec::new(),
            fallback: Fallback::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// The resource of the spans. Rules may ask for its `service.name`, its `cloud.platform`, and the ARN of its container or
    /// function; without it, rules for particular services match nothing.
    ///
    /// Default: none.
    pub fn with_resource(mut self, resource: &Resource) -> Self {
        self.process = OwnProcess::new(resource);
        self
    }

    /// Where the proxy is that signs the calls, as `http://host:port`. The calls are not encrypted. Takes the place of
    /// [`with_api`](Self::with_api).
    ///
    /// Default: the TCP part of `AWS_XRAY_DAEMON_ADDRESS`, else [`XraySampler::DEFAULT_ENDPOINT`].
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self.api = None;
        self
    }

    /// Another road to the API, instead of an endpoint.
    ///
    /// Default: [`HttpSamplingApi`] for the endpoint.
    pub fn with_api(mut self, api: impl SamplingApi) -> Self {
        self.api = Some(Box::new(api));
        self
    }

    /// The time between two calls for rules, from one second to half an hour: rules that are an hour old don't count any more. When X-Ray
    /// says that rules have changed, they are fetched earlier.
    ///
    /// Default: 300 seconds.
    pub fn with_rules_interval(mut self, interval: Duration) -> Self {
        self.rules_interval = interval;
        self
    }

    /// The sampler that decides while there are no rules, or none matches. It is asked for spans without a parent that has decided.
    ///
    /// Default: one request a second, and 5 % of the others.
    pub fn with_fallback(mut self, fallback: impl ShouldSample + 'static) -> Self {
        self.fallback = Fallback::Sampler(Arc::new(fallback));
        self
    }

    /// Rules of a file of the X-Ray SDKs to decide by while there are no rules, or none matches, instead of another sampler.
    ///
    /// ```
    /// use opentelemetry_aws_xray::sampler::{LocalRules, XraySampler};
    ///
    /// let rules = LocalRules::parse(r#"{"version": 2, "default": {"fixed_target": 1, "rate": 0.1}}"#)?;
    /// let sampler = XraySampler::builder().with_fallback_rules(rules).build();
    /// # Ok::<(), opentelemetry_aws_xray::sampler::LocalRulesError>(())
    /// ```
    ///
    /// Default: as above.
    pub fn with_fallback_rules(mut self, rules: LocalRules) -> Self {
        for warning in &rules.warnings {
            otel_warn!(name: "XraySampler.LocalRules", warning = warning.as_str());
        }
        self.fallback = Fallback::Rules(Arc::new(Table::local(rules.rules, &Process::default())));
        self
    }

    /// A decision of one's own for some requests, before the account's rules are asked. The first override that matches
    /// decides, in the order in which they are given.
    ///
    /// Default: none.
    pub fn with_override(mut self, asked: RouteOverride) -> Self {
        self.overrides.push(asked);
        self
    }

    /// Several overrides, such as those of a file, behind those given before.
    ///
    /// ```
    /// use opentelemetry_aws_xray::sampler::{Overrides, XraySampler};
    ///
    /// let overrides: Overrides = "never path=/health*".parse()?;
    /// let sampler = XraySampler::builder().with_overrides(overrides).build();
    /// # Ok::<(), opentelemetry_aws_xray::sampler::ParseOverridesError>(())
    /// ```
    ///
    /// Default: none.
    pub fn with_overrides(mut self, asked: impl IntoIterator<Item = RouteOverride>) -> Self {
        self.overrides.extend(asked);
        self
    }

    /// The clock by which quotas and rules end.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use opentelemetry_aws_xray::{clock::ManualClock, sampler::XraySampler};
    ///
    /// // In a test of what happens when the second of a quota is over:
    /// let clock = ManualClock::new();
    /// let sampler = XraySampler::builder().with_clock(clock.clone()).build();
    /// clock.advance(Duration::from_secs(1));
    /// ```
    ///
    /// Default: the operating system's.
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the sampler. Nothing is fetched before its first decision.
    #[must_use]
    pub fn build(self) -> XraySampler {
        let published = Arc::new(Published::new());
        let progress: Arc<Mutex<Progress>> = Arc::default();
        let endpoint = self.endpoint;
        let daemon = || config::daemon_address(None, &Environment::process()).tcp.to_string();
        let api = || HttpSamplingApi::new(&endpoint.unwrap_or_else(daemon));
        let control = Control::new(
            self.api.unwrap_or_else(|| Box::new(api())),
            self.process,
            Schedule::new(self.rules_interval, nanos(&*self.clock)),
            published.clone(),
            progress.clone(),
        );
        let poller = Poller::new(control, published.clone(), self.clock.clone());
        let inner = Inner {
            poller,
            published,
            overrides: self.overrides.into_iter().map(ActiveOverride::new).collect(),
            fallback: self.fallback,
            clock: self.clock,
            progress,
        };
        XraySampler {
            inner: Arc::new(inner),
            #[cfg(feature = "tower")]
            decides_alone: false,
        }
    }
}
