//! The hooks of the AWS SDK, and what the interceptor can be told.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
                BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
            },
            dyn_dispatch_hint,
        },
        orchestrator::Metadata,
        retries::RequestAttempts,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::region::Region;
use opentelemetry::{
    Context,
    trace::{TraceContextExt, Tracer, TracerProvider},
};

use super::call::Call;
use crate::{
    context_missing::ContextMissing,
    propagator::{TRACE_HEADER, header_value},
    tracer::LazyTracer,
};

/// Makes a CLIENT span of every call of a client of the AWS SDK, and tells AWS which trace the call belongs to.
///
/// One can be used for any number of clients; a clone shares its tracer. What is recorded is told at the
/// [module](crate::aws_sdk).
///
/// ```
/// use opentelemetry_aws_xray::{ContextMissing, Xray, aws_sdk::XrayInterceptor};
///
/// let xray = Xray::builder().with_service_name("checkout").build();
/// // Without `Xray::install`, and for calls that shall fail where nobody would see them:
/// let interceptor = XrayInterceptor::new()
///     .with_tracer_provider(xray.tracer_provider())
///     .with_context_missing(ContextMissing::RuntimeError);
/// // For each service: `aws_sdk_sqs::config::Builder::from(&sdk_config).interceptor(interceptor.clone())`
/// # drop(interceptor);
/// ```
#[derive(Debug, Clone)]
pub struct XrayInterceptor {
    tracer: LazyTracer,
    context_missing: ContextMissing,
}

impl XrayInterceptor {
    /// An interceptor with every option at its default.
    #[must_use]
    pub fn new() -> Self {
        Self { tracer: LazyTracer::default(), context_missing: ContextMissing::of_process() }
    }

    /// Sets where the spans go. Default: the global tracer provider, looked up at the first call that has an active span
    /// and kept, so it must be installed by then.
    #[must_use]
    pub fn with_tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        self.tracer = LazyTracer::of(provider);
        self
    }

    /// Sets what happens when there is no active span. Under [`ContextMissing::RuntimeError`] the call fails before it is
    /// sent; under any other it goes out as it is, without a span and without a header. Default: what
    /// [`Xray`](crate::Xray) installed, else `AWS_XRAY_CONTEXT_MISSING`, else [`ContextMissing::LogError`].
    #[must_use]
    pub fn with_context_missing(mut self, policy: ContextMissing) -> Self {
        self.context_missing = policy;
        self
    }
}

impl Default for XrayInterceptor {
    /// Same as [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

#[dyn_dispatch_hint]
impl Intercept for XrayInterceptor {
    fn name(&self) -> &'static str {
        "XrayInterceptor"
    }

    // Not `read_before_execution`: a client's interceptors run there before the operation is known.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let parent = Context::current();
        if parent.is_telemetry_suppressed() || is_presigning(components) {
            return Ok(());
        }
        if !parent.span().span_context().is_valid() {
            self.context_missing.fail_or_report("a call of the AWS SDK")?;
            return Ok(());
        }
        // An interceptor that was registered twice makes one span.
        if cfg.load::<Call>().is_some() {
            return Ok(());
        }
        let Some(operation) = cfg.load::<Metadata>() else { return Ok(()) };
        let call = Call::start(&self.tracer, &parent, operation, cfg.load::<Region>());
        cfg.interceptor_state().store_put(call);
        Ok(())
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(call) = cfg.get_mut_from_interceptor_state::<Call>() else { return Ok(()) };
        if let Some(value) = header_value(call.context()) {
            // Inside Lambda, the SDK puts the runtime's own header only where there is none. One that can't be sent is
            // no reason to fail the call.
            let _ = context.request_mut().headers_mut().try_insert(TRACE_HEADER, value);
        }
        call.serialized(context.request());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let attempts = cfg.load::<RequestAttempts>().map_or(0, RequestAttempts::attempts);
        if let Some(call) = cfg.get_mut_from_interceptor_state::<Call>() {
            call.addressed(context.request().uri(), attempts);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = cfg.get_mut_from_interceptor_state::<Call>() {
            let error = context.output_or_error().and_then(Result::err);
            call.finish(context.response(), error);
        }
        Ok(())
    }
}

/// Whether the request is not sent, but handed to somebody else, whom a trace header would bind to send it too. Each
/// service's crate has a marker for this that only it can see; the interceptor that sets it can be seen.
fn is_presigning(components: &RuntimeComponents) -> bool {
    components.interceptors().any(|other| other.name() == "SigV4PresigningInterceptor")
}
