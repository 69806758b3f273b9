//! What is sent: segment documents or OTLP.

use std::{fmt, str::FromStr};

/// What spans become on their way to X-Ray.
///
/// ```
/// use opentelemetry_aws_xray::{Xray, config::Payload};
///
/// let xray = Xray::builder().with_exporter(|exporter| exporter.with_payload(Payload::Segments)).build();
/// assert_eq!("Segments".parse(), Ok(Payload::Segments));
/// # drop(xray);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Payload {
    /// Segment documents: what X-Ray has always taken, in every account and from every daemon. The default.
    #[default]
    Segments,
    /// OTLP: spans as they are. X-Ray takes it only where Transaction Search is on
    /// (`UpdateTraceSegmentDestination=CloudWatchLogs`) and translates it by rules of its own.
    #[cfg(feature = "otlp")]
    Otlp,
}

impl FromStr for Payload {
    type Err = ParsePayloadError;

    /// Reads `segments` or `otlp`, in any case.
    fn from_str(text: &str) -> Result<Self, ParsePayloadError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "segments" => Ok(Self::Segments),
            #[cfg(feature = "otlp")]
            "otlp" => Ok(Self::Otlp),
            #[cfg(not(feature = "otlp"))]
            "otlp" => Err(ParsePayloadError("OTLP needs the crate's feature `otlp`")),
            _ => Err(ParsePayloadError("expected `segments` or `otlp`")),
        }
    }
}

/// The text names no [`Payload`], or one whose feature is off.
///
/// ```
/// use opentelemetry_aws_xray::config::Payload;
///
/// let error = "zipkin".parse::<Payload>().unwrap_err();
/// assert_eq!(error.to_string(), "expected `segments` or `otlp`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsePayloadError(&'static str);

impl fmt::Display for ParsePayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ParsePayloadError {}
