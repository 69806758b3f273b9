//! The segment document as plain values, one file for each block of it.
//!
//! Every text is a [`Cow`]: the exporter borrows from its spans and allocates nothing, the decoder borrows
//! from the document it reads.

mod aws;
mod cause;
mod http;
mod link;
mod service;
mod sql;
mod value;

use alloc::{borrow::Cow, vec::Vec};

pub use aws::{Aws, Ec2, Ecs, Eks, ElasticBeanstalk, LogGroup, XraySdk};
pub use cause::{Cause, Exception, Exceptions, Frame};
pub use http::Http;
pub use link::Link;
pub use service::Service;
pub use sql::Sql;
pub use value::{Annotation, AnnotationValue, MetadataEntry, Value};

use crate::{SegmentId, Timestamp, TraceId};

/// A segment or a subsegment: one node of a trace.
///
/// A segment says what a service did for one request; a subsegment says what happened within, or which call
/// went out. Whether a subsegment stands alone or inside its parent is a matter of [`Segment::subsegments`].
///
/// ```
/// use xray_wire::{Segment, SegmentId, Timestamp, TraceId, encode, segment::Kind};
///
/// let start = Timestamp::from_nanos(1_465_510_280_100_000_000);
/// let mut segment = Segment::new(Kind::Segment, "api", SegmentId::parse(b"53995c3f42cd8ad8")?, start);
/// segment.trace_id = Some(TraceId::parse(b"1-5759e988-bd862e3fe1be46a994272793")?);
/// segment.end_time = Some(Timestamp::from_nanos(start.as_nanos() + 1_000_000));
/// segment.fault = true;
///
/// let mut json = Vec::new();
/// encode::document(&segment, None, &mut json);
/// let expected = concat!(
///     r#"{"trace_id":"1-5759e988-bd862e3fe1be46a994272793","name":"api","id":"53995c3f42cd8ad8","#,
///     r#""start_time":1465510280.100000000,"end_time":1465510280.101000000,"fault":true}"#,
/// );
/// assert_eq!(json, expected.as_bytes());
/// # Ok::<(), xray_wire::ParseIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Segment<'a> {
    /// Segment or subsegment.
    pub kind: Kind,
    /// The logical name of the service, or of what was called. At most
    /// [`MAX_NAME_CHARS`](crate::limits::MAX_NAME_CHARS); see [`sanitize::name`](crate::sanitize::name).
    pub name: Cow<'a, str>,
    /// This node's id, unique within the trace.
    pub id: SegmentId,
    /// The trace. `None` inside a parent, which has it.
    pub trace_id: Option<TraceId>,
    /// The node above. On a segment: the subsegment of the caller, in another process. `None` inside a parent.
    pub parent_id: Option<SegmentId>,
    /// When the work began.
    pub start_time: Timestamp,
    /// When the work ended; `None` says `in_progress: true`.
    pub end_time: Option<Timestamp>,
    /// What kind of callee a subsegment speaks of; `None` for work within the service.
    pub namespace: Option<Namespace<'a>>,
    /// A server error (5xx) or an unhandled failure. Written only when true, as are the next two.
    pub fault: bool,
    /// A client error (4xx).
    pub error: bool,
    /// The request was throttled (429).
    pub throttle: bool,
    /// The kind of AWS resource that ran the application, such as `AWS::ECS::Container`. Segments only.
    pub origin: Option<Cow<'a, str>>,
    /// The ARN of that resource. Segments only.
    pub resource_arn: Option<Cow<'a, str>>,
    /// Who sent the request.
    pub user: Option<Cow<'a, str>>,
    /// The HTTP request.
    pub http: Option<Http<'a>>,
    /// Where it ran, or what was called.
    pub aws: Option<Aws<'a>>,
    /// The SQL query.
    pub sql: Option<Sql<'a>>,
    /// The build of the application.
    pub service: Option<Service<'a>>,
    /// Why it failed.
    pub cause: Option<Cause<'a>>,
    /// Indexed values, at most [`MAX_ANNOTATIONS`](crate::limits::MAX_ANNOTATIONS) with distinct keys.
    pub annotations: Vec<Annotation<'a>>,
    /// Everything else that is known.
    pub metadata: Vec<MetadataEntry<'a>>,
    /// Other traces that belong with this one.
    pub links: Vec<Link<'a>>,
    /// Earlier siblings with the same parent that had to end first. Subsegments only.
    pub precursor_ids: Vec<SegmentId>,
    /// The service made this node up from what a caller said. Met when reading.
    pub inferred: bool,
    /// The subsegments inside this node, in their order.
    pub subsegments: Vec<Segment<'a>>,
}

impl<'a> Segment<'a> {
    /// A node with an identity and a time, and nothing else: in progress, without a trace or a parent.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<Cow<'a, str>>, id: SegmentId, start_time: Timestamp) -> Self {
        Self {
            kind,
            name: name.into(),
            id,
            trace_id: None,
            parent_id: None,
            start_time,
            end_time: None,
            namespace: None,
            fault: false,
            error: false,
            throttle: false,
            origin: None,
            resource_arn: None,
            user: None,
            http: None,
            aws: None,
            sql: None,
            service: None,
            cause: None,
            annotations: Vec::new(),
            metadata: Vec::new(),
            links: Vec::new(),
            precursor_ids: Vec::new(),
            inferred: false,
            subsegments: Vec::new(),
        }
    }

    /// Makes this the same as a [`new`](Self::new) one, but keeps the room of its lists.
    pub fn reset(&mut self, kind: Kind, name: impl Into<Cow<'a, str>>, id: SegmentId, start_time: Timestamp) {
        // Each field by its name, so that a new one is not forgotten.
        let Self {
            kind: own_kind,
            name: own_name,
            id: own_id,
            trace_id,
            parent_id,
            start_time: own_start_time,
            end_time,
            namespace,
            fault,
            error,
            throttle,
            origin,
            resource_arn,
            user,
            http,
            aws,
            sql,
            service,
            cause,
            annotations,
            metadata,
            links,
            precursor_ids,
            inferred,
            subsegments,
        } = self;
        (*own_kind, *own_name, *own_id, *own_start_time) = (kind, name.into(), id, start_time);
        (*trace_id, *parent_id, *end_time, *namespace) = (None, None, None, None);
        (*fault, *error, *throttle, *inferred) = (false, false, false, false);
        (*origin, *resource_arn, *user) = (None, None, None);
        // One by one: a tuple of blocks that large would be built first, and then copied.
        *http = None;
        *aws = None;
        *sql = None;
        *service = None;
        *cause = None;
        annotations.clear();
        metadata.clear();
        links.clear();
        precursor_ids.clear();
        subsegments.clear();
    }
}

/// What a node is.
///
/// ```
/// use xray_wire::{SegmentId, encode, segment::Kind};
///
/// let parent = SegmentId::parse(b"53995c3f42cd8ad8").ok();
/// let mut head = Vec::new();
/// encode::open(None, parent, Kind::Subsegment, &mut head);
/// assert_eq!(head, br#"{"parent_id":"53995c3f42cd8ad8","type":"subsegment","#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A service's own account of one request.
    Segment,
    /// A part of a segment. Written with `type: "subsegment"` when it stands alone.
    Subsegment,
}

/// The namespace of a subsegment.
///
/// ```
/// use xray_wire::segment::{Namespace, Segment};
///
/// /// Whether the map has a node for it.
/// fn is_call(segment: &Segment<'_>) -> bool {
///     matches!(segment.namespace, Some(Namespace::Aws | Namespace::Remote))
/// }
/// assert_eq!(Namespace::Remote.as_str(), "remote");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespace<'a> {
    /// `aws`: a call of an AWS API.
    Aws,
    /// `remote`: any other downstream call.
    Remote,
    /// Any other text. Undocumented; met when reading (`local`), never written by the exporter.
    Other(Cow<'a, str>),
}

impl Namespace<'_> {
    /// The namespace as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Aws => "aws",
            Self::Remote => "remote",
            Self::Other(other) => other,
        }
    }
}
