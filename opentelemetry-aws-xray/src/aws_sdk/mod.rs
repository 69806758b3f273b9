//! Calls with the AWS SDK for Rust: one CLIENT span for each operation. Needs the feature `aws-sdk`.
//!
//! ```no_run
//! # #[derive(Default)] struct Builder;
//! # impl Builder { fn interceptor(self, _: impl aws_smithy_runtime_api::client::interceptors::Intercept) -> Self { self } }
//! # let config = Builder;
//! use opentelemetry_aws_xray::aws_sdk::XrayInterceptor;
//!
//! // The same for every service: `aws_sdk_s3::config::Builder::from(&sdk_config)`, …
//! let config = config.interceptor(XrayInterceptor::new());
//! ```
//!
//! A call passes through [`XrayInterceptor`] like this:
//!
//! 1. The span starts, a child of the active one, named `{service}.{operation}`, with `rpc.system` (`aws-api`),
//!    `rpc.service`, `rpc.method` and `cloud.region`. Without an active span there is none: see
//!    [`with_context_missing`](XrayInterceptor::with_context_missing). A call within
//!    [telemetry suppression](opentelemetry::Context::enter_telemetry_suppressed_scope) and a request that is only presigned
//!    are left alone.
//! 2. `X-Amzn-Trace-Id` goes into the request, before it is signed and whether the span is sampled or not. From this
//!    header SQS, SNS, EventBridge, Lambda and API Gateway take the trace (X-Ray developer guide, Integrating with AWS
//!    services).
//! 3. If the span is recorded, the parameters that say what was called are read from the serialised request: tables,
//!    queue, bucket and key, topic, stream, function, …; never items, messages or secrets. At most 64 KB of a body are
//!    read.
//! 4. When the call has ended, after all attempts: `http.response.status_code`, `http.response.body.size`, `aws.request_id`,
//!    `aws.extended_request_id` (S3), `http.request.resend_count` if there was more than one attempt, counts from the
//!    answer, and for a failed call `error.type` and an `exception` event with the service's code and message. A 304 (S3, of an object that
//!    has not changed) is an error of the SDK's, but none here.
//!
//! The body of a streamed answer (`GetObject`) is not part of the call. If the call is given up,
//! `xray.response.aborted` is `head`, and `http.request.resend_count` says how often it was tried again by then. What identifies a resource (an ARN, the URL of a queue) also tells who owns it:
//! `aws.account_id`.

mod call;
mod failure;
mod interceptor;
mod members;
mod parameters;
mod s3;
mod text;

pub use self::interceptor::XrayInterceptor;
