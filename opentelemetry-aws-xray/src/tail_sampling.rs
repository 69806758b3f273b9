//! Tail sampling: what failed or was slow is kept, although the sampler could not know it would.

mod members;
mod pending;
mod policy;
mod request;
mod weight;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use opentelemetry::{
    Context,
    trace::{Span as _, SpanContext, TraceContextExt},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use pending::Pending;
pub use policy::{KeepReason, TailSampling};
pub(crate) use request::KEEP_REASON;
#[cfg(feature = "adaptive-sampling")]
pub(crate) use request::sampled;

use crate::clock::{Clock, SystemClock};

/// Holds the spans of a request until it ends, and then keeps all of them or lets all of them go, as
/// [`TailSampling`] says.
///
/// A request is a local root, which has no parent in this process, with all spans below it, also those that start when their parent
/// has ended. Spans that end after the root follow its decision, and so do other requests of the same trace once one of them is kept. A request that is kept is handed to the next
/// processor marked as sampled, and its local root says why in the attribute `tail_sampling.reason`.
///
/// Spans that the sampler sampled pass at once, unless [`judge_sampled`](TailSampling::judge_sampled) says otherwise. For
/// the others to come here at all, the sampler must be inside [`RecordUnsampled`](crate::sampler::RecordUnsampled).
/// [`XrayBuilder::with_tail_sampling`](crate::XrayBuilder::with_tail_sampling) does both.
///
/// # What it can't do
///
/// - Other services have decided already: a call that went out said `Sampled=0`. A trace that is kept here shows what they did only
///   if they keep it too, for a reason of their own.
/// - What is held is bounded in spans and bytes, and a request is waited for only so long. Beyond that the oldest request is decided early, by what is known of it:
///   how long it has run, and the rate. If that keeps it, what comes later is kept too. If not, what was held is let go, and the rest is
///   decided when the request ends.
/// - Time is looked at when spans start and end: a request that hangs while nothing else happens is decided with the next
///   one, or at shutdown.
///
/// ```
/// use std::time::Duration;
/// use opentelemetry_aws_xray::{TailSampling, TailSamplingProcessor, XrayExporter, XrayParentBased};
/// use opentelemetry_aws_xray::sampler::RecordUnsampled;
/// use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracerProvider};
///
/// let policy = TailSampling::new().faults().slower_than(Duration::from_secs(1));
/// let batches = BatchSpanProcessor::builder(XrayExporter::builder().build()).build();
/// let provider = SdkTracerProvider::builder()
///     .with_sampler(RecordUnsampled::new(XrayParentBased::new(Sampler::TraceIdRatioBased(0.05))))
///     .with_span_processor(TailSamplingProcessor::new(policy, batches))
///     .build();
/// # drop(provider);
/// ```
#[derive(Debug)]
pub struct TailSamplingProcessor<P> {
    pending: SharedPending,
    judges_sampled: bool,
    clock: Box<dyn Clock>,
    next: P,
}

/// Requests that are open, shared with those who read the numbers.
#[derive(Clone)]
struct SharedPending(Arc<Mutex<Pending>>);

impl<P: SpanProcessor> TailSamplingProcessor<P> {
    /// Decides as `policy` says, before `next`.
    #[must_use]
    pub fn new(policy: TailSampling, next: P) -> Self {
        Self::with_clock(policy, next, SystemClock)
    }

    /// The same with a clock of one's own, by which requests grow too old to be held.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use opentelemetry::trace::{Span, Tracer, TracerProvider};
    /// use opentelemetry_aws_xray::{TailSampling, TailSamplingProcessor, clock::ManualClock};
    /// # use opentelemetry_aws_xray::sampler::RecordUnsampled;
    /// # use opentelemetry_sdk::trace::{BatchSpanProcessor, InMemorySpanExporter, Sampler, SdkTracerProvider};
    /// # let next = BatchSpanProcessor::builder(InMemorySpanExporter::default()).build();
    ///
    /// let clock = ManualClock::new();
    /// let processor = TailSamplingProcessor::with_clock(TailSampling::new(), next, clock.clone());
    /// let handle = processor.stats_handle();
    /// # let provider = SdkTracerProvider::builder()
    /// #     .with_sampler(RecordUnsampled::new(Sampler::AlwaysOff))
    /// #     .with_span_processor(processor)
    /// #     .build();
    /// # let tracer = provider.tracer("shop");
    /// let hanging = tracer.start("hangs");
    /// # let cx = opentelemetry::trace::TraceContextExt::with_span(&opentelemetry::Context::new(), hanging);
    /// # tracer.start_with_context("child", &cx).end();
    /// assert_eq!(handle.now().spans_held, 1); // A child, which has ended.
    /// clock.advance(Duration::from_secs(61));
    /// tracer.start("the next one").end();
    /// assert_eq!((handle.now().spans_held, handle.now().spans_let_go_early), (0, 1));
    /// ```
    #[must_use]
    pub fn with_clock(policy: TailSampling, next: P, clock: impl Clock + 'static) -> Self {
        Self {
            judges_sampled: policy.judges_sampled(),
            pending: SharedPending(Arc::new(Mutex::new(Pending::new(policy)))),
            clock: Box::new(clock),
            next,
        }
    }

    /// The numbers now.
    #[must_use]
    pub fn stats(&self) -> TailSamplingStats {
        self.pending.lock().stats()
    }

    /// A handle to the numbers, for when the processor is given away.
    #[must_use]
    pub fn stats_handle(&self) -> TailSamplingStatsHandle {
        TailSamplingStatsHandle(self.pending.clone())
    }

    fn judges(&self, context: &SpanContext) -> bool {
        self.judges_sampled || !context.is_sampled()
    }

    /// Changes what is pending, and hands on what that lets through, when others may do the same again.
    fn pass(&self, change: impl FnOnce(&mut Pending, Duration, &mut Vec<SpanData>)) {
        let mut kept = Vec::new();
        let now = self.clock.now();
        change(&mut self.pending.lock(), now, &mut kept);
        kept.into_iter().for_each(|span| self.next.on_end(span));
    }
}

impl<P: SpanProcessor> SpanProcessor for TailSamplingProcessor<P> {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.next.on_start(span, parent);
        let context = span.span_context();
        if !self.judges(context) {
            return;
        }
        let parent = parent.span();
        let parent = Some(parent.span_context()).filter(|parent| parent.is_valid() && !parent.is_remote());
        self.pass(|pending, now, kept| pending.start(context, parent, now, kept));
    }

    fn on_end(&self, span: SpanData) {
        if self.judges(&span.span_context) {
            self.pass(|pending, now, kept| pending.end(span, now, kept));
        } else {
            self.next.on_end(span);
        }
    }

    /// Flushes what is decided. Requests that are open stay so.
    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    /// Decides all requests that are open by what is known of them, and stops.
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.pass(Pending::decide_all);
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

impl SharedPending {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing in there panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the spans, whose attributes are nobody's business.
impl fmt::Debug for SharedPending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().stats().fmt(f)
    }
}

/// What became of the spans that a [`TailSamplingProcessor`] judged: [`spans_in`](Self::spans_in) = [`kept`](Self::spans_kept) +
/// [`let go`](Self::spans_let_go) + [`let go early`](Self::spans_let_go_early) + [`held`](Self::spans_held).
///
/// Spans that were let go never reach the exporter, and are not among its numbers.
///
/// ```
/// use opentelemetry::trace::{Span, Status, Tracer, TracerProvider};
/// use opentelemetry_aws_xray::{KeepReason, TailSampling, TailSamplingProcessor};
/// # use opentelemetry_aws_xray::sampler::RecordUnsampled;
/// # use opentelemetry_sdk::trace::{BatchSpanProcessor, InMemorySpanExporter, Sampler, SdkTracerProvider};
/// # let next = BatchSpanProcessor::builder(InMemorySpanExporter::default()).build();
/// let processor = TailSamplingProcessor::new(TailSampling::new().faults(), next);
/// let handle = processor.stats_handle();
/// # let provider = SdkTracerProvider::builder()
/// #     .with_sampler(RecordUnsampled::new(Sampler::AlwaysOff))
/// #     .with_span_processor(processor)
/// #     .build();
/// // … with a provider whose sampler samples nothing:
/// let tracer = provider.tracer("shop");
/// tracer.start("went well").end();
/// let mut failed = tracer.start("went wrong");
/// failed.set_status(Status::error("out of stock"));
/// failed.end();
///
/// let stats = handle.now();
/// assert_eq!((stats.spans_in, stats.spans_kept, stats.spans_let_go), (2, 1, 1));
/// assert_eq!(stats.requests_kept(KeepReason::Fault), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TailSamplingStats {
    /// Spans that ended, without those that the sampler sampled and that are not judged.
    pub spans_in: u64,
    /// Spans that were handed on.
    pub spans_kept: u64,
    /// Spans of requests that ended with no reason to keep them.
    pub spans_let_go: u64,
    /// Spans that were let go before their request ended, since too much was held, for too long, or until shutdown. If there are many, and
    /// failures are shown without what led to them, raise [`max_spans`](TailSampling::max_spans) and its like.
    pub spans_let_go_early: u64,
    /// Spans that wait for their request to end.
    pub spans_held: u64,
    /// About how many bytes these take.
    pub bytes_held: u64,
    requests_kept: [u64; KeepReason::ALL.len()],
}

impl TailSamplingStats {
    /// Requests that were kept for a reason.
    #[must_use]
    pub const fn requests_kept(&self, reason: KeepReason) -> u64 {
        self.requests_kept[reason as usize]
    }
}

/// Reads a [`TailSamplingProcessor`]'s numbers wherever it has gone. Cheap to clone.
///
/// ```
/// use opentelemetry_aws_xray::{KeepReason, TailSamplingStatsHandle};
///
/// /// The lines of a page of metrics.
/// fn kept(handle: &TailSamplingStatsHandle) -> String {
///     let stats = handle.now();
///     let line = |reason| format!("requests_kept{{reason=\"{reason}\"}} {}\n", stats.requests_kept(reason));
///     KeepReason::ALL.into_iter().map(line).collect()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TailSamplingStatsHandle(SharedPending);

impl TailSamplingStatsHandle {
    /// The numbers now.
    #[must_use]
    pub fn now(&self) -> TailSamplingStats {
        self.0.lock().stats()
    }
}

#[cfg(test)]
mod tests;
