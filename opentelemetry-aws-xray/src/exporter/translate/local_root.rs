//! Segment or subsegment (specification of the mapping, "Segment or subsegment" and "Local roots").

use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{SegmentId, segment::Kind};

use super::{
    super::attributes::{Attributes, Slot},
    name::is_aws_api,
};

/// Whether a span is the first of its trace in this process. `aws.span.kind` says so where AWS's own processors have
/// set it; otherwise the SDK knows.
pub(super) fn is_local_root(span: &SpanData, attributes: &Attributes<'_, '_>) -> bool {
    match attributes.text(Slot::AwsSpanKind) {
        Some(kind) => kind == "LOCAL_ROOT",
        None => span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote,
    }
}

/// What becomes of a span. A document without a parent is always a segment, since X-Ray refuses a subsegment that has
/// none and drops it with everything below.
pub(super) fn document_kind(
    span: &SpanData,
    parent_id: Option<SegmentId>,
    attributes: &Attributes<'_, '_>,
    is_local_root: bool,
) -> Kind {
    if parent_id.is_none() {
        return Kind::Segment;
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
