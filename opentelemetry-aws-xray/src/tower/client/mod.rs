//! The client's side: one span for every call that goes out.

mod exchange;
mod future;
mod layer;
mod require_context;
#[cfg(feature = "reqwest")]
mod reqwest;
mod resend;
mod service;

pub use self::{
    exchange::{ClientRequest, ClientResponse},
    future::XrayClientFuture,
    layer::XrayClientLayer,
    require_context::{RequireContext, RequireContextFuture, RequireContextLayer},
    resend::{CountResends, CountResendsLayer, count_resends},
    service::XrayClient,
};

/// What is said to lack a trace.
const CALL: &str = "an outgoing call";
