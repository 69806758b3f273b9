//! What waits, what is in a call, and what comes next: the decisions of acknowledged delivery.
//!
//! A document comes in once and leaves once, as a [`Fate`]. In between it waits in the [`Queue`], is in a call, or waits for
//! another attempt: for a while where somebody was there, and for as long as there is room for it where nobody was.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    Answer, CallLimits,
    item::{Fate, Item, Refusal},
    presence::{Gate, Presence},
    queue::Queue,
    retry::{self, Verdict},
    unprocessed,
};
use crate::{exporter::DropReason, post::CallError};

/// The most bytes of documents that wait or are in calls; when there are more, the oldest that wait are dropped. Some 10,000
/// small documents, or a minute of a few hundred requests a second.
pub(super) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// All documents whose fate is open.
#[derive(Debug)]
pub(super) struct Outbox {
    limits: CallLimits,
    presence: Presence,
    queue: Queue,
    /// Batches for another attempt.
    returned: Vec<Returned>,
    in_flight: HashMap<Ticket, Batch>,
    next_ticket: u64,
    bytes: usize,
    fates: Vec<Fate>,
}

/// Names a call in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ticket(u64);

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Make this call, and come back with its answer.
    Call(Ticket, Vec<Arc<[u8]>>),
    /// Nothing, until this time or until something else happens.
    Wait(Option<Duration>),
}

/// The documents of one call.
#[derive(Debug, Default)]
struct Batch {
    items: Vec<Item>,
    /// Calls that were answered, or might have been.
    attempts: u32,
    /// When the first of them was answered, of those since nobody was there the last time.
    failing_since: Option<Duration>,
    /// Goes out to see whether anybody is there.
    is_look: bool,
}

#[derive(Debug)]
struct Returned {
    due: Duration,
    batch: Batch,
}

impl Outbox {
    pub(super) fn new(limits: CallLimits) -> Self {
        Self {
            limits,
            presence: Presence::default(),
            queue: Queue::default(),
            returned: Vec::new(),
            in_flight: HashMap::new(),
            next_ticket: 0,
            bytes: 0,
            fates: Vec::new(),
        }
    }

    /// Whether a document of so many bytes finds room without another one's being dropped.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes + bytes <= MAX_BYTES
    }

    /// Takes a document over.
    pub(super) fn push(&mut self, item: Item) {
        self.bytes += item.json.len();
        if item.json.len() > self.limits.max_document_bytes {
            return self.settle(Fate::dropped(item, DropReason::TooLarge));
        }
        self.queue.push(item);
        let reason = self.presence.away().unwrap_or(DropReason::Overflow);
        while self.bytes > MAX_BYTES
            && let Some(oldest) = self.pop_oldest()
        {
            self.settle(Fate::dropped(oldest, reason));
        }
    }

    /// What to do now.
    pub(super) fn next(&mut self, now: Duration) -> Step {
        let gate = self.presence.gate(now);
        if let Gate::Shut(until) = gate {
            return Step::Wait(until);
        }
        let due = self.returned.iter().position(|returned| returned.due <= now);
        let mut batch = match due {
            Some(index) => self.returned.remove(index).batch,
            None => Batch { items: self.queue.take(self.limits), ..Batch::default() },
        };
        if batch.items.is_empty() {
            return Step::Wait(self.returned.iter().map(|returned| returned.due).min());
        }
        batch.is_look = gate == Gate::Look;
        self.presence.looks();
        let documents = batch.items.iter().map(|item| Arc::clone(&item.json)).collect();
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.in_flight.insert(ticket, batch);
        Step::Call(ticket, documents)
    }

    /// Whether [`next`](Self::next) would have a call now.
    pub(super) fn has_call(&self, now: Duration) -> bool {
        let is_due = || self.returned.iter().any(|returned| returned.due <= now);
        !matches!(self.presence.gate(now), Gate::Shut(_)) && (self.queue.documents() > 0 || is_due())
    }

    /// Takes the answer to a call. `jitter` is random, from 0 to 1. An answer that comes after [`give_up`](Self::give_up)
    /// changes nothing.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: Answer, now: Duration, jitter: f64) {
        let Some(mut batch) = self.in_flight.remove(&ticket) else { return };
        batch.attempts += 1;
        match answer {
            Answer::Failed(error) => return self.failed(batch, &error, now, jitter),
            Answer::Accepted { unprocessed } if unprocessed.is_empty() => {
                batch.items.into_iter().for_each(|item| self.settle(Fate::Sent(item)));
            }
            Answer::Accepted { unprocessed } => {
                let sorted = unprocessed::sort(batch.items, unprocessed);
                sorted.sent.into_iter().for_each(|item| self.settle(Fate::Sent(item)));
                sorted.rejected.into_iter().for_each(|(item, refusal)| self.reject(item, refusal));
                self.again(sorted.again, batch.attempts, batch.failing_since, now, jitter);
                self.split(Batch { items: sorted.unknown, ..Batch::default() }, now);
            }
            Answer::PartlyAccepted { rejected_spans, message } => {
                let refusal = Refusal { code: "PartialSuccess".into(), message };
                for item in batch.items {
                    let refusal = refusal.clone();
                    self.settle(Fate::PartlySent { item, rejected_spans, refusal });
                }
            }
        }
        self.presence.met();
    }

    /// Takes out what has been decided since the last time.
    pub(super) fn take_fates(&mut self) -> Vec<Fate> {
        std::mem::take(&mut self.fates)
    }

    /// Looks at once whether somebody is there again.
    pub(super) fn look_now(&mut self, now: Duration) {
        self.presence.look_now(now);
    }

    /// Ends waits that would last beyond a deadline: one last attempt is better than none.
    pub(super) fn hurry(&mut self, now: Duration, deadline: Duration) {
        for returned in self.returned.iter_mut().filter(|returned| returned.due >= deadline) {
            returned.due = now;
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.documents() == 0 && self.returned.is_empty() && self.in_flight.is_empty()
    }

    /// When the next attempt is due that is not due yet.
    pub(super) fn due_after(&self, now: Duration) -> Option<Duration> {
        self.returned.iter().map(|returned| returned.due).filter(|due| *due > now).min()
    }

    /// Bytes of all documents whose fate is open.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nobody is there, as far as is known.
    pub(super) fn is_away(&self) -> bool {
        self.presence.away().is_some()
    }

    /// Whether it is of no use to wait from `since` until a deadline: nothing is in a call, and either nobody was there when that
    /// was last tried, or nothing is due before.
    pub(super) fn is_stuck(&self, since: Duration, deadline: Duration) -> bool {
        let is_due = || self.returned.iter().any(|returned| returned.due < deadline);
        self.in_flight.is_empty()
            && (self.presence.is_away_since(since) || self.queue.documents() == 0 && !is_due())
    }

    /// Drops everything, calls in flight included.
    pub(super) fn give_up(&mut self) {
        let away = self.presence.away();
        let in_flight = std::mem::take(&mut self.in_flight).into_values();
        let returned = std::mem::take(&mut self.returned).into_iter().map(|returned| returned.batch);
        let tried: Vec<_> = in_flight.chain(returned).flat_map(|batch| batch.items).collect();
        for item in tried {
            self.settle(Fate::dropped(item, away.unwrap_or(DropReason::Unanswered)));
        }
        while let Some(item) = self.queue.pop() {
            self.settle(Fate::dropped(item, away.unwrap_or(DropReason::ShutDown)));
        }
    }

    fn failed(&mut self, mut batch: Batch, error: &CallError, now: Duration, jitter: f64) {
        let tried_for = batch.failing_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        match retry::verdict(error, batch.attempts, tried_for, batch.items.len(), jitter) {
            Verdict::Wait(reason) => {
                self.presence.missed(batch.is_look, reason, now, jitter);
                batch.attempts -= 1;
                // Nobody has failed it meanwhile.
                batch.failing_since = None;
                self.returned.push(Returned { due: now, batch });
                return;
            }
            Verdict::Again(after) => {
                batch.failing_since.get_or_insert(now);
                self.returned.push(Returned { due: now.saturating_add(after), batch });
            }
            Verdict::Split(after) => self.split(batch, now.saturating_add(after)),
            Verdict::Final(reason) => {
                for item in batch.items {
                    let refusal = Some(Refusal::from(error));
                    self.settle(Fate::Dropped { item, reason, refusal });
                }
            }
        }
        self.presence.met();
    }

    /// Another attempt for documents that the other side could not take just now.
    fn again(
        &mut self,
        refused: Vec<(Item, Refusal)>,
        attempts: u32,
        failing_since: Option<Duration>,
        now: Duration,
        jitter: f64,
    ) {
        let since = failing_since.unwrap_or(now);
        if now.saturating_sub(since) >= retry::TRY_FOR {
            for (item, refusal) in refused {
                let reason = DropReason::Unanswered;
                self.settle(Fate::Dropped { item, reason, refusal: Some(refusal) });
            }
            return;
        }
        let items: Vec<_> = refused.into_iter().map(|(item, _)| item).collect();
        if !items.is_empty() {
            let due = now.saturating_add(retry::backoff(attempts, jitter));
            let batch = Batch { items, attempts, failing_since: Some(since), is_look: false };
            self.returned.push(Returned { due, batch });
        }
    }

    /// Tries each half on its own, so that one bad document harms no other. Fifty documents that are all bad cost 99 calls; one
    /// bad among fifty, some twelve.
    fn split(&mut self, batch: Batch, due: Duration) {
        let Batch { mut items, attempts, failing_since, .. } = batch;
        let second = items.split_off(items.len() / 2);
        for items in [items, second].into_iter().filter(|half| !half.is_empty()) {
            let batch = Batch { items, attempts, failing_since, is_look: false };
            self.returned.push(Returned { due, batch });
        }
    }

    fn reject(&mut self, item: Item, refusal: Refusal) {
        self.settle(Fate::Dropped { item, reason: DropReason::Rejected, refusal: Some(refusal) });
    }

    /// What has been tried is older than what has not.
    fn pop_oldest(&mut self) -> Option<Item> {
        let Some(Returned { batch, .. }) = self.returned.first_mut() else { return self.queue.pop() };
        let item = (!batch.items.is_empty()).then(|| batch.items.remove(0));
        if batch.items.is_empty() {
            self.returned.remove(0);
        }
        item.or_else(|| self.queue.pop())
    }

    fn settle(&mut self, fate: Fate) {
        self.bytes -= fate.item().json.len();
        self.fates.push(fate);
    }
}

#[cfg(test)]
mod tests;
