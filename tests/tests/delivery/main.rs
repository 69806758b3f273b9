//! From ended spans over a road that answers to an X-Ray that has bad days: what was called sent is there, and nothing is lost
//! without a reason.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails with the test")]
#![allow(clippy::disallowed_methods, reason = "deadlines are those of the real clock")]

mod away;
mod deadlines;
mod faults;
mod memory;
mod road;
mod self_tracing;
mod volume;
mod way;
