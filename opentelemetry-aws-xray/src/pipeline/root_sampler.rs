//! Who decides for traces that begin here: code, else environment, else all are sampled.

#[cfg(feature = "sampler")]
use std::fmt;

use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, ShouldSample},
};

#[cfg(all(feature = "sampler", feature = "aws"))]
use crate::sampler::DirectSamplingApi;
#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::{AdaptiveSampler, AdaptiveSampling};
#[cfg(feature = "sampler")]
use crate::sampler::{SamplerHandle, XraySampler, XraySamplerBuilder};
use crate::{
    config::{self, Environment, NamedSampler},
    exporter::XrayExporterBuilder,
    sampler::XrayParentBased,
};

/// What was chosen in code.
#[derive(Debug, Default)]
pub(super) enum RootSampler {
    /// Nothing: the environment decides.
    #[default]
    Environment,
    /// This one.
    Given(Box<dyn ShouldSample>),
    /// X-Ray's rules, with these settings.
    #[cfg(feature = "sampler")]
    Central(Change),
    /// The same, with a part in adaptive sampling.
    #[cfg(feature = "adaptive-sampling")]
    Adaptive(Option<Change>, AdaptiveSampling),
}

/// A sampler for the pipeline.
pub(super) struct Built {
    pub(super) sampler: Box<dyn ShouldSample>,
    /// To look at it, if X-Ray's rules decide.
    #[cfg(feature = "sampler")]
    pub(super) central: Option<SamplerHandle>,
    /// It needs its processor.
    #[cfg(feature = "adaptive-sampling")]
    pub(super) adaptive: Option<AdaptiveSampler>,
}

impl RootSampler {
    /// The same, with a part in adaptive sampling if there is a configuration. What else was given has no effect then.
    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn with_adaptive(self, config: Option<AdaptiveSampling>) -> Self {
        match (config, self) {
            (None, sampler) => sampler,
            (Some(config), Self::Central(change)) => Self::Adaptive(Some(change), config),
            (Some(config), _) => Self::Adaptive(None, config),
        }
    }

    /// `decides_alone` says that no other sampler will be put around this one.
    pub(super) fn build(
        self,
        resource: &Resource,
        exporter: &XrayExporterBuilder,
        environment: &Environment,
        decides_alone: bool,
    ) -> Built {
        #[cfg(not(feature = "sampler"))]
        let _ = (resource, exporter, decides_alone);
        #[cfg(feature = "sampler")]
        let alone = |change| {
            let sampler = central(change, resource, exporter, environment);
            #[cfg(feature = "tower")]
            let sampler = if decides_alone { sampler.alone() } else { sampler };
            #[cfg(not(feature = "tower"))]
            let _ = decides_alone;
            sampler
        };
        match self {
            Self::Given(sampler) => sampler.into(),
            #[cfg(feature = "sampler")]
            Self::Central(change) => alone(Some(change)).into(),
            #[cfg(feature = "adaptive-sampling")]
            Self::Adaptive(change, config) => {
                AdaptiveSampler::new(central(change, resource, exporter, environment), config).into()
            }
            Self::Environment => match config::named_sampler(environment) {
                Some(NamedSampler::Every(sampler)) => sampler.into(),
                Some(NamedSampler::Root(sampler)) => XrayParentBased::new(sampler).into(),
                #[cfg(feature = "sampler")]
                Some(NamedSampler::Xray) => alone(None).into(),
                None => XrayParentBased::default().into(),
            },
        }
    }
}

/// A sampler by X-Ray's rules. Code has the last word on everything but overrides, of which those of the environment's file are
/// asked last.
#[cfg(feature = "sampler")]
fn central(
    change: Option<Change>,
    resource: &Resource,
    exporter: &XrayExporterBuilder,
    environment: &Environment,
) -> XraySampler {
    let arguments = config::xray_arguments(environment);
    let mut builder = XraySampler::builder().with_resource(resource);
    builder = match arguments.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint),
        None => by_the_exporter_s_road(builder, exporter, environment),
    };
    if let Some(interval) = arguments.polling_interval {
        builder = builder.with_rules_interval(interval);
    }
    if let Some(rules) = config::sampling_rules(environment) {
        builder = builder.with_fallback_rules(rules);
    }
    if let Some(Change(change)) = change {
        builder = change(builder);
    }
    builder.with_overrides(config::sampling_overrides(environment).unwrap_or_default()).build()
}

/// Rules come the way that documents go, but never by UDP.
#[cfg(feature = "sampler")]
fn by_the_exporter_s_road(
    builder: XraySamplerBuilder,
    exporter: &XrayExporterBuilder,
    environment: &Environment,
) -> XraySamplerBuilder {
    #[cfg(feature = "aws")]
    if let Some(direct) = exporter.direct(environment) {
        return builder.with_api(DirectSamplingApi::new(direct));
    }
    builder.with_endpoint(exporter.road(environment).1.tcp.to_string())
}

/// What the code wants to be different.
#[cfg(feature = "sampler")]
pub(super) struct Change(Box<dyn FnOnce(XraySamplerBuilder) -> XraySamplerBuilder + Send>);

#[cfg(feature = "sampler")]
impl Change {
    pub(super) fn new(
        change: impl FnOnce(XraySamplerBuilder) -> XraySamplerBuilder + Send + 'static,
    ) -> Self {
        Self(Box::new(change))
    }
}

#[cfg(feature = "sampler")]
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change")
    }
}

impl From<Box<dyn ShouldSample>> for Built {
    fn from(sampler: Box<dyn ShouldSample>) -> Self {
        Self {
            sampler,
            #[cfg(feature = "sampler")]
            central: None,
            #[cfg(feature = "adaptive-sampling")]
            adaptive: None,
        }
    }
}

impl From<Sampler> for Built {
    fn from(sampler: Sampler) -> Self {
        Self::from(Box::new(sampler) as Box<dyn ShouldSample>)
    }
}

impl From<XrayParentBased> for Built {
    fn from(sampler: XrayParentBased) -> Self {
        Self::from(Box::new(sampler) as Box<dyn ShouldSample>)
    }
}

#[cfg(feature = "sampler")]
impl From<XraySampler> for Built {
    fn from(sampler: XraySampler) -> Self {
        let central = Some(sampler.handle());
        Self { central, ..Self::from(Box::new(sampler) as Box<dyn ShouldSample>) }
    }
}

#[cfg(feature = "adaptive-sampling")]
impl From<AdaptiveSampler> for Built {
    fn from(sampler: AdaptiveSampler) -> Self {
        Self { central: Some(sampler.handle()), adaptive: Some(sampler.clone()), sampler: Box::new(sampler) }
    }
}
