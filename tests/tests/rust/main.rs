//! Tests that need nothing but Rust.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod docs;
mod headers;
mod hostile;
mod hotrod;
mod otlp;
mod sampling;
mod sampling_example;
