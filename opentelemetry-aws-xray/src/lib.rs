//! AWS X-Ray for Rust, on OpenTelemetry: spans become segments in X-Ray, and `X-Amzn-Trace-Id` carries the trace from
//! service to service.
//!
//! # A service in two lines
//!
//! ```
//! use opentelemetry_aws_xray::Xray;
//! # #[cfg(feature = "axum")]
//! use opentelemetry_aws_xray::tower::XrayLayer;
//!
//! // Everything to one X-Ray daemon: AWS_XRAY_DAEMON_ADDRESS, else 127.0.0.1:2000.
//! let xray = Xray::builder().with_service_name("checkout").install();
//!
//! # #[cfg(feature = "axum")]
//! # {
//! // With the feature `axum`.
//! let app = axum::Router::<()>::new()
//!     .route("/orders/{id}", axum::routing::get(|| async { "an order" }))
//!     .layer(XrayLayer::axum());
//! # }
//! # drop(xray);
//! ```
//!
//! No daemon at hand? `xray-local` is one for a laptop, with a page to look at the traces.
//!
//! # The parts
//!
//! - [`Xray`] puts everything together: exporter, batch processor, sampler, ids, propagators, resource.
//! - [`XrayExporter`] turns spans into segment documents and delivers them ([`sink`]). Every span is sent, held or dropped
//!   for a reason that is counted: [`ExporterStats`].
//! - [`XrayPropagator`] reads and writes `X-Amzn-Trace-Id`; [`XrayIdGenerator`] makes trace ids with the time in front.
//! - [`XrayParentBased`] samples as the caller decided, and decides where the caller left it open.
//! - `sampler::XraySampler` samples by the account's rules (feature `sampler`).
//! - [`tower::XrayLayer`] traces the requests of axum and hyper servers, [`tower::XrayClientLayer`] outgoing ones.
//! - `aws_sdk::XrayInterceptor` traces the calls of the AWS SDK for Rust (feature `aws-sdk`).
//! - [`messaging`] reads who sent a message, and makes the spans of those who work on messages.
//! - `lambda::XrayLambdaLayer` traces functions on AWS Lambda (feature `lambda`).
//! - [`resource`] finds out where the application runs.
//! - [`annotate`] and [`add_metadata`] put values on the current span from within a handler.
//! - [`InProgressProcessor`] shows a request that takes long before it ends.
//! - [`TailSampling`] keeps requests that failed or were slow, whatever the sampler decided at their start.
//! - [`logs`] gives log lines the id by which CloudWatch shows them beside their trace.
//! - [`config`] lists the environment variables. What is set in code wins over them.
//!
//! # Promises
//!
//! Nothing here keeps a service from starting or ends it: no address is resolved before the first span, what can't be
//! understood is told in a warning, and a panic in the exporter would cost one batch. Warnings are `tracing` events,
//! rare, and hold no attribute values. The default features need no async runtime.
//!
//! # Features
//!
//! | feature | default | what it adds | what it costs |
//! |---|---|---|---|
//! | `internal-logs` | yes | our warnings as `tracing` events | `tracing`, which the SDK brings anyway |
//! | `tower` | yes | the layers | `http`, `http-body`, `bytes`, `tower-layer`, `tower-service`, `pin-project-lite` |
//! | `axum` | no | `XrayLayer::axum()`: route and peer as axum knows them | `axum` without its defaults |
//! | `reqwest` | no | the client layer around `reqwest::Client` | `reqwest` without its defaults |
//! | `daemon-tcp` | no | `config::Transport::Tcp`: the daemon's TCP port, where X-Ray's answers come back | `ureq` without TLS, `serde_json` |
//! | `aws` | no | straight to X-Ray without a daemon | the AWS SDK with its HTTP client and `tokio`; needs Rust 1.94.1 |
//! | `aws-sdk` | no | `aws_sdk`: the calls of the AWS SDK | crates of the AWS SDK's runtime that its clients have anyway, `serde_json`; needs Rust 1.94.1 |
//! | `otlp` | no | [`Payload::Otlp`](config::Payload): spans as OTLP instead of segments | `base64`, `flate2` |
//! | `sampler` | no | `OTEL_TRACES_SAMPLER=xray`, `XraySampler`: sampling by X-Ray's rules | `ureq` without TLS, `serde_json` |
//! | `adaptive-sampling` | no | `sampler::adaptive`: boosts, and the capture of anomalies | those of `sampler`, `sha2`, `regex-lite`, `yaml-rust2` |
//! | `tracing` | no | `logs::WithTraceId`: the id of the trace on every line of `tracing-subscriber` | `tracing-subscriber` with `fmt` |
//! | `lambda` | no | `lambda::XrayLambdaLayer`: spans of Lambda functions, sent before each answer | `lambda_runtime` without its defaults, `tokio` |
//! | `resource-detection` | no | `resource::ResourceDetection::Full`: ECS, EKS, EC2, Elastic Beanstalk | `ureq` without TLS, `serde_json` |
//! | `test-util` | no | `clock::ManualClock` and `sink::MemorySink` | nothing |

mod annotate;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws-sdk")]
pub mod aws_sdk;
pub mod check;
pub mod clock;
pub mod config;
mod context_missing;
#[cfg(any(feature = "aws-sdk", feature = "tower"))]
mod error_chain;
mod exporter;
mod id_generator;
mod in_progress;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod logs;
mod lookup;
pub mod messaging;
mod metrics;
mod pipeline;
#[cfg(any(feature = "_acknowledged", feature = "sampler"))]
mod post;
pub mod propagator;
mod recent;
mod redact;
mod redaction;
pub mod resource;
pub mod sampler;
mod scan;
pub mod sink;
mod tail_sampling;
#[cfg(feature = "tower")]
pub mod tower;
mod tracer;

pub use annotate::{add_metadata, annotate, try_add_metadata, try_annotate};
pub use context_missing::{ContextMissing, ContextMissingError, ParseContextMissingError};
pub use exporter::{
    DropReason, ExporterStats, StatsHandle, TraceIdPolicy, TraceIdWindow, XrayExporter, XrayExporterBuilder,
};
pub use id_generator::XrayIdGenerator;
pub use in_progress::{InProgressProcessor, InProgressStats, InProgressStatsHandle};
pub use pipeline::{Xray, XrayBuilder};
pub use propagator::XrayPropagator;
pub use redaction::{Redaction, Verdict};
pub use sampler::XrayParentBased;
pub use tail_sampling::{
    KeepReason, TailSampling, TailSamplingProcessor, TailSamplingStats, TailSamplingStatsHandle,
};
/// X-Ray's protocol as plain values, in which a few traits and errors of this crate speak.
pub use xray_wire;
pub use xray_wire::{DaemonAddress, Endpoint};
