//! `UnprocessedTraceSegments`: which documents of a call were not taken, and what becomes of each.

use std::collections::HashMap;

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
/// it can't read, and an id of several names none; where as many are left as are not named, each is one of them, and where more are
/// left, or the reasons are of both kinds, it remains open which.
pub(super) fn sort(items: Vec<Item>, unprocessed: Vec<Unprocessed>) -> Sorted {
    let mut places = Places::new(&items);
    let named: Vec<Option<usize>> = unprocessed.iter().map(|entry| places.of(entry)).collect();
    let mut found: Vec<(Item, Option<Refusal>)> = items.into_iter().map(|item| (item, None)).collect();
    let mut nameless = Vec::new();
    for (place, entry) in named.into_iter().zip(unprocessed) {
        match place {
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

/// Where each id stands: in one document, or in several (`None`).
type Index = HashMap<SegmentId, Option<usize>>;

/// The documents by the ids of their segments, and those inside, which are looked for when the first is asked for. So an answer with
/// thousands of names costs little more than its length.
struct Places<'i> {
    items: &'i [Item],
    segments: Index,
    nodes: Option<Index>,
}

impl<'i> Places<'i> {
    fn new(items: &'i [Item]) -> Self {
        let segments = items.iter().enumerate().filter_map(|(place, item)| Some((item.ids?.1, place)));
        Self { items, segments: index(segments), nodes: None }
    }

    /// The one document that an entry names.
    fn of(&mut self, entry: &Unprocessed) -> Option<usize> {
        let id = SegmentId::parse(entry.id.as_ref()?.as_bytes()).ok()?;
        if let Some(place) = self.segments.get(&id) {
            return *place;
        }
        let items = self.items.iter().enumerate();
        let nodes = || index(items.flat_map(|(place, item)| item.node_ids().map(move |id| (id, place))));
        *self.nodes.get_or_insert_with(nodes).get(&id)?
    }
}

fn index(ids: impl Iterator<Item = (SegmentId, usize)>) -> Index {
    let mut index = Index::new();
    for (id, place) in ids {
        let known = index.entry(id).or_insert(Some(place));
        *known = known.filter(|known| *known == place);
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Document;

    /// The document of segment `id`, with a subsegment `id + 100`, and something more.
    fn item_with(id: u64, more: &str) -> Item {
        let json = format!(
            "{{\"trace_id\":\"1-00000001-000000000000000000000001\",\"name\":\"x\",\"id\":\"{id:016x}\",\"start_time\":1,\
             \"subsegments\":[{{\"name\":\"y\",\"id\":\"{:016x}\",\"start_time\":1}}]{more}}}",
            id + 100
        );
        Item::new(Document { json: json.as_bytes(), spans: 1 })
    }

    fn item(id: u64) -> Item {
        item_with(id, "")
    }

    fn entry(id: u64) -> Unprocessed {
        Unprocessed { id: Some(format!("{id:016x}")), code: "InvalidName".into(), message: String::new() }
    }

    fn number(item: &Item) -> u64 {
        u64::from_be_bytes(item.ids.unwrap().1.to_bytes())
    }

    #[test]
    fn who_only_mentions_an_id_is_not_refused() {
        let id = format!("{:016x}", 103);
        // Something in the first document; rejected, open.
        for (what, more, expected) in [
            (
                "a link",
                format!(r#","links":[{{"trace_id":"1-00000001-000000000000000000000001","id":"{id}"}}]"#),
                [&[3][..], &[]],
            ),
            ("a cause", format!(r#","cause":{{"exceptions":[{{"id":"{id}"}}]}}"#), [&[3], &[]]),
            ("text", format!(r#","metadata":{{"a":"\",\"id\":\"{id}\",\"start_time\":"}}"#), [&[3], &[]]),
            (
                "metadata like a node",
                format!(r#","metadata":{{"name":"y","id":"{id}","start_time":1}}"#),
                [&[], &[1, 2, 3]],
            ),
        ] {
            let sorted = sort(vec![item_with(1, &more), item(2), item(3)], vec![entry(103)]);
            let rejected: Vec<_> = sorted.rejected.iter().map(|(item, _)| number(item)).collect();
            let unknown: Vec<_> = sorted.unknown.iter().map(number).collect();
            assert_eq!([&rejected[..], &unknown[..]], expected, "{what}");
        }
    }

    /// What is read of an answer holds some forty thousand entries.
    #[test]
    fn an_answer_with_many_names_is_little_work() {
        let padding = format!(",\"metadata\":\"{}\"", "x".repeat(20_000));
        let items = (1..=50).map(|id| item_with(id, &padding)).collect();
        let sorted = sort(items, (1_000..41_000).map(entry).collect());
        assert_eq!((sorted.rejected.len(), sorted.unknown.len()), (50, 0));
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
            let ids = |items: &[Item]| items.iter().map(number).collect::<Vec<_>>();
            let refused =
                |items: &[(Item, Refusal)]| items.iter().map(|(item, _)| number(item)).collect::<Vec<_>>();
            let found =
                [ids(&sorted.sent), refused(&sorted.again), refused(&sorted.rejected), ids(&sorted.unknown)];
            assert_eq!(found, expected, "{what}");
        }
    }
}
