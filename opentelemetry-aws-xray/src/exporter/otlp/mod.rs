//! OTLP as the payload: spans → `ExportTraceServiceRequest`s, each no larger than its transport and X-Ray take.
//!
//! As for segments, a span is encoded before it is decided where it goes, so that sizes are exact: encode → split → frame.

mod encode;
mod protobuf;
mod reduce;
mod split;

use base64::{Engine, prelude::BASE64_STANDARD};
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::{Resource, trace::SpanData};

use self::{
    protobuf::{self as pb, field_len},
    split::{Item, Limits, Plan},
};
use super::{
    stats::{Counters, DropReason},
    translate,
};
use crate::sink::Documents;

/// Bytes of a resource, and of a scope as well (X-Ray developer guide, "OpenTelemetry Protocol endpoint": 16 KB each).
const MAX_RESOURCE_BYTES: usize = 16_000;

/// Bytes of a span (the same: 200 KB).
const MAX_SPAN_BYTES: usize = 200_000;

/// The resource takes no more than this part of a request, and a scope as well: the smallest datagrams hold 7 KB.
const RESOURCE_PART: usize = 4;

/// Tags and lengths of the three messages around a span, at their longest.
const MAX_FRAME_BYTES: usize = 3 * (1 + 4);

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As text in the place of a segment document: `T1S` (of sampled spans) or `T1U` (of others), then base64. It is what AWS'
    /// own distributions send to the daemon, which passes it on unread.
    Text,
    /// As it is, for a POST to `/v1/traces`. Spans that are not sampled stay here: whoever sends them to the endpoint pays for
    /// them as for others.
    Binary,
}

impl Framing {
    const SAMPLED: &[u8] = b"T1S";
    const UNSAMPLED: &[u8] = b"T1U";

    /// How large a request may be whose document takes at most so many bytes.
    const fn max_request_bytes(self, max_document_bytes: usize) -> usize {
        match self {
            Self::Text => max_document_bytes.saturating_sub(Self::SAMPLED.len()) / 4 * 3,
            Self::Binary => max_document_bytes,
        }
    }

    fn write(self, request: &[u8], sampled: bool, document: &mut Vec<u8>) {
        match self {
            Self::Text => {
                document.extend_from_slice(if sampled { Self::SAMPLED } else { Self::UNSAMPLED });
                document.extend_from_slice(BASE64_STANDARD.encode(request).as_bytes());
            }
            Self::Binary => document.extend_from_slice(request),
        }
    }
}

/// Spans → requests, with the room that this needs, which is used again from batch to batch.
#[derive(Debug)]
pub(crate) struct Otlp {
    framing: Framing,
    limits: Limits,
    /// The fields of `ResourceSpans` that are the same in all requests.
    resource: Vec<u8>,
    resource_schema: Vec<u8>,
    scopes: Scopes,
    spans: Vec<u8>,
    items: Vec<Item>,
    /// Where each item's span ends in `spans`.
    ends: Vec<usize>,
    plan: Plan,
    request: Vec<u8>,
}

impl Otlp {
    /// For a sink that takes documents of at most so many bytes.
    pub(crate) fn new(framing: Framing, max_document_bytes: usize) -> Self {
        let bytes = framing.max_request_bytes(max_document_bytes).min(Limits::ENDPOINT.bytes);
        Self {
            framing,
            limits: Limits { bytes, ..Limits::ENDPOINT },
            resource: Vec::new(),
            resource_schema: Vec::new(),
            scopes: Scopes::default(),
            spans: Vec::new(),
            items: Vec::new(),
            ends: Vec::new(),
            plan: Plan::default(),
            request: Vec::new(),
        }
    }

    /// Encodes the resource, once for all requests.
    pub(crate) fn set_resource(&mut self, resource: &Resource, counters: &Counters) {
        self.resource.clear();
        let max_bytes = self.max_part_bytes();
        let encoded = encode::within(&mut self.resource, max_bytes, |to| to.resource(resource));
        counters.cut(encoded.unwrap_or_else(|| resource.len() as u64));
        self.resource_schema.clear();
        schema(&mut self.resource_schema, resource.schema_url());
    }

    /// Appends a batch's requests.
    pub(crate) fn encode(&mut self, batch: &[SpanData], documents: &mut Documents, counters: &Counters) {
        self.spans.clear();
        self.items.clear();
        self.ends.clear();
        self.scopes.clear();
        for span in batch {
            if let Err(reason) = self.span(span, counters) {
                counters.dropped(1, reason);
            }
        }
        let fixed = field_len(self.resource.len()) + self.resource_schema.len();
        self.plan.arrange(&self.items, fixed, &self.scopes.bytes, &self.limits);
        for request in self.plan.requests() {
            let sampled = request.first().is_some_and(|&index| self.items[index].sampled);
            let mut bytes = std::mem::take(&mut self.request);
            bytes.clear();
            self.write(request, &mut bytes);
            documents.push(u32::try_from(request.len()).unwrap_or(u32::MAX), |document| {
                self.framing.write(&bytes, sampled, document);
            });
            self.request = bytes;
        }
    }

    /// Encodes a span, and notes what there is to know of it.
    fn span(&mut self, span: &SpanData, counters: &Counters) -> Result<(), DropReason> {
        let (trace, _) = translate::ids(span).ok_or(DropReason::InvalidId)?;
        let sampled = span.span_context.is_sampled();
        if !sampled && self.framing == Framing::Binary {
            return Err(DropReason::NotSampled);
        }
        let scope = self.scopes.index(&span.instrumentation_scope, self.max_part_bytes(), counters);
        let around = self.resource.len() + self.resource_schema.len() + self.scopes.bytes[scope];
        let room = self.limits.bytes.saturating_sub(around + MAX_FRAME_BYTES).min(MAX_SPAN_BYTES);
        let start = self.spans.len();
        let cuts = encode::within(&mut self.spans, room, |to| to.span(span)).ok_or(DropReason::TooLarge)?;
        counters.cut(cuts);
        self.ends.push(self.spans.len());
        self.items.push(Item {
            trace: u128::from_be_bytes(trace.to_bytes()),
            sampled,
            scope,
            bytes: self.spans.len() - start,
            start: encode::nanos(span.start_time),
            end: encode::nanos(span.end_time),
        });
        Ok(())
    }

    /// Writes an `ExportTraceServiceRequest` of one `ResourceSpans`.
    fn write(&self, request: &[usize], out: &mut Vec<u8>) {
        pb::message(out, 1, |out| {
            pb::present_bytes(out, 1, &self.resource);
            for same_scope in request.chunk_by(|one, next| self.items[*one].scope == self.items[*next].scope)
            {
                pb::message(out, 2, |out| {
                    let scope = same_scope.first().map_or(0, |&index| self.items[index].scope);
                    out.extend_from_slice(self.scopes.encoded(scope));
                    for &index in same_scope {
                        pb::present_bytes(out, 2, self.encoded(index));
                    }
                });
            }
            out.extend_from_slice(&self.resource_schema);
        });
    }

    fn encoded(&self, index: usize) -> &[u8] {
        let end = self.ends[index];
        &self.spans[end - self.items[index].bytes..end]
    }

    fn max_part_bytes(&self) -> usize {
        MAX_RESOURCE_BYTES.min(self.limits.bytes / RESOURCE_PART)
    }
}

/// The scopes of a batch: mostly a handful, each encoded once.
#[derive(Debug, Default)]
struct Scopes {
    known: Vec<InstrumentationScope>,
    /// The fields of `ScopeSpans` besides the spans.
    all: Vec<u8>,
    /// Where each scope ends in `all`.
    ends: Vec<usize>,
    /// How many bytes each scope takes there.
    bytes: Vec<usize>,
}

impl Scopes {
    fn clear(&mut self) {
        self.known.clear();
        self.all.clear();
        self.ends.clear();
        self.bytes.clear();
    }

    fn index(&mut self, scope: &InstrumentationScope, max_bytes: usize, counters: &Counters) -> usize {
        if let Some(index) = self.known.iter().rposition(|known| known == scope) {
            return index;
        }
        let start = self.all.len();
        let mut encoded = Vec::new();
        let cuts = encode::within(&mut encoded, max_bytes, |to| to.scope(scope));
        counters.cut(cuts.unwrap_or(1));
        pb::present_bytes(&mut self.all, 1, &encoded);
        schema(&mut self.all, scope.schema_url());
        self.known.push(scope.clone());
        self.ends.push(self.all.len());
        self.bytes.push(self.all.len() - start);
        self.known.len() - 1
    }

    fn encoded(&self, index: usize) -> &[u8] {
        let end = self.ends[index];
        &self.all[end - self.bytes[index]..end]
    }
}

/// The address of a schema, which has the same number in `ResourceSpans` and `ScopeSpans`. One that is no address is left out.
fn schema(out: &mut Vec<u8>, url: Option<&str>) {
    /// Those of OpenTelemetry have 40 characters.
    const MAX_URL_BYTES: usize = 256;
    let url = url.filter(|url| url.len() <= MAX_URL_BYTES).unwrap_or_default();
    pb::bytes(out, 3, url.as_bytes());
}

#[cfg(test)]
mod tests;
