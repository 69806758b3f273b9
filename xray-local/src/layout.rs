//! Where the nodes and edges of a service map stand on the page, left to right.

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, RankDir,
    graph::{Graph, GraphOptions},
    layout::types::LabelPos,
};

/// The radius of a node.
pub(crate) const RADIUS: f64 = 32.0;

/// What a node takes with the text below it, in pixels.
const NODE_SIZE: Point = Point { x: 132.0, y: 134.0 };

/// What the text on an edge takes.
const LABEL_SIZE: Point = Point { x: 64.0, y: 30.0 };

/// Between the end of an edge and the ring of the node it points at.
const ARROW_GAP: f64 = 9.0;

/// Edges that can be labelled before labels hide more than they tell.
const MAX_LABELLED_EDGES: usize = 24;

/// Up to so many nodes a map is as narrow as it can be; from there on each one more moves the columns apart,
/// up to the second number, so that edges which span many rows are not too steep.
const SMALL_MAP: usize = 10;
const LARGE_MAP: usize = 35;
const ROOM_PER_NODE: f64 = 5.0;

/// Between a ring and the edge that begins there.
const RING_GAP: f64 = 3.0;

/// How steep an edge may leave a ring or reach it.
const MAX_SLOPE: f64 = 0.6;

/// Around the whole.
const MARGIN: f64 = 16.0;

/// A position, or a size, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// A map that has been laid out.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) size: Point,
    /// The nodes' centres, in the order given.
    pub(crate) nodes: Vec<Point>,
    /// The edges, in the order given.
    pub(crate) edges: Vec<Route>,
}

/// How an edge runs.
#[derive(Debug)]
pub(crate) struct Route {
    /// The `d` of an SVG path, from ring to ring.
    pub(crate) path: String,
    /// The middle of its label; `None` if there are too many for labels.
    pub(crate) label: Option<Point>,
}

/// Lays out so many nodes, and edges between them by their positions.
pub(crate) fn layout(nodes: usize, edges: &[(usize, usize)]) -> Layout {
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: false, compound: false });
    for node in 0..nodes {
        let label = NodeLabel { width: NODE_SIZE.x, height: NODE_SIZE.y, ..NodeLabel::default() };
        graph.set_node(node.to_string(), Some(label));
    }
    let labelled = edges.len() <= MAX_LABELLED_EDGES;
    let label_size = if labelled { LABEL_SIZE } else { Point { x: 0.0, y: 0.0 } };
    for (from, to) in edges {
        let label = EdgeLabel {
            width: label_size.x,
            height: label_size.y,
            labelpos: LabelPos::Center,
            ..EdgeLabel::default()
        };
        graph.set_edge(from.to_string(), to.to_string(), Some(label), None);
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: 4.0,
        edgesep: 12.0,
        ranksep: 20.0 + ROOM_PER_NODE * nodes.clamp(SMALL_MAP, LARGE_MAP).abs_diff(SMALL_MAP) as f64,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    read(&graph, nodes, edges)
}

fn read(graph: &Graph<NodeLabel, EdgeLabel>, nodes: usize, edges: &[(usize, usize)]) -> Layout {
    let centres: Vec<Point> = (0..nodes)
        .map(|node| {
            let label = graph.node(&node.to_string());
            let coordinate = |value: Option<f64>| value.unwrap_or_default() + MARGIN;
            Point { x: coordinate(label.and_then(|l| l.x)), y: coordinate(label.and_then(|l| l.y)) }
        })
        .collect();
    let routes: Vec<Route> = edges
        .iter()
        .map(|&(from, to)| {
            let label = graph.edge(&from.to_string(), &to.to_string(), None);
            let bends: Vec<Point> = label.map_or(Vec::new(), |label| {
                label.points.iter().map(|point| Point { x: point.x + MARGIN, y: point.y + MARGIN }).collect()
            });
            route(centres[from], centres[to], &bends, label)
        })
        .collect();
    let right = centres.iter().map(|centre| centre.x).fold(0.0, f64::max) + NODE_SIZE.x / 2.0 + MARGIN;
    let bottom = centres.iter().map(|centre| centre.y).fold(0.0, f64::max) + NODE_SIZE.y / 2.0 + MARGIN;
    let labels = routes.iter().filter_map(|route| route.label);
    let size = labels.fold(Point { x: right, y: bottom }, |size, label| Point {
        x: size.x.max(label.x + LABEL_SIZE.x),
        y: size.y.max(label.y + LABEL_SIZE.y),
    });
    Layout { size, nodes: centres, edges: routes }
}

fn route(from: Point, to: Point, bends: &[Point], label: Option<&EdgeLabel>) -> Route {
    // The layout ends its edges where they meet the nodes' boxes; ours end at the rings within.
    let inner = match bends {
        [_, inner @ .., _] => inner,
        _ => &[],
    };
    let start = towards(from, inner.first().copied().unwrap_or(to), RADIUS + RING_GAP);
    let end = towards(to, inner.last().copied().unwrap_or(from), RADIUS + ARROW_GAP);
    let mut points = vec![start];
    points.extend(inner);
    points.push(end);
    let label = label.filter(|label| label.width > 0.0).and_then(|label| label.x.zip(label.y));
    Route { path: curve(&points), label: label.map(|(x, y)| Point { x: x + MARGIN, y: y + MARGIN }) }
}

/// The point at this distance from the centre `from`, about in the direction of `to`, but so far to the side
/// that the text below a node stays clear; `from` itself when they are the same.
fn towards(from: Point, to: Point, distance: f64) -> Point {
    let dx = to.x - from.x;
    let dy = (to.y - from.y).clamp(-MAX_SLOPE * dx.abs(), MAX_SLOPE * dx.abs());
    let length = dx.hypot(dy);
    if length < f64::EPSILON {
        return from;
    }
    Point { x: from.x + dx / length * distance, y: from.y + dy / length * distance }
}

/// A smooth path that begins at the first point, ends at the last, and is drawn to those between: a B-spline.
fn curve(points: &[Point]) -> String {
    let [first, .., last] = points else { return String::new() };
    let mut path = format!("M{:.1},{:.1}", first.x, first.y);
    for three in points.windows(3) {
        let (a, b, c) = (three[0], three[1], three[2]);
        path.push_str(&format!(
            "L{:.1},{:.1}Q{:.1},{:.1} {:.1},{:.1}",
            f64::midpoint(a.x, b.x),
            f64::midpoint(a.y, b.y),
            b.x,
            b.y,
            f64::midpoint(b.x, c.x),
            f64::midpoint(b.y, c.y),
        ));
    }
    path.push_str(&format!("L{:.1},{:.1}", last.x, last.y));
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_call_goes_from_left_to_right() {
        let layout = layout(2, &[(0, 1)]);
        assert!(layout.nodes[0].x + 2.0 * RADIUS < layout.nodes[1].x);
        assert!(layout.edges[0].path.starts_with('M'));
    }

    proptest! {
        // A layout takes a while without optimisation.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_graph_has_a_layout(
            nodes in 1_usize..25,
            edges in prop::collection::btree_set((0_usize..25, 0_usize..25), 0..40),
        ) {
            let edges: Vec<_> = edges.into_iter().map(|(from, to)| (from % nodes, to % nodes)).collect();
            let layout = layout(nodes, &edges);
            prop_assert_eq!((layout.nodes.len(), layout.edges.len()), (nodes, edges.len()));
            for (index, one) in layout.nodes.iter().enumerate() {
                prop_assert!((0.0..=layout.size.x).contains(&one.x) && (0.0..=layout.size.y).contains(&one.y));
                for other in &layout.nodes[index + 1..] {
                    prop_assert!((one.x - other.x).hypot(one.y - other.y) >= 2.0 * RADIUS);
                }
            }
        }
    }
}
