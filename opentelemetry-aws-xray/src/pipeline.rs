//! Everything in one call: exporter, batch processor, sampler, ids, propagators, resource.

mod build;
mod builder;
mod outlet;
mod root_sampler;
#[cfg(test)]
mod tests;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry_sdk::{error::OTelSdkResult, trace::SdkTracerProvider};

pub use builder::XrayBuilder;

#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::{AdaptiveSampler, AdaptiveSamplingStats};
#[cfg(feature = "sampler")]
use crate::sampler::{SamplerHandle, SamplerStatus};
use crate::{
    check::CheckReport,
    config::{self, Propagator},
    context_missing::ContextMissing,
    exporter::{ExporterStats, StatsHandle},
    in_progress::{InProgressStats, InProgressStatsHandle},
    tail_sampling::{TailSamplingStats, TailSamplingStatsHandle},
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
    /// What there was no time for is counted, as [dropped](crate::DropReason::ShutDown) or [missed](ExporterStats::spans_missed), and told in a
    /// warning. More time than five seconds gives `shutdown_with_timeout` of the [provider](Self::tracer_provider).
    ///
    /// # Errors
    /// The SDK's: it took longer than that, there was no time for all spans, or the pipeline was shut down before.
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
