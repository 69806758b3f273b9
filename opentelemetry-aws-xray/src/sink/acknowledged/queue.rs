//! Documents that have not been in a call yet, oldest first, those of one trace together.
//!
//! X-Ray takes a trace of some 500 KB if its documents come together, and far less if they trickle in (late ones are refused:
//! "trace size exceeded"). So the documents of a trace leave in one call, as far as a call has room.

use std::collections::{HashMap, VecDeque};

use xray_wire::TraceId;

use super::{CallLimits, item::Item};

/// A queue of traces, each with its documents.
#[derive(Debug, Default)]
pub(super) struct Queue {
    groups: VecDeque<Group>,
    /// How many groups have left; with it, a group's number tells its place.
    left: u64,
    numbers: HashMap<TraceId, u64>,
    documents: usize,
}

/// The documents of one trace, never none. One that names no trace is alone.
#[derive(Debug)]
struct Group {
    trace_id: Option<TraceId>,
    items: VecDeque<Item>,
    bytes: usize,
}

impl Queue {
    /// How many documents wait.
    pub(super) fn documents(&self) -> usize {
        self.documents
    }

    /// Adds a document to its trace, or at the end.
    pub(super) fn push(&mut self, item: Item) {
        self.documents += 1;
        if let Some(group) = self.group_of(&item) {
            group.bytes += item.json.len();
            group.items.push_back(item);
            return;
        }
        let trace_id = item.trace_id();
        if let Some(trace_id) = trace_id {
            self.numbers.insert(trace_id, self.left + self.groups.len() as u64);
        }
        let bytes = item.json.len();
        self.groups.push_back(Group { trace_id, items: VecDeque::from([item]), bytes });
    }

    /// Takes the oldest document.
    pub(super) fn pop(&mut self) -> Option<Item> {
        let group = self.groups.front_mut()?;
        let item = group.items.pop_front()?;
        group.bytes -= item.json.len();
        self.documents -= 1;
        if group.items.is_empty() {
            self.take_group();
        }
        Some(item)
    }

    /// Takes the documents of the next call: whole traces while they fit; of a trace that is larger than a call, as much as
    /// fits. None only if none waits.
    pub(super) fn take(&mut self, limits: CallLimits) -> Vec<Item> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(group) = self.groups.front() {
            let fits = taken.len() + group.items.len() <= limits.max_documents
                && bytes + group.bytes <= limits.max_call_bytes;
            if !fits {
                break;
            }
            bytes += group.bytes;
            if let Some(group) = self.take_group() {
                self.documents -= group.items.len();
                taken.extend(group.items);
            }
        }
        if taken.is_empty() {
            self.take_part(limits, &mut taken);
        }
        taken
    }

    /// Takes of the oldest trace what fits into a call, and at least one document.
    fn take_part(&mut self, limits: CallLimits, taken: &mut Vec<Item>) {
        let most = self.groups.front().map_or(0, |group| group.items.len());
        let mut bytes = 0;
        for _ in 0..most.min(limits.max_documents.max(1)) {
            let next = self.groups.front().and_then(|group| group.items.front());
            bytes += next.map_or(0, |item| item.json.len());
            if bytes > limits.max_call_bytes && !taken.is_empty() {
                return;
            }
            taken.extend(self.pop());
        }
    }

    fn group_of(&mut self, item: &Item) -> Option<&mut Group> {
        let number = self.numbers.get(&item.trace_id()?)?;
        self.groups.get_mut(usize::try_from(number - self.left).ok()?)
    }

    fn take_group(&mut self) -> Option<Group> {
        let group = self.groups.pop_front()?;
        self.left += 1;
        if let Some(trace_id) = group.trace_id {
            self.numbers.remove(&trace_id);
        }
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::Document;

    fn item(trace: u32, bytes: usize) -> Item {
        let padding = "x".repeat(bytes);
        let json = if trace == 0 {
            padding
        } else {
            format!(
                "{{\"trace_id\":\"1-{trace:08x}-{trace:024x}\",\"name\":\"{padding}\",\"id\":\"{trace:016x}\"}}"
            )
        };
        Item::new(Document { json: json.as_bytes(), spans: 1 })
    }

    #[test]
    fn traces_are_gathered_and_kept_together() {
        let limits = CallLimits { max_document_bytes: 1_000, max_documents: 4, max_call_bytes: 10_000 };
        for (what, traces, expected) in [
            ("gathered", &[1, 2, 1, 2][..], &[&[1, 1, 2, 2][..]][..]),
            ("not torn", &[1, 1, 1, 2, 2], &[&[1, 1, 1], &[2, 2]]),
            ("larger than a call", &[1, 1, 1, 1, 1, 1, 2], &[&[1, 1, 1, 1], &[1, 1, 2]]),
            ("without a trace", &[0, 0, 0, 0, 0], &[&[0, 0, 0, 0], &[0]]),
            ("none", &[], &[]),
        ] {
            let mut queue = Queue::default();
            traces.iter().for_each(|trace| queue.push(item(*trace, 1)));
            let calls = std::iter::from_fn(|| Some(queue.take(limits)).filter(|taken| !taken.is_empty()));
            let calls: Vec<Vec<u32>> = calls
                .map(|call| {
                    call.iter().map(|item| item.trace_id().map_or(0, TraceId::epoch_seconds)).collect()
                })
                .collect();
            assert_eq!(calls, expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_call_is_too_large(
            steps in prop::collection::vec((0u32..5, 0usize..600, 0u8..8), 0..80),
            max_documents in 1usize..6,
            max_call_bytes in 1usize..1_500,
        ) {
            let limits = CallLimits { max_document_bytes: 1_000, max_documents, max_call_bytes };
            let mut queue = Queue::default();
            let (mut pushed, mut taken) = (0, 0);
            let check = |call: Vec<Item>, taken: &mut usize| -> Result<(), TestCaseError> {
                prop_assert!(call.len() <= max_documents);
                let bytes: usize = call.iter().map(|item| item.json.len()).sum();
                prop_assert!(bytes <= max_call_bytes || call.len() == 1);
                *taken += call.len();
                Ok(())
            };
            for (trace, bytes, step) in steps {
                match step {
                    0 => check(queue.take(limits), &mut taken)?,
                    1 => taken += usize::from(queue.pop().is_some()),
                    _ => {
                        queue.push(item(trace, bytes));
                        pushed += 1;
                    }
                }
                prop_assert_eq!(queue.documents() + taken, pushed);
            }
            while queue.documents() > 0 {
                check(queue.take(limits), &mut taken)?;
            }
            prop_assert_eq!(taken, pushed);
            prop_assert!(queue.groups.is_empty() && queue.numbers.is_empty());
        }
    }
}
