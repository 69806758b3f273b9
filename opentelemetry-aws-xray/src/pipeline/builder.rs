//! What can be set of a pipeline.

use std::time::Duration;

use opentelemetry::{KeyValue, metrics::Meter};
use opentelemetry_sdk::{Resource, trace::ShouldSample};

#[cfg(feature = "sampler")]
use super::root_sampler;
use super::root_sampler::RootSampler;
#[cfg(feature = "sampler")]
use crate::sampler::XraySamplerBuilder;
#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::AdaptiveSampling;
use crate::{
    check::CheckReport,
    config::{Environment, Propagator, Transport},
    context_missing::ContextMissing,
    exporter::XrayExporterBuilder,
    resource::ResourceDetection,
    sampler::XrayParentBased,
    tail_sampling::TailSampling,
};

/// Builds an [`Xray`](crate::Xray). What is set here wins over the environment; see [`VARIABLES`](crate::config::VARIABLES).
///
/// ```
/// use std::time::Duration;
///
/// use opentelemetry::KeyValue;
/// use opentelemetry_aws_xray::Xray;
/// use opentelemetry_sdk::trace::Sampler;
///
/// let xray = Xray::builder()
///     .with_service_name("checkout")
///     .with_resource_attribute(KeyValue::new("service.version", "1.4.2"))
///     .with_sampler(Sampler::TraceIdRatioBased(0.1))
///     .with_export_interval(Duration::from_secs(1))
///     .with_exporter(|exporter| exporter.with_indexed_attributes(["order.id"]))
///     .build(); // Or `install()`, which also makes it that of the process.
/// assert_eq!(xray.stats().spans_in, 0);
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `install` or `build`"]
pub struct XrayBuilder {
    pub(super) service_name: Option<String>,
    pub(super) resource: Option<Resource>,
    pub(super) resource_detection: Option<ResourceDetection>,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) sampler: RootSampler,
    pub(super) propagators: Option<Vec<Propagator>>,
    pub(super) context_missing: Option<ContextMissing>,
    pub(super) enabled: Option<bool>,
    pub(super) export_interval: Option<Duration>,
    pub(super) queue_size: Option<usize>,
    pub(super) meter: Option<Meter>,
    pub(super) in_progress: bool,
    pub(super) tail_sampling: Option<TailSampling>,
    #[cfg(feature = "adaptive-sampling")]
    pub(super) adaptive_sampling: Option<AdaptiveSampling>,
    pub(super) exporter: XrayExporterBuilder,
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

    /// An attribute of the resource, such as `service.version`. For the service's name take [`with_service_name`](Self::with_service_name):
    /// `AWS_XRAY_TRACING_NAME` wins over `service.name`.
    ///
    /// Default: those of [`with_resource`](Self::with_resource).
    pub fn with_resource_attribute(mut self, attribute: KeyValue) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// The resource, instead of what the SDK detects and reads from the environment; but `AWS_XRAY_TRACING_NAME` wins over its
    /// `service.name`, as it does over names in code with the X-Ray SDKs. [`with_service_name`](Self::with_service_name) wins over both.
    ///
    /// Default: [`Resource::builder`]'s detectors, and what [`with_resource_detection`](Self::with_resource_detection) finds.
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// How far to look for where the application runs: see [`resource`](crate::resource). What `OTEL_RESOURCE_ATTRIBUTES` and the code
    /// say wins over what is found. Nothing is looked for beside [`with_resource`](Self::with_resource).
    ///
    /// Default: `AWS_XRAY_RESOURCE_DETECTION`, else [`ResourceDetection::Environment`].
    pub fn with_resource_detection(mut self, detection: ResourceDetection) -> Self {
        self.resource_detection = Some(detection);
        self
    }

    /// Where the daemon is; see [`XrayExporterBuilder::with_daemon_address`].
    ///
    /// Default: `AWS_XRAY_DAEMON_ADDRESS`, else `127.0.0.1:2000`.
    pub fn with_daemon_address(mut self, address: impl Into<String>) -> Self {
        self.exporter = self.exporter.with_daemon_address(address);
        self
    }

    /// By which road documents go; see [`Transport`].
    ///
    /// Default: `AWS_XRAY_TRANSPORT`, else [`Transport::Udp`].
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.exporter = self.exporter.with_transport(transport);
        self
    }

    /// Changes the exporter's settings.
    ///
    /// ```
    /// # use opentelemetry_aws_xray::Xray;
    /// let xray = Xray::builder().with_exporter(|exporter| exporter.with_log_groups(["/ecs/checkout"]));
    /// ```
    ///
    /// Default: those of [`XrayExporter::builder`](crate::XrayExporter::builder).
    pub fn with_exporter(mut self, change: impl FnOnce(XrayExporterBuilder) -> XrayExporterBuilder) -> Self {
        self.exporter = change(self.exporter);
        self
    }

    /// The sampler that decides for traces that begin here and for callers who left it open. For all others the caller has
    /// decided: a parent that is sampled is continued, and one that is not is not.
    ///
    /// Default: `OTEL_TRACES_SAMPLER`, else all are sampled.
    pub fn with_sampler(mut self, root: impl ShouldSample + Clone + 'static) -> Self {
        self.sampler = RootSampler::Given(Box::new(XrayParentBased::new(root)));
        self
    }

    /// Lets the account's sampling rules decide, for the same traces: see [`XraySampler`](crate::sampler::XraySampler). Takes the
    /// place of [`with_sampler`](Self::with_sampler).
    ///
    /// The sampler that is handed in knows the resource already, and the way to X-Ray: the endpoint of
    /// `OTEL_TRACES_SAMPLER_ARG`, else the daemon's TCP port.
    ///
    /// ```
    /// use opentelemetry_aws_xray::{Xray, sampler::RouteOverride};
    ///
    /// let xray = Xray::builder()
    ///     .with_service_name("checkout")
    ///     .with_central_sampling(|sampler| sampler.with_override(RouteOverride::never().with_path("/health*")))
    ///     .build();
    /// assert!(xray.sampler_status().is_some());
    /// ```
    ///
    /// Default: as `OTEL_TRACES_SAMPLER=xray` says.
    #[cfg(feature = "sampler")]
    pub fn with_central_sampling(
        mut self,
        change: impl FnOnce(XraySamplerBuilder) -> XraySamplerBuilder + Send + 'static,
    ) -> Self {
        self.sampler = RootSampler::Central(root_sampler::Change::new(change));
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

    /// Whether spans are made at all. If not, everything else works as before: what a caller said travels through layers and
    /// clients as it came, a trace that would begin here is `Sampled=0`, and the numbers are zero.
    ///
    /// Default: `AWS_XRAY_SDK_ENABLED`, `AWS_XRAY_SDK_DISABLED`, `OTEL_SDK_DISABLED`, else `true`.
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// How long spans that have ended wait for others, to be exported together. Longer saves datagrams, shorter shows
    /// traces earlier.
    ///
    /// Default: `OTEL_BSP_SCHEDULE_DELAY` in milliseconds, else five seconds; at least ten milliseconds.
    pub fn with_export_interval(mut self, interval: Duration) -> Self {
        self.export_interval = Some(interval);
        self
    }

    /// How many spans that have ended may wait for the exporter. One that finds no room is lost, and counted as
    /// [missed](crate::ExporterStats::spans_missed). Room for one span costs about 400 bytes, used or not.
    ///
    /// Default: `OTEL_BSP_MAX_QUEUE_SIZE`, else 8,192.
    pub fn with_queue_size(mut self, spans: usize) -> Self {
        self.queue_size = Some(spans);
        self
    }

    /// The meter that observes the [numbers](crate::ExporterStats) of the exporter, as metrics named `otel.sdk.exporter.…`,
    /// `otel.sdk.processor.…` and `aws.xray.exporter.…`.
    ///
    /// ```
    /// use opentelemetry::metrics::MeterProvider;
    /// use opentelemetry_aws_xray::Xray;
    /// use opentelemetry_sdk::metrics::SdkMeterProvider;
    ///
    /// let metrics = SdkMeterProvider::builder().build(); // With a reader, say for Prometheus or OTLP.
    /// let xray = Xray::builder().with_meter(metrics.meter("tracing")).build();
    /// # drop(xray);
    /// ```
    ///
    /// Default: one of the global meter provider as it is when [`install`](Self::install) is called, so set that before; with
    /// [`build`](Self::build), none.
    pub fn with_meter(mut self, meter: Meter) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Whether a request that runs for more than a second is shown before it ends, as a segment in progress: see
    /// [`InProgressProcessor`](crate::InProgressProcessor). Costs a copy of each such span at its start. Not done, with a warning, for an exporter with a sink
    /// of its own or with OTLP as its payload, nor where [`TailSampling::judge_sampled`] may let the request go; and not while tracing is turned off.
    ///
    /// Default: `false`.
    pub fn with_in_progress(mut self, in_progress: bool) -> Self {
        self.in_progress = in_progress;
        self
    }

    /// Keeps requests that the sampler did not choose, if they failed or were slow: see [`TailSampling`]. All spans are recorded then
    /// until their request has ended, which costs about a microsecond for each.
    ///
    /// Default: what the sampler did not choose is not recorded.
    pub fn with_tail_sampling(mut self, policy: TailSampling) -> Self {
        self.tail_sampling = Some(policy);
        self
    }

    /// Takes part in adaptive sampling: X-Ray raises the rates of rules for a while when it hears of anomalies, and traces with
    /// one are captured: see [`adaptive`](crate::sampler::adaptive). The account's rules decide, with the settings of
    /// [`with_central_sampling`](Self::with_central_sampling); [`with_sampler`](Self::with_sampler) has no effect beside it.
    /// With [tail sampling](Self::with_tail_sampling), that decides what is kept, and nothing is captured.
    ///
    /// Default: no part in it.
    #[cfg(feature = "adaptive-sampling")]
    pub fn with_adaptive_sampling(mut self, config: AdaptiveSampling) -> Self {
        self.adaptive_sampling = Some(config);
        self
    }

    /// Tries out the road to X-Ray that these settings lead to: see [`Xray::check`](crate::Xray::check).
    #[must_use]
    pub fn check(&self) -> CheckReport {
        CheckReport::of(&self.exporter, &Environment::process())
    }
}
