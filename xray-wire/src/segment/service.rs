//! The `service` block: which build of the application sent a segment.

use alloc::borrow::Cow;

/// The `service` block; `version` is documented, the others are what the native SDKs write.
///
/// ```
/// use xray_wire::segment::{Kind, Segment, Service};
/// # use xray_wire::{SegmentId, Timestamp, TraceId, encode};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
/// # let mut segment = Segment::new(Kind::Subsegment, "api", id, Timestamp::EPOCH);
///
/// segment.service = Some(Service { version: Some("1.4.2".into()), ..Service::default() });
/// # let mut json = Vec::new();
/// # encode::body(&segment, None, &mut json);
/// # let json = String::from_utf8(json).unwrap();
/// assert!(json.ends_with(r#","service":{"version":"1.4.2"}"#));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Service<'a> {
    /// The version of the application.
    pub version: Option<Cow<'a, str>>,
    /// The language runtime, such as `rustc`.
    pub runtime: Option<Cow<'a, str>>,
    /// The version of the language runtime.
    pub runtime_version: Option<Cow<'a, str>>,
}
