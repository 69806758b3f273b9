//! Straight to X-Ray, without a daemon: AWS credentials, signed requests over HTTPS.
//!
//! [`Direct`] says where to and as whom. The AWS SDK does the rest: it finds region and credentials as every AWS tool does, knows
//! the endpoints of all partitions, signs, and honours `HTTPS_PROXY` and `NO_PROXY`.

mod connect;
mod direct;
mod driver;
mod exchange;
mod failure;
mod post;
mod sink;

pub use direct::Direct;
pub(crate) use post::AwsPost;
pub use sink::DirectSink;

pub use crate::sink::telemetry::TelemetryRecords;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::test_config;
