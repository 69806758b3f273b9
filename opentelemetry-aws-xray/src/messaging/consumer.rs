//! The spans of those who work on messages.

use std::{collections::HashSet, fmt, sync::Arc};

use opentelemetry::{
    Context, KeyValue, global,
    propagation::TextMapPropagator,
    trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt, Tracer, TracerProvider},
};

use super::MessageCarrier;
use crate::{
    propagator::{Inbound, is_synthetic},
    tracer::LazyTracer,
};

/// Makes CONSUMER spans, named `process {queue}`, for messages of one queue.
///
/// They have `messaging.system`, `messaging.destination.name`, `messaging.operation.name` and `messaging.operation.type`
/// (`process`), and for a batch `messaging.batch.message_count`. Whoever gets a span ends it.
///
/// ```
/// use opentelemetry::trace::TraceContextExt;
/// use opentelemetry_aws_xray::{XrayPropagator, messaging::{AWS_TRACE_HEADER, Consumer, MessageCarrier}};
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
///
/// // Without `Xray::install`, which sets both for the whole process:
/// let consumer = Consumer::sqs("arn:aws:sqs:eu-west-1:123456789012:jobs")
///     .with_tracer_provider(&provider)
///     .with_propagator(XrayPropagator::new());
///
/// let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// let message = MessageCarrier::from_iter([(AWS_TRACE_HEADER, header)]);
/// let cx = consumer.start_continued(&message);
/// assert_eq!(cx.span().span_context().trace_id().to_string(), "5759e988bd862e3fe1be46a994272793");
/// cx.span().end();
/// ```
#[derive(Clone)]
pub struct Consumer {
    tracer: LazyTracer,
    propagator: Option<Arc<dyn TextMapPropagator + Send + Sync>>,
    system: String,
    destination: String,
}

impl Consumer {
    /// A consumer of an SQS queue, given by its URL, its ARN or its name.
    #[must_use]
    pub fn sqs(queue: &str) -> Self {
        let name = queue.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(queue);
        Self::new("aws_sqs", name)
    }

    /// A consumer of any messages: `system` is a value of `messaging.system`, `destination` the name of the queue or topic.
    ///
    /// ```
    /// use opentelemetry_aws_xray::messaging::Consumer;
    ///
    /// let consumer = Consumer::new("kafka", "orders");
    /// ```
    #[must_use]
    pub fn new(system: impl Into<String>, destination: impl Into<String>) -> Self {
        Self {
            tracer: LazyTracer::default(),
            propagator: None,
            system: system.into(),
            destination: destination.into(),
        }
    }

    /// Sets where the spans go. Default: the global tracer provider, looked up at the first span and kept, so it must be
    /// installed by then.
    #[must_use]
    pub fn with_tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider,
        P::Tracer: Tracer<Span: Send + Sync + 'static> + Send + Sync + 'static,
    {
        self.tracer = LazyTracer::of(provider);
        self
    }

    /// Sets what reads the attributes. Default: the global propagator, looked up at each message.
    #[must_use]
    pub fn with_propagator(mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.propagator = Some(Arc::new(propagator));
        self
    }

    /// The current context with a new span that is linked to the producers of all messages, each once.
    ///
    /// The span is a child of the active one, else the root of a trace of its own. The links are those of
    /// [`links`](Self::links).
    #[must_use]
    pub fn start_linked<'m>(&self, messages: impl IntoIterator<Item = MessageCarrier<'m>>) -> Context {
        let mut count = 0;
        let links = self.links(messages.into_iter().inspect(|_| count += 1));
        let mut attributes = self.attributes();
        attributes.push(KeyValue::new("messaging.batch.message_count", count));
        self.start(&Context::current(), attributes, links)
    }

    /// The links to the producers of all messages, each once, for a span of your own: that of an invocation of Lambda.
    ///
    /// There is none to a producer whose trace is not sampled, about whose trace nobody has decided, or who has no span:
    /// nothing is behind it. X-Ray shows the first 20 (X-Ray developer guide, Segment documents).
    ///
    /// ```
    /// use opentelemetry::{Context, trace::TraceContextExt};
    /// use opentelemetry_aws_xray::messaging::{Consumer, MessageCarrier};
    ///
    /// fn link<'m>(records: impl Iterator<Item = MessageCarrier<'m>>) {
    ///     let cx = Context::current();
    ///     for link in Consumer::sqs("jobs").links(records) {
    ///         cx.span().add_link(link.span_context, link.attributes);
    ///     }
    /// }
    /// # link(std::iter::empty());
    /// ```
    #[must_use]
    pub fn links<'m>(&self, messages: impl IntoIterator<Item = MessageCarrier<'m>>) -> Vec<Link> {
        let mut seen = HashSet::new();
        let producers = messages.into_iter().filter_map(|message| self.producer(&message));
        producers.filter(|producer| seen.insert(ids(producer))).map(Link::with_context).collect()
    }

    /// The span that a message comes from, if it is recorded.
    fn producer(&self, message: &MessageCarrier<'_>) -> Option<SpanContext> {
        let cx = self.extract(&Context::new(), message);
        let span = cx.span();
        let producer = span.span_context();
        let is_open = Inbound::of(&cx).is_some_and(Inbound::is_undecided);
        let is_recorded = producer.is_sampled() && !is_open && !is_synthetic(producer);
        is_recorded.then(|| producer.clone())
    }

    /// The current context with a new span that is a child of the message's producer, in the same trace and sampled as
    /// that one was. Of a message without a producer, a child of the active span.
    #[must_use]
    pub fn start_continued(&self, message: &MessageCarrier<'_>) -> Context {
        self.start(&self.extract(&Context::current(), message), self.attributes(), Vec::new())
    }

    fn extract(&self, cx: &Context, message: &MessageCarrier<'_>) -> Context {
        match &self.propagator {
            Some(own) => own.extract_with_context(cx, message),
            None => global::get_text_map_propagator(|global| global.extract_with_context(cx, message)),
        }
    }

    fn attributes(&self) -> Vec<KeyValue> {
        vec![
            KeyValue::new("messaging.system", self.system.clone()),
            KeyValue::new("messaging.destination.name", self.destination.clone()),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.operation.type", "process"),
        ]
    }

    fn start(&self, parent: &Context, attributes: Vec<KeyValue>, links: Vec<Link>) -> Context {
        let builder = SpanBuilder::from_name(format!("process {}", self.destination))
            .with_kind(SpanKind::Consumer)
            .with_attributes(attributes)
            .with_links(links);
        self.tracer.start(parent, builder)
    }
}

fn ids(span: &SpanContext) -> ([u8; 16], [u8; 8]) {
    (span.trace_id().to_bytes(), span.span_id().to_bytes())
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("system", &self.system)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}
