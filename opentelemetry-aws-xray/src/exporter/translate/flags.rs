//! `fault`, `error` and `throttle` (docs/mapping.md).

use opentelemetry::{Value, trace::Status};
use opentelemetry_sdk::trace::SpanData;

use super::{
    super::attributes::{Attributes, Marks, Slot, Slots},
    http,
};

/// What a span says about its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags {
    pub(crate) error: bool,
    pub(crate) throttle: bool,
    pub(crate) fault: bool,
}

impl Flags {
    /// The flags that the span's document will have.
    pub(crate) fn of(span: &SpanData, with_grpc: bool) -> Self {
        let mut marks = Marks::default();
        let attributes = Attributes::new(&span.attributes, &mut marks);
        Self::read(span, http::status(&attributes), &attributes, with_grpc)
    }

    /// From the HTTP status if it says failure, else from the gRPC status if that shall count, else from the span's own
    /// status; and `throttle` also from an AWS error code.
    #[inline]
    pub(super) fn read(
        span: &SpanData,
        status: Option<http::Status>,
        attributes: &Attributes<'_, '_>,
        with_grpc: bool,
    ) -> Self {
        let grpc = if with_grpc { grpc_status(attributes) } else { None };
        let mut flags = match (status, grpc) {
            (Some((_, status @ 400..=499)), _) => Self { error: true, throttle: status == 429, fault: false },
            (Some((_, 500..=599)), _) | (_, Some(GrpcFailure::Fault)) => {
                Self { fault: true, ..Self::default() }
            }
            (_, Some(GrpcFailure::Error)) => Self { error: true, ..Self::default() },
            (_, Some(GrpcFailure::Throttle)) => Self { error: true, throttle: true, fault: false },
            (_, None) => Self { fault: matches!(span.status, Status::Error { .. }), ..Self::default() },
        };
        flags.throttle |= is_throttled(span, attributes);
        flags
    }
}

#[derive(Debug, PartialEq)]
enum GrpcFailure {
    Error,
    Throttle,
    Fault,
}

/// What a gRPC status other than OK means, given as a number or by name.
#[inline]
fn grpc_status(attributes: &Attributes<'_, '_>) -> Option<GrpcFailure> {
    const STATUSES: [Slot; 2] = [Slot::RpcResponseStatusCode, Slot::RpcGrpcStatusCode];
    if !attributes.has_any(const { Slots::of(&STATUSES) }) {
        return None;
    }
    match STATUSES.iter().find_map(|slot| grpc_code(attributes.value(*slot)?))? {
        0 => None,
        // CANCELLED, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION,
        // OUT_OF_RANGE, UNAUTHENTICATED.
        1 | 3 | 5 | 6 | 7 | 9 | 11 | 16 => Some(GrpcFailure::Error),
        8 => Some(GrpcFailure::Throttle),
        _ => Some(GrpcFailure::Fault),
    }
}

/// A code as a number; names stand for one of their kind.
fn grpc_code(value: &Value) -> Option<i64> {
    Some(match value {
        Value::I64(code) => *code,
        Value::String(text) => match text.as_str() {
            "OK" => 0,
            "CANCELLED"
            | "INVALID_ARGUMENT"
            | "NOT_FOUND"
            | "ALREADY_EXISTS"
            | "PERMISSION_DENIED"
            | "UNAUTHENTICATED"
            | "FAILED_PRECONDITION"
            | "OUT_OF_RANGE" => 1,
            "RESOURCE_EXHAUSTED" => 8,
            "UNKNOWN" | "DEADLINE_EXCEEDED" | "ABORTED" | "UNIMPLEMENTED" | "INTERNAL" | "UNAVAILABLE"
            | "DATA_LOSS" => 2,
            other => other.parse().ok()?,
        },
        _ => return None,
    })
}

/// Whether an AWS error code names throttling. Codes are looked for in `error.type`, then in the first exception's
/// type, then in `aws.error.code`.
#[inline]
fn is_throttled(span: &SpanData, attributes: &Attributes<'_, '_>) -> bool {
    if span.events.events.is_empty()
        && !attributes.has_any(const { Slots::of(&[Slot::ErrorType, Slot::AwsErrorCode]) })
    {
        return false;
    }
    let exception_type = || {
        let exception = span.events.events.iter().find(|event| event.name == "exception")?;
        let attribute =
            exception.attributes.iter().find(|attribute| attribute.key.as_str() == "exception.type")?;
        match &attribute.value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    };
    let code = attributes
        .text(Slot::ErrorType)
        .or_else(exception_type)
        .or_else(|| attributes.text(Slot::AwsErrorCode));
    code.is_some_and(|code| {
        const NAMES: [&str; 15] = [
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "ProvisionedThroughputExceeded",
            "ProvisionedThroughputExceededException",
            "TransactionInProgressException",
            "RequestLimitExceeded",
            "BandwidthLimitExceeded",
            "LimitExceededException",
            "SlowDown",
            "PriorRequestNotComplete",
            "EC2ThrottledException",
        ];
        NAMES.contains(&code)
    })
}
