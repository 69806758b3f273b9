//! One invocation: its parent, its span, its end.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use lambda_runtime::Context as LambdaContext;
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt},
};

use super::{
    flusher::{Flushed, Watch, flush_wait},
    future::Outcome,
    layer::{Options, Shared},
};
use crate::{
    clock,
    config::{self, Environment},
    propagator::{PassedOn, TRACE_HEADER},
    redact,
};

/// An invocation that runs. Dropped before its handler has returned, it ends the span.
pub(super) struct Invocation {
    shared: Arc<Shared>,
    cx: Context,
    deadline: Option<Duration>,
    /// Sends what there is shortly before the deadline, unless the invocation has ended by then.
    _watch: Watch,
}

impl Invocation {
    /// Starts the span, below the parent that the header names. `elsewhere` is asked for a header if the context has none.
    pub(super) fn begin(
        shared: &Arc<Shared>,
        event: &LambdaContext,
        elsewhere: impl FnOnce() -> Option<String>,
    ) -> Self {
        let is_cold = shared.is_cold.swap(false, Ordering::Relaxed);
        let elsewhere = || if shared.one_at_a_time { elsewhere() } else { None };
        let header = event.xray_trace_id.clone().or_else(elsewhere);
        let parent = parent(header.as_deref(), shared);
        let passed_on = PassedOn::instead_of(&parent).filter(|_| !shared.options.own_decision);
        let parent = passed_on.unwrap_or(parent);
        let builder = SpanBuilder::from_name(event.env_config.function_name.clone())
            .with_kind(SpanKind::Server)
            .with_attributes(attributes(event, is_cold, shared.options));
        let cx = shared.tracer.start(&parent, builder);
        let deadline = deadline(event);
        let watch = shared.flusher.watch(deadline);
        Self { shared: Arc::clone(shared), cx, deadline, _watch: watch }
    }

    /// Runs `work` with the span as the active one.
    pub(super) fn scope<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _active = self.cx.clone().attach();
        work()
    }

    /// Ends the span and sends all that have ended: in one that is not recorded, calls of traces that are may have been answered.
    pub(super) fn end<R>(self, outcome: &Outcome<R>) -> Flushed {
        let span = self.cx.span();
        let is_recorded = span.is_recording();
        if is_recorded {
            match outcome {
                Outcome::Returned(Ok(_)) => {}
                Outcome::Returned(Err(error)) => {
                    self.record(error_kind(&error.error_type), &error.error_message);
                }
                Outcome::Panicked(panic) => self.record("panic", panic_message(panic.as_ref())),
            }
        }
        span.end();
        self.shared.flusher.flush(flush_wait(self.deadline, clock::epoch()), is_recorded)
    }

    fn record(&self, kind: &str, message: &str) {
        let span = self.cx.span();
        span.set_attribute(KeyValue::new("error.type", kind.to_owned()));
        span.set_status(Status::error(""));
        let message = redact::text(message).into_owned();
        let details = vec![
            KeyValue::new("exception.type", kind.to_owned()),
            KeyValue::new("exception.message", message),
        ];
        span.add_event("exception", details);
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        // One that has ended stays as it is.
        self.cx.span().end();
    }
}

/// The header that Lambda's runtimes leave in the environment.
pub(super) fn environment_header() -> Option<String> {
    config::lambda_trace_header(&Environment::process())
}

/// The parent that a header names, in a context of its own: an invocation is no part of what the runtime does.
fn parent(header: Option<&str>, shared: &Shared) -> Context {
    let Some(header) = header else { return Context::new() };
    shared.propagator.extract_with_context(&Context::new(), &Header(header))
}

fn attributes(event: &LambdaContext, is_cold: bool, options: Options) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("faas.invocation_id", event.request_id.clone()),
        KeyValue::new("faas.coldstart", is_cold),
    ];
    if let Some(trigger) = options.trigger {
        attributes.push(KeyValue::new("faas.trigger", trigger.as_str()));
    }
    let invoked = &event.invoked_function_arn;
    if let Some(function) = FunctionArn::parse(invoked) {
        let arn = function.resolved(&event.env_config.version);
        attributes.push(KeyValue::new("aws.account_id", function.account.to_owned()));
        attributes.push(KeyValue::new("cloud.resource_id", arn.clone()));
        if arn != *invoked {
            attributes.push(KeyValue::new("aws.lambda.invoked_arn", invoked.clone()));
        }
        attributes.push(KeyValue::new("aws.xray.resource_arn", arn));
    }
    attributes
}

/// `arn:aws:lambda:region:account:function:name[:alias or version]`.
#[derive(Debug, PartialEq, Eq)]
struct FunctionArn<'a> {
    account: &'a str,
    function: &'a str,
    is_qualified: bool,
}

impl<'a> FunctionArn<'a> {
    fn parse(arn: &'a str) -> Option<Self> {
        /// Far more than an ARN of a function may have.
        const MAX_BYTES: usize = 1_024;
        let parts: Vec<_> = arn.splitn(9, ':').collect();
        let (account, qualifier) = match parts[..] {
            ["arn", _, "lambda", _, account, "function", name] if !name.is_empty() => (account, None),
            ["arn", _, "lambda", _, account, "function", name, qualifier] if !name.is_empty() => {
                (account, Some(qualifier))
            }
            _ => return None,
        };
        let function = match qualifier {
            Some(qualifier) => arn.strip_suffix(qualifier)?.strip_suffix(':')?,
            None => arn,
        };
        let is_qualified = qualifier.is_some();
        (arn.len() <= MAX_BYTES && !account.is_empty()).then_some(Self { account, function, is_qualified })
    }

    /// The function itself: what an alias stands for changes, so the version that runs takes its place (OpenTelemetry's semantic
    /// conventions, `cloud.resource_id`).
    fn resolved(&self, version: &str) -> String {
        if self.is_qualified && !version.is_empty() {
            format!("{}:{version}", self.function)
        } else {
            self.function.to_owned()
        }
    }
}

/// The time since the epoch at which Lambda ends the invocation; emulators may have none.
fn deadline(event: &LambdaContext) -> Option<Duration> {
    (event.deadline > 0).then(|| Duration::from_millis(event.deadline))
}

/// The type of an error as Lambda is told it. For errors in a box that is the box's name, of which some ninety characters say nothing.
fn error_kind(kind: &str) -> &str {
    let name = kind.trim_start_matches('&');
    if name.starts_with("alloc::boxed::Box<dyn core::error::Error") { "Box<dyn Error>" } else { name }
}

/// What somebody panicked with, as far as it is text.
fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("the handler panicked")
}

/// The one header that Lambda hands in.
struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        key.eq_ignore_ascii_case(TRACE_HEADER).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACE_HEADER]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arns_of_functions() {
        const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders";
        for (arn, version, resolved) in [
            (FUNCTION, "$LATEST", Some(FUNCTION.to_owned())),
            (&format!("{FUNCTION}:live"), "7", Some(format!("{FUNCTION}:7"))),
            (&format!("{FUNCTION}:7"), "7", Some(format!("{FUNCTION}:7"))),
            (&format!("{FUNCTION}:live"), "", Some(FUNCTION.to_owned())),
            (&format!("{FUNCTION}:live:x"), "7", None),
            ("arn:aws:lambda:eu-west-1::function:orders", "7", None),
            ("arn:aws:lambda:eu-west-1:123456789012:function:", "7", None),
            ("arn:aws:sqs:eu-west-1:123456789012:orders", "7", None),
            ("No header lambda-runtime-invoked-function-arn found.", "7", None),
            ("", "", None),
        ] {
            let parsed = FunctionArn::parse(arn);
            assert_eq!(parsed.as_ref().map(|function| function.resolved(version)), resolved, "{arn}");
            assert!(parsed.is_none_or(|function| function.account == "123456789012"), "{arn}");
        }
    }

    proptest! {
        #[test]
        fn no_arn_panics(arn: String, version: String) {
            if let Some(function) = FunctionArn::parse(&arn) {
                function.resolved(&version);
            }
        }

        #[test]
        fn an_alias_gives_way_to_the_version(name in "[a-zA-Z0-9_-]{1,64}", alias in "[a-zA-Z0-9_-]{1,128}", version in "[0-9]{1,4}") {
            let function = format!("arn:aws-cn:lambda:cn-north-1:123456789012:function:{name}");
            let arn = format!("{function}:{alias}");
            let parsed = FunctionArn::parse(&arn).unwrap();
            prop_assert_eq!(parsed.resolved(&version), format!("{function}:{version}"));
        }
    }
}
