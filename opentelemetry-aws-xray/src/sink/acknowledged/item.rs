//! A document on its way, and how its way ended.

use std::sync::Arc;

use xray_wire::{SegmentId, TraceId, peek};

use super::Unprocessed;
use crate::{
    exporter::DropReason,
    post::{CallError, CallErrorKind},
    sink::Document,
};

/// A document that waits or is in a call.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The text, which a call in flight shares.
    pub(super) json: Arc<[u8]>,
    /// How many spans it stands for.
    pub(super) spans: u32,
    /// Its trace and its segment, if it is a segment document.
    pub(super) ids: Option<(TraceId, SegmentId)>,
}

impl Item {
    pub(super) fn new(document: Document<'_>) -> Self {
        Self { json: document.json.into(), spans: document.spans, ids: peek::ids(document.json) }
    }

    pub(super) fn document(&self) -> Document<'_> {
        Document { json: &self.json, spans: self.spans }
    }

    pub(super) fn trace_id(&self) -> Option<TraceId> {
        self.ids.map(|(trace_id, _)| trace_id)
    }

    /// Whether a node of this document has an id.
    pub(super) fn contains(&self, id: SegmentId) -> bool {
        const KEY: &[u8] = b"\"id\":\"";
        let mut field = [0; KEY.len() + SegmentId::TEXT_LEN];
        field[..KEY.len()].copy_from_slice(KEY);
        field[KEY.len()..].copy_from_slice(&id.to_ascii());
        self.json.windows(field.len()).any(|window| window == field)
    }
}

/// How a document's way ended.
#[derive(Debug)]
pub(super) enum Fate {
    /// The other side took it.
    Sent(Item),
    /// The other side took it, but for so many of its spans.
    PartlySent { item: Item, rejected_spans: u32, refusal: Refusal },
    /// It will never go.
    Dropped { item: Item, reason: DropReason, refusal: Option<Refusal> },
}

impl Fate {
    pub(super) fn item(&self) -> &Item {
        match self {
            Self::Sent(item) | Self::PartlySent { item, .. } | Self::Dropped { item, .. } => item,
        }
    }

    pub(super) fn dropped(item: Item, reason: DropReason) -> Self {
        Self::Dropped { item, reason, refusal: None }
    }
}

/// Why the other side refused a document, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The kind, such as `InvalidName` or `400`.
    pub(super) code: String,
    /// More about it.
    pub(super) message: String,
}

impl From<Unprocessed> for Refusal {
    fn from(Unprocessed { code, message, .. }: Unprocessed) -> Self {
        Self { code, message }
    }
}

impl From<&CallError> for Refusal {
    fn from(error: &CallError) -> Self {
        let code = match error.kind {
            CallErrorKind::Status(status) => status.to_string(),
            kind => format!("{kind:?}"),
        };
        Self { code, message: error.message.clone() }
    }
}
