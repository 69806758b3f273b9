//! The decision about a span whose parent has not decided.

use std::sync::Arc;

use opentelemetry::{
    KeyValue,
    trace::{SpanKind, TraceId},
};
use xray_wire::sampling::{Entry, Table};

use super::{
    poller::nanos,
    request::{SpanAttributes, request, whole_request},
    route_override::{ActiveOverride, Span},
    stripe::stripe,
};
use crate::clock::Clock;

/// A span about which nobody has decided.
///
/// Its methods answer whether it is sampled. If one of the account's rules has sampled it, they leave the name in `by`: an answer
/// that held the name would not fit into a register, and that costs more than the decision.
pub(super) struct Root<'a> {
    pub(super) trace_id: TraceId,
    pub(super) name: &'a str,
    pub(super) span_kind: &'a SpanKind,
    pub(super) attributes: &'a [KeyValue],
    /// Whether a rule is named that has not sampled the span, too.
    pub(super) names_all: bool,
}

impl Root<'_> {
    /// What the first override says that matches, if one does.
    pub(super) fn by_overrides(
        &self,
        overrides: &[ActiveOverride],
        table: Option<&Table>,
        clock: &dyn Clock,
        by: &mut Option<Arc<str>>,
    ) -> Option<bool> {
        let attributes = SpanAttributes(self.attributes);
        let request = whole_request(self.span_kind, &attributes);
        let span = Span { name: self.name, kind: self.span_kind, attributes, request };
        let trace_id = self.trace_id.to_bytes();
        let decide = |asked: &ActiveOverride| asked.decide(&span, table, trace_id, clock, stripe());
        let overridden = overrides.iter().find_map(decide)?;
        let is_sampled = overridden.decision.is_sampled();
        *by = overridden.rule.filter(|_| is_sampled || self.names_all).map(|rule| rule.name.clone());
        Some(is_sampled)
    }

    /// What the account's rules say, if one of them matches.
    #[inline]
    pub(super) fn by_rules(
        &self,
        table: &Table,
        clock: &dyn Clock,
        by: &mut Option<Arc<str>>,
    ) -> Option<bool> {
        let (entry, is_sampled) = self.by_first_match(table, clock)?;
        if is_sampled || self.names_all {
            *by = Some(entry.rule.name.clone());
        }
        Some(is_sampled)
    }

    #[inline]
    pub(super) fn by_first_match<'t>(
        &self,
        table: &'t Table,
        clock: &dyn Clock,
    ) -> Option<(&'t Entry, bool)> {
        let attributes = SpanAttributes(self.attributes);
        let entry = table.find(&request(table, self.span_kind, &attributes))?;
        let decision = entry.state.decide(self.trace_id.to_bytes(), || nanos(clock), stripe());
        Some((entry, decision.is_sampled()))
    }
}
