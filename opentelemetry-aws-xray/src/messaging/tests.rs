//! Consumers of messages from producers of all kinds.

use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapCompositePropagator},
    trace::{SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{XrayParentBased, XrayPropagator};

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

struct Stage {
    spans: InMemorySpanExporter,
    provider: SdkTracerProvider,
    consumer: Consumer,
}

impl Stage {
    fn new() -> Self {
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .with_sampler(XrayParentBased::default())
            .build();
        let propagator = TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(XrayPropagator::new()),
        ]);
        let consumer = Consumer::sqs("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs")
            .with_tracer_provider(&provider)
            .with_propagator(propagator);
        Self { spans, provider, consumer }
    }

    fn ended(&self, cx: &Context) -> Option<SpanData> {
        cx.span().end();
        self.spans.get_finished_spans().unwrap().pop()
    }
}

fn carrier<'m>(name: &'m str, value: &'m str) -> MessageCarrier<'m> {
    [(name, value)].into_iter().collect()
}

fn header(parent: u64, sampled: &str) -> String {
    format!("Root={ROOT};Parent={parent:016x};Sampled={sampled}")
}

#[test]
fn queues_are_known_by_url_arn_or_name() {
    for queue in [
        "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
        "http://localhost:9324/queue/jobs/",
        "arn:aws:sqs:eu-west-1:123456789012:jobs",
        "jobs",
    ] {
        assert!(format!("{:?}", Consumer::sqs(queue)).contains("destination: \"jobs\""), "{queue}");
    }
}

#[test]
fn the_system_attribute_wins_and_names_have_no_case() {
    let mut carrier = carrier("X-Amzn-Trace-Id", "Root=other");
    assert_eq!(carrier.get("x-amzn-trace-id"), Some("Root=other"));
    carrier.extend([("AWSTraceHeader", "Root=system"), ("TraceParent", "00-")]);
    for (key, expected) in [
        ("x-amzn-trace-id", Some("Root=system")),
        ("traceparent", Some("00-")),
        ("awstraceheader", Some("Root=system")),
        ("tracestate", None),
    ] {
        assert_eq!(carrier.get(key), expected, "{key}");
    }
}

#[test]
fn a_batch_is_linked_to_every_sampled_producer_once() {
    let stage = Stage::new();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let (one, two, unsampled) = (header(1, "1"), header(2, "1"), header(3, "0"));
    let whole = format!("Root={ROOT};Lineage=1:a87bd80c:0");
    let open = format!("Root={ROOT};Parent=0000000000000004");
    let without_parent = format!("Root={ROOT};Sampled=1");
    let messages = [
        carrier("AWSTraceHeader", &one),
        carrier("AWSTraceHeader", &one),
        carrier("AWSTraceHeader", &two),
        carrier("AWSTraceHeader", &unsampled),
        carrier("AWSTraceHeader", "garbage"),
        // Nobody has decided, or there is no segment.
        carrier("AWSTraceHeader", &whole),
        carrier("AWSTraceHeader", &open),
        carrier("AWSTraceHeader", &without_parent),
        carrier("traceparent", traceparent),
        MessageCarrier::default(),
    ];
    let span = stage.ended(&stage.consumer.start_linked(messages)).unwrap();
    let links: Vec<_> = span.links.iter().map(|link| link.span_context.span_id().to_string()).collect();
    assert_eq!(links, ["0000000000000001", "0000000000000002", "b7ad6b7169203331"]);
    assert_eq!((span.name.as_ref(), span.span_kind), ("process jobs", SpanKind::Consumer));
    assert_eq!(span.parent_span_id.to_string(), "0000000000000000");
    assert_ne!(span.span_context.trace_id().to_string(), "5759e988bd862e3fe1be46a994272793");
    let shown: Vec<_> =
        span.attributes.iter().map(|found| format!("{}={}", found.key, found.value)).collect();
    assert_eq!(
        shown,
        [
            "messaging.system=aws_sqs",
            "messaging.destination.name=jobs",
            "messaging.operation.name=process",
            "messaging.operation.type=process",
            "messaging.batch.message_count=10",
        ]
    );
}

#[test]
fn a_batch_inside_of_a_span_belongs_to_it() {
    let stage = Stage::new();
    let outer = Context::new().with_span(stage.provider.tracer("test").start("handler"));
    let active = outer.clone().attach();
    let span =
        stage.ended(&stage.consumer.start_linked([carrier("AWSTraceHeader", &header(1, "1"))])).unwrap();
    drop(active);
    assert_eq!(span.parent_span_id, outer.span().span_context().span_id());
    assert_eq!(span.links.iter().count(), 1);
}

#[test]
fn one_message_continues_its_producers_trace() {
    let stage = Stage::new();
    for (attribute, trace_id, parent) in [
        (header(7, "1"), "5759e988bd862e3fe1be46a994272793", Some("0000000000000007")),
        (format!("Root={ROOT}"), "5759e988bd862e3fe1be46a994272793", None),
    ] {
        let cx = stage.consumer.start_continued(&carrier("AWSTraceHeader", &attribute));
        let span = stage.ended(&cx).unwrap();
        assert_eq!(span.span_context.trace_id().to_string(), trace_id, "{attribute}");
        assert!(parent.is_none_or(|parent| span.parent_span_id.to_string() == parent), "{attribute}");
        assert!(span.parent_span_is_remote && span.links.iter().count() == 0);
    }
    stage.spans.reset();
    let cx = stage.consumer.start_continued(&carrier("AWSTraceHeader", &header(7, "0")));
    assert!(stage.ended(&cx).is_none(), "the producer was not sampled");
}

thread_local! {
    /// A provider is too much to make for each case.
    static STAGE: Stage = Stage::new();
}

proptest! {
    #[test]
    fn no_attribute_panics(
        attributes in vec((".{0,8}", ".{0,16}"), 0..80),
        header in "(Root|Parent|Sampled|[;=1-9a-f-]){0,30}",
    ) {
        let mut message: MessageCarrier<'_> =
            attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        message.extend([(AWS_TRACE_HEADER, header.as_str())]);
        prop_assert!(message.keys().len() <= 64);
        STAGE.with(|stage| {
            stage.ended(&stage.consumer.start_continued(&message));
            stage.ended(&stage.consumer.start_linked([message]));
            stage.spans.reset();
        });
    }
}
