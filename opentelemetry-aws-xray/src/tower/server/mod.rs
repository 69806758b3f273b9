//! The server's side: one span for every request that is answered.

mod attributes;
#[cfg(feature = "sampler")]
mod early;
mod forwarded;
mod future;
mod layer;
mod naming;
mod request_headers;
mod service;
mod start;

pub use self::{future::XrayResponseFuture, layer::XrayLayer, naming::SegmentNaming, service::XrayService};
