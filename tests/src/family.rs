//! The nodes of a trace and their parents.

use std::collections::{BTreeMap, HashMap};

use xray_local::{Node, Trace};
use xray_wire::{SegmentId, segment::Kind};

/// A trace whose nodes know their parents, whichever document those came in.
#[derive(Debug)]
pub struct Family<'t> {
    nodes: HashMap<SegmentId, (&'t Node, Option<SegmentId>)>,
}

impl<'t> Family<'t> {
    /// The family of a trace, in which each id stands for one node.
    #[must_use]
    pub fn of(trace: &'t Trace) -> Self {
        let mut nodes = HashMap::new();
        for document in &trace.documents {
            for node in &document.nodes {
                let enclosing = node.enclosing.map(|position| document.nodes[position].id);
                let earlier = nodes.insert(node.id, (node, enclosing.or(node.parent_id)));
                assert!(earlier.is_none(), "{} came twice", node.id);
            }
        }
        Self { nodes }
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &'t Node> {
        self.nodes.values().map(|(node, _)| *node)
    }

    /// Each node that has a parent here, with it.
    pub fn pairs(&self) -> impl Iterator<Item = (&'t Node, &'t Node)> {
        self.nodes.values().filter_map(|(node, parent)| Some((*node, self.nodes.get(&(*parent)?)?.0)))
    }

    /// The nodes whose parent is not here, each with the id that it names.
    #[must_use]
    pub fn roots(&self) -> Vec<(&'t Node, Option<SegmentId>)> {
        let is_root =
            |parent: &Option<SegmentId>| parent.is_none_or(|parent| !self.nodes.contains_key(&parent));
        self.nodes.values().filter(|(_, parent)| is_root(parent)).copied().collect()
    }

    /// How many segments each service reported.
    #[must_use]
    pub fn services(&self) -> BTreeMap<&'t str, usize> {
        let mut services = BTreeMap::new();
        for node in self.nodes().filter(|node| node.kind == Kind::Segment) {
            *services.entry(node.name.as_str()).or_default() += 1;
        }
        services
    }
}
