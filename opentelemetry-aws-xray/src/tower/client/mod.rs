//! The client's side: one span for every call that goes out.

mod exchange;
mod future;
mod layer;
#[cfg(feature = "reqwest")]
mod reqwest;
mod service;

pub use self::{
    exchange::{ClientRequest, ClientResponse},
    future::XrayClientFuture,
    layer::XrayClientLayer,
    service::XrayClient,
};
