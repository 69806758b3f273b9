//! `/map` and the small map of a trace: the service map as a picture.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{Frame, blocking, format, render};
use crate::{
    graph::{Service, ServiceMap, Statistics},
    http::App,
    layout::{self, Point},
};

/// Services that are drawn, the busiest: beyond it a picture says nothing any more.
const MAX_SERVICES: usize = 120;

/// Characters of a name below a node.
const MAX_NAME_CHARS: usize = 20;

#[derive(Template)]
#[template(path = "map.html")]
struct Page {
    frame: Frame,
    picture: Picture,
}

/// The map as SVG.
#[derive(Template)]
#[template(path = "map.svg")]
pub(super) struct Picture {
    pub(super) nodes: Vec<Node>,
    pub(super) left_out: usize,
    edges: Vec<Edge>,
    size: Point,
    radius: f64,
}

pub(super) struct Node {
    service: Service,
    at: Point,
    name: String,
    kind: String,
    average: String,
    requests: u64,
    statistics: Statistics,
    /// Parts of the ring: class, where it begins, how long it is, in percent.
    ring: Vec<(&'static str, f64, f64)>,
}

struct Edge {
    title: String,
    path: String,
    class: &'static str,
    label: Option<Point>,
    requests: u64,
    average: String,
}

pub(super) async fn page(State(app): State<Arc<App>>) -> Response {
    blocking(move || {
        let snapshot = app.store.snapshot();
        let map = ServiceMap::of(snapshot.traces.iter().map(AsRef::as_ref));
        render(&Page { frame: Frame::new(&app, snapshot.stats, "map"), picture: Picture::of(&map) })
    })
    .await
}

impl Picture {
    pub(super) fn of(map: &ServiceMap) -> Self {
        let mut services: Vec<_> = map.services.iter().collect();
        services.sort_by_key(|(_, statistics)| std::cmp::Reverse(statistics.total));
        let left_out = services.len().saturating_sub(MAX_SERVICES);
        services.truncate(MAX_SERVICES);
        // The layout keeps the order where it can: by name, so that the picture stays when counts change.
        services.sort_by_key(|(service, _)| *service);
        let position =
            |wanted: &Service| services.binary_search_by_key(&wanted, |(service, _)| *service).ok();
        let edges: Vec<_> = map
            .edges
            .iter()
            .filter_map(|(ends, statistics)| {
                Some(((position(&ends.0)?, position(&ends.1)?), ends, statistics))
            })
            .collect();
        let ends: Vec<_> = edges.iter().map(|(positions, ..)| *positions).collect();
        let laid_out = layout::layout(services.len(), &ends);
        let nodes = services
            .iter()
            .zip(&laid_out.nodes)
            .map(|((service, statistics), &at)| node(service, statistics, at));
        let edges = edges
            .iter()
            .zip(laid_out.edges)
            .map(|((_, ends, statistics), route)| edge(ends, statistics, route));
        Self {
            nodes: nodes.collect(),
            edges: edges.collect(),
            left_out,
            size: laid_out.size,
            radius: layout::RADIUS,
        }
    }
}

fn node(service: &Service, statistics: &Statistics, at: Point) -> Node {
    let kind = match service.kind.as_str() {
        _ if service.is_client() => String::new(),
        "" => "service".to_owned(),
        kind => format::type_name(kind),
    };
    Node {
        at,
        name: format::cut(&service.name, MAX_NAME_CHARS),
        kind: format::cut(&kind, MAX_NAME_CHARS + 2),
        average: average(statistics),
        requests: statistics.total,
        statistics: *statistics,
        ring: ring(statistics),
        service: service.clone(),
    }
}

fn edge((from, to): &(Service, Service), statistics: &Statistics, route: layout::Route) -> Edge {
    Edge {
        title: format!("{} calls {}: {}", from.name, to.name, outcomes(statistics)),
        path: route.path,
        class: statistics.worst().as_str(),
        label: route.label,
        requests: statistics.total,
        average: average(statistics),
    }
}

/// The ring's parts, from the top clockwise: ok, error, throttle, fault.
fn ring(statistics: &Statistics) -> Vec<(&'static str, f64, f64)> {
    let parts = [
        ("ok", statistics.ok),
        ("error", statistics.error),
        ("throttle", statistics.throttle),
        ("fault", statistics.fault),
    ];
    let total = statistics.total.max(1) as f64;
    let mut begin = 0.0;
    let mut ring = Vec::new();
    for (class, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        let length = 100.0 * count as f64 / total;
        ring.push((class, begin, length));
        begin += length;
    }
    ring
}

fn outcomes(statistics: &Statistics) -> String {
    let Statistics { ok, error, throttle, fault, .. } = statistics;
    format!("{ok} ok, {error} error, {throttle} throttle, {fault} fault")
}

fn average(statistics: &Statistics) -> String {
    statistics.average_nanos().map_or("–".to_owned(), format::duration)
}
