//! Links (specification of the mapping, "Links").

use std::borrow::Cow;

use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    SegmentId, TraceId,
    limits::MAX_LINKS,
    segment::{Link, MetadataEntry, Value},
};

use super::{budget::Budget, metadata, texts::Texts};

/// The span's links to valid ids, as many as X-Ray takes.
pub(super) fn links<'a>(span: &'a SpanData, budget: &Budget, texts: &mut Texts, links: &mut Vec<Link<'a>>) {
    links.extend(span.links.links.iter().take(MAX_LINKS.min(budget.entries)).filter_map(|link| {
        Some(Link {
            trace_id: TraceId::from_bytes(link.span_context.trace_id().to_bytes())?,
            id: SegmentId::from_bytes(link.span_context.span_id().to_bytes())?,
            attributes: metadata::attribute_map(link.attributes.iter(), budget, texts),
        })
    }));
}

/// Keeps the ids of the links that are not among the first `told`, and answers how many there was no room for.
pub(super) fn spill<'a>(
    span: &'a SpanData,
    told: usize,
    budget: &Budget,
    entries: &mut Vec<MetadataEntry<'a>>,
) -> usize {
    let all = span.links.links.len();
    if all <= told {
        return 0;
    }
    let ids = |link: &opentelemetry::trace::Link| {
        let context = &link.span_context;
        Value::Str(Cow::Owned(format!("{}:{}", context.trace_id(), context.span_id())))
    };
    let kept: Vec<_> = span.links.links.iter().skip(told).take(budget.entries).map(ids).collect();
    let left_out = all - told - kept.len();
    entries.push(MetadataEntry {
        namespace: Cow::Borrowed(metadata::DEFAULT),
        key: Cow::Borrowed("otel.links"),
        value: Value::List(kept),
    });
    left_out
}
