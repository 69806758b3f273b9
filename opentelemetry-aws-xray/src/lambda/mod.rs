//! Spans of AWS Lambda functions that run on [`lambda_runtime`].
//!
//! [`XrayLambdaLayer`] goes around the handler. No layer of Lambda's kind, no extension and no collector is needed: a function whose
//! tracing mode is `Active` has an X-Ray daemon beside it, at the address that Lambda puts into `AWS_XRAY_DAEMON_ADDRESS`.
//!
//! ```no_run
//! use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
//! use opentelemetry_aws_xray::{Xray, lambda::XrayLambdaLayer};
//! use tower_layer::Layer;
//!
//! # async fn run() -> Result<(), Error> {
//! let xray = Xray::builder().with_in_progress(true).install();
//! let layer = XrayLambdaLayer::new(xray.tracer_provider());
//! let handler = service_fn(async |event: LambdaEvent<String>| Ok::<_, Error>(event.payload.to_uppercase()));
//! Runtime::new(layer.layer(handler)).run().await
//! # }
//! ```
//!
//! # An invocation
//!
//! 1. The trace header is that of the invocation's own [`Context`](lambda_runtime::Context), which is right while several run
//!    at a time; `_X_AMZN_TRACE_ID` counts where the context has none and only one runs at a time.
//! 2. A SERVER span starts, below the segment that Lambda itself makes of the function. It has `faas.invocation_id`, `faas.coldstart`,
//!    `faas.trigger` if it was set, `cloud.resource_id` and the account. Name, version, memory and log group are the
//!    [resource](crate::resource)'s.
//! 3. The handler runs with that span as the active one.
//! 4. An error of the handler becomes an `exception` event with the type and message that Lambda is told too (of errors in a box, the type
//!    is `Box<dyn Error>`), a panic one of the type `panic`.
//! 5. All spans that have ended are sent, and only then the answer goes out, because Lambda freezes the process once it has the answer. The
//!    wait is bounded: a second at most, and not beyond the invocation's deadline. What could not be sent by then stays
//!    queued, and the answer is the same. Several invocations that return at a time share a round of sending. One that is not recorded may
//!    have spans inside that are, as those of a message whose sender is; it waits too, unless the last round failed or has not ended.
//!
//! # Who decides
//!
//! | the header has | what happens |
//! |---|---|
//! | `Sampled=1` | the span is recorded |
//! | `Sampled=0` | nothing is; the header travels on |
//! | `Root` alone: tracing mode `PassThrough`, and nobody above decided | nothing is recorded and `Root` travels on, as with the X-Ray SDKs; [`with_own_decision`](XrayLambdaLayer::with_own_decision) lets the sampler decide |
//! | no header: a runtime emulator | the sampler decides about a new trace |
//!
//! # Time limits
//!
//! A function that runs out of time is killed, and with it what it has not sent. So what has ended is sent 100 ms before the deadline, and
//! the function's own segment is seen if it was shown [in progress](crate::XrayBuilder::with_in_progress).
//!
//! # Streams
//!
//! With a [`StreamResponse`](lambda_runtime::StreamResponse) the handler has returned before the body is sent. The span ends there; spans of
//! the stream itself end later and are sent with the next invocation's.

mod flusher;
mod future;
mod invocation;
mod layer;
mod service;
#[cfg(test)]
mod tests;
mod trigger;

pub use self::{future::XrayLambdaFuture, layer::XrayLambdaLayer, service::XrayLambda, trigger::FaasTrigger};
