//! Which headers are read and written.

use std::{fmt, str::FromStr};

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::{Environment, understood, vars};
use crate::propagator::XrayPropagator;

/// A propagator that can be chosen by name.
///
/// ```
/// use opentelemetry::propagation::TextMapPropagator;
/// use opentelemetry_aws_xray::{Xray, config::Propagator};
///
/// // Without baggage, which may hold what is nobody else's business.
/// let xray = Xray::builder().with_propagators([Propagator::TraceContext, Propagator::Xray]).build();
/// let propagator = xray.propagator();
/// let mut headers: Vec<_> = propagator.fields().collect();
/// headers.sort_unstable();
/// assert_eq!(headers, ["traceparent", "tracestate", "x-amzn-trace-id"]);
/// assert_eq!("tracecontext".parse(), Ok(Propagator::TraceContext));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagator {
    /// `xray`: `X-Amzn-Trace-Id`.
    Xray,
    /// `tracecontext`: W3C `traceparent` and `tracestate`.
    TraceContext,
    /// `baggage`: W3C `baggage`.
    Baggage,
}

impl Propagator {
    /// What is used if nothing is said: X-Ray and W3C together. X-Ray comes last, since where both name a parent, a load
    /// balancer or API Gateway may have put itself into X-Ray's header only.
    pub const DEFAULT: [Self; 3] = [Self::TraceContext, Self::Baggage, Self::Xray];
}

impl FromStr for Propagator {
    type Err = UnknownPropagator;

    fn from_str(name: &str) -> Result<Self, UnknownPropagator> {
        match name {
            "xray" => Ok(Self::Xray),
            "tracecontext" => Ok(Self::TraceContext),
            "baggage" => Ok(Self::Baggage),
            _ => Err(UnknownPropagator),
        }
    }
}

/// The name is not that of a propagator.
///
/// ```
/// use opentelemetry_aws_xray::config::Propagator;
///
/// let error = "b3".parse::<Propagator>().unwrap_err();
/// assert_eq!(error.to_string(), "expected `xray`, `tracecontext`, `baggage` or `none`");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPropagator;

impl fmt::Display for UnknownPropagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `xray`, `tracecontext`, `baggage` or `none`")
    }
}

impl std::error::Error for UnknownPropagator {}

/// The propagators in the order in which they read. Names that are not known are told and passed over; if none is left,
/// the default holds.
pub(crate) fn propagators(explicit: Option<Vec<Propagator>>, environment: &Environment) -> Vec<Propagator> {
    if let Some(explicit) = explicit {
        return explicit;
    }
    let Some(names) = environment.var(vars::OTEL_PROPAGATORS) else { return Propagator::DEFAULT.into() };
    if names == "none" {
        return Vec::new();
    }
    let mut chosen = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if let Some(propagator) = understood(vars::OTEL_PROPAGATORS, name, name.parse())
            && !chosen.contains(&propagator)
        {
            chosen.push(propagator);
        }
    }
    if chosen.is_empty() { Propagator::DEFAULT.into() } else { chosen }
}

/// One propagator that does what all of these do.
pub(crate) fn composite(propagators: &[Propagator]) -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(
        propagators
            .iter()
            .map(|propagator| -> Box<dyn TextMapPropagator + Send + Sync> {
                match propagator {
                    Propagator::Xray => Box::new(XrayPropagator::default()),
                    Propagator::TraceContext => Box::new(TraceContextPropagator::new()),
                    Propagator::Baggage => Box::new(BaggagePropagator::new()),
                }
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        use Propagator::{Baggage, TraceContext, Xray};
        for (value, expected) in [
            ("xray", &[Xray][..]),
            ("xray, tracecontext ,xray", &[Xray, TraceContext]),
            ("b3,baggage", &[Baggage]),
            ("b3", &Propagator::DEFAULT),
            ("none", &[]),
            ("", &Propagator::DEFAULT),
        ] {
            assert_eq!(
                propagators(None, &Environment::of([("OTEL_PROPAGATORS", value)])),
                expected,
                "{value:?}"
            );
        }
        assert_eq!(
            propagators(Some(vec![Xray]), &Environment::of([("OTEL_PROPAGATORS", "baggage")])),
            [Xray]
        );
    }
}
