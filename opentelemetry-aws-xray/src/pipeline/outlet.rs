//! Sampler and processors: how a span gets to the queue before the exporter.

use opentelemetry_sdk::trace::{ShouldSample, SpanProcessor, TracerProviderBuilder};

#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::AdaptiveSampler;
use crate::{
    exporter::FlushingProcessor,
    in_progress::{Alongside, InProgressProcessor},
    sampler::RecordUnsampled,
    tail_sampling::{TailSampling, TailSamplingProcessor, TailSamplingStatsHandle},
};

/// Where spans go, when it is known which.
pub(super) struct Outlet {
    pub(super) builder: TracerProviderBuilder,
    /// Shows what has not ended yet, if that is wanted.
    pub(super) early: Option<InProgressProcessor>,
    pub(super) batches: FlushingProcessor,
    pub(super) tail_sampling: Option<TailSampling>,
}

/// The provider so far, and the numbers of tail sampling if there is any.
type Built = (TracerProviderBuilder, Option<TailSamplingStatsHandle>);

impl Outlet {
    pub(super) fn plain(self, sampler: Box<dyn ShouldSample>) -> Built {
        let Self { builder, early, batches, tail_sampling } = self;
        match tail_sampling {
            None => (with(builder.with_sampler(sampler), early, batches), None),
            Some(policy) => {
                let processor = TailSamplingProcessor::new(policy, batches);
                let stats = processor.stats_handle();
                let builder = builder.with_sampler(RecordUnsampled::new(sampler));
                (with(builder, early, processor), Some(stats))
            }
        }
    }

    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn adaptive(self, sampler: AdaptiveSampler) -> Built {
        let Self { builder, early, batches, tail_sampling } = self;
        match tail_sampling {
            None => {
                let processor = sampler.processor(batches);
                (with(builder.with_sampler(sampler), early, processor), None)
            }
            Some(policy) => {
                let processor = TailSamplingProcessor::new(policy, batches);
                let stats = processor.stats_handle();
                let processor = sampler.observer(processor);
                let builder = builder.with_sampler(RecordUnsampled::new(sampler));
                (with(builder, early, processor), Some(stats))
            }
        }
    }
}

/// A provider with these processors, or this one.
fn with(
    builder: TracerProviderBuilder,
    early: Option<InProgressProcessor>,
    ended: impl SpanProcessor + 'static,
) -> TracerProviderBuilder {
    match early {
        Some(early) => builder.with_span_processor(Alongside::new(early, ended)),
        None => builder.with_span_processor(ended),
    }
}
