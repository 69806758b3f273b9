//! Spans that are recorded although they are not sampled.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceId},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// Records what another sampler would drop, so that processors see how it ends. What goes downstream stays the same:
/// the trace is not sampled, and nothing is exported unless a processor says so.
///
/// Put it around the outermost sampler: around [`XrayParentBased`](crate::XrayParentBased), not inside, so that children of
/// such spans are recorded too. What it costs is that every request pays for its spans: 0.4 µs for a small one, and
/// more with many attributes, where one that is dropped costs 0.15 µs.
///
/// [`XrayBuilder::with_tail_sampling`](crate::XrayBuilder::with_tail_sampling) does this.
///
/// ```
/// use opentelemetry::trace::{Span, Tracer, TracerProvider};
/// use opentelemetry_aws_xray::{XrayParentBased, sampler::RecordUnsampled};
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
///
/// let sampler = RecordUnsampled::new(XrayParentBased::new(Sampler::AlwaysOff));
/// let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
/// let span = provider.tracer("shop").start("order");
/// assert!(span.is_recording() && !span.span_context().is_sampled());
/// ```
#[derive(Debug, Clone)]
pub struct RecordUnsampled {
    sampler: Box<dyn ShouldSample>,
}

impl RecordUnsampled {
    /// Records also what `sampler` would drop.
    #[must_use]
    pub fn new(sampler: impl Into<Box<dyn ShouldSample>>) -> Self {
        Self { sampler: sampler.into() }
    }
}

impl ShouldSample for RecordUnsampled {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result = self.sampler.should_sample(parent_context, trace_id, name, span_kind, attributes, links);
        match result.decision {
            SamplingDecision::Drop => SamplingResult { decision: SamplingDecision::RecordOnly, ..result },
            SamplingDecision::RecordOnly | SamplingDecision::RecordAndSample => result,
        }
    }
}
