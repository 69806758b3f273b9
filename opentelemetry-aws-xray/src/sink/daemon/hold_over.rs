//! Documents that wait for a daemon that is away.

use std::collections::VecDeque;

use super::{Document, Report};
use crate::exporter::DropReason;

/// The most bytes that wait: some 10,000 small documents, or a minute of a few hundred requests a second.
pub(super) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A queue bounded by bytes. When it is full, the oldest go, counted.
#[derive(Debug, Default)]
pub(super) struct HoldOver {
    waiting: VecDeque<Held>,
    bytes: usize,
}

/// A document that waits, and what for.
#[derive(Debug)]
pub(super) struct Held {
    json: Box<[u8]>,
    spans: u32,
    reason: DropReason,
}

impl Held {
    pub(super) fn document(&self) -> Document<'_> {
        Document { json: &self.json, spans: self.spans }
    }

    pub(super) fn because(self, reason: DropReason) -> Self {
        Self { reason, ..self }
    }
}

impl HoldOver {
    /// Why the oldest document waits; `None` if there is none.
    pub(super) fn reason(&self) -> Option<DropReason> {
        self.waiting.front().map(|held| held.reason)
    }

    /// Adds the youngest document.
    pub(super) fn push(&mut self, document: Document<'_>, reason: DropReason, report: &Report) {
        report.held(document);
        self.bytes += document.json.len();
        self.waiting.push_back(Held { json: document.json.into(), spans: document.spans, reason });
        while self.bytes > MAX_BYTES
            && let Some(oldest) = self.pop()
        {
            report.held_dropped_for(oldest.document(), oldest.reason);
        }
    }

    /// Takes the oldest document.
    pub(super) fn pop(&mut self) -> Option<Held> {
        let held = self.waiting.pop_front()?;
        self.bytes -= held.json.len();
        Some(held)
    }

    /// Puts the oldest document back.
    pub(super) fn put_back(&mut self, held: Held) {
        self.bytes += held.json.len();
        self.waiting.push_front(held);
    }

    /// Gives up.
    pub(super) fn drop_all(&mut self, report: &Report) {
        while let Some(held) = self.pop() {
            report.held_dropped_for(held.document(), held.reason);
        }
    }
}
