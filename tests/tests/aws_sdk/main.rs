//! Calls of the AWS SDK, from real clients to documents. The other side is a server here, which answers as it is told;
//! `peers` has the same against moto.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod calls;
mod context;
mod stand_in;
