//! A sampler around another one that counts what it decides, by route.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceId},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use crate::Route;

/// The attribute that a span gets from the account's rule that sampled it.
const RULE_ATTRIBUTE: &str = "aws.xray.sampling_rule";

/// What was decided about a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) sampled: u64,
    /// The account's rule by which the last request was sampled, if it was one.
    pub(crate) rule: Option<String>,
}

/// The counts of all routes. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<[Counted; Route::ALL.len()]>>);

/// A sampler whose decisions are counted.
#[derive(Debug, Clone)]
pub(crate) struct Watched<S> {
    sampler: S,
    tally: Tally,
}

impl<S> Watched<S> {
    pub(crate) fn new(sampler: S, tally: Tally) -> Self {
        Self { sampler, tally }
    }
}

impl Tally {
    pub(crate) fn of(&self, route: Route) -> Counted {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[route as usize].clone()
    }

    fn count(&self, route: Route, result: &SamplingResult) {
        let counted = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[route as usize];
        counted.requests += 1;
        if result.decision == SamplingDecision::RecordAndSample {
            counted.sampled += 1;
            counted.rule = text(&result.attributes, RULE_ATTRIBUTE);
        }
    }
}

impl<S: ShouldSample + Clone + 'static> ShouldSample for Watched<S> {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result = self.sampler.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
        if let Some(route) = text(attributes, "url.path").and_then(|path| Route::of_path(&path)) {
            self.tally.count(route, &result);
        }
        result
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|found| found.value.to_string())
}
