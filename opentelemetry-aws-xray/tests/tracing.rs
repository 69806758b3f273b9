//! Spans that `tracing` makes, with `tracing-opentelemetry`, and what X-Ray gets of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "tracing/documents.rs"]
mod documents;
#[path = "tracing/feedback.rs"]
mod feedback;
#[cfg(feature = "tower")]
#[path = "tracing/layers.rs"]
mod layers;
#[path = "tracing/stage.rs"]
mod stage;
