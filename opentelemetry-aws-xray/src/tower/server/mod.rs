//! The server's side: one span for every request that is answered.

mod attributes;
mod bodies;
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

#[cfg(feature = "axum")]
pub use self::bodies::AxumBodies;
pub use self::{
    bodies::{AnyBodies, Bodies},
    future::XrayResponseFuture,
    layer::XrayLayer,
    naming::SegmentNaming,
    service::XrayService,
};
