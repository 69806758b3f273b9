//! Samplers that honour what an X-Ray caller decided, or left open.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use self::parent::{ParentDecision, parent_decision};

pub(crate) mod parent;
mod record_unsampled;

pub use self::record_unsampled::RecordUnsampled;

#[cfg(feature = "adaptive-sampling")]
pub mod adaptive;
#[cfg(feature = "sampler")]
mod api;
#[cfg(feature = "sampler")]
mod builder;
#[cfg(feature = "sampler")]
mod calls;
#[cfg(feature = "sampler")]
mod control;
#[cfg(all(feature = "sampler", feature = "aws"))]
mod direct;
#[cfg(all(feature = "sampler", feature = "tower"))]
pub(crate) mod early;
#[cfg(feature = "sampler")]
mod fallback;
#[cfg(feature = "sampler")]
mod handle;
#[cfg(feature = "sampler")]
mod http;
#[cfg(feature = "sampler")]
mod metrics;
#[cfg(feature = "sampler")]
mod override_file;
#[cfg(feature = "sampler")]
mod pages;
#[cfg(feature = "sampler")]
mod poller;
#[cfg(feature = "sampler")]
mod process;
#[cfg(feature = "sampler")]
mod published;
#[cfg(feature = "sampler")]
mod request;
#[cfg(feature = "sampler")]
mod root;
#[cfg(feature = "sampler")]
mod route_override;
#[cfg(feature = "sampler")]
mod status;
#[cfg(feature = "sampler")]
mod stripe;
#[cfg(feature = "sampler")]
mod warnings;
#[cfg(feature = "sampler")]
mod xray;

#[cfg(all(feature = "sampler", feature = "aws"))]
pub use self::direct::DirectSamplingApi;
#[cfg(feature = "sampler")]
pub use self::{
    api::{SamplingApi, SamplingApiError},
    builder::XraySamplerBuilder,
    handle::SamplerHandle,
    http::HttpSamplingApi,
    override_file::{Overrides, ParseOverridesError},
    route_override::RouteOverride,
    status::{RuleStatus, SamplerStatus},
    xray::XraySampler,
};
#[cfg(feature = "sampler")]
pub(crate) use metrics::observe;
#[cfg(feature = "sampler")]
pub use xray_wire::sampling::{Counts, LocalRules, LocalRulesError};

/// Follows the parent's decision, and asks another sampler where there is none.
///
/// There is none for a new trace, and where `X-Amzn-Trace-Id` left it open: `Sampled=?`, no `Sampled` at all, or
/// the `Root` alone that load balancers send. The SDK's parent-based samplers can't tell the latter from a parent that
/// is sampled.
///
/// The other sampler's attributes and trace state are kept. Following a parent adds no attributes and keeps the
/// parent's trace state.
///
/// ```
/// use std::collections::HashMap;
///
/// use opentelemetry::{propagation::TextMapPropagator, trace::{Span, Tracer, TracerProvider}};
/// use opentelemetry_aws_xray::{XrayParentBased, XrayPropagator};
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
///
/// // Where nobody has decided, so does `AlwaysOff`.
/// let sampler = XrayParentBased::new(Sampler::AlwaysOff);
/// let tracer = SdkTracerProvider::builder().with_sampler(sampler).build().tracer("shop");
///
/// let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
/// for (header, is_sampled) in [
///     (format!("{root};Parent=53995c3f42cd8ad8;Sampled=1"), true),
///     (format!("{root};Parent=53995c3f42cd8ad8;Sampled=?"), false),
///     (root.to_owned(), false),
/// ] {
///     let request = HashMap::from([("x-amzn-trace-id".to_owned(), header)]);
///     let span = tracer.start_with_context("order", &XrayPropagator::new().extract(&request));
///     assert_eq!(span.span_context().is_sampled(), is_sampled);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct XrayParentBased<R = Sampler> {
    root: R,
}

impl<R: ShouldSample + Clone + 'static> XrayParentBased<R> {
    /// A sampler that asks `root` where no parent has decided.
    #[must_use]
    pub fn new(root: R) -> Self {
        Self { root }
    }
}

impl Default for XrayParentBased {
    /// Records every trace about which nobody has decided.
    fn default() -> Self {
        Self::new(Sampler::AlwaysOn)
    }
}

impl<R: ShouldSample + Clone + 'static> ShouldSample for XrayParentBased<R> {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let decision = match parent_decision(parent_context) {
            ParentDecision::Sampled => SamplingDecision::RecordAndSample,
            ParentDecision::NotSampled => SamplingDecision::Drop,
            ParentDecision::Undecided => {
                return self.root.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
            }
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: parent_context
                .map(|cx| cx.span().span_context().trace_state().clone())
                .unwrap_or_default(),
        }
    }
}

/// A number from the operating system's source of randomness, stretched by a keyed hash. Good for spreading calls
/// in time and for telling processes apart, not for secrets.
#[cfg(feature = "sampler")]
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};

    RandomState::new().hash_one(0)
}

#[cfg(all(test, feature = "sampler"))]
mod remote_tests;
#[cfg(test)]
mod tests;
