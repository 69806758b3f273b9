//! Annotations and metadata from within a handler, on the span that is current there.

use std::borrow::Cow;

use opentelemetry::{Context, Key, KeyValue, Value, trace::get_active_span};

use crate::context_missing::{ContextMissing, ContextMissingError};

/// An attribute named so becomes the annotation whose key is the rest of the name.
pub(crate) const ANNOTATION_PREFIX: &str = "aws.xray.annotation.";

/// An attribute named so, then a namespace, a dot and a key, becomes that key's metadata. Dots in a namespace are
/// written [`ESCAPED_DOT`].
///
/// Not [`OBJECT_PREFIX`]: what follows that is a namespace, whose value is the text of a whole JSON object. One
/// attribute for each key lets calls add to a namespace, since a span can't be asked what it has, and keeps types.
pub(crate) const METADATUM_PREFIX: &str = "aws.xray.metadatum.";

/// An attribute named so, then a namespace, holds a JSON object: all of that namespace.
pub(crate) const OBJECT_PREFIX: &str = "aws.xray.metadata.";

/// A dot within a namespace, in an attribute's name.
pub(crate) const ESCAPED_DOT: &str = "%2E";
/// What escapes, escaped.
pub(crate) const ESCAPED_PERCENT: &str = "%25";

/// Annotates the current span: X-Ray indexes the value, and finds traces by it with the filter expression
/// `annotation[key] = value`.
///
/// Text, truth values, and finite numbers are annotations; lists go to metadata. X-Ray indexes fifty annotations a
/// trace and sees keys of letters, digits, `_` and `.`; other characters become `_`. The last value of a key counts.
///
/// The current span is that of [`opentelemetry::Context::current`]. In a handler below `tower::XrayLayer` that is the
/// request's, unless the handler has opened one inside. A span of `tracing` is the current one while it is entered, with
/// `tracing-opentelemetry` 0.32 or later, unless its layer was told `with_context_activation(false)`.
///
/// On a span that is not sampled nothing happens. Where there is no span, or only that of a remote caller,
/// [`ContextMissing::of_process`] says whether and how this is logged; to fail instead, call [`try_annotate`].
///
/// ```
/// use opentelemetry_aws_xray::{add_metadata, annotate};
///
/// async fn order(id: String) -> &'static str {
///     annotate("order.id", id);
///     annotate("order.express", true);
///     add_metadata("stock", "reserved", 3);
///     "on its way"
/// }
/// # drop(order("o-1".to_owned()));
/// ```
pub fn annotate(key: &str, value: impl Into<Value>) {
    if !set(|| annotation_name(key), value) {
        ContextMissing::of_process().report(ANNOTATION);
    }
}

/// Annotates the current span, as [`annotate`] does, and fails if `AWS_XRAY_CONTEXT_MISSING` asks for it.
///
/// ```
/// use opentelemetry_aws_xray::{ContextMissingError, try_annotate};
///
/// fn pay(order: String, cents: i64) -> Result<(), ContextMissingError> {
///     try_annotate("order.id", order)?;
///     try_annotate("order.cents", cents)
/// }
/// // Outside of a span, and as long as nobody asked for RUNTIME_ERROR, this is logged.
/// assert!(pay("o-1".to_owned(), 995).is_ok());
/// ```
///
/// # Errors
/// [`ContextMissingError`] where there is no span, or only that of a remote caller, and
/// [`ContextMissing::of_process`] is [`RuntimeError`](ContextMissing::RuntimeError).
pub fn try_annotate(key: &str, value: impl Into<Value>) -> Result<(), ContextMissingError> {
    if set(|| annotation_name(key), value) {
        return Ok(());
    }
    ContextMissing::of_process().fail_or_report(ANNOTATION)
}

/// Adds metadata to the current span: shown with the trace, not indexed, and of any size that fits a document.
///
/// Calls for the same namespace add to it; the last value of a key counts. An empty namespace is `default`, where
/// attributes are that have no other place. Namespaces that begin with `AWS.` are X-Ray's own; what is meant for one
/// goes to `default`, with a key that says so.
///
/// Which span is the current one, and what happens if there is none, is told at [`annotate`].
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// use opentelemetry_aws_xray::add_metadata;
/// # use opentelemetry_aws_xray::{XrayExporter, sink::MemorySink};
/// # use opentelemetry_sdk::trace::SdkTracerProvider;
/// # let sink = MemorySink::default();
/// # let exporter = XrayExporter::builder().with_sink(sink.clone()).build();
/// # let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
///
/// provider.tracer("shop").in_span("reserve", |_cx| {
///     add_metadata("stock", "reserved", 3);
///     add_metadata("stock", "shelf", "B7");
/// });
/// let document = sink.take().remove(0);
/// assert!(document.contains(r#""stock":{"reserved":3,"shelf":"B7"}"#), "{document}");
/// ```
pub fn add_metadata(namespace: &str, key: &str, value: impl Into<Value>) {
    if !set(|| metadatum_name(namespace, key), value) {
        ContextMissing::of_process().report(METADATUM);
    }
}

/// Adds metadata to the current span, as [`add_metadata`] does, and fails if `AWS_XRAY_CONTEXT_MISSING` asks for it.
///
/// ```
/// use opentelemetry_aws_xray::{ContextMissingError, try_add_metadata};
///
/// fn remember(answer: &str) -> Result<(), ContextMissingError> {
///     try_add_metadata("bank", "answer", answer.to_owned())
/// }
/// # remember("accepted").unwrap();
/// ```
///
/// # Errors
/// As [`try_annotate`].
pub fn try_add_metadata(
    namespace: &str,
    key: &str,
    value: impl Into<Value>,
) -> Result<(), ContextMissingError> {
    if set(|| metadatum_name(namespace, key), value) {
        return Ok(());
    }
    ContextMissing::of_process().fail_or_report(METADATUM)
}

/// What a missing span is missing for.
const ANNOTATION: &str = "an annotation";
const METADATUM: &str = "metadata";

/// Puts the value on the current span if that is recorded. `false` if there is none to put it on.
fn set(name: impl FnOnce() -> String, value: impl Into<Value>) -> bool {
    if Context::map_current(Context::is_telemetry_suppressed) {
        return true;
    }
    get_active_span(|span| {
        let context = span.span_context();
        if !context.is_valid() || context.is_remote() {
            return false;
        }
        if span.is_recording() {
            span.set_attribute(KeyValue::new(Key::from(name()), value));
        }
        true
    })
}

fn annotation_name(key: &str) -> String {
    format!("{ANNOTATION_PREFIX}{key}")
}

pub(crate) fn metadatum_name(namespace: &str, key: &str) -> String {
    format!("{METADATUM_PREFIX}{}.{key}", escaped(namespace))
}

/// The key that a user gave, without what says that it is an annotation or metadata: the name itself if nothing does.
pub(crate) fn own_key(name: &str) -> &str {
    if let Some(key) = name.strip_prefix(ANNOTATION_PREFIX) {
        return key;
    }
    let place = name.strip_prefix(METADATUM_PREFIX).and_then(|place| place.split_once('.'));
    place.map_or(name, |(_, key)| key)
}

/// A namespace without dots.
fn escaped(namespace: &str) -> Cow<'_, str> {
    if !namespace.contains(['.', '%']) {
        return Cow::Borrowed(namespace);
    }
    Cow::Owned(namespace.replace('%', ESCAPED_PERCENT).replace('.', ESCAPED_DOT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_attributes() {
        for (namespace, key, name) in [
            ("stock", "reserved", "aws.xray.metadatum.stock.reserved"),
            ("stock", "a.b", "aws.xray.metadatum.stock.a.b"),
            ("my.app", "key", "aws.xray.metadatum.my%2Eapp.key"),
            ("100%", "key", "aws.xray.metadatum.100%25.key"),
            ("%2E", "%2E", "aws.xray.metadatum.%252E.%2E"),
            ("", "key", "aws.xray.metadatum..key"),
        ] {
            assert_eq!(metadatum_name(namespace, key), name);
        }
        assert_eq!(annotation_name("order.id"), "aws.xray.annotation.order.id");
    }
}
