//! `UnprocessedTraceSegments`: which documents of a call were not taken, and what becomes of each.

use xray_wire::SegmentId;

use super::{
    Unprocessed,
    item::{Item, Refusal},
    retry,
};

/// The documents of a call that was taken, sorted by what becomes of them.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// Taken.
    pub(super) sent: Vec<Item>,
    /// Refused for a reason that may pass.
    pub(super) again: Vec<(Item, Refusal)>,
    /// Refused for good.
    pub(super) rejected: Vec<(Item, Refusal)>,
    /// Among these are some that were not taken, but the answer does not tell which.
    pub(super) unknown: Vec<Item>,
}

/// Finds the documents that an answer names, by the id of their segment or of one inside. X-Ray can't name a document that
/// it can't read; where as many are left as are not named, each is one of them, and where more are left, or the reasons are of both
/// kinds, it remains open which.
pub(super) fn sort(items: Vec<Item>, unprocessed: Vec<Unprocessed>) -> Sorted {
    let mut found: Vec<(Item, Option<Refusal>)> = items.into_iter().map(|item| (item, None)).collect();
    let mut nameless = Vec::new();
    for entry in unprocessed {
        match place(&found, &entry) {
            // Of several parts of one document, the first speaks for it.
            Some(place) => found[place].1 = found[place].1.take().or_else(|| Some(Refusal::from(entry))),
            None => nameless.push(Refusal::from(entry)),
        }
    }
    let open = found.iter().filter(|(_, refusal)| refusal.is_none()).count();
    let transient = nameless.iter().filter(|refusal| retry::is_transient(&refusal.code)).count();
    // With reasons that pass and others that don't, one document's could cost another.
    let is_mixed = open > 1 && transient > 0 && transient < nameless.len();
    let is_open_which = !nameless.is_empty() && (nameless.len() < open || is_mixed);
    let mut nameless = nameless.into_iter();
    let mut sorted = Sorted::default();
    for (item, refusal) in found {
        match refusal.or_else(|| if is_open_which { None } else { nameless.next() }) {
            Some(refusal) if retry::is_transient(&refusal.code) => sorted.again.push((item, refusal)),
            Some(refusal) => sorted.rejected.push((item, refusal)),
            None if is_open_which => sorted.unknown.push(item),
            None => sorted.sent.push(item),
        }
    }
    sorted
}

/// The document that an entry names.
fn place(found: &[(Item, Option<Refusal>)], entry: &Unprocessed) -> Option<usize> {
    let id = SegmentId::parse(entry.id.as_ref()?.as_bytes()).ok()?;
    let own = found.iter().position(|(item, _)| item.ids.is_some_and(|(_, own)| own == id));
    own.or_else(|| found.iter().position(|(item, _)| item.contains(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Document;

    /// The document of segment `id`, with a subsegment `id + 100`.
    fn item(id: u64) -> Item {
        let json = format!(
            "{{\"trace_id\":\"1-00000001-000000000000000000000001\",\"name\":\"x\",\"id\":\"{id:016x}\",\"subsegments\":[{{\"name\":\"y\",\"id\":\"{:016x}\"}}]}}",
            id + 100
        );
        Item::new(Document { json: json.as_bytes(), spans: 1 })
    }

    #[test]
    fn entries_find_their_documents() {
        const BAD: &str = "InvalidName";
        const BUSY: &str = "ThrottledException";
        // Entries for documents 1, 2 and 3; sent, again, rejected, unknown.
        for (what, entries, expected) in [
            ("by id", &[(Some(2), BAD)][..], [&[1, 3][..], &[], &[2], &[]]),
            ("by the id of a part", &[(Some(103), BUSY)], [&[1, 2], &[3], &[], &[]]),
            ("two parts of one", &[(Some(2), BAD), (Some(102), BUSY)], [&[1, 3], &[], &[2], &[]]),
            ("nameless", &[(None, BAD)], [&[], &[], &[], &[1, 2, 3]]),
            ("nobody's", &[(Some(9), BAD), (Some(2), BUSY)], [&[], &[2], &[], &[1, 3]]),
            ("nameless, but all", &[(None, BAD), (Some(2), BUSY), (None, BAD)], [&[], &[2], &[1, 3], &[]]),
            (
                "more than there are",
                &[(None, BAD), (None, BAD), (None, BAD), (None, BAD)],
                [&[], &[], &[1, 2, 3], &[]],
            ),
        ] {
            let entries = entries.iter().map(|&(id, code): &(Option<u64>, &str)| Unprocessed {
                id: id.map(|id| format!("{id:016x}")),
                code: code.into(),
                message: String::new(),
            });
            let sorted = sort(vec![item(1), item(2), item(3)], entries.collect());
            let id = |item: &Item| u64::from_be_bytes(item.ids.unwrap().1.to_bytes());
            let ids = |items: &[Item]| items.iter().map(id).collect::<Vec<_>>();
            let refused =
                |items: &[(Item, Refusal)]| items.iter().map(|(item, _)| id(item)).collect::<Vec<_>>();
            let found =
                [ids(&sorted.sent), refused(&sorted.again), refused(&sorted.rejected), ids(&sorted.unknown)];
            assert_eq!(found, expected, "{what}");
        }
    }
}
