//! The waterfall of a trace: rows with bars under a time axis.

use xray_wire::{Timestamp, segment::Kind};

use super::format;
use crate::{
    node::Node,
    tree::{Branch, Tree},
};

/// Rows of the page; the raw JSON has the rest.
const MAX_ROWS: usize = 2_000;

/// Marks on the time axis at most, 0 included.
const MAX_TICKS: u64 = 6;

/// What a bar is wide at least, in percent, to be seen.
const MIN_WIDTH: f64 = 0.4;

/// Where the last bar ends, in percent: what is left holds its text.
const END: f64 = 88.0;

pub(super) struct Waterfall {
    pub(super) ticks: Vec<Tick>,
    pub(super) rows: Vec<Row>,
    pub(super) left_out: usize,
}

pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) text: String,
}

pub(super) struct Row {
    /// The position of the branch in the tree.
    pub(super) branch: usize,
    pub(super) depth: usize,
    pub(super) children: usize,
    /// The first of those whose parent has not been received.
    pub(super) begins_detached: bool,
    /// How many levels end behind this row.
    pub(super) closes: usize,
    pub(super) bar: Bar,
    pub(super) duration: String,
    pub(super) outcome: &'static str,
    pub(super) is_segment: bool,
    pub(super) name: String,
    pub(super) what: String,
    /// Name and `what`, for where they are cut.
    pub(super) title: String,
    pub(super) status: String,
    pub(super) in_progress: bool,
}

/// Percentages of the width.
pub(super) struct Bar {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) end: f64,
}

impl Waterfall {
    pub(super) fn of(tree: &Tree<'_>) -> Self {
        let nodes = || tree.branches.iter().map(|branch| branch.node);
        let start = nodes().map(|node| node.start_time).min().unwrap_or_default();
        let end = nodes().map(Node::last_time).max().unwrap_or_default();
        let span = Span { start, nanos: end.nanos_since(start).max(1) };
        let shown = tree.branches.len().min(MAX_ROWS);
        let rows = (0..shown).map(|position| row(&tree.branches[..shown], position, span)).collect();
        Self { ticks: ticks(span.nanos), rows, left_out: tree.branches.len() - shown }
    }
}

#[derive(Clone, Copy)]
struct Span {
    start: Timestamp,
    nanos: u64,
}

fn row(branches: &[Branch<'_>], position: usize, span: Span) -> Row {
    let branch = &branches[position];
    let node = branch.node;
    let next_depth = branches.get(position + 1).map_or(0, |next| next.depth);
    let offset = node.start_time.nanos_since(span.start);
    let what = what(node);
    Row {
        branch: position,
        depth: branch.depth,
        // At the greatest depth children are listed as siblings.
        children: if next_depth > branch.depth { branch.children } else { 0 },
        begins_detached: branch.detached && !branches[..position].iter().any(|earlier| earlier.detached),
        closes: branch.depth.saturating_sub(next_depth),
        bar: bar(offset, node.duration_nanos().unwrap_or(span.nanos.saturating_sub(offset)), span.nanos),
        duration: node.duration_nanos().map_or("in progress".to_owned(), format::duration),
        outcome: node.outcome.as_str(),
        is_segment: node.kind == Kind::Segment,
        name: node.name.clone(),
        title: format!("{} {what}", node.name).trim_end().to_owned(),
        what,
        status: node.status.map_or(String::new(), |status| status.to_string()),
        in_progress: node.end_time.is_none(),
    }
}

/// What a row says besides its name: the HTTP request, else the operation and what it works on, else where it ran.
fn what(node: &Node) -> String {
    let request = [node.method.as_deref(), node.url.as_deref().map(format::path_of)];
    if request.iter().any(Option::is_some) {
        return joined(request);
    }
    let resource = node.callee.as_ref().map(|callee| callee.name.as_str()).filter(|&name| name != node.name);
    let operation = node.span_name.as_deref().or(node.operation.as_deref());
    if operation.is_some() {
        return joined([operation, resource]);
    }
    let kind = node.origin.as_ref().or(node.callee.as_ref().map(|callee| &callee.kind));
    joined([kind.map(|kind| format::type_name(kind)).as_deref(), resource])
}

fn joined<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn bar(offset: u64, nanos: u64, span: u64) -> Bar {
    let width = percent(nanos, span).clamp(MIN_WIDTH, END);
    let x = percent(offset, span).clamp(0.0, END - width);
    Bar { x, width, end: x + width }
}

fn percent(nanos: u64, span: u64) -> f64 {
    END * nanos as f64 / span as f64
}

/// Marks at round numbers.
fn ticks(span: u64) -> Vec<Tick> {
    let step = step(span);
    let mut ticks = Vec::new();
    let mut at = 0;
    while at <= span {
        let text = if at == 0 { "0".to_owned() } else { format::duration(at) };
        ticks.push(Tick { at: percent(at, span), text });
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    ticks
}

/// The least of 1, 2, 5, 10, 20, 50, … that gives no more than [`MAX_TICKS`].
fn step(span: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if span / step < MAX_TICKS {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::Document;

    #[test]
    fn a_row_says_what_its_node_did() {
        let named = |name: &str| format!(r#""metadata":{{"default":{{"otel.span.name":"{name}"}}}}"#);
        let inner = r#""type":"subsegment","parent_id":"00000000000000ff""#;
        let remote = format!(r#"{inner},"namespace":"remote""#);
        let aws =
            format!(r#"{inner},"namespace":"aws","aws":{{"operation":"GetItem","table_name":"orders"}}"#);
        let http = r#""http":{"request":{"method":"GET","url":"http://a.example/b?c=d"}}"#;
        for (case, fields, expected) in [
            ("nothing", String::new(), ""),
            ("a request", format!("{http},{}", named("GET /b")), "GET /b?c=d"),
            ("a URL alone", r#""http":{"request":{"url":"http://a.example"}}"#.to_owned(), "/"),
            (
                "a status alone",
                format!(r#""http":{{"response":{{"status":200}}}},{}"#, named("poll")),
                "poll",
            ),
            ("redis", format!("{remote},{}", named("GetDriver")), "GetDriver"),
            ("redis, named as its span", format!("{remote},{}", named("redis")), "remote"),
            ("a query", format!(r#"{remote},"sql":{{"user":"me"}}"#), "Database SQL"),
            (
                "a query with a name",
                format!(r#"{remote},"sql":{{"user":"me"}},{}"#, named("SELECT customer")),
                "SELECT customer",
            ),
            ("an AWS call", aws.clone(), "GetItem orders"),
            ("an AWS call with a name", format!("{aws},{}", named("load order")), "load order orders"),
            ("a container", r#""origin":"AWS::ECS::Container""#.to_owned(), "ECS Container"),
            (
                "a container with a name",
                format!(r#""origin":"AWS::ECS::Container",{}"#, named("tidy up")),
                "tidy up",
            ),
        ] {
            let comma = if fields.is_empty() { "" } else { "," };
            let json = format!(
                r#"{{"name":"redis","id":"000000000000000a","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1,"end_time":2{comma}{fields}}}"#
            );
            let document = Document::read(json.as_bytes(), Timestamp::EPOCH).unwrap();
            assert_eq!(what(&document.nodes[0]), expected, "{case}");
        }
    }

    proptest! {
        #[test]
        fn bars_and_ticks_stay_within(offset: u64, nanos: u64, span in 1_u64..) {
            let bar = bar(offset, nanos, span);
            prop_assert!(bar.x >= 0.0 && bar.width >= MIN_WIDTH && bar.end <= END + 1e-9);
            let ticks = ticks(span);
            prop_assert!((1..=6).contains(&ticks.len()));
            prop_assert!(ticks.iter().all(|tick| (0.0..=END + 1e-9).contains(&tick.at)));
        }
    }
}
