//! A look at what a sampler knows.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    control::Progress,
    fallback::Fallback,
    poller::{Signal, nanos},
    route_override::ActiveOverride,
    status::{self, SamplerStatus},
};
use crate::clock::Clock;

/// Shows what an [`XraySampler`](super::XraySampler) knows. It doesn't keep the sampler's thread alive.
///
/// ```
/// use opentelemetry_aws_xray::sampler::XraySampler;
///
/// let sampler = XraySampler::builder().build();
/// let handle = sampler.handle();
/// // The provider gets the sampler. On a signal, say, that somebody has edited the rules:
/// handle.refresh_now();
/// // On a page of the service's health:
/// assert_eq!(handle.status().calls_failed, 0);
/// // At the end:
/// handle.shutdown();
/// # drop(sampler);
/// ```
#[derive(Debug, Clone)]
pub struct SamplerHandle {
    pub(super) progress: Arc<Mutex<Progress>>,
    pub(super) signal: Arc<Signal>,
    pub(super) overrides: Arc<[ActiveOverride]>,
    pub(super) fallback: Fallback,
    pub(super) clock: Arc<dyn Clock>,
}

impl SamplerHandle {
    /// What the sampler knows now.
    #[must_use]
    pub fn status(&self) -> SamplerStatus {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = nanos(&*self.clock);
        SamplerStatus {
            rules: progress
                .table
                .map(|table| status::rules(&table, &progress.shadowed, now))
                .unwrap_or_default(),
            rules_age: progress.rules_at.map(|at| Duration::from_nanos(now.saturating_sub(at))),
            last_error: progress.last_error,
            calls_answered: progress.answered,
            calls_failed: progress.failed,
            reports_refused: progress.refused,
            has_ended: self.signal.has_ended(),
            overrides: self.overrides.iter().map(ActiveOverride::decisions).collect(),
            fallback: self.fallback.decisions(),
        }
    }

    /// Fetches rules now, not waiting for the interval to end; a second apart at least, and not sooner after a failure than
    /// planned. Does nothing before the first decision, which fetches them anyway.
    pub fn refresh_now(&self) {
        self.signal.refresh();
    }

    /// Ends the sampler's thread; from then on the fallback decides, also if there was no decision before. What was counted since the
    /// last report goes to X-Ray, which is waited for, one second at most. The thread ends by itself with the last clone of the
    /// sampler.
    pub fn shutdown(&self) {
        self.signal.stop_and_wait();
    }
}
