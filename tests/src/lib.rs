//! What the end-to-end tests share.
//!
//! - `udp`, `delivery` and `rust` need nothing but Rust.
//! - `peers` needs other programs: Python, Node.js, Chromium. Where one is missing its tests say `SKIPPED`, or fail if
//!   `E2E_REQUIRE` is set, as it is in CI. `scripts/peers` installs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of a test fails with the test"
)]

mod family;
mod headers;
mod receiver;
mod recorder;
mod spans;
mod stage;

use std::time::Duration;

pub use family::Family;
pub use headers::{SHAPES, Shape, sent_on};
pub use receiver::Receiver;
pub use recorder::Recorder;
pub use spans::{end_at_once, trace};
pub use stage::{Answer, Outcome, Stage};

/// Longer than anything takes: a test that hangs shall fail.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The code in `docs/aws-sdk.md`, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/aws-sdk.md")]
pub mod aws_sdk {}

/// The code in `docs/getting-started.md`, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/getting-started.md")]
pub mod getting_started {}

/// The code in `docs/otlp.md`, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/otlp.md")]
pub mod otlp {}
