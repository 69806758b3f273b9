//! Adaptive sampling, as AWS's agents do it: X-Ray raises a rule's rate for a while when it hears of anomalies, and traces with an
//! anomaly that were not sampled are captured all the same.
//!
//! Two halves, each of use without the other:
//!
//! - **Boost.** For rules that have one in X-Ray, every process reports how many traces it saw, and how many with an anomaly. X-Ray
//!   answers with a higher rate for about a minute. Services further down learn the rule from the trace state, key `xrsr`,
//!   which travels in the header `tracestate`, not in `X-Amzn-Trace-Id`.
//! - **Capture.** From the first anomaly of a trace that is not sampled, what ends in this process is exported, for some new traces
//!   a second. Only with a configuration of one's own. [`TailSampling`](crate::TailSampling) keeps whole requests instead.
//!
//! ```
//! use opentelemetry_aws_xray::{Xray, sampler::adaptive::AdaptiveSampling};
//!
//! let xray = Xray::builder()
//!     .with_service_name("checkout")
//!     .with_adaptive_sampling(AdaptiveSampling::from_environment())
//!     .build();
//! # drop(xray);
//! ```

mod anomaly;
mod config;
mod config_text;
mod processor;
mod rule_names;
mod sampler;
mod traces;

pub use self::{
    anomaly::{AnomalyCondition, AnomalyUsage, InvalidPattern},
    config::AdaptiveSampling,
    config_text::ParseAdaptiveSamplingError,
    processor::AdaptiveSamplingProcessor,
    sampler::{AdaptiveSampler, AdaptiveSamplingStats},
};

#[cfg(test)]
mod tests;
