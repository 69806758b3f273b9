//! The span of one call, open from before its request is serialised until all attempts are done.

use std::mem;

use aws_smithy_runtime_api::client::{
    interceptors::context::Error,
    orchestrator::{HttpRequest, HttpResponse, Metadata, OrchestratorError},
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use aws_types::region::Region;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt},
};

use super::{failure::Failure, parameters, s3, text};
use crate::tracer::LazyTracer;

/// An open span. It ends exactly once: with [`finish`](Self::finish), else when it is dropped, which means that
/// somebody gave up on the call.
#[derive(Debug)]
pub(super) struct Call {
    cx: Context,
    operation: Metadata,
    /// The path before the SDK has put the endpoint in front; taken when it has, once.
    operation_path: Option<String>,
    is_serialized: bool,
    /// How often it was sent, or is about to be.
    attempts: u32,
    is_open: bool,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

impl Call {
    /// Starts the span. The sampler sees which service and operation are called.
    pub(super) fn start(
        tracer: &LazyTracer,
        parent: &Context,
        operation: &Metadata,
        region: Option<&Region>,
    ) -> Self {
        let (service, method) = (operation.service(), operation.name());
        let mut attributes = vec![
            KeyValue::new("rpc.system", "aws-api"),
            KeyValue::new("rpc.service", service.to_owned()),
            KeyValue::new("rpc.method", method.to_owned()),
        ];
        if let Some(region) = region {
            attributes.push(KeyValue::new("cloud.region", region.to_string()));
        }
        let builder = SpanBuilder::from_name(format!("{service}.{method}"))
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let cx = tracer.start(parent, builder);
        Self {
            cx,
            operation: operation.clone(),
            operation_path: None,
            is_serialized: false,
            attempts: 0,
            is_open: true,
        }
    }

    /// The context whose active span this is.
    pub(super) const fn context(&self) -> &Context {
        &self.cx
    }

    /// Records what the request says about its target, once.
    pub(super) fn serialized(&mut self, request: &HttpRequest) {
        if mem::replace(&mut self.is_serialized, true) {
            return;
        }
        let span = self.cx.span();
        if !span.is_recording() {
            return;
        }
        span.set_attributes(parameters::of_request(self.operation.service(), request));
        if self.operation.service() == s3::SERVICE {
            self.operation_path = Some(text::path(request.uri()).to_owned());
        }
    }

    /// Notes that the request is about to be sent for the `attempts`th time, and records what only the whole address says about the
    /// target.
    pub(super) fn addressed(&mut self, uri: &str, attempts: u32) {
        self.attempts = attempts;
        if let Some(path) = self.operation_path.take() {
            self.cx.span().set_attributes(s3::attributes(self.operation.name(), &path, uri));
        }
    }

    /// Ends the span, once.
    pub(super) fn finish(
        &mut self,
        response: Option<&HttpResponse>,
        error: Option<&OrchestratorError<Error>>,
    ) {
        if !self.is_open {
            return;
        }
        let span = self.cx.span();
        if span.is_recording() {
            if let Some(response) = response {
                span.set_attributes(of_any_response(response));
                span.set_attributes(parameters::of_response(self.operation.service(), response));
            }
            if let Some(error) = error.filter(|_| !response.is_some_and(is_not_modified)) {
                self.fail(&Failure::of(error, response, self.is_serialized));
            }
        }
        self.end();
    }

    fn fail(&self, Failure { kind, message }: &Failure) {
        let span = self.cx.span();
        span.set_attribute(KeyValue::new("error.type", kind.clone()));
        span.set_status(Status::error(""));
        let details = vec![
            KeyValue::new("exception.type", kind.clone()),
            KeyValue::new("exception.message", message.clone()),
        ];
        span.add_event("exception", details);
    }

    fn end(&mut self) {
        self.is_open = false;
        let span = self.cx.span();
        if let retries @ 1.. = self.attempts.saturating_sub(1) {
            span.set_attribute(KeyValue::new("http.request.resend_count", i64::from(retries)));
        }
        span.end();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.is_open {
            // As the layer for HTTP clients says it.
            self.cx.span().set_attribute(KeyValue::new("xray.response.aborted", "head"));
            self.end();
        }
    }
}

/// What was asked for only if it had changed, and has not (S3): an error of the SDK's, which has nothing to hand out, but no failure.
fn is_not_modified(response: &HttpResponse) -> bool {
    response.status().as_u16() == 304
}

/// What the answers of all services have in common.
fn of_any_response(response: &HttpResponse) -> Vec<KeyValue> {
    let mut attributes =
        vec![KeyValue::new("http.response.status_code", i64::from(response.status().as_u16()))];
    let header = |name: &str| response.headers().get(name);
    if let Some(size) = header("content-length").and_then(|size| size.parse::<i64>().ok()) {
        attributes.push(KeyValue::new("http.response.body.size", size));
    }
    // The latter is S3's.
    if let Some(id) = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")) {
        attributes.push(KeyValue::new("aws.request_id", text::bounded(id)));
    }
    if let Some(id) = header("x-amz-id-2") {
        attributes.push(KeyValue::new("aws.extended_request_id", text::bounded(id)));
    }
    attributes
}
