//! The tree of a trace, put together from its documents when someone looks.

use std::collections::HashMap;

use xray_wire::{SegmentId, segment::Kind};

use crate::{node::Node, store::Trace};

/// Levels that are told apart; what lies deeper is listed at the deepest. It keeps pages flat enough for browsers.
const MAX_DEPTH: usize = 64;

/// A trace as a tree.
#[derive(Debug)]
pub(crate) struct Tree<'t> {
    /// The nodes, each before the ones below it, siblings by start time. Those of which the parent is missing
    /// come last.
    pub(crate) branches: Vec<Branch<'t>>,
}

/// A node with its place in the tree.
#[derive(Debug)]
pub(crate) struct Branch<'t> {
    pub(crate) node: &'t Node,
    /// The document it stands in, as a position in the trace.
    pub(crate) document: usize,
    /// The position of the node above in [`Tree::branches`].
    pub(crate) parent: Option<usize>,
    /// 0 for a root; at most [`MAX_DEPTH`].
    pub(crate) depth: usize,
    /// How many nodes lie directly below.
    pub(crate) children: usize,
    /// It names a parent that has not been received.
    pub(crate) detached: bool,
}

impl<'t> Tree<'t> {
    pub(crate) fn of(trace: &'t Trace) -> Self {
        Grown::new(trace).into_tree()
    }

    /// The nearest segment at or above this branch: the service at work.
    pub(crate) fn segment_of(&self, mut position: usize) -> Option<usize> {
        loop {
            let branch = self.branches.get(position)?;
            if branch.node.kind == Kind::Segment {
                return Some(position);
            }
            position = branch.parent?;
        }
    }
}

/// The nodes of all documents, with links between them, before they are brought in order.
struct Grown<'t> {
    nodes: Vec<Place<'t>>,
    children: Vec<Vec<usize>>,
    /// Without a parent, and without naming one.
    roots: Vec<usize>,
    /// Naming a parent that is not here.
    detached: Vec<usize>,
}

struct Place<'t> {
    node: &'t Node,
    document: usize,
}

impl<'t> Grown<'t> {
    fn new(trace: &'t Trace) -> Self {
        let mut nodes = Vec::new();
        let mut first_of_document = Vec::new();
        for (document, held) in trace.documents.iter().enumerate() {
            first_of_document.push(nodes.len());
            nodes.extend(held.nodes.iter().map(|node| Place { node, document }));
        }
        let by_id = by_id(&nodes);
        // A node that another document tells better gives its place, and what hangs below it, to the better one.
        let stands_for = |index: usize| by_id.get(&nodes[index].node.id).copied().unwrap_or(index);
        let mut grown_children = vec![Vec::new(); nodes.len()];
        let (mut roots, mut detached) = (Vec::new(), Vec::new());
        for (index, place) in nodes.iter().enumerate() {
            if stands_for(index) != index {
                continue;
            }
            let enclosing = place.node.enclosing.map(|position| first_of_document[place.document] + position);
            let named = place.node.parent_id.and_then(|id| by_id.get(&id).copied());
            match enclosing.map(stands_for).or(named) {
                Some(parent) => grown_children[parent].push(index),
                None if place.node.parent_id.is_some() => detached.push(index),
                None => roots.push(index),
            }
        }
        Self { nodes, children: grown_children, roots, detached }
    }

    fn into_tree(mut self) -> Tree<'t> {
        for siblings in self.children.iter_mut().chain([&mut self.roots, &mut self.detached]) {
            siblings.sort_by_key(|&index| self.nodes[index].node.start_time);
        }
        let mut tree = Tree { branches: Vec::with_capacity(self.nodes.len()) };
        let mut placed = vec![false; self.nodes.len()];
        for &root in &self.roots {
            self.place(root, false, &mut tree, &mut placed);
        }
        for &root in &self.detached {
            self.place(root, true, &mut tree, &mut placed);
        }
        // Nodes that are each other's parents hang from nothing. They are cut open where they begin.
        let mut in_circles: Vec<_> =
            self.children.iter().flatten().copied().filter(|&index| !placed[index]).collect();
        in_circles.sort_by_key(|&index| self.nodes[index].node.start_time);
        for index in in_circles {
            self.place(index, true, &mut tree, &mut placed);
        }
        tree
    }

    fn place(&self, root: usize, detached: bool, tree: &mut Tree<'t>, placed: &mut [bool]) {
        let mut open = vec![(root, None)];
        while let Some((index, parent)) = open.pop() {
            if std::mem::replace(&mut placed[index], true) {
                continue;
            }
            let here = tree.branches.len();
            let depth = parent.map_or(0, |above: usize| (tree.branches[above].depth + 1).min(MAX_DEPTH));
            if let Some(above) = parent {
                tree.branches[above].children += 1;
            }
            let Place { node, document } = self.nodes[index];
            tree.branches.push(Branch {
                node,
                document,
                parent,
                depth,
                children: 0,
                detached: detached && parent.is_none(),
            });
            open.extend(self.children[index].iter().rev().map(|&child| (child, Some(here))));
        }
    }
}

/// The best account of each id: a complete one before one in progress, then the one that came last. Within a
/// document ids are distinct.
fn by_id(nodes: &[Place<'_>]) -> HashMap<SegmentId, usize> {
    let mut best: HashMap<SegmentId, usize> = HashMap::with_capacity(nodes.len());
    for (index, place) in nodes.iter().enumerate() {
        let known = best.entry(place.node.id).or_insert(index);
        if place.node.end_time.is_some() || nodes[*known].node.end_time.is_none() {
            *known = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use xray_wire::Timestamp;

    use super::*;
    use crate::{
        document::{Document, Source},
        store::{Limits, Store},
    };

    /// Kind, id, parent and start of a document, with the same of subsegments inside it. Id 0 is none.
    type Sketch = (Kind, u8, u8, u8, Vec<(u8, u8)>);

    const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";

    fn trace(sketches: &[Sketch]) -> Arc<Trace> {
        let mut store = Store::new(Limits::default());
        for (kind, id, parent, start, inner) in sketches {
            let parent =
                if *parent == 0 { String::new() } else { format!(r#","parent_id":"{parent:016x}""#) };
            let kind = if *kind == Kind::Segment { "" } else { r#","type":"subsegment""# };
            let inner: Vec<String> = inner
                .iter()
                .map(|(id, start)| {
                    format!(r#"{{"name":"{id}","id":"{id:016x}","start_time":{start},"end_time":300}}"#)
                })
                .collect();
            let json = format!(
                r#"{{"name":"{id}","id":"{id:016x}","trace_id":"{TRACE}","start_time":{start},"end_time":300{parent}{kind},"subsegments":[{}]}}"#,
                inner.join(",")
            );
            let now = Timestamp::EPOCH;
            let document = Document::read(json.as_bytes(), now);
            store.insert(document, json.as_bytes(), Source::Udp, now).unwrap();
        }
        store.trace(TRACE.parse().unwrap()).unwrap()
    }

    /// The tree as text: a line for each node, indented by its depth; `?` before those without their parent.
    fn drawn(sketches: &[Sketch]) -> String {
        let trace = trace(sketches);
        let lines = Tree::of(&trace).branches.into_iter().map(|branch| {
            let mark = if branch.detached { "?" } else { "" };
            format!("{}{mark}{}", " ".repeat(branch.depth), branch.node.name)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn documents_grow_together() {
        use Kind::{Segment, Subsegment};
        for (case, sketches, expected) in [
            ("nested", vec![(Segment, 1, 0, 0, vec![(3, 9), (2, 5)])], "1\n 2\n 3"),
            ("downstream", vec![(Segment, 9, 2, 6, vec![]), (Segment, 1, 0, 0, vec![(2, 5)])], "1\n 2\n  9"),
            ("standalone", vec![(Segment, 1, 0, 0, vec![]), (Subsegment, 2, 1, 3, vec![])], "1\n 2"),
            ("orphan", vec![(Segment, 1, 0, 5, vec![]), (Subsegment, 2, 7, 3, vec![(4, 4)])], "1\n?2\n 4"),
            (
                "nested and again alone",
                vec![(Segment, 1, 0, 0, vec![(2, 5)]), (Subsegment, 2, 1, 6, vec![(3, 7)])],
                "1\n 2\n  3",
            ),
            ("circle", vec![(Subsegment, 1, 2, 3, vec![]), (Subsegment, 2, 1, 4, vec![])], "?1\n 2"),
            ("its own parent", vec![(Subsegment, 1, 1, 0, vec![])], "?1"),
        ] {
            assert_eq!(drawn(&sketches), expected, "{case}");
        }
    }

    fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
        let kind = prop_oneof![Just(Kind::Segment), Just(Kind::Subsegment)];
        let inner = prop::collection::btree_map(20_u8..40, any::<u8>(), 0..3);
        let inner = inner.prop_map(|inner| inner.into_iter().collect::<Vec<_>>());
        prop::collection::vec((kind, 1_u8..12, 1_u8..14, any::<u8>(), inner), 1..12)
    }

    proptest! {
        #[test]
        fn every_id_is_in_the_tree_below_its_parent(sketches in sketches()) {
            let trace = trace(&sketches);
            let tree = Tree::of(&trace);
            let ids: std::collections::HashSet<_> =
                trace.documents.iter().flat_map(|document| &document.nodes).map(|node| node.id).collect();
            let shown: std::collections::HashSet<_> = tree.branches.iter().map(|branch| branch.node.id).collect();
            prop_assert_eq!(ids, shown);
            for (position, branch) in tree.branches.iter().enumerate() {
                let above = branch.parent.map(|parent| &tree.branches[parent]);
                prop_assert!(branch.parent.is_none_or(|parent| parent < position));
                prop_assert_eq!(branch.depth, above.map_or(0, |above| above.depth + 1));
            }
            let children: usize = tree.branches.iter().map(|branch| branch.children).sum();
            prop_assert_eq!(children, tree.branches.iter().filter(|branch| branch.parent.is_some()).count());
        }
    }
}
