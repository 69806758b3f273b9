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

    /// The ids of its nodes, where the encoder writes them: between name and start. Links, causes and metadata name others' too. Should
    /// somebody's metadata look like a node, there is one too many.
    pub(super) fn node_ids(&self) -> impl Iterator<Item = SegmentId> {
        const BEFORE: &[u8] = b"\",\"id\":\"";
        const AFTER: &[u8] = b"\",\"start_time\":";
        const BYTES: usize = BEFORE.len() + SegmentId::TEXT_LEN + AFTER.len();
        self.json.windows(BYTES).filter_map(|window| {
            let id = window.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
            SegmentId::parse(id).ok()
        })
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

#[cfg(test)]
mod tests {
    use xray_wire::{Segment, Timestamp, encode, segment::Kind};

    use super::*;

    #[test]
    fn the_nodes_that_the_encoder_writes_are_found() {
        let ids = [1, 2, 3].map(|byte| SegmentId::from_bytes([byte; 8]).unwrap());
        let node = |id| Segment::new(Kind::Subsegment, "a \"name\" \\", id, Timestamp::EPOCH);
        let mut segment = Segment::new(Kind::Segment, "api", ids[0], Timestamp::EPOCH);
        let mut ended = node(ids[1]);
        ended.end_time = Some(Timestamp::EPOCH);
        ended.subsegments.push(node(ids[2]));
        segment.subsegments.push(ended);
        let mut json = Vec::new();
        encode::document(&segment, None, &mut json);
        let item = Item::new(Document { json: &json, spans: 3 });
        assert_eq!(item.node_ids().collect::<Vec<_>>(), ids);
    }
}
