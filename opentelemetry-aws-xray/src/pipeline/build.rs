//! From settings to a pipeline that runs.

use std::time::Duration;

use opentelemetry::{Key, KeyValue, Value, global, otel_info, otel_warn};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, Sampler, SdkTracerProvider},
};

use super::{Xray, XrayBuilder, outlet::Outlet};
use crate::{
    config::{self, Environment},
    exporter::{FlushingProcessor, XrayExporter, XrayExporterBuilder},
    id_generator::XrayIdGenerator,
    in_progress::InProgressProcessor,
    metrics, resource,
    tail_sampling::TailSampling,
    tracer::Off,
};

impl XrayBuilder {
    /// Builds the pipeline and makes its tracer provider and propagator the global ones, and its policy for missing
    /// contexts that of client layers made later.
    ///
    /// Never fails: an address that can't be understood or resolved is told in a warning.
    ///
    /// ```
    /// use opentelemetry::{global, trace::Tracer};
    /// use opentelemetry_aws_xray::Xray;
    ///
    /// let xray = Xray::builder().with_service_name("checkout").install();
    /// global::tracer("shop").in_span("order", |_cx| { /* … */ });
    /// drop(xray); // At the end, which sends what is still queued.
    /// ```
    pub fn install(mut self) -> Xray {
        self.meter.get_or_insert_with(|| global::meter(env!("CARGO_PKG_NAME")));
        let xray = self.build();
        global::set_tracer_provider(xray.provider.clone());
        global::set_text_map_propagator(xray.propagator());
        xray.context_missing.install();
        xray
    }

    /// Builds the pipeline and leaves what is global alone, for programs that have several.
    ///
    /// ```
    /// use opentelemetry::trace::{Tracer, TracerProvider};
    /// use opentelemetry_aws_xray::Xray;
    ///
    /// let [shop, bank] = ["shop", "bank"].map(|name| Xray::builder().with_service_name(name).build());
    /// shop.tracer_provider().tracer("checkout").in_span("order", |_cx| { /* … */ });
    /// # drop(bank);
    /// ```
    pub fn build(self) -> Xray {
        self.build_with(&Environment::process())
    }

    pub(super) fn build_with(self, environment: &Environment) -> Xray {
        let is_enabled = config::enabled(self.enabled, environment);
        // What is turned off costs no thread.
        let early = if self.in_progress && is_enabled {
            early(&self.exporter, self.tail_sampling.as_ref(), environment)
        } else {
            None
        };
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
            let decides_alone = self.tail_sampling.is_none();
            sampler.build(&resource, &self.exporter, environment, decides_alone)
        } else {
            Sampler::AlwaysOff.into()
        };
        let with_grpc = self.exporter.counts_grpc_status();
        let judging = self.tail_sampling.map(|policy| policy.grpc_status(with_grpc));
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
        let mut tail_sampling = None;
        if is_enabled {
            let queue_size = config::queue_size(self.queue_size, environment);
            let interval = config::export_interval(self.export_interval, environment);
            let batches = batch_processor(exporter, interval, queue_size);
            let outlet = Outlet { builder, early, batches, tail_sampling: judging };
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
            builder = builder.with_sampler(Off);
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

/// The processor for segments in progress, if each of them is replaced in the end, and the exporter can be had twice.
fn early(
    exporter: &XrayExporterBuilder,
    tail_sampling: Option<&TailSampling>,
    environment: &Environment,
) -> Option<InProgressProcessor> {
    if tail_sampling.is_some_and(TailSampling::judges_sampled) {
        otel_warn!(name: "Xray.NotInProgress", message = "segments are not shown before they end, since tail sampling judges what the sampler sampled: those that it lets go would be in progress for ever");
        return None;
    }
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
