//! OTLP: requests are judged as X-Ray's endpoint judges them, and their spans become segments to look at.

mod judge;
mod sink;
mod span;
mod value;

use std::{
    borrow::Cow,
    pin::pin,
    task::{Context, Poll, Waker},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use opentelemetry_aws_xray::{XrayExporter, config::Payload};
use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::ResourceSpans};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;

use self::sink::StoreSink;
use crate::{document::Source, shared::SharedStore};

/// The beginning of a document that is a request whose spans are sampled, as base64.
const SAMPLED: &[u8] = b"T1S";
/// The same for spans that are not sampled: X-Ray makes metrics of them, and no traces.
const UNSAMPLED: &[u8] = b"T1U";

/// What became of a request that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// Spans that can't be shown: their ids are none.
    pub(crate) rejected: u64,
}

/// Whether a document is OTLP.
pub(crate) fn is_otlp(document: &[u8]) -> bool {
    document.starts_with(SAMPLED) || document.starts_with(UNSAMPLED)
}

/// Takes a document that is OTLP.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn receive_document(
    store: &SharedStore,
    document: &[u8],
    source: Source,
) -> Result<Taken, Cow<'static, str>> {
    let (mark, text) = document.split_at_checked(SAMPLED.len()).unwrap_or((document, &[]));
    let request =
        BASE64_STANDARD.decode(text.trim_ascii_end()).map_err(|_| "expected base64 behind T1S or T1U")?;
    let request = decode(&request)?;
    if mark == UNSAMPLED {
        let spans = judge::spans(&request).count() as u64;
        store.count_otlp(spans, spans);
        return Ok(Taken::default());
    }
    receive(store, request, source)
}

/// Reads a request.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn decode(bytes: &[u8]) -> Result<ExportTraceServiceRequest, Cow<'static, str>> {
    ExportTraceServiceRequest::decode(bytes)
        .map_err(|error| format!("expected an ExportTraceServiceRequest: {error}").into())
}

/// Takes a request.
///
/// # Errors
/// The limit that it breaks. Nothing is taken then.
pub(crate) fn receive(
    store: &SharedStore,
    request: ExportTraceServiceRequest,
    source: Source,
) -> Result<Taken, Cow<'static, str>> {
    judge::judge(&request)?;
    let spans = judge::spans(&request).count() as u64;
    // First, so that whoever sees the last document sees this as well.
    store.count_otlp(spans, 0);
    let resources = request.resource_spans.into_iter();
    Ok(Taken { rejected: resources.map(|spans| translate(store, spans, source)).sum() })
}

/// Makes segments of the spans of one resource, and puts them into the store. The answer is how many have no
/// ids.
fn translate(store: &SharedStore, resource_spans: ResourceSpans, source: Source) -> u64 {
    let resource = value::resource(resource_spans.resource, &resource_spans.schema_url);
    let mut rejected = 0;
    let mut batch: Vec<SpanData> = Vec::new();
    for scope_spans in resource_spans.scope_spans {
        let scope = value::scope(scope_spans.scope, scope_spans.schema_url);
        for span in scope_spans.spans {
            match span::span(span, &scope) {
                Some(span) => batch.push(span),
                None => rejected += 1,
            }
        }
    }
    let sink = StoreSink::new(store.clone(), source);
    // A span is a document here: which of them came in one request says nothing.
    let builder = XrayExporter::builder().with_payload(Payload::Segments).with_nesting(false);
    let mut exporter = builder.with_sink(sink).build();
    exporter.set_resource(&resource);
    // The exporter is synchronous underneath, so that this is all it takes.
    let result = pin!(exporter.export(batch)).poll(&mut Context::from_waker(Waker::noop()));
    debug_assert!(matches!(result, Poll::Ready(Ok(()))), "{result:?}");
    rejected
}
