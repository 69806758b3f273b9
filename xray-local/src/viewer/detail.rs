//! What a document says of one segment or subsegment, in groups: shown as it came, unknown fields included.

use serde_json::{Map, Value};

use super::format;
use crate::node::Node;

/// All that is known of a row.
#[derive(Default)]
pub(super) struct Detail {
    /// Title, then name and value of each field.
    pub(super) groups: Vec<(String, Vec<(String, String)>)>,
    /// Namespace and content, as indented JSON.
    pub(super) metadata: Vec<(String, String)>,
    pub(super) links: Vec<Link>,
    pub(super) exceptions: Vec<Exception>,
    /// The document could not be shown in parts.
    pub(super) unreadable: bool,
}

pub(super) struct Link {
    pub(super) trace_id: String,
    pub(super) id: String,
    pub(super) attributes: String,
}

pub(super) struct Exception {
    pub(super) kind: String,
    pub(super) message: String,
    pub(super) notes: Vec<(String, String)>,
    pub(super) stack: Vec<String>,
}

/// Shown elsewhere: in the overview, in the row, or as rows of their own.
const SHOWN_ELSEWHERE: [&str; 8] =
    ["id", "trace_id", "parent_id", "name", "start_time", "end_time", "in_progress", "subsegments"];

impl Detail {
    pub(super) fn of(node: &Node, object: Option<&Value>) -> Self {
        let mut detail = Self::default();
        let mut overview = times(node);
        let Some(object) = object.and_then(Value::as_object) else {
            return Self { groups: vec![("Overview".to_owned(), overview)], unreadable: true, ..detail };
        };
        if let Some(parent) = object.get("parent_id") {
            overview.insert(1, ("parent_id".to_owned(), text(parent)));
        }
        let mut groups = Vec::new();
        for (key, value) in object {
            match (key.as_str(), value) {
                (key, _) if SHOWN_ELSEWHERE.contains(&key) => {}
                ("cause", Value::Object(cause)) => detail.add_cause(cause),
                ("links", Value::Array(links)) => detail.links = links.iter().map(link).collect(),
                ("metadata", Value::Object(metadata)) => {
                    detail.metadata =
                        metadata.iter().map(|(key, value)| (key.clone(), indented(value))).collect();
                }
                (_, Value::Object(block)) => groups.push((title(key), fields(block))),
                (_, value) => overview.push((key.clone(), text(value))),
            }
        }
        groups.retain(|(_, fields)| !fields.is_empty());
        groups.insert(0, ("Overview".to_owned(), overview));
        groups.append(&mut detail.groups);
        Self { groups, ..detail }
    }

    fn add_cause(&mut self, cause: &Map<String, Value>) {
        let mut rest = cause.clone();
        if let Some(Value::Array(exceptions)) = rest.remove("exceptions") {
            self.exceptions = exceptions.iter().map(exception).collect();
        }
        if !rest.is_empty() {
            self.groups.push(("Cause".to_owned(), fields(&rest)));
        }
    }
}

fn times(node: &Node) -> Vec<(String, String)> {
    let mut times = vec![
        ("id".to_owned(), node.id.to_string()),
        ("start_time".to_owned(), format::date_time(node.start_time)),
    ];
    match (node.end_time, node.duration_nanos()) {
        (Some(end), Some(nanos)) => {
            times.push(("end_time".to_owned(), format::date_time(end)));
            times.push(("duration".to_owned(), format::duration(nanos)));
        }
        _ => times.push(("in_progress".to_owned(), "true".to_owned())),
    }
    times
}

/// The fields of a block, those of blocks within under dotted names.
fn fields(block: &Map<String, Value>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (key, value) in block {
        match value {
            // Two levels: the depth of every block that X-Ray documents.
            Value::Object(inner) => {
                fields.extend(inner.iter().map(|(name, value)| (format!("{key}.{name}"), text(value))));
            }
            value => fields.push((key.clone(), text(value))),
        }
    }
    fields
}

fn exception(value: &Value) -> Exception {
    let Value::Object(fields) = value else {
        return Exception { kind: text(value), message: String::new(), notes: Vec::new(), stack: Vec::new() };
    };
    let named = |name: &str| fields.get(name).map(text).unwrap_or_default();
    let shown = ["type", "message", "stack"];
    Exception {
        kind: named("type"),
        message: named("message"),
        notes: fields
            .iter()
            .filter(|(key, _)| !shown.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
        stack: fields.get("stack").and_then(Value::as_array).into_iter().flatten().map(frame).collect(),
    }
}

/// `label at path:line`, as far as it is known.
fn frame(value: &Value) -> String {
    let named = |name: &str| value.get(name).map(text);
    let place = match (named("path"), named("line")) {
        (Some(path), Some(line)) => format!("{path}:{line}"),
        (path, line) => path.or(line).unwrap_or_default(),
    };
    match named("label") {
        Some(label) if place.is_empty() => label,
        Some(label) => format!("{label} at {place}"),
        None => place,
    }
}

fn link(value: &Value) -> Link {
    let named = |name: &str| value.get(name).map(text).unwrap_or_default();
    Link { trace_id: named("trace_id"), id: named("id"), attributes: named("attributes") }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn indented(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn title(block: &str) -> String {
    match block {
        "http" => "HTTP",
        "sql" => "SQL",
        "aws" => "AWS",
        "service" => "Service",
        "annotations" => "Annotations",
        other => other,
    }
    .to_owned()
}
