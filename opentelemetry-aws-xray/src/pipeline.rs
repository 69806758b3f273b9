//! Everything in one call: exporter, batch processor, sampler, ids, propagators, resource.

use opentelemetry::{KeyValue, global, otel_info, propagation::TextMapCompositePropagator};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, ShouldSample, TracerProviderBuilder},
};

use crate::{
    config::{self, Environment, Propagator},
    context_missing::ContextMissing,
    exporter::{ExporterStats, StatsHandle, XrayExporter, XrayExporterBuilder},
    id_generator::XrayIdGenerator,
    sampler::XrayParentBased,
};

/// A running pipeline from spans to X-Ray.
///
/// Keep it for as long as the service runs: dropping it shuts the pipeline down, which sends what is still queued.
///
/// ```
/// use opentelemetry_aws_xray::Xray;
///
/// let xray = Xray::builder().with_service_name("checkout").install();
/// // … serve …
/// xray.shutdown().ok();
/// ```
#[derive(Debug)]
#[must_use = "dropping the handle shuts the pipeline down"]
pub struct Xray {
    provider: SdkTracerProvider,
    stats: StatsHandle,
    propagators: Vec<Propagator>,
    context_missing: ContextMissing,
}

impl Xray {
    /// Starts to build a pipeline.
    pub fn builder() -> XrayBuilder {
        XrayBuilder::default()
    }

    /// What became of the spans so far.
    #[must_use]
    pub fn stats(&self) -> ExporterStats {
        self.stats.now()
    }

    /// Sends all spans that have ended. Returns when they are handed to the operating system.
    ///
    /// # Errors
    /// The SDK's: the export took longer than five seconds, or the pipeline was shut down.
    pub fn force_flush(&self) -> OTelSdkResult {
        self.provider.force_flush()
    }

    /// Sends all spans that have ended and stops. Spans that end later are lost. Works inside and outside of async
    /// runtimes, whose thread it blocks for as long as sending takes, five seconds at most.
    ///
    /// # Errors
    /// The SDK's: it took longer than that, or the pipeline was shut down before.
    pub fn shutdown(&self) -> OTelSdkResult {
        self.provider.shutdown()
    }

    /// The tracer provider, for tracers and layers that shall not use the global one.
    #[must_use]
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// A propagator that reads and writes the headers of this pipeline.
    #[must_use]
    pub fn propagator(&self) -> TextMapCompositePropagator {
        config::composite(&self.propagators)
    }

    /// What happens when a call goes out while no trace is active.
    #[must_use]
    pub fn context_missing(&self) -> ContextMissing {
        self.context_missing
    }
}

impl Drop for Xray {
    fn drop(&mut self) {
        // It may have been shut down already; and there is nobody left to tell of anything else.
        let _ = self.provider.shutdown();
    }
}

/// Builds an [`Xray`]. What is set here wins over the environment; see [`VARIABLES`](crate::config::VARIABLES).
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `install` or `build`"]
pub struct XrayBuilder {
    service_name: Option<String>,
    resource: Option<Resource>,
    attributes: Vec<KeyValue>,
    sampler: Option<Box<dyn ShouldSample>>,
    propagators: Option<Vec<Propagator>>,
    context_missing: Option<ContextMissing>,
    enabled: Option<bool>,
    exporter: XrayExporterBuilder,
}

impl XrayBuilder {
    /// The service's name, which becomes the name of its segments.
    ///
    /// Default: `AWS_XRAY_TRACING_NAME`, `OTEL_SERVICE_NAME`, `service.name` in `OTEL_RESOURCE_ATTRIBUTES`, else
    /// `unknown_service:` + the program's name.
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// An attribute of the resource, such as `service.version`.
    ///
    /// Default: those of [`with_resource`](Self::with_resource).
    pub fn with_resource_attribute(mut self, attribute: KeyValue) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// The resource, instead of what the SDK detects and reads from the environment.
    ///
    /// Default: [`Resource::builder`]'s detectors.
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Where the daemon is; see [`XrayExporterBuilder::with_daemon_address`].
    ///
    /// Default: `AWS_XRAY_DAEMON_ADDRESS`, else `127.0.0.1:2000`.
    pub fn with_daemon_address(mut self, address: impl Into<String>) -> Self {
        self.exporter = self.exporter.with_daemon_address(address);
        self
    }

    /// Changes the exporter's settings.
    pub fn with_exporter(mut self, change: impl FnOnce(XrayExporterBuilder) -> XrayExporterBuilder) -> Self {
        self.exporter = change(self.exporter);
        self
    }

    /// The sampler that decides for traces that begin here and for callers who left it open. For all others the caller has
    /// decided: a parent that is sampled is continued, and one that is not is not.
    ///
    /// Default: all are sampled.
    pub fn with_sampler(mut self, root: impl ShouldSample + Clone + 'static) -> Self {
        self.sampler = Some(Box::new(XrayParentBased::new(root)));
        self
    }

    /// The headers that are read and written, in the order in which they are read.
    ///
    /// Default: `OTEL_PROPAGATORS`, else [`Propagator::DEFAULT`].
    pub fn with_propagators(mut self, propagators: impl Into<Vec<Propagator>>) -> Self {
        self.propagators = Some(propagators.into());
        self
    }

    /// What happens when a call goes out while no trace is active.
    ///
    /// Default: `AWS_XRAY_CONTEXT_MISSING`, else [`ContextMissing::LogError`].
    pub fn with_context_missing(mut self, policy: ContextMissing) -> Self {
        self.context_missing = Some(policy);
        self
    }

    /// Whether spans are made at all. If not, everything else works as before: headers travel through, and the numbers are
    /// zero.
    ///
    /// Default: `AWS_XRAY_SDK_ENABLED`, `AWS_XRAY_SDK_DISABLED`, `OTEL_SDK_DISABLED`, else `true`.
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// Builds the pipeline and makes its tracer provider and propagator the global ones.
    ///
    /// Never fails: an address that can't be understood or resolved is told in a warning.
    pub fn install(self) -> Xray {
        let xray = self.build();
        global::set_tracer_provider(xray.provider.clone());
        global::set_text_map_propagator(xray.propagator());
        xray
    }

    /// Builds the pipeline and leaves what is global alone, for programs that have several.
    pub fn build(self) -> Xray {
        self.build_with(&Environment::process())
    }

    fn build_with(self, environment: &Environment) -> Xray {
        let exporter = self.exporter.build_with(environment);
        let stats = exporter.stats_handle();
        let resource =
            resource(self.resource, self.attributes, config::service_name(self.service_name, environment));
        let builder = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_id_generator(XrayIdGenerator::default());
        let provider = if config::enabled(self.enabled, environment) {
            enabled(builder, exporter, self.sampler)
        } else {
            otel_info!(name: "Xray.Disabled", message = "tracing is turned off by configuration");
            builder.with_sampler(Sampler::AlwaysOff).build()
        };
        Xray {
            provider,
            stats,
            propagators: config::propagators(self.propagators, environment),
            context_missing: config::context_missing(self.context_missing, environment),
        }
    }
}

fn enabled(
    builder: TracerProviderBuilder,
    exporter: XrayExporter,
    sampler: Option<Box<dyn ShouldSample>>,
) -> SdkTracerProvider {
    let builder = builder.with_batch_exporter(exporter);
    match sampler {
        Some(sampler) => builder.with_sampler(sampler).build(),
        None => builder.with_sampler(XrayParentBased::default()).build(),
    }
}

fn resource(given: Option<Resource>, attributes: Vec<KeyValue>, service_name: Option<String>) -> Resource {
    let builder = match given {
        Some(resource) => {
            let given = resource.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
            Resource::builder_empty().with_attributes(given.collect::<Vec<_>>())
        }
        None => Resource::builder(),
    };
    let builder = builder.with_attributes(attributes);
    match service_name {
        Some(name) => builder.with_service_name(name).build(),
        None => builder.build(),
    }
}
