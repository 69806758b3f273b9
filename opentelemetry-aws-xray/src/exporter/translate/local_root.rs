//! Segment or subsegment (docs/mapping.md).

use opentelemetry::{
    KeyValue, Value,
    trace::{SpanId, SpanKind},
};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{SegmentId, segment::Kind};

use super::{
    super::attributes::{Attributes, Slot},
    name::is_aws_api,
};
use crate::propagator::synthetic_parent;

/// Whether a span is the first of its trace in this process. `aws.span.kind` says so where AWS's own processors have
/// set it; otherwise the SDK knows.
#[inline]
pub(super) fn is_local_root(span: &SpanData, attributes: &Attributes<'_, '_>) -> bool {
    match attributes.text(Slot::AwsSpanKind) {
        Some(kind) => kind == LOCAL_ROOT,
        None => span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote,
    }
}

/// Which document of a span is being made. Most spans are one document. A local root that is itself a call becomes two: the
/// service's own segment, without which there would be no place in the service map for what called, and the call
/// inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only one.
    Whole,
    /// The call, with the span's id.
    Dependency,
    /// The service, with an id derived from the span's.
    Service,
}

/// The documents that a span becomes, in the order in which they are written.
#[inline]
pub(crate) fn roles(span: &SpanData, split_local_roots: bool) -> &'static [Role] {
    const SPLIT: [Role; 2] = [Role::Dependency, Role::Service];
    let said = || {
        let is_kind = |attribute: &&KeyValue| attribute.key.as_str() == "aws.span.kind";
        match &span.attributes.iter().rev().find(is_kind)?.value {
            Value::String(kind) if !kind.as_str().is_empty() => Some(kind.as_str() == LOCAL_ROOT),
            _ => None,
        }
    };
    let is_split = split_local_roots
        && match span.span_kind {
            SpanKind::Server | SpanKind::Internal => false,
            SpanKind::Consumer => said() == Some(true),
            SpanKind::Client | SpanKind::Producer => {
                let has_no_parent = parent_id(span).is_none();
                has_no_parent || said().unwrap_or(span.parent_span_is_remote)
            }
        };
    if is_split { &SPLIT } else { &[Role::Whole] }
}

const LOCAL_ROOT: &str = "LOCAL_ROOT";

/// The span above, unless that is the placeholder for a caller who did not say which of his spans called.
#[inline]
pub(crate) fn parent_id(span: &SpanData) -> Option<SegmentId> {
    let is_placeholder =
        span.parent_span_is_remote && span.parent_span_id == synthetic_parent(span.span_context.trace_id());
    if is_placeholder { None } else { SegmentId::from_bytes(span.parent_span_id.to_bytes()) }
}

/// Segment or subsegment. A document without a parent is always a segment, since X-Ray refuses a subsegment that has
/// none and drops it with everything below.
#[inline]
pub(super) fn document_kind(
    span: &SpanData,
    role: Role,
    parent_id: Option<SegmentId>,
    attributes: &Attributes<'_, '_>,
    is_local_root: bool,
) -> Kind {
    match role {
        Role::Service => return Kind::Segment,
        Role::Dependency => return Kind::Subsegment,
        Role::Whole if parent_id.is_none() => return Kind::Segment,
        Role::Whole => {}
    }
    match span.span_kind {
        SpanKind::Server => Kind::Segment,
        // Receiving from SQS is a call that this service makes, like any other of an AWS API.
        SpanKind::Consumer if !span.parent_span_is_remote && is_aws_api(attributes) => Kind::Subsegment,
        SpanKind::Consumer => Kind::Segment,
        SpanKind::Internal if is_local_root => Kind::Segment,
        SpanKind::Internal | SpanKind::Client | SpanKind::Producer => Kind::Subsegment,
    }
}

/// Whether an annotation speaks of the call, which the service's own segment says nothing of.
pub(super) fn is_of_the_call(annotation: &str) -> bool {
    matches!(
        annotation,
        "aws.remote.service"
            | "aws_remote_service"
            | "aws.remote.operation"
            | "aws_remote_operation"
            | "remoteTarget"
            | "K8s.RemoteNamespace"
            | "K8s_RemoteNamespace"
    )
}
