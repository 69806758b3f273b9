//! The documents of one batch → trees: complete children inside their parents, while they fit.
//!
//! A trace of twenty spans as one document of 7 KB costs the sender one system call, the daemon one of its 64 KB
//! buffers and the API one of the fifty documents of a call. As twenty documents it costs twenty of each, and a
//! daemon whose backend answers in 30 ms drops three quarters of such traffic at 50,000 spans a second.
//!
//! What comes in is a list of nodes whose bodies are encoded already, so that their sizes are exact; what goes
//! out is a list of documents, each a tree of nodes. Nothing is left out: a node stands in exactly one document.
//! A node whose parent is not in the batch, whose subtree does not fit into its parent's document, that would stand
//! too deep, whose id is taken or that is its own ancestor stands at the top of a document of its own. The work
//! is that of sorting the nodes, whatever they say of each other.

use alloc::vec::Vec;
use core::ops::Range;

use crate::{
    SegmentId, TraceId,
    encode::{self, MAX_HEAD_BYTES, SUBSEGMENTS_CLOSE, SUBSEGMENTS_OPEN},
    limits::MAX_NESTING_DEPTH,
    segment::Kind,
};

/// A node of a batch with its encoded body.
///
/// ```
/// use xray_wire::{encode, nest::Node, segment::{Kind, Segment}};
/// # use xray_wire::{SegmentId, Timestamp, TraceId};
/// # let trace_id = TraceId::parse(b"1-5759e988-bd862e3fe1be46a994272793").unwrap();
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let start_time = Timestamp::EPOCH;
///
/// let mut bodies = Vec::new();
/// encode::body(&Segment::new(Kind::Segment, "api", id, start_time), None, &mut bodies);
/// let node = Node { trace_id, id, parent_id: None, kind: Kind::Segment, spans: 1, body: 0..bodies.len() };
/// ```
#[derive(Debug, Clone)]
pub struct Node {
    /// The trace.
    pub trace_id: TraceId,
    /// The node's id.
    pub id: SegmentId,
    /// The node above, wherever that is.
    pub parent_id: Option<SegmentId>,
    /// A segment is never put inside another node.
    pub kind: Kind,
    /// How many spans it stands for, in the caller's count.
    pub spans: u32,
    /// Where its body stands in the buffer of bodies.
    pub body: Range<usize>,
}

/// Which node stands where. Reused from batch to batch, so that planning allocates nothing in the long run.
///
/// ```
/// use xray_wire::{encode, nest::{Node, Plan}, segment::{Kind, Segment}};
/// # use xray_wire::{SegmentId, Timestamp, TraceId};
/// # let trace_id = TraceId::parse(b"1-5759e988-bd862e3fe1be46a994272793").unwrap();
/// # let [api, query] = [[1; 8], [2; 8]].map(|id| SegmentId::from_bytes(id).unwrap());
///
/// let mut bodies = Vec::new();
/// let mut node = |kind, name: &'static str, id, parent_id| {
///     let start = bodies.len();
///     encode::body(&Segment::new(kind, name, id, Timestamp::EPOCH), None, &mut bodies);
///     Node { trace_id, id, parent_id, kind, spans: 1, body: start..bodies.len() }
/// };
/// let nodes = [node(Kind::Subsegment, "query", query, Some(api)), node(Kind::Segment, "api", api, None)];
///
/// let mut plan = Plan::default();
/// plan.arrange(&nodes, 64_000, true);
/// assert_eq!((plan.documents(), plan.spans(0)), (1, 2));
/// let mut document = Vec::new();
/// plan.write(0, &nodes, &bodies, &mut document);
/// assert!(String::from_utf8_lossy(&document).contains(r#","subsegments":[{"name":"query","#));
/// ```
#[derive(Debug, Default)]
pub struct Plan {
    /// Nodes by identity, for finding parents. Only ids stand here: they decide nearly always.
    order: Vec<(u64, u32)>,
    places: Vec<Place>,
    /// Nodes, parents before their children.
    pre_order: Vec<u32>,
    tops: Vec<u32>,
}

/// An id as a number, which compares faster than bytes.
fn number(id: SegmentId) -> u64 {
    u64::from_be_bytes(id.to_bytes())
}

/// What is known of a node's place. Siblings form a linked list in the order of the batch.
#[derive(Debug, Clone)]
struct Place {
    parent: Option<u32>,
    first_child: Option<u32>,
    next_sibling: Option<u32>,
    seen: bool,
    repeated: bool,
    /// Bytes of the body and of everything that is kept inside.
    bytes: usize,
    /// Levels below, of what is kept inside.
    height: usize,
    /// Spans that the subtree stands for.
    spans: u32,
}

impl Plan {
    /// Decides which nodes go inside which, so that no document has more than `max_bytes`, unless one node
    /// alone has. With `nested` off each node is a document.
    pub fn arrange(&mut self, nodes: &[Node], max_bytes: usize, nested: bool) {
        self.places.clear();
        self.places.extend(nodes.iter().map(|node| Place {
            parent: None,
            first_child: None,
            next_sibling: None,
            seen: false,
            repeated: false,
            bytes: node.body.len() + MAX_HEAD_BYTES,
            height: 0,
            spans: node.spans,
        }));
        self.tops.clear();
        // A segment is always a document of its own.
        if !nested || nodes.iter().all(|node| node.kind == Kind::Segment) {
            self.tops.extend(0..index(nodes.len()));
            return;
        }
        self.find_parents(nodes);
        self.walk();
        self.detach_what_does_not_fit(max_bytes);
        let places = &self.places;
        self.tops.extend((0..index(nodes.len())).filter(|node| places[*node as usize].parent.is_none()));
    }

    /// How many documents there are.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.tops.len()
    }

    /// How many spans a document stands for.
    #[must_use]
    pub fn spans(&self, document: usize) -> u32 {
        self.place(self.tops[document]).spans
    }

    /// Appends a document.
    pub fn write(&self, document: usize, nodes: &[Node], bodies: &[u8], out: &mut Vec<u8>) {
        let top = self.tops[document];
        let node = &nodes[top as usize];
        encode::open(Some(node.trace_id), node.parent_id, node.kind, out);
        self.write_node(top, nodes, bodies, out);
    }

    /// Recurses no deeper than [`MAX_NESTING_DEPTH`].
    fn write_node(&self, node: u32, nodes: &[Node], bodies: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&bodies[nodes[node as usize].body.clone()]);
        let mut next = self.place(node).first_child;
        if next.is_some() {
            out.extend_from_slice(SUBSEGMENTS_OPEN);
            while let Some(child) = next {
                out.push(b'{');
                self.write_node(child, nodes, bodies, out);
                next = self.place(child).next_sibling;
                if next.is_some() {
                    out.push(b',');
                }
            }
            out.extend_from_slice(SUBSEGMENTS_CLOSE);
        }
        encode::close(out);
    }

    /// Links each subsegment with its parent, if that is in the batch.
    fn find_parents(&mut self, nodes: &[Node]) {
        self.order_by_identity(nodes);
        let mut sought: Option<(TraceId, SegmentId, Option<u32>)> = None;
        // From the back, so that a list of siblings, which grows at its front, ends up in order.
        for (child, node) in nodes.iter().enumerate().rev() {
            if self.places[child].repeated {
                continue;
            }
            let (Kind::Subsegment, Some(parent_id)) = (node.kind, node.parent_id) else { continue };
            let found = match sought {
                // Siblings usually follow each other.
                Some((trace_id, id, found)) if id == parent_id && trace_id == node.trace_id => found,
                _ => self.find(node.trace_id, parent_id, nodes),
            };
            sought = Some((node.trace_id, parent_id, found));
            let Some(parent) = found else { continue };
            let child = index(child);
            let first_child = self.place_mut(parent).first_child.replace(child);
            let place = self.place_mut(child);
            place.parent = Some(parent);
            place.next_sibling = first_child;
        }
    }

    /// Sorts the nodes by id, then by trace, then as they came.
    fn order_by_identity(&mut self, nodes: &[Node]) {
        let trace = |node: u32| nodes[node as usize].trace_id;
        self.order.clear();
        self.order.extend((0..).zip(nodes).map(|(at, node)| (number(node.id), at)));
        self.order.sort_unstable();
        for same_id in self.order.chunk_by_mut(|(one, _), (other, _)| one == other) {
            if same_id.len() > 1 {
                same_id.sort_unstable_by_key(|(_, node)| (trace(*node), *node));
                // An id names its first node. Any other of the same id stands alone: no document has an id twice.
                for ((_, first), (_, second)) in same_id.iter().zip(same_id.iter().skip(1)) {
                    self.places[*second as usize].repeated = trace(*first) == trace(*second);
                }
            }
        }
    }

    /// The first node of that identity.
    fn find(&self, trace_id: TraceId, id: SegmentId, nodes: &[Node]) -> Option<u32> {
        let wanted = number(id);
        let trace = |node: u32| nodes[node as usize].trace_id;
        let at = self.order.partition_point(|(other, node)| {
            *other < wanted || (*other == wanted && trace(*node) < trace_id)
        });
        let (found, node) = *self.order.get(at)?;
        (found == wanted && trace(node) == trace_id).then_some(node)
    }

    /// Puts parents before children. What no top leads to is a ring: its first node becomes a top.
    fn walk(&mut self) {
        self.pre_order.clear();
        for start in 0..index(self.places.len()) {
            if self.place(start).parent.is_none() {
                self.walk_from(start);
            }
        }
        for start in 0..index(self.places.len()) {
            if !self.place(start).seen {
                self.unlink(start);
                self.walk_from(start);
            }
        }
    }

    fn walk_from(&mut self, start: u32) {
        let mut at = self.pre_order.len();
        self.pre_order.push(start);
        while let Some(&node) = self.pre_order.get(at) {
            self.place_mut(node).seen = true;
            let mut next = self.place(node).first_child;
            while let Some(child) = next {
                self.pre_order.push(child);
                next = self.place(child).next_sibling;
            }
            at += 1;
        }
    }

    /// From the leaves up: a node keeps its children in their order while they fit.
    fn detach_what_does_not_fit(&mut self, max_bytes: usize) {
        for at in (0..self.pre_order.len()).rev() {
            let node = self.pre_order[at];
            let mut next = self.place_mut(node).first_child.take();
            let mut last_kept: Option<u32> = None;
            while let Some(child) = next {
                next = self.place_mut(child).next_sibling.take();
                let Place { bytes, height, spans, .. } = *self.place(child);
                let place = self.place_mut(node);
                // A child's own head bytes are not written when it stands inside; they cover the brackets.
                let together = place.bytes + bytes;
                if together > max_bytes || height + 1 > MAX_NESTING_DEPTH {
                    self.place_mut(child).parent = None;
                    continue;
                }
                place.bytes = together;
                place.height = place.height.max(height + 1);
                place.spans += spans;
                match last_kept.replace(child) {
                    None => self.place_mut(node).first_child = Some(child),
                    Some(previous) => self.place_mut(previous).next_sibling = Some(child),
                }
            }
        }
    }

    /// Takes a node out of its parent's list of children.
    fn unlink(&mut self, node: u32) {
        let next_sibling = self.place_mut(node).next_sibling.take();
        let Some(parent) = self.place_mut(node).parent.take() else { return };
        if self.place(parent).first_child == Some(node) {
            self.place_mut(parent).first_child = next_sibling;
            return;
        }
        let mut sibling = self.place(parent).first_child;
        while let Some(at) = sibling {
            sibling = self.place(at).next_sibling;
            if sibling == Some(node) {
                self.place_mut(at).next_sibling = next_sibling;
            }
        }
    }

    fn place(&self, node: u32) -> &Place {
        &self.places[node as usize]
    }

    fn place_mut(&mut self, node: u32) -> &mut Place {
        &mut self.places[node as usize]
    }
}

/// An index as it is stored. A batch of four billion spans would not fit into memory.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, format, string::String};

    use proptest::prelude::*;

    use super::*;

    const LARGE: usize = 64_000;

    fn id(n: u64) -> SegmentId {
        SegmentId::from_bytes(n.to_be_bytes()).unwrap()
    }

    /// Nodes as (id, parent, size of the body); parent 0 is none, and a node with none is a segment.
    fn batch(rows: &[(u64, u64, usize)]) -> (Vec<Node>, Vec<u8>) {
        let mut bodies = Vec::new();
        let nodes = rows
            .iter()
            .map(|&(own, parent, size)| {
                let start = bodies.len();
                bodies.extend(format!("\"name\":\"{own}\"").bytes());
                let padding = size.saturating_sub(bodies.len() - start);
                bodies.extend(core::iter::repeat_n(b' ', padding));
                Node {
                    trace_id: TraceId::from_bytes([1; 16]).unwrap(),
                    id: id(own),
                    parent_id: SegmentId::from_bytes(parent.to_be_bytes()),
                    kind: if parent == 0 { Kind::Segment } else { Kind::Subsegment },
                    spans: 1,
                    body: start..bodies.len(),
                }
            })
            .collect();
        (nodes, bodies)
    }

    /// The documents with only names and nesting left: `1(2 3(4))`.
    fn arranged(rows: &[(u64, u64, usize)], max_bytes: usize, nested: bool) -> Vec<String> {
        let (nodes, bodies) = batch(rows);
        let mut plan = Plan::default();
        // Twice, since a plan is reused.
        plan.arrange(&nodes, max_bytes, nested);
        plan.arrange(&nodes, max_bytes, nested);
        (0..plan.documents())
            .map(|document| {
                let mut out = Vec::new();
                plan.write(document, &nodes, &bodies, &mut out);
                assert!(out.len() <= max_bytes || plan.spans(document) == 1, "{} > {max_bytes}", out.len());
                outline(&String::from_utf8(out).unwrap())
            })
            .collect()
    }

    fn outline(document: &str) -> String {
        let mut rest = document;
        let mut outline = String::new();
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\"name\":\"") {
                let (name, after) = after.split_once('"').unwrap();
                outline.push_str(name);
                rest = after;
            } else if let Some(after) = rest.strip_prefix(",\"subsegments\":[") {
                outline.push('(');
                rest = after;
            } else {
                match c {
                    ']' => outline.push(')'),
                    ',' if !outline.is_empty() => outline.push(' '),
                    _ => {}
                }
                rest = &rest[c.len_utf8()..];
            }
        }
        outline
    }

    #[test]
    fn places() {
        type Case<'c> = (&'c str, &'c [(u64, u64, usize)], usize, bool, &'c [&'c str]);
        let cases: &[Case<'_>] = &[
            ("a whole trace", &[(3, 2, 0), (2, 1, 0), (4, 1, 0), (1, 0, 0)], LARGE, true, &["1(2(3) 4)"]),
            ("not nested", &[(2, 1, 0), (1, 0, 0)], LARGE, false, &["2", "1"]),
            ("parent elsewhere", &[(2, 9, 0), (3, 2, 0)], LARGE, true, &["2(3)"]),
            ("does not fit", &[(1, 0, 500), (2, 1, 900), (3, 1, 100)], 1_000, true, &["1(3)", "2"]),
            ("subtree leaves whole", &[(1, 0, 700), (2, 1, 300), (3, 2, 300)], 1_000, true, &["1", "2(3)"]),
            ("too large alone", &[(1, 0, 2_000), (2, 1, 100)], 1_000, true, &["1", "2"]),
            ("an id twice", &[(1, 0, 0), (2, 1, 0), (2, 1, 0), (3, 2, 0)], LARGE, true, &["1(2(3))", "2"]),
            ("its own parent", &[(1, 0, 0), (2, 2, 0)], LARGE, true, &["1", "2"]),
            ("a ring", &[(2, 4, 0), (3, 2, 0), (4, 3, 0), (5, 4, 0)], LARGE, true, &["2(3(4(5)))"]),
            ("nothing", &[], LARGE, true, &[]),
        ];
        for (what, rows, max, nested, expected) in cases {
            assert_eq!(&arranged(rows, *max, *nested), expected, "{what}");
        }
    }

    #[test]
    fn the_same_ids_in_other_traces_are_other_nodes() {
        let rows = [(1, 0, 0), (2, 1, 0), (3, 2, 0)];
        let (mut nodes, bodies) = batch(&[rows, rows, rows].concat());
        for (at, node) in nodes.iter_mut().enumerate() {
            // Highest first, so that sorting moves them.
            node.trace_id = TraceId::from_bytes([9 - (at / rows.len()) as u8; 16]).unwrap();
        }
        let mut plan = Plan::default();
        plan.arrange(&nodes, LARGE, true);
        let documents: Vec<_> = (0..plan.documents())
            .map(|document| {
                let mut out = Vec::new();
                plan.write(document, &nodes, &bodies, &mut out);
                outline(&String::from_utf8(out).unwrap())
            })
            .collect();
        assert_eq!(documents, ["1(2(3))"; 3]);
    }

    #[test]
    fn rival_21_chains_and_fans_are_bounded_work() {
        let chain: Vec<_> = (1..=10_000).map(|n| (n, n - 1, 0)).collect();
        let documents = arranged(&chain, LARGE, true);
        assert_eq!(documents.len(), 10_000usize.div_ceil(MAX_NESTING_DEPTH + 1));
        let fan: Vec<_> = (1..=10_000).map(|n| (n, u64::from(n > 1), 100)).collect();
        let documents = arranged(&fan, LARGE, true);
        assert!(documents.iter().map(|text| text.split([' ', '(']).count()).sum::<usize>() == 10_000);
        let ring: Vec<_> = (1..=10_000).map(|n| (n, n % 10_000 + 1, 0)).collect();
        assert_eq!(arranged(&ring, LARGE, true).len(), 10_000usize.div_ceil(MAX_NESTING_DEPTH + 1));
    }

    proptest! {
        #[test]
        fn each_node_stands_in_one_document(
            rows in prop::collection::vec((1u64..40, 0u64..40, 0usize..400), 0..60),
            max_bytes in 100usize..3_000,
            nested: bool,
        ) {
            let documents = arranged(&rows, max_bytes, nested);
            let mut expected: HashMap<String, usize> = HashMap::new();
            for (own, ..) in &rows {
                *expected.entry(format!("{own}")).or_default() += 1;
            }
            let mut found: HashMap<String, usize> = HashMap::new();
            for name in documents.iter().flat_map(|text| text.split(['(', ')', ' '])).filter(|name| !name.is_empty()) {
                *found.entry(name.into()).or_default() += 1;
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_document_counts_its_spans(rows in prop::collection::vec((1u64..40, 0u64..40, 0usize..400), 0..60)) {
            let (nodes, _) = batch(&rows);
            let mut plan = Plan::default();
            plan.arrange(&nodes, 2_000, true);
            let counted: u32 = (0..plan.documents()).map(|document| plan.spans(document)).sum();
            prop_assert_eq!(counted as usize, nodes.len());
        }
    }
}
