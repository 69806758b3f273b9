//! Messages: who sent them, and the spans of those who work on them. For SQS, and whatever else carries attributes.
//!
//! # Sending
//!
//! A client with `aws_sdk::XrayInterceptor` needs nothing more: SQS, SNS and EventBridge take the trace from the call's
//! `X-Amzn-Trace-Id` header (X-Ray developer guide, Integrating with AWS services). Where each message shall have a trace of its
//! own, or there is no interceptor, send [`header_value`](crate::propagator::header_value) along: as the system attribute
//! [`AWSTraceHeader`](AWS_TRACE_HEADER) of an SQS message, which wins over the header, or as `TraceHeader` of an entry for
//! EventBridge.
//!
//! # Receiving
//!
//! SQS hands over the attributes that a call asks for: `AWSTraceHeader` must be among the names of system attributes of
//! `ReceiveMessage`. In an event of Lambda it is there without that. A message whose sender had no trace has none.
//!
//! [`Consumer`] makes the span of those who work on messages. [`start_linked`](Consumer::start_linked) is for a batch and the
//! one to begin with: a span in a trace of its own, linked to every producer, as Lambda does it for its queues, so that the
//! console shows both traces as one story. [`start_continued`](Consumer::start_continued) is for one message: the producer's
//! trace goes on.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use opentelemetry::trace::TraceContextExt;
//! use opentelemetry_aws_xray::messaging::{Consumer, MessageCarrier};
//!
//! /// As in `aws_lambda_events`; the type of `aws_sdk_sqs` has a method of the same name.
//! struct Message {
//!     attributes: HashMap<String, String>,
//! }
//!
//! fn work(consumer: &Consumer, messages: &[Message]) {
//!     let cx = consumer.start_linked(messages.iter().map(|message| {
//!         message.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<MessageCarrier>()
//!     }));
//!     let active = cx.clone().attach();
//!     // … work on them …
//!     drop(active);
//!     cx.span().end();
//! }
//!
//! let consumer = Consumer::sqs("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs");
//! work(&consumer, &[]);
//! ```

mod carrier;
mod consumer;
#[cfg(test)]
mod tests;

pub use self::{
    carrier::{AWS_TRACE_HEADER, MessageCarrier},
    consumer::Consumer,
};
