//! Straight to X-Ray, without a daemon: AWS credentials, signed requests over HTTPS.
//!
//! [`Direct`] says where to and as whom. The AWS SDK does the rest: it finds region and credentials as every AWS tool does, knows
//! the endpoints of all partitions, signs, and honours `HTTPS_PROXY` and `NO_PROXY`.

#![allow(dead_code, unused_imports, reason = "the sink that uses it comes next")]

mod connect;
mod direct;
mod driver;
mod exchange;
mod failure;
mod post;

pub use direct::Direct;
pub(crate) use post::AwsPost;

#[cfg(test)]
mod tests;
