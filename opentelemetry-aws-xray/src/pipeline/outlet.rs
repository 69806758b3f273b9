//! Sampler and processors: how a span gets to the queue before the exporter.

use opentelemetry_sdk::trace::{ShouldSample, TracerProviderBuilder};

#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::AdaptiveSampler;
use crate::{
    exporter::FlushingProcessor,
    sampler::RecordUnsampled,
    tail_sampling::{TailSampling, TailSamplingProcessor, TailSamplingStatsHandle},
};

/// Where spans go, when it is known which.
pub(super) struct Outlet {
    pub(super) builder: TracerProviderBuilder,
    pub(super) batches: FlushingProcessor,
    pub(super) tail_sampling: Option<TailSampling>,
}

/// The provider so far, and the numbers of tail sampling if there is any.
type Built = (TracerProviderBuilder, Option<TailSamplingStatsHandle>);

impl Outlet {
    pub(super) fn plain(self, sampler: Box<dyn ShouldSample>) -> Built {
        match self.tail_sampling {
            None => (self.builder.with_sampler(sampler).with_span_processor(self.batches), None),
            Some(policy) => {
                let processor = TailSamplingProcessor::new(policy, self.batches);
                let stats = processor.stats_handle();
                let builder = self.builder.with_sampler(RecordUnsampled::new(sampler));
                (builder.with_span_processor(processor), Some(stats))
            }
        }
    }

    #[cfg(feature = "adaptive-sampling")]
    pub(super) fn adaptive(self, sampler: AdaptiveSampler) -> Built {
        match self.tail_sampling {
            None => {
                let processor = sampler.processor(self.batches);
                (self.builder.with_sampler(sampler).with_span_processor(processor), None)
            }
            Some(policy) => {
                let processor = TailSamplingProcessor::new(policy, self.batches);
                let stats = processor.stats_handle();
                let processor = sampler.observer(processor);
                let builder = self.builder.with_sampler(RecordUnsampled::new(sampler));
                (builder.with_span_processor(processor), Some(stats))
            }
        }
    }
}
