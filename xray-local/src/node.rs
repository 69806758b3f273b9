//! What is remembered of a segment or subsegment besides its document: enough for lists, trees and maps.

use xray_wire::{
    Segment, SegmentId, Timestamp,
    segment::{AnnotationValue, Kind, Namespace, Value},
};

use crate::callee::Callee;

/// A segment or subsegment of a stored document.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1,"end_time":2,
/// #  "subsegments":[{"name":"DynamoDB","id":"53995c3f42cd8ad9","start_time":1,"end_time":2,
/// #  "namespace":"aws","aws":{"operation":"PutItem","table_name":"orders"}}]}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// # let received = xray.wait_until(|received| !received.traces.is_empty()).await;
/// let [shop, call] = received.traces[0].documents[0].nodes.as_slice() else { panic!("expected two nodes") };
/// assert_eq!((shop.name.as_str(), shop.duration_nanos()), ("shop", Some(1_000_000_000)));
/// assert_eq!((call.enclosing, call.operation.as_deref()), (Some(0), Some("PutItem")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// Its id.
    pub id: SegmentId,
    /// `parent_id`, which only the outermost node of a document has.
    pub parent_id: Option<SegmentId>,
    /// The node around it in the same document, as a position in [`Document::nodes`](crate::Document::nodes).
    pub enclosing: Option<usize>,
    /// Segment or subsegment.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The name of the span it was made from, if that is another: `otel.span.name` in the metadata's namespace
    /// `default`. `GetDriver` where the name is that of the database.
    pub span_name: Option<String>,
    /// A segment's `origin`.
    pub origin: Option<String>,
    /// What a subsegment with the namespace `aws` or `remote` called.
    pub callee: Option<Callee>,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended; `None` while it is in progress.
    pub end_time: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// `http.request.method`.
    pub method: Option<String>,
    /// `http.request.url`.
    pub url: Option<String>,
    /// `http.response.status`.
    pub status: Option<u16>,
    /// `aws.operation`.
    pub operation: Option<String>,
    /// The annotations, values as text.
    pub annotations: Vec<(String, String)>,
}

/// How a request ended: the three flags of a document as one word, the gravest first.
///
/// ```
/// use xray_local::{Outcome, Trace};
///
/// /// The gravest of all that happened.
/// fn outcome(trace: &Trace) -> Outcome {
///     let nodes = trace.documents.iter().flat_map(|document| &document.nodes);
///     nodes.map(|node| node.outcome).max().unwrap_or_default()
/// }
/// assert!(Outcome::Fault > Outcome::Throttle && Outcome::Error > Outcome::Ok);
/// assert_eq!(Outcome::Throttle.as_str(), "throttle");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Outcome {
    /// No flag.
    #[default]
    Ok,
    /// `error`: the client's mistake, 4xx.
    Error,
    /// `throttle`: too many requests, 429.
    Throttle,
    /// `fault`: the server's failure, 5xx.
    Fault,
}

impl Outcome {
    fn of(segment: &Segment<'_>) -> Self {
        match (segment.fault, segment.throttle, segment.error) {
            (true, _, _) => Self::Fault,
            (_, true, _) => Self::Throttle,
            (_, _, true) => Self::Error,
            _ => Self::Ok,
        }
    }

    /// The word for it, as in a query: `ok`, `error`, `throttle` or `fault`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Throttle => "throttle",
            Self::Fault => "fault",
        }
    }
}

impl Node {
    /// Nanoseconds from start to end; `None` while it is in progress.
    #[must_use]
    pub fn duration_nanos(&self) -> Option<u64> {
        self.end_time.map(|end| end.nanos_since(self.start_time))
    }

    /// When it ended, or began if it has not ended.
    pub(crate) fn last_time(&self) -> Timestamp {
        self.end_time.unwrap_or(self.start_time).max(self.start_time)
    }
}

/// The nodes of a document, each behind the one that encloses it.
pub(crate) fn nodes(document: &Segment<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (segment, enclosing) in preorder(document) {
        nodes.push(node(segment, enclosing));
    }
    nodes
}

/// The segments of a document, outermost first, each with the position of the one around it.
pub(crate) fn preorder<'s, 'd>(document: &'s Segment<'d>) -> Vec<(&'s Segment<'d>, Option<usize>)> {
    let mut found = Vec::new();
    let mut open = vec![(document, None)];
    while let Some((segment, enclosing)) = open.pop() {
        let position = found.len();
        found.push((segment, enclosing));
        open.extend(segment.subsegments.iter().rev().map(|child| (child, Some(position))));
    }
    found
}

fn node(segment: &Segment<'_>, enclosing: Option<usize>) -> Node {
    let http = segment.http.as_ref();
    Node {
        id: segment.id,
        parent_id: if enclosing.is_none() { segment.parent_id } else { None },
        enclosing,
        kind: if enclosing.is_none() { segment.kind } else { Kind::Subsegment },
        name: segment.name.to_string(),
        span_name: span_name(segment).map(str::to_owned),
        origin: segment.origin.as_deref().map(str::to_owned),
        callee: match segment.namespace {
            Some(Namespace::Aws | Namespace::Remote) => Some(Callee::of(segment)),
            _ => None,
        },
        start_time: segment.start_time,
        end_time: segment.end_time,
        outcome: Outcome::of(segment),
        method: http.and_then(|http| http.method.as_deref()).map(str::to_owned),
        url: http.and_then(|http| http.url.as_deref()).map(str::to_owned),
        status: http.and_then(|http| http.status),
        operation: segment.aws.as_ref().and_then(|aws| aws.operation.as_deref()).map(str::to_owned),
        annotations: segment
            .annotations
            .iter()
            .map(|a| (a.key.to_string(), annotation_text(&a.value)))
            .collect(),
    }
}

fn span_name<'s>(segment: &'s Segment<'_>) -> Option<&'s str> {
    let mut metadata = segment.metadata.iter();
    let entry = metadata.find(|entry| entry.namespace == "default" && entry.key == "otel.span.name")?;
    match &entry.value {
        Value::Str(name) if !name.is_empty() && *name != segment.name => Some(name),
        _ => None,
    }
}

/// An annotation's value as text.
pub(crate) fn annotation_text(value: &AnnotationValue<'_>) -> String {
    match value {
        AnnotationValue::Str(text) => text.to_string(),
        AnnotationValue::I64(number) => number.to_string(),
        AnnotationValue::F64(number) => number.to_string(),
        AnnotationValue::Bool(truth) => truth.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use xray_wire::segment::MetadataEntry;

    use super::*;

    #[test]
    fn a_span_name_is_kept_if_it_says_more_than_the_name() {
        let text = |text: &'static str| Value::Str(text.into());
        for (case, namespace, key, value, expected) in [
            ("another name", "default", "otel.span.name", text("GetDriver"), Some("GetDriver")),
            ("the same name", "default", "otel.span.name", text("redis"), None),
            ("no text", "default", "otel.span.name", Value::I64(7), None),
            ("empty", "default", "otel.span.name", text(""), None),
            ("another namespace", "mine", "otel.span.name", text("GetDriver"), None),
            ("another key", "default", "span.name", text("GetDriver"), None),
        ] {
            let id = SegmentId::from_bytes([1; 8]).unwrap();
            let mut segment = Segment::new(Kind::Subsegment, "redis", id, Timestamp::EPOCH);
            segment.metadata = vec![MetadataEntry { namespace: namespace.into(), key: key.into(), value }];
            assert_eq!(nodes(&segment)[0].span_name.as_deref(), expected, "{case}");
        }
    }
}
