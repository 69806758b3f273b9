//! The server's side: one span for every request that is answered.

mod attributes;
#[cfg(feature = "sampler")]
mod early;
mod forwarded;
mod future;
mod hash;
mod layer;
mod naming;
mod recurring;
mod request_headers;
mod route_names;
mod service;
mod start;

pub use self::{future::XrayResponseFuture, layer::XrayLayer, naming::SegmentNaming, service::XrayService};
