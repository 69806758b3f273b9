//! Annotations and metadata from within a handler, as attributes of the span that is current there.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use opentelemetry::{
    Context, SpanId, TraceId, Value,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider},
};
use opentelemetry_aws_xray::{add_metadata, annotate, try_add_metadata, try_annotate};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use tracing::{Dispatch, Event, Instrument, Subscriber};
use tracing_subscriber::{Layer, layer, layer::SubscriberExt, registry};

fn pipeline() -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    (SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build(), exporter)
}

/// The attributes that the span of that name got from us, in their order.
fn attributes(spans: &[SpanData], name: &str) -> Vec<(String, Value)> {
    let span = spans.iter().find(|span| span.name == name).unwrap();
    let ours = span.attributes.iter().filter(|attribute| attribute.key.as_str().starts_with("aws.xray."));
    ours.map(|attribute| (attribute.key.to_string(), attribute.value.clone())).collect()
}

#[test]
fn the_current_span_gets_values_with_their_types() {
    let (provider, exporter) = pipeline();
    provider.tracer("test").in_span("request", |_| {
        annotate("order.id", "o-1".to_owned());
        annotate("plan", "gold");
        annotate("express", true);
        annotate("items", 3);
        annotate("total", 9.5);
        add_metadata("stock", "reserved", 3);
        add_metadata("my.app", "retry.count", 1);
        add_metadata("", "note", "a note");
    });
    let expected: [(&str, Value); 8] = [
        ("aws.xray.annotation.order.id", "o-1".into()),
        ("aws.xray.annotation.plan", "gold".into()),
        ("aws.xray.annotation.express", true.into()),
        ("aws.xray.annotation.items", 3.into()),
        ("aws.xray.annotation.total", 9.5.into()),
        ("aws.xray.metadatum.stock.reserved", 3.into()),
        ("aws.xray.metadatum.my%2Eapp.retry.count", 1.into()),
        ("aws.xray.metadatum..note", "a note".into()),
    ];
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(attributes(&spans, "request"), expected.map(|(name, value)| (name.to_owned(), value)));
}

/// Runs `work` beneath a layer that makes spans of those of `tracing`, and answers them.
fn beneath_tracing(activation: bool, work: impl FnOnce()) -> Vec<SpanData> {
    let (provider, exporter) = pipeline();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_context_activation(activation);
    tracing::dispatcher::with_default(&Dispatch::new(registry().with(layer)), work);
    exporter.get_finished_spans().unwrap()
}

#[test]
fn a_span_of_tracing_is_the_current_one_while_it_is_entered() {
    let spans = beneath_tracing(true, || {
        tracing::info_span!("outer").in_scope(|| {
            annotate("where", "outer");
            tracing::info_span!("inner").in_scope(|| annotate("where", "inner"));
            annotate("again", true);
        });
    });
    let annotation = |key: &str, value: Value| (format!("aws.xray.annotation.{key}"), value);
    assert_eq!(attributes(&spans, "inner"), [annotation("where", "inner".into())]);
    assert_eq!(
        attributes(&spans, "outer"),
        [annotation("where", "outer".into()), annotation("again", true.into())]
    );
}

#[test]
fn an_instrumented_future_keeps_its_span_over_an_await() {
    let spans = beneath_tracing(true, || {
        let handler = |name: &'static str| {
            async move {
                tokio::task::yield_now().await;
                annotate("handler", name);
            }
            .instrument(tracing::info_span!("request", otel.name = name))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { tokio::join!(handler("one"), handler("two")) });
    });
    for name in ["one", "two"] {
        assert_eq!(attributes(&spans, name), [("aws.xray.annotation.handler".to_owned(), name.into())]);
    }
}

/// Keeps what the crate logs about missing contexts.
#[derive(Clone, Default)]
struct Missing(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Missing {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        if event.metadata().name() == "Xray.ContextMissing" {
            let mut fields = String::new();
            event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                fields.push_str(&format!("{}={value:?} ", field.name()));
            });
            self.0.lock().unwrap().push(fields);
        }
    }
}

/// The log gets one line a minute from the whole process, so all that may not write one comes first.
#[test]
fn only_where_there_is_no_span_it_is_logged() {
    let missing = Missing::default();
    let logged = || std::mem::take(&mut *missing.0.lock().unwrap());
    tracing::dispatcher::with_default(&Dispatch::new(registry().with(missing.clone())), || {
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        provider.tracer("test").in_span("not sampled", |_| annotate("key", 1));
        {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            annotate("key", 1);
        }
        assert_eq!(logged(), [""; 0]);

        let caller =
            SpanContext::new(TraceId::from(1), SpanId::from(1), TraceFlags::SAMPLED, true, TraceState::NONE);
        let _remote = Context::new().with_remote_span_context(caller).attach();
        annotate("key", 1);
        assert_eq!(logged().len(), 1);
        add_metadata("namespace", "key", 1);
        assert_eq!(try_annotate("key", 1), Ok(()), "only `RUNTIME_ERROR` fails");
        assert_eq!(try_add_metadata("namespace", "key", 1), Ok(()));
        assert_eq!(logged().len(), 0, "one line a minute");
    });
}
