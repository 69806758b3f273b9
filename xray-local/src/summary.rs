//! A trace in one line, and which lines are asked for.

use serde::{Deserialize, Serialize, Serializer};
use xray_wire::{Timestamp, TraceId, segment::Kind};

use crate::{
    node::{Node, Outcome},
    store::Trace,
    tree::Tree,
};

/// A trace in one line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    #[serde(serialize_with = "as_text")]
    pub(crate) id: TraceId,
    /// Seconds since the epoch in JSON.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) start_time: Timestamp,
    /// From the first start to the last end. In JSON `duration`, in seconds.
    #[serde(rename = "duration", serialize_with = "nanos_as_seconds")]
    pub(crate) duration_nanos: u64,
    pub(crate) in_progress: bool,
    /// Of the root, as the next four.
    pub(crate) name: String,
    pub(crate) span_name: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) segments: usize,
    pub(crate) subsegments: usize,
    pub(crate) documents: usize,
    /// Some node says so, as the next two.
    pub(crate) has_error: bool,
    pub(crate) has_throttle: bool,
    pub(crate) has_fault: bool,
}

/// Which traces are asked for. What is left out or empty lets everything pass.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    /// Is part of the trace id, or of the name, span name or URL of some node; in any case.
    pub(crate) text: String,
    /// The name of some segment.
    pub(crate) service: String,
    /// `ok`, `error`, `throttle` or `fault`: what some node says; `ok`: what all say.
    pub(crate) status: String,
    /// The least duration, in milliseconds.
    pub(crate) min_ms: String,
    /// `key=value` or `key`: an annotation of some node.
    pub(crate) annotation: String,
}

impl Summary {
    /// `None` for a trace without documents.
    pub(crate) fn of(trace: &Trace) -> Option<Self> {
        let tree = Tree::of(trace);
        let nodes = || tree.branches.iter().map(|branch| branch.node);
        let root = tree.branches.first()?.node;
        let start_time = nodes().map(|node| node.start_time).min()?;
        let end_time = nodes().map(Node::last_time).max()?;
        let some = |outcome| nodes().any(|node| node.outcome == outcome);
        let segments = nodes().filter(|node| node.kind == Kind::Segment).count();
        Some(Self {
            id: trace.id,
            start_time,
            duration_nanos: end_time.nanos_since(start_time),
            in_progress: nodes().any(|node| node.end_time.is_none()),
            name: root.name.clone(),
            span_name: root.span_name.clone(),
            method: root.method.clone(),
            url: root.url.clone(),
            status: root.status,
            segments,
            subsegments: tree.branches.len() - segments,
            documents: trace.documents.len(),
            has_error: some(Outcome::Error),
            has_throttle: some(Outcome::Throttle),
            has_fault: some(Outcome::Fault),
        })
    }

    /// What was asked of the root: the HTTP request, or the name of its span if there is none.
    pub(crate) fn request(&self) -> String {
        match (&self.method, &self.url) {
            (None, None) => self.span_name.clone().unwrap_or_default(),
            (method, url) => {
                [method, url].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

impl Filter {
    pub(crate) fn passes(&self, trace: &Trace, summary: &Summary) -> bool {
        self.passes_status(summary)
            && self.passes_duration(summary)
            && self.passes_service(trace)
            && self.passes_annotation(trace)
            && self.passes_text(trace)
    }

    /// Whether anything is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.text, &self.service, &self.status, &self.min_ms, &self.annotation]
            .iter()
            .all(|asked| asked.trim().is_empty())
    }

    fn passes_status(&self, summary: &Summary) -> bool {
        match self.status.as_str() {
            "ok" => !(summary.has_error || summary.has_throttle || summary.has_fault),
            "error" => summary.has_error,
            "throttle" => summary.has_throttle,
            "fault" => summary.has_fault,
            _ => true,
        }
    }

    fn passes_duration(&self, summary: &Summary) -> bool {
        let Ok(min_ms) = self.min_ms.trim().parse::<f64>() else { return true };
        summary.duration_nanos as f64 >= min_ms * 1e6
    }

    fn passes_service(&self, trace: &Trace) -> bool {
        let mut nodes = trace.documents.iter().flat_map(|document| &document.nodes);
        self.service.is_empty() || nodes.any(|node| node.kind == Kind::Segment && node.name == self.service)
    }

    fn passes_annotation(&self, trace: &Trace) -> bool {
        let asked = self.annotation.trim();
        let (key, value) = match asked.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (asked, None),
        };
        let mut annotations =
            trace.documents.iter().flat_map(|document| &document.nodes).flat_map(|node| &node.annotations);
        key.is_empty()
            || annotations.any(|(held, text)| held == key && value.is_none_or(|value| value == text))
    }

    fn passes_text(&self, trace: &Trace) -> bool {
        let asked = self.text.trim().to_lowercase();
        let found = |text: &str| text.to_lowercase().contains(&asked);
        let mut nodes = trace.documents.iter().flat_map(|document| &document.nodes);
        asked.is_empty()
            || found(&trace.id.to_string())
            || nodes.any(|node| {
                found(&node.name)
                    || [&node.span_name, &node.url].into_iter().flatten().any(|text| found(text))
            })
    }
}

fn as_text<S: Serializer>(value: &TraceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// A point in time as X-Ray writes it: decimal seconds.
pub(crate) fn as_seconds<S: Serializer>(value: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    nanos_as_seconds(&value.as_nanos(), serializer)
}

pub(crate) fn nanos_as_seconds<S: Serializer>(nanos: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*nanos as f64 / 1e9)
}
