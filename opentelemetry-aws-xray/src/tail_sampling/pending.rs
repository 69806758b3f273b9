//! Requests that have not ended, and what is held of them.

mod early;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use opentelemetry::{SpanId, trace::SpanContext};
use opentelemetry_sdk::trace::SpanData;

use super::{
    TailSamplingStats,
    members::Members,
    policy::TailSampling,
    request::{Decision, Part, Request, id, sampled, with_reason},
    weight::weight,
};
use crate::recent::Recent;

/// Spans of requests that are not over, at most. If there are so many, the oldest requests forget their spans that have ended;
/// if nearly all are open, those that start are judged each for itself. Costs some 8 MB when full.
const MAX_MEMBERS: usize = 65_536;

/// Traces that are remembered when they are decided, for what starts or ends later. Costs about 200 KB.
const MAX_RECENT: usize = 4_096;

/// Requests by age, the spans that belong to them, and the last decisions. Spans that are kept go to the `kept` of the call that
/// decides it.
pub(super) struct Pending {
    policy: TailSampling,
    /// Spans of requests that are not over.
    members: Members,
    /// By number, so that the first is the oldest. Each has a span that is open.
    requests: BTreeMap<u64, Request>,
    /// Those of which spans are held.
    holding: BTreeSet<u64>,
    recent: Recent<Decision>,
    last_number: u64,
    /// Requests up to this number are older than the policy waits, and were decided by their age.
    aged: u64,
    /// Spans of these that have not ended.
    open_aged: usize,
    max_members: usize,
    stats: TailSamplingStats,
}

impl Pending {
    pub(super) fn new(policy: TailSampling) -> Self {
        Self {
            policy,
            members: Members::default(),
            requests: BTreeMap::new(),
            holding: BTreeSet::new(),
            recent: Recent::new(MAX_RECENT),
            last_number: 0,
            aged: 0,
            open_aged: 0,
            max_members: MAX_MEMBERS,
            stats: TailSamplingStats::default(),
        }
    }

    /// A span starts, below another one of this process or not.
    pub(super) fn start(
        &mut self,
        span: &SpanContext,
        parent: Option<&SpanContext>,
        now: Duration,
        kept: &mut Vec<SpanData>,
    ) {
        self.decide_old(now, kept);
        if self.members.len() >= self.max_members && !self.find_room(now, kept) {
            return;
        }
        let number = match parent {
            None => Some(self.last_number + 1),
            Some(parent) => self.members.request(&id(parent)),
        };
        // If its request is over, it will follow what was decided.
        let Some(number) = number else { return };
        if !self.members.start(id(span), number) {
            return;
        }
        let request = self.requests.entry(number).or_insert_with(|| Request::new(id(span), now));
        request.open += 1;
        self.open_aged += usize::from(number <= self.aged);
        self.last_number = self.last_number.max(number);
    }

    /// A span has ended.
    pub(super) fn end(&mut self, span: SpanData, now: Duration, kept: &mut Vec<SpanData>) {
        self.decide_old(now, kept);
        self.stats.spans_in += 1;
        let id = id(&span.span_context);
        let Some(member) = self.members.open(id) else { return self.end_alone(span, kept) };
        let number = member.request();
        let Some(request) = self.requests.get_mut(&number) else { return self.end_alone(span, kept) };
        self.open_aged -= usize::from(number <= self.aged);
        request.open -= 1;
        let is_over = request.open == 0;
        let (is_root, decision) = (request.root == id, request.decision);
        if is_over {
            member.forget();
        } else {
            member.end();
            if is_root || decision.is_some() {
                request.ended.push(id);
            }
        }
        match decision {
            _ if is_root => self.end_root(number, span, kept),
            Some(decision) => self.follow(decision, span, kept),
            None => self.hold(number, span),
        }
        if is_over && let Some(request) = self.requests.remove(&number) {
            // Its root has ended, so nothing is held of it.
            self.members.forget(number, request.ended);
        }
        self.make_room(now, kept);
    }

    /// Decides all that is open.
    pub(super) fn decide_all(&mut self, now: Duration, kept: &mut Vec<SpanData>) {
        self.holding.clear();
        self.members.clear();
        while let Some((_, mut request)) = self.requests.pop_first() {
            self.decide_early(request.take_part(), now, kept);
        }
    }

    pub(super) fn stats(&self) -> TailSamplingStats {
        self.stats
    }

    fn end_root(&mut self, number: u64, span: SpanData, kept: &mut Vec<SpanData>) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        let trace = span.span_context.trace_id();
        let early = request.decision.flatten();
        // What failed is better called so than slow; and another request of the trace may be kept already.
        let decision = self.policy.judge(&span).or(early).or_else(|| self.recent.find(trace).flatten());
        request.decision = Some(decision);
        let Part { held, bytes, .. } = request.take_part();
        self.holding.remove(&number);
        self.recent.remember(trace, decision);
        if let Some(reason) = decision.filter(|_| early.is_none()) {
            self.stats.requests_kept[reason as usize] += 1;
        }
        self.release(held.len(), bytes);
        for span in held {
            self.follow(decision, span, kept);
        }
        self.follow(decision, with_reason(span, decision), kept);
    }

    /// A span of which no request is known: one that started when its request was over, or when there were too many.
    fn end_alone(&mut self, span: SpanData, kept: &mut Vec<SpanData>) {
        let trace = span.span_context.trace_id();
        let known = self.recent.find(trace).flatten();
        let is_root = span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote;
        if !is_root {
            // What it says of itself is no reason: its request may have ended well. The rate says the same of both.
            return self.follow(known.or_else(|| self.policy.by_rate(trace)), span, kept);
        }
        let decision = self.policy.judge(&span).or(known);
        if let Some(reason) = decision.filter(|_| known.is_none()) {
            self.stats.requests_kept[reason as usize] += 1;
        }
        self.recent.remember(trace, decision);
        self.follow(decision, with_reason(span, decision), kept);
    }

    fn follow(&mut self, decision: Decision, span: SpanData, kept: &mut Vec<SpanData>) {
        if decision.is_some() {
            self.stats.spans_kept += 1;
            kept.push(sampled(span));
        } else {
            self.stats.spans_let_go += 1;
        }
    }

    fn hold(&mut self, number: u64, span: SpanData) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        let bytes = weight(&span);
        request.held.push(span);
        request.bytes += bytes;
        self.holding.insert(number);
        self.stats.spans_held += 1;
        self.stats.bytes_held += bytes as u64;
    }
}

#[cfg(test)]
mod tests;
