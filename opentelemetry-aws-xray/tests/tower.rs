//! The layers over real sockets: axum and hyper servers, hyper-util and reqwest clients.

#![expect(clippy::unwrap_used, reason = "tests say what they expect")]

#[path = "tower/support.rs"]
mod support;

#[path = "tower/client.rs"]
mod client;
#[path = "tower/client_documents.rs"]
mod client_documents;
#[path = "tower/documents.rs"]
mod documents;
#[cfg(feature = "sampler")]
#[path = "tower/early.rs"]
mod early;
#[path = "tower/ending.rs"]
mod ending;
#[path = "tower/grpc.rs"]
mod grpc;
#[path = "tower/server.rs"]
mod server;
