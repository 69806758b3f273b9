//! The `service` block: which build of the application sent a segment.

use alloc::borrow::Cow;

/// The `service` block; `version` is documented, the others are what the native SDKs write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Service<'a> {
    /// The version of the application.
    pub version: Option<Cow<'a, str>>,
    /// The language runtime, such as `rustc`.
    pub runtime: Option<Cow<'a, str>>,
    /// The version of the language runtime.
    pub runtime_version: Option<Cow<'a, str>>,
}
