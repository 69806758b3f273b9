//! The server's side: one span for every request that is answered.

mod attributes;
mod future;
mod layer;
mod service;

pub use self::{future::XrayResponseFuture, layer::XrayLayer, service::XrayService};
