//! Links (docs/mapping.md).

use std::borrow::Cow;

use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    SegmentId, TraceId,
    limits::MAX_LINKS,
    segment::{Link, MetadataEntry, Value},
};

use super::{
    budget::Budget,
    entries::Entries,
    local_root::Role,
    metadata::{self, DROPPED_ATTRIBUTES},
    texts::Texts,
    values,
};
use crate::{propagator, redact};

/// The span's links to valid ids, as many as X-Ray takes.
#[inline]
pub(super) fn links<'a>(
    span: &'a SpanData,
    role: Role,
    budget: &Budget,
    texts: &mut Texts,
    links: &mut Vec<Link<'a>>,
) {
    if span.links.links.is_empty() {
        return;
    }
    for (link, (trace_id, id)) in valid(span).take(most(budget)) {
        let mut attributes = values::attribute_map(link.attributes.iter(), redact::named, budget, texts);
        let is_taken = || attributes.iter().any(|(key, _)| key == DROPPED_ATTRIBUTES);
        match link.dropped_attributes_count {
            0 => {}
            _ if is_taken() => texts.count_cut(),
            dropped => attributes.push((Cow::Borrowed(DROPPED_ATTRIBUTES), Value::U64(dropped.into()))),
        }
        links.push(Link { trace_id, id, attributes });
    }
    // The service's document has no metadata, and that of its call holds only what X-Ray does not take as links.
    if role == Role::Service {
        texts.count_cuts(valid(span).take(MAX_LINKS).count() - links.len());
    }
}

/// How many links are told as such.
fn most(budget: &Budget) -> usize {
    MAX_LINKS.min(budget.entries)
}

/// The links that lead to something, with what that is.
fn valid(span: &SpanData) -> impl Iterator<Item = (&opentelemetry::trace::Link, (TraceId, SegmentId))> {
    span.links.links.iter().filter_map(|link| Some((link, ids(link)?)))
}

/// What a link leads to, if there is such a segment.
fn ids(link: &opentelemetry::trace::Link) -> Option<(TraceId, SegmentId)> {
    let context = &link.span_context;
    if propagator::is_synthetic(context) {
        return None;
    }
    Some((
        TraceId::from_bytes(context.trace_id().to_bytes())?,
        SegmentId::from_bytes(context.span_id().to_bytes())?,
    ))
}

/// Keeps the ids of the links that are not told, here or in another document of the span, and answers how many there was no
/// room for.
#[inline]
pub(super) fn spill<'a>(
    span: &'a SpanData,
    are_elsewhere: bool,
    budget: &Budget,
    entries: &mut Entries<'_, 'a>,
) -> usize {
    let all = &span.links.links;
    if all.is_empty() {
        return 0;
    }
    let most = if are_elsewhere { MAX_LINKS } else { most(budget) };
    let told = valid(span).take(most).count();
    let invalid = all.len() - valid(span).count();
    if all.len() == told + invalid {
        return invalid;
    }
    let text = |(trace_id, id)| Value::Str(Cow::Owned(format!("{trace_id}:{id}")));
    let rest = || valid(span).skip(told);
    let kept: Vec<_> = rest().take(budget.entries).map(|(_, ids)| text(ids)).collect();
    // What a link that is not told says of itself is left out.
    let says_more =
        |link: &opentelemetry::trace::Link| !link.attributes.is_empty() || link.dropped_attributes_count > 0;
    let silent = rest().filter(|(link, _)| says_more(link)).count();
    let left_out = all.len() - told - kept.len() + silent;
    entries.push(MetadataEntry {
        namespace: Cow::Borrowed(metadata::DEFAULT),
        key: Cow::Borrowed("otel.links"),
        value: Value::List(kept),
    });
    left_out
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Link, SpanContext, SpanId, TraceFlags, TraceId, TraceState};

    use super::*;

    #[test]
    fn a_trace_as_a_whole_is_no_segment() {
        let trace_id = TraceId::from(0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793);
        for (span_id, is_told) in [(SpanId::from(7), true), (propagator::synthetic_parent(trace_id), false)] {
            let (flags, state) = (TraceFlags::SAMPLED, TraceState::NONE);
            let link = Link::with_context(SpanContext::new(trace_id, span_id, flags, true, state));
            assert_eq!(ids(&link).is_some(), is_told, "{span_id}");
        }
    }
}
