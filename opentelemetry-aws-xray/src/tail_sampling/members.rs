//! Which request a span belongs to.

use std::collections::{
    HashMap,
    hash_map::{Entry, OccupiedEntry},
};

use super::request::Id;

/// Spans that have started, until their request is over: those that have ended too, for what starts below them later.
#[derive(Default)]
pub(super) struct Members {
    by_id: HashMap<Id, Member>,
    /// So many of them have ended.
    ended: usize,
}

struct Member {
    request: u64,
    has_ended: bool,
}

/// A span that ends.
pub(super) struct Open<'a> {
    entry: OccupiedEntry<'a, Id, Member>,
    ended: &'a mut usize,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn ended(&self) -> usize {
        self.ended
    }

    pub(super) fn request(&self, id: &Id) -> Option<u64> {
        Some(self.by_id.get(id)?.request)
    }

    /// Notes that a span is open. No two spans have the same id; if they do, this is `false` and the second one goes alone.
    pub(super) fn start(&mut self, id: Id, request: u64) -> bool {
        let Entry::Vacant(entry) = self.by_id.entry(id) else { return false };
        entry.insert(Member { request, has_ended: false });
        true
    }

    /// A span that has not ended yet.
    pub(super) fn open(&mut self, id: Id) -> Option<Open<'_>> {
        let Entry::Occupied(entry) = self.by_id.entry(id) else { return None };
        (!entry.get().has_ended).then_some(Open { entry, ended: &mut self.ended })
    }

    /// Forgets spans of a request that have ended.
    pub(super) fn forget(&mut self, request: u64, ids: impl IntoIterator<Item = Id>) {
        for id in ids {
            let Entry::Occupied(entry) = self.by_id.entry(id) else { continue };
            if entry.get().has_ended && entry.get().request == request {
                entry.remove();
                self.ended -= 1;
            }
        }
    }

    /// Forgets all spans of the requests up to this number.
    pub(super) fn forget_up_to(&mut self, request: u64) {
        self.by_id.retain(|_, member| member.request > request);
        self.ended = self.by_id.values().filter(|member| member.has_ended).count();
    }

    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.ended = 0;
    }
}

impl Open<'_> {
    pub(super) fn request(&self) -> u64 {
        self.entry.get().request
    }

    /// Keeps it, for what starts below it later.
    pub(super) fn end(mut self) {
        self.entry.get_mut().has_ended = true;
        *self.ended += 1;
    }

    /// Forgets it.
    pub(super) fn forget(self) {
        self.entry.remove();
    }
}
