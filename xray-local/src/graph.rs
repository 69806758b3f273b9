//! The service map: who calls whom, how often, how fast, with what outcome.
//!
//! A node for each service (segments of one name and origin), one for the client in front of segments that name no
//! parent, and inferred ones for calls that nobody answered with a segment of their own, as X-Ray draws them. Who
//! calls a segment is open as long as the parent that it names has not been received.

use std::collections::{BTreeMap, HashSet};

use serde::{Serialize, Serializer};
use xray_wire::segment::Kind;

use crate::{
    node::{Node, Outcome},
    store::Trace,
    tree::Tree,
};

/// The service map of some traces.
#[derive(Debug, Default)]
pub(crate) struct ServiceMap {
    pub(crate) services: BTreeMap<Service, Statistics>,
    pub(crate) edges: BTreeMap<(Service, Service), Statistics>,
}

/// What identifies a node of the map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// A segment's origin, `""` if it has none; `client`; or the type of an inferred node.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Nobody there has sent a segment; a caller has told of it.
    pub(crate) inferred: bool,
}

impl Service {
    fn client() -> Self {
        Self { name: "Client".to_owned(), kind: "client".to_owned(), inferred: true }
    }

    pub(crate) fn is_client(&self) -> bool {
        self.inferred && self.kind == "client"
    }
}

/// Requests by outcome, and the time they took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Statistics {
    pub(crate) total: u64,
    pub(crate) ok: u64,
    pub(crate) error: u64,
    pub(crate) throttle: u64,
    pub(crate) fault: u64,
    /// Requests that have ended.
    pub(crate) ended: u64,
    /// In JSON `total_response_time`, in seconds: of those that have ended.
    #[serde(rename = "total_response_time", serialize_with = "nanos_as_seconds")]
    pub(crate) total_nanos: u128,
}

fn nanos_as_seconds<S: Serializer>(nanos: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*nanos as f64 / 1e9)
}

impl Statistics {
    fn count(&mut self, node: &Node) {
        self.total += 1;
        *match node.outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Error => &mut self.error,
            Outcome::Throttle => &mut self.throttle,
            Outcome::Fault => &mut self.fault,
        } += 1;
        if let Some(nanos) = node.duration_nanos() {
            self.ended += 1;
            self.total_nanos += u128::from(nanos);
        }
    }

    /// `None` until a request has ended.
    pub(crate) fn average_nanos(&self) -> Option<u64> {
        let average = self.total_nanos.checked_div(u128::from(self.ended))?;
        u64::try_from(average).ok()
    }

    /// The gravest outcome that was met.
    pub(crate) fn worst(&self) -> Outcome {
        match self {
            Self { fault: 1.., .. } => Outcome::Fault,
            Self { throttle: 1.., .. } => Outcome::Throttle,
            Self { error: 1.., .. } => Outcome::Error,
            _ => Outcome::Ok,
        }
    }
}

impl ServiceMap {
    pub(crate) fn of<'t>(traces: impl IntoIterator<Item = &'t Trace>) -> Self {
        let mut map = Self::default();
        for trace in traces {
            map.add(&Tree::of(trace));
        }
        map
    }

    fn add(&mut self, tree: &Tree<'_>) {
        let answered = answered(tree);
        for (position, branch) in tree.branches.iter().enumerate() {
            match (branch.node.kind, &branch.node.callee) {
                (Kind::Segment, _) => self.add_segment(tree, position),
                (Kind::Subsegment, Some(callee))
                    if !answered.contains(&position) && !within_call(tree, position) =>
                {
                    let inferred =
                        Service { name: callee.name.clone(), kind: callee.kind.clone(), inferred: true };
                    let caller =
                        tree.segment_of(position).map(|segment| service(tree.branches[segment].node));
                    self.services.entry(inferred.clone()).or_default().count(branch.node);
                    if let Some(caller) = caller {
                        self.edges.entry((caller, inferred)).or_default().count(branch.node);
                    }
                }
                (Kind::Subsegment, _) => {}
            }
        }
    }

    fn add_segment(&mut self, tree: &Tree<'_>, position: usize) {
        let Some(branch) = tree.branches.get(position) else { return };
        let callee = service(branch.node);
        self.services.entry(callee.clone()).or_default().count(branch.node);
        if branch.detached {
            return;
        }
        let Some(parent) = branch.parent else {
            let client = Service::client();
            self.services.entry(client.clone()).or_default().count(branch.node);
            self.edges.entry((client, callee)).or_default().count(branch.node);
            return;
        };
        let Some(caller) = tree.segment_of(parent) else { return };
        // The caller's side of the call if it tells one, with the way there and back.
        let call = match tree.branches[parent].node {
            subsegment if subsegment.callee.is_some() => subsegment,
            _ => branch.node,
        };
        self.edges.entry((service(tree.branches[caller].node), callee)).or_default().count(call);
    }
}

fn service(segment: &Node) -> Service {
    Service { name: segment.name.clone(), kind: segment.origin.clone().unwrap_or_default(), inferred: false }
}

/// The subsegments with a segment somewhere below: what they called speaks for itself.
fn answered(tree: &Tree<'_>) -> HashSet<usize> {
    let mut answered = HashSet::new();
    for branch in tree.branches.iter().filter(|branch| branch.node.kind == Kind::Segment) {
        let mut above = branch.parent;
        while let Some(position) =
            above.filter(|&position| tree.branches[position].node.kind == Kind::Subsegment)
        {
            if !answered.insert(position) {
                break;
            }
            above = tree.branches[position].parent;
        }
    }
    answered
}

/// Whether a call is part of another, such as the HTTP request inside an AWS call.
fn within_call(tree: &Tree<'_>, position: usize) -> bool {
    let mut above = tree.branches[position].parent;
    while let Some(position) = above {
        let branch = &tree.branches[position];
        if branch.node.kind == Kind::Segment {
            return false;
        }
        if branch.node.callee.is_some() {
            return true;
        }
        above = branch.parent;
    }
    false
}

#[cfg(test)]
mod tests {
    use xray_wire::Timestamp;

    use super::*;
    use crate::{
        document::{Document, Source},
        store::{Limits, Store},
    };

    const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";

    /// The edges of a trace of these documents, given without their trace id and times.
    fn edges(documents: &[&str]) -> Vec<String> {
        let mut store = Store::new(Limits::default());
        for document in documents {
            let whole = document.replace("{", r#"{"start_time":1,"end_time":2,"#);
            let whole = whole.replacen('{', &format!(r#"{{"trace_id":"{TRACE}","#), 1);
            let read = Document::read(whole.as_bytes(), Timestamp::EPOCH);
            store.insert(read, whole.as_bytes(), Source::Udp, Timestamp::EPOCH).unwrap();
        }
        let trace = store.trace(TRACE.parse().unwrap()).unwrap();
        let map = ServiceMap::of([trace.as_ref()]);
        let edges = map.edges.iter();
        edges.map(|((from, to), calls)| format!("{} > {} {}", from.name, to.name, calls.total)).collect()
    }

    #[test]
    fn draws_the_calls() {
        let outer =
            |inner: &str| format!(r#"{{"id":"000000000000000a","name":"a","subsegments":[{inner}]}}"#);
        let remote = r#"{"id":"000000000000000b","name":"b","namespace":"remote"}"#;
        let answer = r#"{"id":"000000000000000d","name":"d","parent_id":"000000000000000b"}"#;
        for (case, documents, expected) in [
            ("alone", vec![outer("")], vec!["Client > a 1"]),
            ("a remote call without an answer", vec![outer(remote)], vec!["Client > a 1", "a > b 1"]),
            (
                "with an answer under another name",
                vec![outer(remote), answer.to_owned()],
                vec!["Client > a 1", "a > d 1"],
            ),
            (
                "a call within a call",
                vec![outer(
                    r#"{"id":"000000000000000b","name":"S3","namespace":"aws","subsegments":[{"id":"000000000000000c","name":"s3.amazonaws.com","namespace":"remote"}]}"#,
                )],
                vec!["Client > a 1", "a > S3 1"],
            ),
            ("work within", vec![outer(r#"{"id":"000000000000000b","name":"b"}"#)], vec!["Client > a 1"]),
            (
                "a segment directly below a segment",
                vec![
                    outer(""),
                    r#"{"id":"000000000000000d","name":"d","parent_id":"000000000000000a"}"#.to_owned(),
                ],
                vec!["Client > a 1", "a > d 1"],
            ),
            ("a parent that has not come", vec![answer.to_owned()], vec![]),
            (
                "a parent that has come later",
                vec![answer.to_owned(), outer(remote)],
                vec!["Client > a 1", "a > d 1"],
            ),
            (
                "a call below a parent that has not come",
                vec![outer(remote).replacen(',', r#","parent_id":"00000000000000ff","#, 1)],
                vec!["a > b 1"],
            ),
        ] {
            let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
            assert_eq!(edges(&documents), expected, "{case}");
        }
    }
}
