//! What is decided or forgotten before its time: of requests that hold too much, are too old, or have too many spans.

use std::{mem, time::Duration};

use opentelemetry_sdk::trace::SpanData;

use super::Pending;
use crate::tail_sampling::request::{Decision, Part, Request, id};

/// Where there is no room, at least one part in so many is made at once, or none: it takes a walk over what there is.
const WORTH_IT: usize = 16;

impl Pending {
    /// Decides the oldest requests early while too much is held.
    pub(super) fn make_room(&mut self, now: Duration, kept: &mut Vec<SpanData>) {
        while self.stats.spans_held > self.policy.max_spans as u64
            || self.stats.bytes_held > self.policy.max_bytes as u64
        {
            let Some(number) = self.holding.first().copied() else { return };
            self.decide_held(number, now, kept);
        }
    }

    /// Decides requests early that have grown too old, each once.
    pub(super) fn decide_old(&mut self, now: Duration, kept: &mut Vec<SpanData>) {
        while let Some((&number, request)) = self.requests.range(self.aged + 1..).next() {
            if now.saturating_sub(request.since) < self.policy.timeout {
                return;
            }
            self.aged = number;
            self.open_aged += request.open;
            self.decide_held(number, now, kept);
        }
    }

    /// Decides what is held of a request that goes on. If that is let go, it is not the last word on the rest.
    fn decide_held(&mut self, number: u64, now: Duration, kept: &mut Vec<SpanData>) {
        self.holding.remove(&number);
        let Some(part) = self.requests.get_mut(&number).map(Request::take_part) else { return };
        let decision = self.decide_early(part, now, kept);
        if let Some(request) = self.requests.get_mut(&number).filter(|_| decision.is_some()) {
            request.decision = Some(decision);
        }
    }

    /// Decides a request by what is known before its end. If it is kept, that is remembered.
    pub(super) fn decide_early(&mut self, part: Part, now: Duration, kept: &mut Vec<SpanData>) -> Decision {
        let Part { trace, since, decision, held, bytes } = part;
        let spans = held.len();
        self.release(spans, bytes);
        let decision = decision.unwrap_or_else(|| {
            let new = self.policy.judge_unfinished(trace, now.saturating_sub(since));
            let new = new.or_else(|| self.recent.find(trace).flatten());
            if let Some(reason) = new {
                self.stats.requests_kept[reason as usize] += 1;
                self.recent.remember(trace, new);
            }
            new
        });
        if decision.is_none() {
            self.stats.spans_let_go_early += spans as u64;
        } else {
            held.into_iter().for_each(|span| self.follow(decision, span, kept));
        }
        decision
    }

    pub(super) fn release(&mut self, spans: usize, bytes: usize) {
        self.stats.spans_held -= spans as u64;
        self.stats.bytes_held -= bytes as u64;
    }

    /// Makes room for more spans, if that is worth the while.
    pub(super) fn find_room(&mut self, now: Duration, kept: &mut Vec<SpanData>) -> bool {
        let worth_it = self.max_members.div_ceil(WORTH_IT);
        if self.members.ended() >= worth_it {
            self.forget_ended(self.max_members - worth_it);
        } else if self.open_aged >= worth_it {
            self.forget_aged(now, kept);
        }
        self.members.len() < self.max_members
    }

    /// Forgets spans that have ended, those of the oldest requests first, until so many are left. What starts below them goes alone.
    fn forget_ended(&mut self, left: usize) {
        for (number, request) in &mut self.requests {
            if self.members.len() <= left {
                return;
            }
            let held = request.held.iter().map(|span| id(&span.span_context));
            self.members.forget(*number, held.chain(mem::take(&mut request.ended)));
        }
    }

    /// Forgets requests that have grown too old: their spans may never end.
    fn forget_aged(&mut self, now: Duration, kept: &mut Vec<SpanData>) {
        let young = self.requests.split_off(&(self.aged + 1));
        for (number, mut request) in mem::replace(&mut self.requests, young) {
            self.holding.remove(&number);
            self.decide_early(request.take_part(), now, kept);
        }
        self.members.forget_up_to(self.aged);
        self.open_aged = 0;
    }
}
