//! Everything in one call: exporter, batch processor, sampler, ids, propagators, resource.

mod outlet;
mod root_sampler;

use std::time::Duration;

use opentelemetry::{
    Key, KeyValue, Value, global, metrics::Meter, otel_info, otel_warn,
    propagation::TextMapCompositePropagator,
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, Sampler, SdkTracerProvider, ShouldSample},
};

use outlet::Outlet;
use root_sampler::RootSampler;

#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::{AdaptiveSampler, AdaptiveSampling, AdaptiveSamplingStats};
#[cfg(feature = "sampler")]
use crate::sampler::{SamplerHandle, SamplerStatus, XraySamplerBuilder};
use crate::{
    check::CheckReport,
    config::{self, Environment, Propagator, Transport},
    context_missing::ContextMissing,
    exporter::{ExporterStats, FlushingProcessor, StatsHandle, XrayExporter, XrayExporterBuilder},
    id_generator::XrayIdGenerator,
    in_progress::{InProgressProcessor, InProgressStats, InProgressStatsHandle},
    metrics,
    resource::{self, ResourceDetection},
    sampler::XrayParentBased,
    tail_sampling::{TailSampling, TailSamplingStats, TailSamplingStatsHandle},
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
    in_progress: Option<InProgressStatsHandle>,
    tail_sampling: Option<TailSamplingStatsHandle>,
    #[cfg(feature = "sampler")]
    central_sampling: Option<SamplerHandle>,
    #[cfg(feature = "adaptive-sampling")]
    adaptive_sampling: Option<AdaptiveSampler>,
    propagators: Vec<Propagator>,
    context_missing: ContextMissing,
}

impl Xray {
    /// Starts to build a pipeline.
    pub fn builder() -> XrayBuilder {
        XrayBuilder::default()
    }

    /// Tries out whether the road to X-Ray works that the environment leads to, and says in plain words what does not: a name that
    /// can't be resolved, a port where nobody listens, missing credentials or permissions, a clock that is wrong. A small
    /// trace of the service `xray-check` is sent on the way. For a road set in code see [`XrayBuilder::check`].
    ///
    /// It blocks for as long as it takes to resolve names, and for an answer ten seconds at most. The example `check` prints it:
    /// `cargo run -p opentelemetry-aws-xray --example check --all-features`.
    ///
    /// ```no_run
    /// let report = opentelemetry_aws_xray::Xray::check();
    /// print!("{report}");
    /// ```
    #[must_use]
    pub fn check() -> CheckReport {
        Self::builder().check()
    }

    /// What became of the spans so far.
    #[must_use]
    pub fn stats(&self) -> ExporterStats {
        self.stats.now()
    }

    /// What became of segments in progress so far; `None` unless they were asked for with
    /// [`with_in_progress`](XrayBuilder::with_in_progress). They are not among [`stats`](Self::stats).
    #[must_use]
    pub fn in_progress_stats(&self) -> Option<InProgressStats> {
        self.in_progress.as_ref().map(InProgressStatsHandle::now)
    }

    /// What tail sampling kept and let go so far; `None` unless it was asked for with
    /// [`with_tail_sampling`](XrayBuilder::with_tail_sampling).
    #[must_use]
    pub fn tail_sampling_stats(&self) -> Option<TailSamplingStats> {
        self.tail_sampling.as_ref().map(TailSamplingStatsHandle::now)
    }

    /// What is known of the account's sampling rules; `None` unless they decide: see
    /// [`with_central_sampling`](XrayBuilder::with_central_sampling).
    #[cfg(feature = "sampler")]
    #[must_use]
    pub fn sampler_status(&self) -> Option<SamplerStatus> {
        self.central_sampling.as_ref().map(SamplerHandle::status)
    }

    /// What became of spans that adaptive sampling recorded though they were not sampled; `None` unless it was asked for with
    /// [`with_adaptive_sampling`](XrayBuilder::with_adaptive_sampling).
    #[cfg(feature = "adaptive-sampling")]
    #[must_use]
    pub fn adaptive_sampling_stats(&self) -> Option<AdaptiveSamplingStats> {
        self.adaptive_sampling.as_ref().map(AdaptiveSampler::stats)
    }

    /// Sends all spans that have ended. Returns when they are handed to the operating system or, on a road on which the other side
    /// answers, when it has answered. What can't be delivered now stays held: see [`stats`](Self::stats).
    ///
    /// # Errors
    /// The SDK's: the export took longer than five seconds, or the pipeline was shut down.
    pub fn force_flush(&self) -> OTelSdkResult {
        self.provider.force_flush()
    }

    /// Sends all spans that have ended and stops. Spans that end later are lost. Works inside and outside of async
    /// runtimes, whose thread it blocks for as long as sending takes, five seconds at most. With central sampling, a last report
    /// goes to X-Ray, which takes one more second at most.
    ///
    /// # Errors
    /// The SDK's: it took longer than that, or the pipeline was shut down before.
    pub fn shutdown(&self) -> OTelSdkResult {
        let result = self.provider.shutdown();
        #[cfg(feature = "sampler")]
        if let Some(sampler) = &self.central_sampling {
            sampler.shutdown();
        }
        result
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
        let _ = self.shutdown();
    }
}

/// Builds an [`Xray`]. What is set here wins over the environment; see [`VARIABLES`](crate::config::VARIABLES).
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `install` or `build`"]
pub struct XrayBuilder {
    service_name: Option<String>,
    resource: Option<Resource>,
    resource_detection: Option<ResourceDetection>,
    attributes: Vec<KeyValue>,
    sampler: RootSampler,
    propagators: Option<Vec<Propagator>>,
    context_missing: Option<ContextMissing>,
    enabled: Option<bool>,
    export_interval: Option<Duration>,
    queue_size: Option<usize>,
    meter: Option<Meter>,
    in_progress: bool,
    tail_sampling: Option<TailSampling>,
    #[cfg(feature = "adaptive-sampling")]
    adaptive_sampling: Option<AdaptiveSampling>,
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

    /// Whether spans are made at all. If not, everything else works as before: headers travel through, and the numbers are
    /// zero.
    ///
    /// Default: `AWS_XRAY_SDK_ENABLED`, `AWS_XRAY_SDK_DISABLED`, `OTEL_SDK_DISABLED`, else `true`.
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// How long spans that have ended wait for others, to be exported together. Longer saves datagrams, shorter shows
    /// traces earlier.
    ///
    /// Default: `OTEL_BSP_SCHEDULE_DELAY` in milliseconds, else five seconds.
    pub fn with_export_interval(mut self, interval: Duration) -> Self {
        self.export_interval = Some(interval);
        self
    }

    /// How many spans that have ended may wait for the exporter. One that finds no room is lost, and counted as
    /// [missed](ExporterStats::spans_missed). Room for one span costs about 400 bytes, used or not.
    ///
    /// Default: `OTEL_BSP_MAX_QUEUE_SIZE`, else 8,192.
    pub fn with_queue_size(mut self, spans: usize) -> Self {
        self.queue_size = Some(spans);
        self
    }

    /// The meter that observes the [numbers](ExporterStats) of the exporter, as metrics named `otel.sdk.exporter.…`,
    /// `otel.sdk.processor.…` and `aws.xray.exporter.…`.
    ///
    /// Default: one of the global meter provider as it is when [`install`](Self::install) is called, so set that before; with
    /// [`build`](Self::build), none.
    pub fn with_meter(mut self, meter: Meter) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Whether a request that runs for more than a second is shown before it ends, as a segment in progress: see
    /// [`InProgressProcessor`]. Costs a copy of each such span at its start. Not done, with a warning, for an exporter with a sink
    /// of its own or with OTLP as its payload; and not while tracing is turned off.
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

    /// Tries out the road to X-Ray that these settings lead to: see [`Xray::check`].
    #[must_use]
    pub fn check(&self) -> CheckReport {
        CheckReport::of(&self.exporter, &Environment::process())
    }

    /// Builds the pipeline and makes its tracer provider and propagator the global ones, and its policy for missing
    /// contexts that of client layers made later.
    ///
    /// Never fails: an address that can't be understood or resolved is told in a warning.
    pub fn install(mut self) -> Xray {
        self.meter.get_or_insert_with(|| global::meter(env!("CARGO_PKG_NAME")));
        let xray = self.build();
        global::set_tracer_provider(xray.provider.clone());
        global::set_text_map_propagator(xray.propagator());
        xray.context_missing.install();
        xray
    }

    /// Builds the pipeline and leaves what is global alone, for programs that have several.
    pub fn build(self) -> Xray {
        self.build_with(&Environment::process())
    }

    fn build_with(self, environment: &Environment) -> Xray {
        let is_enabled = config::enabled(self.enabled, environment);
        // What is turned off costs no thread.
        let early = if self.in_progress && is_enabled { early(&self.exporter, environment) } else { None };
        let in_progress = early.as_ref().map(InProgressProcessor::stats_handle);
        let resource = self.resource.unwrap_or_else(|| {
            let detection = config::resource_detection(self.resource_detection, environment);
            detected(resource::detect(detection, environment))
        });
        let service_name = config::service_name(self.service_name, environment);
        let resource = completed(&resource, self.attributes, service_name);
        #[cfg(feature = "adaptive-sampling")]
        let sampler = self.sampler.with_adaptive(self.adaptive_sampling);
        #[cfg(not(feature = "adaptive-sampling"))]
        let sampler = self.sampler;
        let root = if is_enabled {
            sampler.build(&resource, &self.exporter, environment)
        } else {
            Sampler::AlwaysOff.into()
        };
        let exporter = self.exporter.build_with(environment);
        let stats = exporter.stats_handle();
        if let Some(meter) = &self.meter {
            metrics::observe(&stats, meter);
            #[cfg(feature = "sampler")]
            if let Some(sampler) = &root.central {
                crate::sampler::observe(sampler, meter);
            }
        }
        let mut builder = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_id_generator(XrayIdGenerator::default());
        // Before the processor that sends what has ended.
        if let Some(early) = early {
            builder = builder.with_span_processor(early);
        }
        let mut tail_sampling = None;
        if is_enabled {
            let queue_size = config::queue_size(self.queue_size, environment);
            let batches = batch_processor(exporter, self.export_interval, queue_size);
            let outlet = Outlet { builder, batches, tail_sampling: self.tail_sampling };
            #[cfg(feature = "adaptive-sampling")]
            let outlet = match &root.adaptive {
                Some(sampler) => outlet.adaptive(sampler.clone()),
                None => outlet.plain(root.sampler),
            };
            #[cfg(not(feature = "adaptive-sampling"))]
            let outlet = outlet.plain(root.sampler);
            (builder, tail_sampling) = outlet;
        } else {
            otel_info!(name: "Xray.Disabled", message = "tracing is turned off by configuration");
            builder = builder.with_sampler(root.sampler);
        }
        Xray {
            provider: builder.build(),
            stats,
            in_progress,
            tail_sampling,
            #[cfg(feature = "sampler")]
            central_sampling: root.central,
            #[cfg(feature = "adaptive-sampling")]
            adaptive_sampling: root.adaptive,
            propagators: config::propagators(self.propagators, environment),
            context_missing: config::context_missing(self.context_missing, environment),
        }
    }
}

/// The processor for segments in progress, if the exporter can be had twice.
fn early(exporter: &XrayExporterBuilder, environment: &Environment) -> Option<InProgressProcessor> {
    let Some(exporter) = exporter.twin(environment) else {
        otel_warn!(name: "Xray.NotInProgress", message = "segments are not shown before they end, since the exporter has a sink of its own or sends OTLP; add an InProgressProcessor with another one");
        return None;
    };
    Some(InProgressProcessor::new(exporter.build_with(environment), InProgressProcessor::DEFAULT_DELAY))
}

fn batch_processor(
    exporter: XrayExporter,
    interval: Option<Duration>,
    queue_size: usize,
) -> FlushingProcessor {
    let config = BatchConfigBuilder::default().with_max_queue_size(queue_size);
    let config = match interval {
        Some(interval) => config.with_scheduled_delay(interval),
        None => config,
    };
    FlushingProcessor::new(exporter, config.build(), queue_size)
}

/// What was found out, and what the SDK knows and the environment says, which win.
fn detected(found: Vec<KeyValue>) -> Resource {
    /// The SDK's name for a service that has none.
    const UNKNOWN: &str = "unknown_service";
    let name = found.iter().any(|found| found.key.as_str() == SERVICE_NAME);
    let is_better = |key: &Key, value: &Value| {
        !(name && key.as_str() == SERVICE_NAME && value.as_str().starts_with(UNKNOWN))
    };
    let sdk = attributes(&Resource::builder().build(), is_better);
    Resource::builder_empty().with_attributes(found).with_attributes(sdk).build()
}

const SERVICE_NAME: &str = "service.name";

fn completed(resource: &Resource, more: Vec<KeyValue>, service_name: Option<String>) -> Resource {
    let all = attributes(resource, |_, _| true);
    let builder = Resource::builder_empty().with_attributes(all).with_attributes(more);
    match service_name {
        Some(name) => builder.with_service_name(name).build(),
        None => builder.build(),
    }
}

fn attributes(resource: &Resource, is_kept: impl Fn(&Key, &Value) -> bool) -> Vec<KeyValue> {
    let kept = resource.iter().filter(|(key, value)| is_kept(key, value));
    kept.map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span, SpanKind, TraceContextExt, Tracer, TracerProvider};

    use super::*;
    use crate::{
        propagator::XrayPropagator,
        sink::{Document, Documents, MemorySink, Report},
    };

    /// A pipeline into memory, with variables of its own.
    fn pipeline<const N: usize>(variables: [(&'static str, &str); N]) -> (Xray, MemorySink) {
        let sink = MemorySink::default();
        let taken = sink.clone();
        let builder = Xray::builder().with_exporter(|exporter| exporter.with_sink(taken));
        (builder.build_with(&Environment::of(variables)), sink)
    }

    fn request(xray: &Xray, header: &str) -> opentelemetry::Context {
        use opentelemetry::propagation::TextMapPropagator;
        let carrier = std::collections::HashMap::from([("x-amzn-trace-id".to_owned(), header.to_owned())]);
        let parent = XrayPropagator::default().extract_with_context(&opentelemetry::Context::new(), &carrier);
        let tracer = xray.tracer_provider().tracer("test");
        let span =
            tracer.span_builder("request").with_kind(SpanKind::Server).start_with_context(&tracer, &parent);
        parent.with_span(span)
    }

    #[test]
    fn what_a_caller_decided_holds_and_what_he_left_open_is_sampled() {
        const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
        for (fields, sent, parent) in [
            ("", 1, None),
            (";Sampled=?", 1, None),
            (";Parent=53995c3f42cd8ad8", 1, Some("53995c3f42cd8ad8")),
            (";Parent=53995c3f42cd8ad8;Sampled=1", 1, Some("53995c3f42cd8ad8")),
            (";Parent=53995c3f42cd8ad8;Sampled=0", 0, None),
            (";Sampled=0", 0, None),
        ] {
            let (xray, sink) = pipeline([]);
            request(&xray, &format!("{ROOT}{fields}")).span().end();
            xray.force_flush().unwrap();
            let documents = sink.take();
            assert_eq!(documents.len(), sent, "{fields}");
            for document in documents {
                let document: serde_json::Value = serde_json::from_str(&document).unwrap();
                assert_eq!(document["trace_id"], "1-5759e988-bd862e3fe1be46a994272793", "{fields}");
                assert_eq!(document["parent_id"].as_str(), parent, "{fields}");
            }
        }
    }

    #[test]
    fn the_environment_names_who_decides() {
        const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
        for (name, argument, new, not_sampled, sampled) in [
            ("", "", 1, 0, 1),
            ("always_on", "", 1, 1, 1),
            ("always_off", "", 0, 0, 0),
            ("parentbased_always_off", "", 0, 0, 1),
            ("parentbased_traceidratio", "0", 0, 0, 1),
            ("parentbased_traceidratio", "what?", 1, 0, 1),
            ("what?", "", 1, 0, 1),
        ] {
            for (fields, expected) in [
                ("", new),
                (";Parent=53995c3f42cd8ad8;Sampled=0", not_sampled),
                (";Parent=53995c3f42cd8ad8;Sampled=1", sampled),
            ] {
                let (xray, sink) =
                    pipeline([("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
                request(&xray, &format!("{ROOT}{fields}")).span().end();
                xray.force_flush().unwrap();
                assert_eq!(sink.take().len(), expected, "{name} {argument} {fields}");
            }
        }
    }

    #[cfg(feature = "sampler")]
    #[test]
    fn code_wins_over_the_environment_about_who_decides() {
        type Build = fn(XrayBuilder) -> XrayBuilder;
        for (name, build, central) in [
            ("xray", (|builder| builder) as Build, true),
            ("xray", |builder| builder.with_sampler(Sampler::AlwaysOn), false),
            ("xray", |builder| builder.with_enabled(false), false),
            ("always_on", |builder| builder.with_central_sampling(|sampler| sampler), true),
            ("always_on", |builder| builder, false),
        ] {
            let xray = build(Xray::builder()).build_with(&Environment::of([("OTEL_TRACES_SAMPLER", name)]));
            let status = xray.sampler_status();
            assert_eq!(status.is_some(), central, "{name}");
            assert!(status.is_none_or(|status| status.rules.is_empty()), "nothing is fetched yet");
        }
    }

    #[cfg(feature = "sampler")]
    #[test]
    fn rules_are_asked_for_where_the_settings_say() {
        let listen = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (daemon, other) = (listen(), listen());
        let address = |listener: &std::net::TcpListener| listener.local_addr().unwrap().to_string();
        let tcp = format!("tcp:{} udp:127.0.0.1:9", address(&daemon));
        let argument = format!("polling_interval=60,endpoint=http://{}", address(&other));
        for (sampler, argument, asked, not_asked) in [
            ("xray", "", &daemon, &other),
            ("xray", &*argument, &other, &daemon),
            #[cfg(feature = "adaptive-sampling")]
            ("adaptive", "", &daemon, &other),
        ] {
            let environment = Environment::of([
                ("OTEL_TRACES_SAMPLER", sampler),
                ("OTEL_TRACES_SAMPLER_ARG", argument),
                ("AWS_XRAY_DAEMON_ADDRESS", &*tcp),
            ]);
            let builder = Xray::builder().with_exporter(|exporter| exporter.with_sink(MemorySink::default()));
            #[cfg(feature = "adaptive-sampling")]
            let builder = match sampler {
                "adaptive" => builder.with_adaptive_sampling(AdaptiveSampling::new()),
                _ => builder,
            };
            let xray = builder.build_with(&environment);
            assert!(xray.sampler_status().is_some());
            xray.tracer_provider().tracer("test").start("job").end();
            drop(asked.accept().unwrap());
            not_asked.set_nonblocking(true).unwrap();
            assert!(not_asked.accept().is_err(), "{argument}");
            not_asked.set_nonblocking(false).unwrap();
            let _ = xray.shutdown();
            assert!(xray.sampler_status().unwrap().has_ended, "{sampler}");
        }
    }

    #[test]
    fn the_service_is_named_by_xray_s_own_variable() {
        let (xray, sink) = pipeline([("AWS_XRAY_TRACING_NAME", "orders")]);
        xray.tracer_provider().tracer("test").start("job").end();
        xray.shutdown().unwrap();
        assert!(sink.take()[0].contains("\"name\":\"orders\""));
        assert_eq!(xray.stats().spans_sent, 1);
    }

    #[test]
    fn a_function_is_named_and_placed_by_lambda_unless_somebody_knows_better() {
        const FUNCTION: (&str, &str) = ("AWS_LAMBDA_FUNCTION_NAME", "orders");
        type Build = fn(XrayBuilder) -> XrayBuilder;
        for (variable, build, name, origin) in [
            (("", ""), (|builder| builder) as Build, "orders", Some("AWS::Lambda::Function")),
            (("AWS_XRAY_TRACING_NAME", "named"), |builder| builder, "named", Some("AWS::Lambda::Function")),
            (("", ""), |builder| builder.with_service_name("code"), "code", Some("AWS::Lambda::Function")),
            (
                ("AWS_XRAY_RESOURCE_DETECTION", "off"),
                |builder| builder.with_service_name("code"),
                "code",
                None,
            ),
            (
                ("", ""),
                |builder| builder.with_resource(Resource::builder_empty().with_service_name("given").build()),
                "given",
                None,
            ),
        ] {
            let sink = MemorySink::default();
            let builder = build(Xray::builder().with_exporter(|exporter| exporter.with_sink(sink.clone())));
            let xray = builder.build_with(&Environment::of([FUNCTION, variable]));
            xray.tracer_provider().tracer("test").start("job").end();
            xray.shutdown().unwrap();
            let document: serde_json::Value = serde_json::from_str(&sink.take()[0]).unwrap();
            assert_eq!(
                (document["name"].as_str(), document["origin"].as_str()),
                (Some(name), origin),
                "{variable:?}"
            );
        }
        let sink = MemorySink::default();
        let builder = Xray::builder()
            .with_exporter(|exporter| exporter.with_sink(sink.clone()))
            .with_resource_attribute(KeyValue::new("cloud.platform", "elsewhere"));
        let xray = builder.build_with(&Environment::of([FUNCTION]));
        xray.tracer_provider().tracer("test").start("job").end();
        xray.shutdown().unwrap();
        assert!(!sink.take()[0].contains("AWS::Lambda"), "the code wins");
    }

    #[test]
    fn what_finds_the_queue_full_is_counted() {
        let (xray, sink) = pipeline([("OTEL_BSP_MAX_QUEUE_SIZE", "1")]);
        let tracer = xray.tracer_provider().tracer("test");
        for _ in 0..1_000 {
            tracer.start("job").end();
        }
        xray.shutdown().unwrap();
        let stats = xray.stats();
        assert_eq!((stats.spans_ended, stats.spans_ended), (1_000, stats.spans_in + stats.spans_missed));
        assert!(stats.spans_missed > 0 && sink.take().len() as u64 == stats.spans_in, "{stats:?}");
    }

    #[test]
    fn what_the_caller_left_out_is_kept_if_it_fails() {
        let sink = MemorySink::default();
        let xray = Xray::builder()
            .with_exporter(|exporter| exporter.with_sink(sink.clone()))
            .with_tail_sampling(TailSampling::new().faults())
            .build_with(&Environment::of([]));
        let tracer = xray.tracer_provider().tracer("test");
        for status in [200, 500] {
            let request =
                request(&xray, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0");
            tracer.start_with_context("step", &request).end();
            request.span().set_attribute(KeyValue::new("http.response.status_code", status));
            request.span().end();
        }
        xray.force_flush().unwrap();
        let documents = sink.take();
        assert_eq!((documents.len(), xray.stats().spans_sent), (1, 2));
        let document: serde_json::Value = serde_json::from_str(&documents[0]).unwrap();
        let shown = (&document["fault"], &document["metadata"]["default"]["tail_sampling.reason"]);
        assert_eq!(shown, (&true.into(), &"fault".into()), "{document}");
        let stats = xray.tail_sampling_stats().unwrap();
        assert_eq!((stats.spans_in, stats.spans_kept, stats.spans_let_go), (4, 2, 2));
    }

    #[test]
    fn turned_off_no_span_is_made() {
        let (xray, sink) = pipeline([("AWS_XRAY_SDK_ENABLED", "false")]);
        assert!(!xray.tracer_provider().tracer("test").start("job").is_recording());
        xray.shutdown().unwrap();
        assert_eq!((sink.take().len(), xray.stats()), (0, ExporterStats::default()));
    }

    #[test]
    fn a_request_is_seen_before_it_ends_if_asked_for() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let received = || {
            let mut buffer = [0; 4_096];
            let length = socket.recv(&mut buffer).unwrap();
            let (_, document) = std::str::from_utf8(&buffer[..length]).unwrap().split_once('\n').unwrap();
            serde_json::from_str::<serde_json::Value>(document).unwrap()
        };
        let xray = Xray::builder()
            .with_daemon_address(socket.local_addr().unwrap().to_string())
            .with_in_progress(true)
            .build_with(&Environment::of([]));
        let mut span = xray.tracer_provider().tracer("test").start("job");
        xray.force_flush().unwrap();
        let early = received();
        assert_eq!((&early["in_progress"], early.get("end_time")), (&serde_json::json!(true), None));
        span.end();
        xray.shutdown().unwrap();
        let complete = received();
        assert_eq!((early["id"].as_str(), complete.get("in_progress")), (complete["id"].as_str(), None));
        assert_eq!(xray.stats().spans_sent, 1);
        assert_eq!(xray.in_progress_stats().map(|stats| stats.exporter.spans_sent), Some(1));
    }

    /// Holds everything until it is flushed, and wants to know how long a shutdown may last.
    #[derive(Debug, Clone, Default)]
    struct Slow {
        held: Vec<u32>,
        shut_down_within: std::sync::Arc<std::sync::Mutex<Option<Duration>>>,
    }

    impl crate::sink::SegmentSink for Slow {
        fn max_document_bytes(&self) -> usize {
            64_000
        }

        fn send(&mut self, documents: &Documents, report: &Report) {
            for document in documents.iter() {
                report.held(document);
                self.held.push(document.spans);
            }
        }

        fn force_flush(&mut self, timeout: Duration, report: &Report) {
            assert!(timeout <= Duration::from_secs(5), "{timeout:?}");
            for spans in self.held.drain(..) {
                report.held_sent(Document { json: b"", spans });
            }
        }

        fn shutdown(&mut self, timeout: Duration, report: &Report) {
            *self.shut_down_within.lock().unwrap() = Some(timeout);
            self.force_flush(timeout, report);
        }
    }

    #[test]
    fn log_groups_are_those_of_the_code_or_else_of_lambda() {
        for (in_code, in_environment, expected) in [
            (&[][..], "/aws/lambda/orders", r#""cloudwatch_logs":[{"log_group":"/aws/lambda/orders"}]"#),
            (&["/shop"][..], "/aws/lambda/orders", r#""cloudwatch_logs":[{"log_group":"/shop"}]"#),
            (&[][..], "", r#""aws":{"xray":"#),
        ] {
            let sink = MemorySink::default();
            let taken = sink.clone();
            let xray = Xray::builder()
                .with_exporter(|exporter| exporter.with_sink(taken).with_log_groups(in_code.iter().copied()))
                .build_with(&Environment::of([("AWS_LAMBDA_LOG_GROUP_NAME", in_environment)]));
            xray.tracer_provider().tracer("test").start("job").end();
            xray.force_flush().unwrap();
            let documents = sink.take();
            assert!(documents[0].contains(expected), "{expected} in {documents:?}");
        }
    }

    #[test]
    fn flush_and_time_for_shutdown_reach_the_sink() {
        let sink = Slow::default();
        let taken = sink.clone();
        let xray = Xray::builder()
            .with_exporter(|exporter| exporter.with_sink(taken))
            .build_with(&Environment::of([]));
        let numbers = || (xray.stats().spans_sent, xray.stats().spans_held);
        xray.tracer_provider().tracer("test").start("job").end();
        xray.force_flush().unwrap();
        assert_eq!(numbers(), (1, 0));
        xray.tracer_provider().tracer("test").start("job").end();
        xray.tracer_provider().shutdown_with_timeout(Duration::from_secs(2)).unwrap();
        assert_eq!(numbers(), (2, 0));
        let within = sink.shut_down_within.lock().unwrap().unwrap();
        assert!(within <= Duration::from_secs(2), "{within:?}");
    }

    #[test]
    fn nothing_is_in_progress_where_it_can_not_be() {
        for (disabled, sink) in [("true", None), ("false", Some(MemorySink::default()))] {
            let mut builder = Xray::builder().with_in_progress(true);
            if let Some(sink) = sink {
                builder = builder.with_exporter(|exporter| exporter.with_sink(sink));
            }
            let xray = builder.build_with(&Environment::of([("OTEL_SDK_DISABLED", disabled)]));
            assert_eq!(xray.in_progress_stats(), None, "disabled: {disabled}");
        }
    }

    #[test]
    fn dropping_the_handle_sends_what_is_queued() {
        let (xray, sink) = pipeline([]);
        xray.tracer_provider().tracer("test").start("job").end();
        drop(xray);
        assert_eq!(sink.take().len(), 1);
    }
}
