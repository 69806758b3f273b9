//! Invocations from the header to the document, and to what the handler passes on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails with the test")]

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::Waker,
    time::Duration,
};

use lambda_runtime::{Context as LambdaContext, Error, LambdaEvent, Service, service_fn};
use opentelemetry::{
    Context, KeyValue,
    trace::{TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use serde_json::{Value, json};
use tower_layer::Layer;
use tracing::Instrument;
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::*;
use crate::{
    InProgressProcessor, Xray, XrayExporter,
    config::Environment,
    lambda::invocation::Invocation,
    messaging::{Consumer, MessageCarrier},
    propagator::{XrayPropagator, header_value},
    sink::MemorySink,
};

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";
const PARENT: &str = "53995c3f42cd8ad8";
const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders";

/// A pipeline into memory that sends nothing by itself.
fn pipeline() -> (Xray, MemorySink) {
    let sink = MemorySink::default();
    let taken = sink.clone();
    let xray = Xray::builder()
        .with_service_name("orders")
        .with_resource_attribute(KeyValue::new("cloud.platform", "aws_lambda"))
        .with_exporter(|exporter| exporter.with_sink(taken))
        .with_export_interval(Duration::from_secs(3_600))
        .build();
    (xray, sink)
}

fn context(header: Option<String>) -> LambdaContext {
    let mut context = LambdaContext::default();
    context.request_id = "8476a536".to_owned();
    context.invoked_function_arn = format!("{ARN}:live");
    context.xray_trace_id = header;
    let config = lambda_runtime::Config {
        function_name: "orders".to_owned(),
        version: "7".to_owned(),
        ..lambda_runtime::Config::default()
    };
    context.env_config = config.into();
    context
}

/// One invocation of a handler that does as the payload says and tells which header it would pass on.
async fn invoke<S>(
    service: &mut S,
    payload: &'static str,
    header: Option<String>,
) -> Result<S::Response, S::Error>
where
    S: Service<LambdaEvent<&'static str>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(LambdaEvent::new(payload, context(header))).await
}

async fn handler(event: LambdaEvent<&'static str>) -> Result<Option<String>, Error> {
    tokio::task::yield_now().await;
    match event.payload {
        "error" => Err("no such order: https://x/?sig=secret".into()),
        "panic" => panic!("{}", "all is lost"),
        _ => Ok(header_value(&Context::current())),
    }
}

fn documents(sink: &MemorySink) -> Vec<Value> {
    sink.take().iter().map(|document| serde_json::from_str(document).unwrap()).collect()
}

#[tokio::test]
async fn lambda_decides_and_its_trace_is_continued() {
    let full = format!("Root={ROOT};Parent={PARENT};Sampled=1");
    let extras = format!("{full};Lineage=a87bd80c:1|68fd508a:5;Self=1-5759e988-bd862e3fe1be46a994272794");
    let unsampled = format!("Root={ROOT};Parent={PARENT};Sampled=0;Lineage=a87bd80c:1");
    let open = format!("Root={ROOT};Lineage=a87bd80c:1");
    for (header, own_decision, parent, passed_on) in [
        (Some(&full), false, Some(Some(PARENT)), format!("Root={ROOT};Parent=OWN;Sampled=1")),
        (
            Some(&extras),
            false,
            Some(Some(PARENT)),
            format!("Root={ROOT};Parent=OWN;Sampled=1;Lineage=a87bd80c:1|68fd508a:5"),
        ),
        (Some(&unsampled), false, None, format!("Root={ROOT};Parent=OWN;Sampled=0;Lineage=a87bd80c:1")),
        (Some(&unsampled), true, None, format!("Root={ROOT};Parent=OWN;Sampled=0;Lineage=a87bd80c:1")),
        (Some(&open), false, None, open.clone()),
        (Some(&open), true, Some(None), format!("Root={ROOT};Parent=OWN;Sampled=1;Lineage=a87bd80c:1")),
        (None, false, Some(None), "Root=NEW;Parent=OWN;Sampled=1".to_owned()),
        (Some(&"rubbish".to_owned()), false, Some(None), "Root=NEW;Parent=OWN;Sampled=1".to_owned()),
    ] {
        let (xray, sink) = pipeline();
        let layer = XrayLambdaLayer::new(xray.tracer_provider()).with_own_decision(own_decision);
        let mut service = layer.layer(service_fn(handler));
        let sent = invoke(&mut service, "", header.cloned()).await.unwrap().unwrap();
        // Nobody flushed but the layer.
        let documents = documents(&sink);
        let segment = documents.first();
        assert_eq!(segment.map(|segment| segment["parent_id"].as_str()), parent, "{header:?} {own_decision}");
        let own = segment.map_or_else(
            || sent.split("Parent=").nth(1).map_or("none", |rest| &rest[..16]),
            |segment| segment["id"].as_str().unwrap(),
        );
        let new = segment.map_or(ROOT, |segment| segment["trace_id"].as_str().unwrap());
        assert_eq!(sent, passed_on.replace("OWN", own).replace("NEW", new), "{header:?} {own_decision}");
    }
}

/// What Lambda left open stays open: no span inside is recorded, and calls from inside pass the same header on.
#[tokio::test]
async fn nobody_decides_in_pass_through() {
    let open = format!("Root={ROOT};Lineage=a87bd80c:1");
    for own_decision in [false, true] {
        let (xray, sink) = pipeline();
        let tracer = xray.tracer_provider().tracer("test");
        let handler = service_fn(move |_: LambdaEvent<&str>| {
            let tracer = tracer.clone();
            async move { Ok::<_, Error>(tracer.in_span("call", |cx| header_value(&cx))) }
        });
        let layer = XrayLambdaLayer::new(xray.tracer_provider()).with_own_decision(own_decision);
        let sent = invoke(&mut layer.layer(handler), "", Some(open.clone())).await.unwrap().unwrap();
        assert_eq!((sent == open, documents(&sink).is_empty()), (!own_decision, !own_decision), "{sent}");
    }
}

#[tokio::test]
async fn a_segment_says_what_ran_and_how_it_ended() {
    let (xray, sink) = pipeline();
    let layer = XrayLambdaLayer::new(xray.tracer_provider()).with_trigger(FaasTrigger::PubSub);
    let mut service = layer.layer(service_fn(handler));
    for (nth, (payload, exception)) in [
        ("", None),
        ("error", Some(("Box<dyn Error>".to_owned(), "no such order: https://x/?sig=REDACTED"))),
        ("panic", Some(("panic".to_owned(), "all is lost"))),
        ("", None),
    ]
    .into_iter()
    .enumerate()
    {
        let header = Some(format!("Root={ROOT};Parent={PARENT};Sampled=1"));
        let invoked = caught(invoke(&mut service, payload, header)).await;
        assert_eq!(invoked.is_err(), payload == "panic", "{payload}");
        let segment = &documents(&sink)[0];
        assert_eq!(segment["fault"].as_bool(), exception.as_ref().map(|_| true), "{payload}");
        let found = &segment["cause"]["exceptions"][0];
        let found = (found["type"].as_str(), found["message"].as_str());
        let expected = exception.as_ref().map(|(kind, message)| (kind.as_str(), *message)).unzip();
        assert_eq!(found, expected, "{payload}");

        assert_eq!(
            (&segment["name"], &segment["origin"]),
            (&json!("orders"), &json!("AWS::Lambda::Function"))
        );
        assert_eq!((&segment["trace_id"], &segment["parent_id"]), (&json!(ROOT), &json!(PARENT)));
        assert_eq!(segment["resource_arn"], format!("{ARN}:7"));
        let aws = &segment["aws"];
        assert_eq!((&aws["request_id"], &aws["account_id"]), (&json!("8476a536"), &json!("123456789012")));
        let metadata = &segment["metadata"]["default"];
        assert_eq!(
            (&metadata["faas.trigger"], &metadata["faas.coldstart"]),
            (&json!("pubsub"), &json!(nth == 0))
        );
        assert_eq!(metadata["aws.lambda.invoked_arn"], format!("{ARN}:live"));
    }
}

/// Nobody here decides anything, nor stands between those who called and those who are called.
#[tokio::test]
async fn a_pipeline_that_is_turned_off_passes_on_what_came() {
    let xray = Xray::builder().with_enabled(false).build();
    let mut service = XrayLambdaLayer::new(xray.tracer_provider()).layer(service_fn(handler));
    for fields in
        [";Parent=53995c3f42cd8ad8;Sampled=1", ";Parent=53995c3f42cd8ad8;Sampled=0", ";Lineage=1:a:0"]
    {
        let header = format!("Root={ROOT}{fields}");
        let sent = invoke(&mut service, "", Some(header.clone())).await.unwrap();
        assert_eq!(sent.as_deref(), Some(&*header));
    }
}

/// The future's panic, as the runtime catches it.
async fn caught<T>(future: impl Future<Output = T>) -> std::thread::Result<T> {
    let mut future = Box::pin(future);
    poll_fn(move |cx| match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => std::task::Poll::Ready(Err(panic)),
    })
    .await
}

#[tokio::test]
async fn a_handler_that_panics_before_its_future_is_recorded() {
    let (xray, sink) = pipeline();
    let handler =
        service_fn(|_: LambdaEvent<&str>| -> std::future::Ready<Result<(), Error>> { panic!("at once") });
    let mut service = XrayLambdaLayer::new(xray.tracer_provider()).layer(handler);
    let invoked = caught(invoke(&mut service, "", None)).await;
    assert_eq!(invoked.unwrap_err().downcast_ref::<&str>(), Some(&"at once"));
    assert_eq!(documents(&sink)[0]["cause"]["exceptions"][0]["message"], "at once");
}

/// Spans inside are children, and what holds them is dropped before the segment ends.
#[tokio::test]
async fn what_the_handler_does_is_inside_and_sent_with_it() {
    let (xray, sink) = pipeline();
    let tracer = xray.tracer_provider().tracer("test");
    let handler = service_fn(move |_: LambdaEvent<&str>| {
        let tracer = tracer.clone();
        async move {
            let _step = tracer.start_with_context("step", &Context::current());
            tokio::task::yield_now().await;
            Ok::<_, Error>(())
        }
    });
    let mut service = XrayLambdaLayer::new(xray.tracer_provider()).layer(handler);
    invoke(&mut service, "", None).await.unwrap();
    let segment = &documents(&sink)[0];
    let step = &segment["subsegments"][0];
    assert_eq!(step["name"], "step", "{segment}");
    assert!(step["end_time"].as_f64() <= segment["end_time"].as_f64(), "{segment}");
}

/// What the page on Lambda says of `tracing`: its spans are inside, and those around the invocation stand apart or are left out.
#[tokio::test]
async fn spans_of_tracing_are_inside_and_those_of_the_runtime_apart() {
    for (runtime, segments) in [(LevelFilter::INFO, 2), (LevelFilter::OFF, 1)] {
        let (xray, sink) = pipeline();
        let tracer = xray.tracer_provider().tracer("test");
        let targets = Targets::new().with_default(LevelFilter::INFO).with_target("lambda_runtime", runtime);
        let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_filter(targets);
        let _subscriber = tracing_subscriber::registry().with(layer).set_default();
        let handler = service_fn(async |_: LambdaEvent<&str>| {
            tracing::info_span!("step").in_scope(|| {});
            Ok::<_, Error>(())
        });
        let mut service = XrayLambdaLayer::new(xray.tracer_provider()).layer(handler);
        let around = tracing::info_span!(target: "lambda_runtime::layers::trace", "Lambda runtime invoke");
        let header = Some(format!("Root={ROOT};Parent={PARENT};Sampled=1"));
        invoke(&mut service, "", header).instrument(around).await.unwrap();
        xray.force_flush().unwrap();

        let found = documents(&sink);
        let invocation = found.iter().find(|segment| segment["trace_id"] == ROOT).unwrap();
        assert_eq!(invocation["parent_id"], PARENT, "{invocation}");
        assert_eq!(invocation["subsegments"][0]["name"], "step", "{invocation}");
        assert_eq!(found.len(), segments, "{found:?}");
    }
}

#[test]
fn the_environment_counts_where_the_context_says_nothing_and_only_one_runs() {
    let (xray, _sink) = pipeline();
    let layer = XrayLambdaLayer::new(xray.tracer_provider());
    let named = |root: &str| format!("Root={root};Parent={PARENT};Sampled=1");
    const OTHER: &str = "1-5759e988-000000000000000000000001";
    for (concurrency, in_context, in_environment, expected) in [
        ("", Some(ROOT), Some(OTHER), Some(ROOT)),
        ("", None, Some(OTHER), Some(OTHER)),
        ("1", None, Some(OTHER), Some(OTHER)),
        ("16", None, Some(OTHER), None),
        ("16", Some(ROOT), Some(OTHER), Some(ROOT)),
        ("", None, None, None),
    ] {
        let shared = layer.shared(&Environment::of([("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)]));
        let event = context(in_context.map(named));
        let mut invocation = Invocation::begin(&shared, &event, || in_environment.map(named));
        let header = invocation.scope(|| header_value(&Context::current())).unwrap();
        let root = header.strip_prefix("Root=").map(|rest| &rest[..ROOT.len()]);
        let is_new = ![Some(ROOT), Some(OTHER)].contains(&root);
        assert_eq!(root.filter(|_| !is_new), expected, "{concurrency:?} {in_context:?}");
    }
}

#[test]
fn who_waits_for_the_process_to_start() {
    for (initialization, is_cold) in [
        ("", true),
        ("on-demand", true),
        ("snap-start", true),
        ("provisioned-concurrency", false),
        ("lambda-managed-instances", false),
    ] {
        let (xray, sink) = pipeline();
        let environment = Environment::of([("AWS_LAMBDA_INITIALIZATION_TYPE", initialization)]);
        let shared = XrayLambdaLayer::new(xray.tracer_provider()).shared(&environment);
        drop(Invocation::begin(&shared, &context(None), || None));
        xray.force_flush().unwrap();
        assert_eq!(documents(&sink)[0]["metadata"]["default"]["faas.coldstart"], is_cold, "{initialization}");
    }
}

/// A handler that runs out of time has what was done by then sent before that, and is itself seen as one that runs.
#[tokio::test]
async fn what_there_is_is_sent_before_the_deadline() {
    let sink = MemorySink::default();
    let exporter = || XrayExporter::builder().with_sink(sink.clone()).build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(InProgressProcessor::new(exporter(), LONG))
        .with_batch_exporter(exporter())
        .build();
    drop(provider.tracer("test").start_with_context("step", &Context::new()));
    let mut service = XrayLambdaLayer::new(&provider).layer(service_fn(hanging));
    let mut context = context(None);
    context.deadline = u64::try_from(crate::clock::epoch().as_millis()).unwrap() + 200;
    let running = service.call(LambdaEvent::new("", context));
    let seen = async {
        let mut seen = Vec::new();
        while seen.len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            seen.extend(documents(&sink));
        }
        seen
    };
    let seen = tokio::time::timeout(PATIENCE, seen).await.unwrap();
    let has = |in_progress: Option<bool>| {
        seen.iter().any(|document| document["in_progress"].as_bool() == in_progress)
    };
    assert!(has(None) && has(Some(true)), "{seen:?}");
    drop(running);
}

/// The answer of one invocation shows nothing of the others that run.
#[tokio::test]
async fn an_answer_does_not_show_the_others_that_run() {
    let sink = MemorySink::default();
    let exporter = || XrayExporter::builder().with_sink(sink.clone()).build();
    let early = InProgressProcessor::new(exporter(), LONG);
    let stats = early.stats_handle();
    let provider =
        SdkTracerProvider::builder().with_span_processor(early).with_batch_exporter(exporter()).build();
    let layer = XrayLambdaLayer::new(&provider);
    let running = layer.layer(service_fn(hanging)).call(LambdaEvent::new("", context(None)));
    invoke(&mut layer.layer(service_fn(handler)), "", None).await.unwrap();
    assert_eq!(documents(&sink).len(), 1);
    assert_eq!((stats.now().waiting, stats.now().exporter.spans_in), (1, 0));
    drop(running);
}

async fn hanging(_: LambdaEvent<&'static str>) -> Result<(), Error> {
    std::future::pending().await
}

/// However many ask while a flush runs, one more is for all of them.
#[tokio::test]
async fn concurrent_invocations_share_a_flush() {
    const INVOCATIONS: usize = 32;
    let (gate, provider) = gated();
    let service = XrayLambdaLayer::new(&provider).layer(service_fn(handler));
    let mut invocations: Vec<_> = (0..INVOCATIONS)
        .map(|_| Box::pin(service.clone().call(LambdaEvent::new("", context(None)))))
        .collect();
    // The handlers yield once; then all wait for their spans to be sent, unless the machine is slower than that may take.
    for _ in 0..2 {
        invocations.retain_mut(|invocation| {
            invocation.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending()
        });
    }
    gate.open();
    for invocation in invocations {
        invocation.await.unwrap();
    }
    assert!(gate.flushes() <= 2, "{}", gate.flushes());
}

/// Neither a flush that hangs nor threads that are all busy keep an answer for long.
#[test]
fn the_wait_is_bounded_without_a_thread_of_the_runtime() {
    let (gate, provider) = gated();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let busy = gate.clone();
    runtime.spawn_blocking(move || busy.pass());
    let mut service = XrayLambdaLayer::new(&provider).layer(service_fn(handler));
    let (answered, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime.block_on(invoke(&mut service, "", None)).unwrap();
        answered.send(()).unwrap();
        runtime.shutdown_background();
    });
    let answer = answer.recv_timeout(PATIENCE);
    gate.open();
    answer.unwrap();
}

/// Whoever sent a message may have a trace that is recorded, also where the invocation is not.
#[tokio::test]
async fn what_is_recorded_inside_of_an_invocation_that_is_not_is_sent_with_it() {
    let (xray, sink) = pipeline();
    let provider = xray.tracer_provider().clone();
    let handler = service_fn(move |_: LambdaEvent<&str>| {
        let consumer =
            Consumer::sqs("jobs").with_tracer_provider(&provider).with_propagator(XrayPropagator::new());
        async move {
            let header = format!("Root={ROOT};Parent={PARENT};Sampled=1");
            let message: MessageCarrier = [("AWSTraceHeader", &*header)].into_iter().collect();
            consumer.start_continued(&message).span().end();
            Ok::<_, Error>(())
        }
    });
    let mut service = XrayLambdaLayer::new(xray.tracer_provider()).layer(handler);
    for fields in [format!(";Parent={PARENT};Sampled=0"), String::new()] {
        let header = format!("Root=1-5759e988-000000000000000000000001{fields}");
        invoke(&mut service, "", Some(header)).await.unwrap();
        let sent = documents(&sink);
        assert_eq!((sent.len(), &sent[0]["trace_id"]), (1, &json!(ROOT)), "{sent:?}");
    }
}

/// Nor does an answer wait for the spans of others where these can't be sent.
#[tokio::test]
async fn an_invocation_that_is_not_recorded_does_not_wait_where_sending_hangs() {
    let (gate, provider) = gated();
    let service = XrayLambdaLayer::new(&provider).layer(service_fn(handler));
    let invocation = |sampled: u8| {
        let header = format!("Root={ROOT};Parent={PARENT};Sampled={sampled}");
        Box::pin(service.clone().call(LambdaEvent::new("", context(Some(header)))))
    };
    // The handlers yield once.
    let polls = |mut invocation: Pin<Box<dyn Future<Output = _>>>| {
        [(); 2].map(|()| {
            let mut cx = std::task::Context::from_waker(Waker::noop());
            Future::poll(invocation.as_mut(), &mut cx).is_ready()
        })
    };
    assert_eq!(polls(invocation(1)), [false, false]);
    assert_eq!(polls(invocation(0)), [false, true]);
    gate.open();
}

/// The panic of a processor takes the thread along, and no answer.
#[tokio::test]
async fn nobody_waits_for_a_thread_that_is_gone() {
    let (gate, provider) = gated();
    gate.break_down();
    let mut service = XrayLambdaLayer::new(&provider).layer(service_fn(handler));
    for _ in 0..3 {
        invoke(&mut service, "", None).await.unwrap();
    }
    assert_eq!(gate.flushes(), 1);
}

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3_600);

/// More than a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A provider whose flushes wait for a gate to be opened.
fn gated() -> (Gate, SdkTracerProvider) {
    let gate = Gate::default();
    let provider = SdkTracerProvider::builder().with_span_processor(gate.clone()).build();
    (gate, provider)
}

#[derive(Debug, Clone, Default)]
struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Debug, Default)]
struct GateState {
    is_open: bool,
    is_broken: bool,
    flushes: usize,
}

impl Gate {
    fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }

    fn break_down(&self) {
        self.0.0.lock().unwrap().is_broken = true;
    }

    fn pass(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |state| !state.is_open).unwrap());
    }

    fn flushes(&self) -> usize {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).flushes
    }
}

impl SpanProcessor for Gate {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        let mut state = self.0.0.lock().unwrap();
        state.flushes += 1;
        assert!(!state.is_broken, "a processor that panics");
        drop(state);
        self.pass();
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
