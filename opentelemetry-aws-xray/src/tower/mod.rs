//! Layers that trace HTTP servers and clients, for anything built on [tower](tower_service::Service).
//!
//! - [`XrayLayer`] goes around a server (axum, hyper, tonic, …): one SERVER span for every request.
//! - [`XrayClientLayer`] goes around a client (hyper-util, reqwest, tonic, …): one CLIENT span for every call.
//!
//! # A server
//!
//! A request passes through [`XrayLayer`] like this:
//!
//! 1. The filter lets it pass without a span, or not.
//! 2. The propagator reads who called. Without that, the span is a child of the active one, if there is one.
//! 3. The span starts. The sampler sees its name, `{method} {route}`, and all that is known of the request:
//!    `http.request.method` (and the original name of an unknown one), `url.scheme`, `url.path`, `url.query`,
//!    `server.address`, `server.port`, `client.address`, `http.route`, `user_agent.original`, `network.*`, and
//!    `http.request.body.size` if it was announced. If the caller has decided against the trace (`Sampled=0`), it sees
//!    the method as the name and nothing else; should it record the span nevertheless, it gets its name and
//!    attributes at once.
//! 4. Where [`Xray`](crate::Xray) lets X-Ray's rules decide, they are asked before that, with method, path and host: a request
//!    that they don't sample is never described.
//! 5. The service runs with the span as the active one: its call, each poll of its future, and each poll of its
//!    response body, unless that knows its size and nobody will see the span. Work that it spawns has to take [`Context::current`](opentelemetry::Context::current) along.
//! 6. `X-Amzn-Trace-Id` goes into the response: `Root`, and `Sampled` if the caller asked with `Sampled=?`.
//! 7. The span ends when the response body has ended. `http.response.status_code` and `http.response.body.size`
//!    (bytes handed over) are recorded by then.
//!
//! Only a 5xx, an error of the service or of the body, and a panic make the span an error; the latter three are
//! recorded as an `exception` event, with the messages of an error's sources if it is in a box (`tower::BoxError`), `reqwest::Error`,
//! `axum::Error` or [`std::io::Error`]; of other types only [`Display`](std::fmt::Display) is known. If the caller goes away,
//! `xray.response.aborted` is `head` (no response yet) or `body` (in the middle of it), and that is not an error. An upgraded
//! connection (`101`, `CONNECT`) is not part of the span.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use opentelemetry_aws_xray::tower::XrayLayer;
//!
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "somebody" }))
//!     .layer(XrayLayer::axum().with_filter(|head| head.uri.path() != "/health"));
//! # }
//! ```
//!
//! Inside a layer that changes bodies (compression) the bytes before that change are counted, outside those after.
//!
//! # A client
//!
//! [`XrayClientLayer`] needs an active span, which every handler behind [`XrayLayer`] has. It records
//! `http.request.method`, `url.full`, `server.address` and `server.port`, and later `network.protocol.version`,
//! `http.response.status_code` and `http.response.body.size`. 4xx and 5xx are errors here. The span ends when the
//! response body has been read or is dropped, since reading is part of a call's duration. [`CountResendsLayer`] around a
//! layer for retries adds `http.request.resend_count`.
//!
//! # gRPC
//!
//! A request whose content type is `application/grpc` is a call of gRPC, to both layers: its span is called
//! `{service}/{method}`, and has `rpc.system`, `rpc.service`, `rpc.method` and, from headers or trailers,
//! `rpc.grpc.status_code`. A client's span is an error unless that is `OK`, a server's if it is `UNKNOWN`,
//! `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE` or `DATA_LOSS`; the message is its description.
//!
//! # Untrusted text
//!
//! Text from the network is cut at 2,048 characters. Userinfo never leaves the process, nor do the values of query
//! parameters that are signatures or credentials (`X-Amz-Signature`, `X-Amz-Credential`,
//! `X-Amz-Security-Token`, `X-Goog-Signature`, `AWSAccessKeyId`, `Signature`, `sig`).

mod authority;
mod body;
mod body_end;
mod client;
mod conventions;
mod error;
mod grpc;
mod headers;
mod instruments;
mod server;
mod span;
mod text;
mod within;

#[cfg(feature = "axum")]
pub use self::server::AxumBodies;
pub use self::{
    body::XrayBody,
    client::{
        ClientRequest, ClientResponse, CountResends, CountResendsLayer, RequireContext, RequireContextFuture,
        RequireContextLayer, XrayClient, XrayClientFuture, XrayClientLayer, count_resends,
    },
    server::{AnyBodies, Bodies, SegmentNaming, XrayLayer, XrayResponseFuture, XrayService},
};
