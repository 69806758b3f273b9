//! What an instance reports to X-Ray: the usual road to its API, with somebody who looks on.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry_aws_xray::sampler::{HttpSamplingApi, SamplingApi, SamplingApiError};
use xray_wire::sampling::{ClientId, Report, RulesPage, Targets};

/// What was reported so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports(Arc<Mutex<Reported>>);

/// What X-Ray has heard of an instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reported {
    /// The id by which X-Ray knows it; `None` before its first report.
    pub(crate) client: Option<String>,
    /// Requests that were borrowed, by rule.
    pub(crate) borrowed: BTreeMap<String, u64>,
}

/// X-Ray's API over HTTP, looked at.
#[derive(Debug)]
pub(crate) struct WatchedApi {
    api: HttpSamplingApi,
    reports: Reports,
}

impl WatchedApi {
    pub(crate) fn new(endpoint: &str, reports: Reports) -> Self {
        Self { api: HttpSamplingApi::new(endpoint), reports }
    }
}

impl Reports {
    pub(crate) fn so_far(&self) -> Reported {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, client: ClientId, reports: &[Report]) {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reported.client = Some(client.to_string());
        for report in reports {
            *reported.borrowed.entry(report.rule_name().to_owned()).or_default() += report.counts().borrowed;
        }
    }
}

impl SamplingApi for WatchedApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        self.api.rules(next_token)
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        // Of a call that fails the counts come again, in the next report.
        let targets = self.api.targets(client, epoch_millis, reports)?;
        self.reports.note(client, reports);
        Ok(targets)
    }

    fn endpoint(&self) -> String {
        self.api.endpoint()
    }
}
