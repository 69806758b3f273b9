//! The `http` block: the request that a segment served or a subsegment made.

use alloc::borrow::Cow;

/// The `http` block (aws-xray developer guide, "Segment documents": HTTP request data).
///
/// ```
/// use xray_wire::segment::{Http, Kind, Segment};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// segment.http = Some(Http {
///     method: Some("GET".into()),
///     url: Some("https://example.com/orders/7".into()),
///     status: Some(200),
///     ..Http::default()
/// });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(
///     r#""http":{"request":{"method":"GET","url":"https://example.com/orders/7"},"response":{"status":200}}"#
/// ));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Http<'a> {
    /// `request.method`, such as `GET`.
    pub method: Option<Cow<'a, str>>,
    /// `request.url`, whole and without user information.
    pub url: Option<Cow<'a, str>>,
    /// `request.user_agent`.
    pub user_agent: Option<Cow<'a, str>>,
    /// `request.client_ip`: who called, segments only.
    pub client_ip: Option<Cow<'a, str>>,
    /// `request.x_forwarded_for`: [`Http::client_ip`] was read from a forwarding header and may be forged.
    /// Written only when true.
    pub x_forwarded_for: bool,
    /// `request.traced`: the callee reports too, and the trace counts as incomplete until it has.
    /// Subsegments only; written only when true.
    pub traced: bool,
    /// `response.status`.
    pub status: Option<u16>,
    /// `response.content_length` in bytes.
    pub content_length: Option<u64>,
}
