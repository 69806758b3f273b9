//! Trace context in HTTP headers: reading it, writing it, and answering `X-Amzn-Trace-Id`.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector},
    trace::TraceContextExt,
};
use xray_wire::{Sampled, TraceHeader, TraceId};

use crate::propagator::{Inbound, first};

/// The answer to the caller: `Root` always, and `Sampled` if the caller asked with `Sampled=?`
/// (X-Ray developer guide, "Tracing header") and this service decided. `None` if there is no trace to name.
pub(super) fn trace_header_answer(cx: &Context) -> Option<HeaderValue> {
    let span = cx.span();
    let span_context = span.span_context();
    let root = TraceId::from_bytes(span_context.trace_id().to_bytes())?;
    let is_ours = !span_context.is_remote();
    let asked = is_ours && Inbound::of(cx).is_some_and(|inbound| inbound.sampled() == Sampled::Ask);
    let sampled = match (asked, span_context.is_sampled()) {
        (false, _) => Sampled::Unstated,
        (true, true) => Sampled::Yes,
        (true, false) => Sampled::No,
    };
    let header = TraceHeader::new(Some(root), None, sampled);
    header.with_text(HeaderValue::from_bytes).ok()
}

/// The text of a header, if it is there once or more and its first value is visible ASCII.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    first(headers, name)?.to_str().ok()
}

/// Headers that a propagator reads from. Values that are not visible ASCII do not exist for it.
pub(super) struct Incoming<'a>(pub(super) &'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.0.get_all(key).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// Headers that a propagator writes to. A name or value that HTTP does not allow is left out.
pub(super) struct Outgoing<'a>(pub(super) &'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(key.as_bytes()), HeaderValue::try_from(value))
        else {
            return;
        };
        self.0.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_is_text_and_skips_what_is_not() {
        let mut headers = HeaderMap::new();
        headers.append("baggage", HeaderValue::from_static("a=1"));
        headers.append("baggage", HeaderValue::from_bytes(b"b=\xff").unwrap());
        headers.append("baggage", HeaderValue::from_static("c=3"));
        headers.append("traceparent", HeaderValue::from_bytes(b"\xff").unwrap());
        let incoming = Incoming(&headers);
        assert_eq!(incoming.get("Baggage"), Some("a=1"));
        assert_eq!(incoming.get_all("baggage"), Some(vec!["a=1", "c=3"]));
        assert_eq!(incoming.get("traceparent"), None);
        assert_eq!(incoming.get_all("traceparent"), None);
        assert_eq!(incoming.get("not a name"), None);
    }

    proptest! {
        #[test]
        fn writes_valid_headers_only(key: String, value: String) {
            let mut headers = HeaderMap::new();
            Outgoing(&mut headers).set(&key, value.clone());
            prop_assert!(headers.len() <= 1);
            if let Some(written) = headers.values().next() {
                prop_assert_eq!(written.as_bytes(), value.as_bytes());
            }
        }
    }
}
