//! `X-Amzn-Trace-Id` in a map of HTTP headers, without the detour over texts of one's own.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;

#[cfg(feature = "lambda")]
use super::PassedOn;
use super::{Caller, TRACE_HEADER, XrayPropagator, header};

/// To look for the header by. A constant would be made and dropped at each use.
static NAME: HeaderName = HeaderName::from_static(TRACE_HEADER);

/// To give to a map of headers. A clone would take a call that no compiler sees through.
pub(crate) const fn name_to_insert() -> HeaderName {
    const { HeaderName::from_static(TRACE_HEADER) }
}

impl XrayPropagator {
    /// As [`extract_with_context`](opentelemetry::propagation::TextMapPropagator::extract_with_context), from headers: faster, and
    /// with one allocation where the header says all there is to know.
    ///
    /// ```
    /// use opentelemetry::{Context, trace::TraceContextExt};
    /// use opentelemetry_aws_xray::XrayPropagator;
    ///
    /// let mut headers = http::HeaderMap::new();
    /// let value = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    /// headers.insert("x-amzn-trace-id", http::HeaderValue::from_static(value));
    /// let cx = XrayPropagator::new().extract_from(&Context::new(), &headers);
    /// assert!(cx.span().span_context().is_sampled());
    /// ```
    #[must_use]
    pub fn extract_from(&self, cx: &Context, headers: &HeaderMap) -> Context {
        self.caller_of(cx.clone(), headers).into_context()
    }

    /// As [`inject_context`](opentelemetry::propagation::TextMapPropagator::inject_context), into headers: faster, and with one
    /// allocation.
    ///
    /// ```
    /// use opentelemetry_aws_xray::XrayPropagator;
    ///
    /// let mut headers = http::HeaderMap::new();
    /// XrayPropagator::new().inject_into(&opentelemetry::Context::current(), &mut headers);
    /// assert!(headers.is_empty(), "no trace is active here");
    /// ```
    pub fn inject_into(&self, cx: &Context, headers: &mut HeaderMap) {
        #[cfg(feature = "lambda")]
        if let Some(value) = PassedOn::header(cx).and_then(|header| HeaderValue::try_from(header).ok()) {
            headers.insert(name_to_insert(), value);
            return;
        }
        let value = header(cx).with_text(|text| (!text.is_empty()).then(|| HeaderValue::from_bytes(text)));
        if let Some(Ok(value)) = value {
            headers.insert(name_to_insert(), value);
        }
    }

    /// The caller, by the headers that came to `cx`.
    pub(crate) fn caller_of(&self, cx: Context, headers: &HeaderMap) -> Caller {
        match first(headers, &NAME) {
            Some(value) => self.caller(cx, value.as_bytes()),
            None => Caller::of(cx),
        }
    }
}

/// Up to so many headers, to look at each costs less than the hash of a name.
const FEW_HEADERS: usize = 16;

/// The first value of a header, as [`HeaderMap::get`] finds it.
#[inline]
pub(crate) fn first<'a>(headers: &'a HeaderMap, wanted: &HeaderName) -> Option<&'a HeaderValue> {
    if headers.len() > FEW_HEADERS {
        return headers.get(wanted);
    }
    headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_look_up_finds(
            names in prop::collection::vec("x-amzn-trace-id|x-forwarded-for|host|[a-z]{1,3}", 0..2 * FEW_HEADERS),
        ) {
            let mut headers = HeaderMap::new();
            for (n, name) in names.iter().enumerate() {
                headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from(n));
            }
            prop_assert_eq!(first(&headers, &NAME), headers.get(TRACE_HEADER));
        }
    }
}
