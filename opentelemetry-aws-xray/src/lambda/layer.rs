//! The layer around a handler, and its options.

use std::{fmt, sync::Arc, sync::atomic::AtomicBool};

use opentelemetry_sdk::trace::SdkTracerProvider;
use tower_layer::Layer;

use super::{flusher::Flusher, service::XrayLambda, trigger::FaasTrigger};
use crate::{
    config::{self, Environment},
    propagator::XrayPropagator,
    tracer::LazyTracer,
};

/// Makes a SERVER span of every invocation of a Lambda function, and sends it before the answer: see [the module](super).
///
/// It goes directly around the handler, inside of [`Runtime`](lambda_runtime::Runtime), where errors and panics are still to be seen.
/// Options are set before it is used; a setter called twice keeps the last value.
///
/// ```
/// use lambda_runtime::{Error, LambdaEvent, service_fn};
/// use opentelemetry_aws_xray::{Xray, lambda::{FaasTrigger, XrayLambdaLayer}};
/// use tower_layer::Layer;
///
/// let xray = Xray::builder().with_in_progress(true).build();
/// let layer = XrayLambdaLayer::new(xray.tracer_provider())
///     .with_trigger(FaasTrigger::Http)
///     .with_own_decision(true); // The role may send traces, also where Lambda's own tracing is off.
/// let handler = service_fn(async |event: LambdaEvent<String>| Ok::<_, Error>(event.payload.len()));
/// let handler = layer.layer(handler); // For `Runtime::new`.
/// # drop(handler);
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it is put around a handler"]
pub struct XrayLambdaLayer {
    provider: SdkTracerProvider,
    options: Options,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) trigger: Option<FaasTrigger>,
    pub(super) own_decision: bool,
}

/// What all invocations share.
pub(super) struct Shared {
    pub(super) tracer: LazyTracer,
    pub(super) propagator: XrayPropagator,
    pub(super) flusher: Flusher,
    pub(super) options: Options,
    /// Whether `_X_AMZN_TRACE_ID` can only mean the one invocation that runs.
    pub(super) one_at_a_time: bool,
    /// Whether the next invocation is the one for which the process was started.
    pub(super) is_cold: AtomicBool,
}

impl XrayLambdaLayer {
    /// A layer whose spans come from this provider: [`Xray::tracer_provider`](crate::Xray::tracer_provider), or one of your own with an
    /// [`XrayExporter`](crate::XrayExporter). It is flushed after every invocation.
    pub fn new(provider: &SdkTracerProvider) -> Self {
        Self { provider: provider.clone(), options: Options::default() }
    }

    /// What makes the function run, as `faas.trigger`.
    ///
    /// Default: the attribute is left out.
    pub fn with_trigger(mut self, trigger: FaasTrigger) -> Self {
        self.options.trigger = Some(trigger);
        self
    }

    /// Whether the pipeline's sampler decides about traces that Lambda left open: `Root` without `Sampled`, as in the tracing mode
    /// `PassThrough`. The role of such a function may lack the permission to send.
    ///
    /// Default: `false`; they are not recorded, and `Root` travels on.
    pub fn with_own_decision(mut self, own_decision: bool) -> Self {
        self.options.own_decision = own_decision;
        self
    }
}

impl<S> Layer<S> for XrayLambdaLayer {
    type Service = XrayLambda<S>;

    fn layer(&self, handler: S) -> XrayLambda<S> {
        XrayLambda::new(handler, self.shared(&Environment::process()))
    }
}

impl XrayLambdaLayer {
    pub(super) fn shared(&self, environment: &Environment) -> Arc<Shared> {
        Arc::new(Shared {
            tracer: LazyTracer::of(&self.provider),
            propagator: XrayPropagator::new(),
            flusher: Flusher::start(&self.provider),
            options: self.options,
            one_at_a_time: config::lambda_runs_one_at_a_time(environment),
            is_cold: AtomicBool::new(!config::lambda_is_warmed_up(environment)),
        })
    }
}

impl fmt::Debug for XrayLambdaLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XrayLambdaLayer").field("options", &self.options).finish_non_exhaustive()
    }
}
