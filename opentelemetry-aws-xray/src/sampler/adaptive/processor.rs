//! The processor that looks at how spans end.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use super::sampler::AdaptiveSampler;
use crate::tail_sampling::sampled;

/// Counts traces and anomalies for X-Ray, and hands on to the next processor what is sampled or captured. Made by
/// [`AdaptiveSampler::processor`].
///
/// ```
/// use opentelemetry_aws_xray::XrayExporter;
/// use opentelemetry_aws_xray::sampler::{XraySampler, adaptive::{AdaptiveSampler, AdaptiveSampling}};
/// use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};
///
/// let sampler = AdaptiveSampler::new(XraySampler::builder().build(), AdaptiveSampling::new());
/// let batches = BatchSpanProcessor::builder(XrayExporter::builder().build()).build();
/// let provider = SdkTracerProvider::builder()
///     .with_span_processor(sampler.processor(batches))
///     .with_sampler(sampler)
///     .build();
/// # drop(provider);
/// ```
#[derive(Debug)]
pub struct AdaptiveSamplingProcessor<P> {
    sampler: AdaptiveSampler,
    next: P,
    passes_all: bool,
}

impl<P> AdaptiveSamplingProcessor<P> {
    pub(super) fn new(sampler: AdaptiveSampler, next: P, passes_all: bool) -> Self {
        Self { sampler, next, passes_all }
    }
}

impl<P: SpanProcessor> SpanProcessor for AdaptiveSamplingProcessor<P> {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.next.on_start(span, parent);
    }

    fn on_end(&self, span: SpanData) {
        let is_captured = self.sampler.observe(&span, !self.passes_all);
        if self.passes_all || span.span_context.is_sampled() {
            return self.next.on_end(span);
        }
        self.sampler.count(is_captured);
        if is_captured {
            self.next.on_end(sampled(span));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
