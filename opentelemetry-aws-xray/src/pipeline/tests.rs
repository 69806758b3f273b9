//! Pipelines from settings to documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::{Resource, trace::Sampler};

use super::*;
#[cfg(feature = "adaptive-sampling")]
use crate::sampler::adaptive::AdaptiveSampling;
use crate::{
    config::Environment,
    propagator::XrayPropagator,
    sink::{Document, Documents, MemorySink, Report},
    tail_sampling::TailSampling,
};

/// A pipeline into memory, with variables of its own.
fn pipeline<const N: usize>(variables: [(&'static str, &str); N]) -> (Xray, MemorySink) {
    let sink = MemorySink::default();
    let taken = sink.clone();
    let builder = Xray::builder().with_exporter(|exporter| exporter.with_sink(taken));
    (builder.build_with(&Environment::of(variables)), sink)
}

fn request(xray: &Xray, header: &str) -> opentelemetry::Context {
    use opentelemetry::propagation::TextMapPropagator;
    let carrier = std::collections::HashMap::from([("x-amzn-trace-id".to_owned(), header.to_owned())]);
    let parent = XrayPropagator::default().extract_with_context(&opentelemetry::Context::new(), &carrier);
    let tracer = xray.tracer_provider().tracer("test");
    let span =
        tracer.span_builder("request").with_kind(SpanKind::Server).start_with_context(&tracer, &parent);
    parent.with_span(span)
}

#[test]
fn what_a_caller_decided_holds_and_what_he_left_open_is_sampled() {
    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
    for (fields, sent, parent) in [
        ("", 1, None),
        (";Sampled=?", 1, None),
        (";Parent=53995c3f42cd8ad8", 1, Some("53995c3f42cd8ad8")),
        (";Parent=53995c3f42cd8ad8;Sampled=1", 1, Some("53995c3f42cd8ad8")),
        (";Parent=53995c3f42cd8ad8;Sampled=0", 0, None),
        (";Sampled=0", 0, None),
    ] {
        let (xray, sink) = pipeline([]);
        request(&xray, &format!("{ROOT}{fields}")).span().end();
        xray.force_flush().unwrap();
        let documents = sink.take();
        assert_eq!(documents.len(), sent, "{fields}");
        for document in documents {
            let document: serde_json::Value = serde_json::from_str(&document).unwrap();
            assert_eq!(document["trace_id"], "1-5759e988-bd862e3fe1be46a994272793", "{fields}");
            assert_eq!(document["parent_id"].as_str(), parent, "{fields}");
        }
    }
}

#[test]
fn the_environment_names_who_decides() {
    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
    for (name, argument, new, not_sampled, sampled) in [
        ("", "", 1, 0, 1),
        ("always_on", "", 1, 1, 1),
        ("always_off", "", 0, 0, 0),
        ("parentbased_always_off", "", 0, 0, 1),
        ("parentbased_traceidratio", "0", 0, 0, 1),
        ("parentbased_traceidratio", "what?", 1, 0, 1),
        ("what?", "", 1, 0, 1),
    ] {
        for (fields, expected) in [
            ("", new),
            (";Parent=53995c3f42cd8ad8;Sampled=0", not_sampled),
            (";Parent=53995c3f42cd8ad8;Sampled=1", sampled),
        ] {
            let (xray, sink) =
                pipeline([("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
            request(&xray, &format!("{ROOT}{fields}")).span().end();
            xray.force_flush().unwrap();
            assert_eq!(sink.take().len(), expected, "{name} {argument} {fields}");
        }
    }
}

#[cfg(feature = "sampler")]
#[test]
fn code_wins_over_the_environment_about_who_decides() {
    type Build = fn(XrayBuilder) -> XrayBuilder;
    for (name, build, central) in [
        ("xray", (|builder| builder) as Build, true),
        ("xray", |builder| builder.with_sampler(Sampler::AlwaysOn), false),
        ("xray", |builder| builder.with_enabled(false), false),
        ("always_on", |builder| builder.with_central_sampling(|sampler| sampler), true),
        ("always_on", |builder| builder, false),
    ] {
        let xray = build(Xray::builder()).build_with(&Environment::of([("OTEL_TRACES_SAMPLER", name)]));
        let status = xray.sampler_status();
        assert_eq!(status.is_some(), central, "{name}");
        assert!(status.is_none_or(|status| status.rules.is_empty()), "nothing is fetched yet");
    }
}

#[cfg(feature = "sampler")]
#[test]
fn rules_are_asked_for_where_the_settings_say() {
    let listen = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (daemon, other) = (listen(), listen());
    let address = |listener: &std::net::TcpListener| listener.local_addr().unwrap().to_string();
    let tcp = format!("tcp:{} udp:127.0.0.1:9", address(&daemon));
    let argument = format!("polling_interval=60,endpoint=http://{}", address(&other));
    for (sampler, argument, asked, not_asked) in [
        ("xray", "", &daemon, &other),
        ("xray", &*argument, &other, &daemon),
        #[cfg(feature = "adaptive-sampling")]
        ("adaptive", "", &daemon, &other),
    ] {
        let environment = Environment::of([
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
            ("AWS_XRAY_DAEMON_ADDRESS", &*tcp),
        ]);
        let builder = Xray::builder().with_exporter(|exporter| exporter.with_sink(MemorySink::default()));
        #[cfg(feature = "adaptive-sampling")]
        let builder = match sampler {
            "adaptive" => builder.with_adaptive_sampling(AdaptiveSampling::new()),
            _ => builder,
        };
        let xray = builder.build_with(&environment);
        assert!(xray.sampler_status().is_some());
        xray.tracer_provider().tracer("test").start("job").end();
        drop(asked.accept().unwrap());
        not_asked.set_nonblocking(true).unwrap();
        assert!(not_asked.accept().is_err(), "{argument}");
        not_asked.set_nonblocking(false).unwrap();
        let _ = xray.shutdown();
        assert!(xray.sampler_status().unwrap().has_ended, "{sampler}");
    }
}

#[test]
fn the_service_is_named_by_xray_s_own_variable() {
    let (xray, sink) = pipeline([("AWS_XRAY_TRACING_NAME", "orders")]);
    xray.tracer_provider().tracer("test").start("job").end();
    xray.shutdown().unwrap();
    assert!(sink.take()[0].contains("\"name\":\"orders\""));
    assert_eq!(xray.stats().spans_sent, 1);
}

#[test]
fn a_function_is_named_and_placed_by_lambda_unless_somebody_knows_better() {
    const FUNCTION: (&str, &str) = ("AWS_LAMBDA_FUNCTION_NAME", "orders");
    type Build = fn(XrayBuilder) -> XrayBuilder;
    for (variable, build, name, origin) in [
        (("", ""), (|builder| builder) as Build, "orders", Some("AWS::Lambda::Function")),
        (("AWS_XRAY_TRACING_NAME", "named"), |builder| builder, "named", Some("AWS::Lambda::Function")),
        (("", ""), |builder| builder.with_service_name("code"), "code", Some("AWS::Lambda::Function")),
        (("AWS_XRAY_RESOURCE_DETECTION", "off"), |builder| builder.with_service_name("code"), "code", None),
        (
            ("", ""),
            |builder| builder.with_resource(Resource::builder_empty().with_service_name("given").build()),
            "given",
            None,
        ),
        // As with the X-Ray SDKs, which is documented.
        (
            ("AWS_XRAY_TRACING_NAME", "named"),
            |builder| builder.with_resource(Resource::builder_empty().with_service_name("given").build()),
            "named",
            None,
        ),
        (
            ("AWS_XRAY_TRACING_NAME", "named"),
            |builder| builder.with_resource_attribute(KeyValue::new("service.name", "given")),
            "named",
            Some("AWS::Lambda::Function"),
        ),
        (
            ("AWS_XRAY_TRACING_NAME", "named"),
            |builder| builder.with_service_name("code"),
            "code",
            Some("AWS::Lambda::Function"),
        ),
    ] {
        let sink = MemorySink::default();
        let builder = build(Xray::builder().with_exporter(|exporter| exporter.with_sink(sink.clone())));
        let xray = builder.build_with(&Environment::of([FUNCTION, variable]));
        xray.tracer_provider().tracer("test").start("job").end();
        xray.shutdown().unwrap();
        let document: serde_json::Value = serde_json::from_str(&sink.take()[0]).unwrap();
        assert_eq!(
            (document["name"].as_str(), document["origin"].as_str()),
            (Some(name), origin),
            "{variable:?}"
        );
    }
    let sink = MemorySink::default();
    let builder = Xray::builder()
        .with_exporter(|exporter| exporter.with_sink(sink.clone()))
        .with_resource_attribute(KeyValue::new("cloud.platform", "elsewhere"));
    let xray = builder.build_with(&Environment::of([FUNCTION]));
    xray.tracer_provider().tracer("test").start("job").end();
    xray.shutdown().unwrap();
    assert!(!sink.take()[0].contains("AWS::Lambda"), "the code wins");
}

#[test]
fn what_finds_the_queue_full_is_counted() {
    let (xray, sink) = pipeline([("OTEL_BSP_MAX_QUEUE_SIZE", "1")]);
    let tracer = xray.tracer_provider().tracer("test");
    for _ in 0..1_000 {
        tracer.start("job").end();
    }
    xray.shutdown().unwrap();
    let stats = xray.stats();
    assert_eq!((stats.spans_ended, stats.spans_ended), (1_000, stats.spans_in + stats.spans_missed));
    assert!(stats.spans_missed > 0 && sink.take().len() as u64 == stats.spans_in, "{stats:?}");
}

#[test]
fn what_the_caller_left_out_is_kept_if_it_fails() {
    let sink = MemorySink::default();
    let xray = Xray::builder()
        .with_exporter(|exporter| exporter.with_sink(sink.clone()))
        .with_tail_sampling(TailSampling::new().faults())
        .build_with(&Environment::of([]));
    let tracer = xray.tracer_provider().tracer("test");
    for status in [200, 500] {
        let request =
            request(&xray, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0");
        tracer.start_with_context("step", &request).end();
        request.span().set_attribute(KeyValue::new("http.response.status_code", status));
        request.span().end();
    }
    xray.force_flush().unwrap();
    let documents = sink.take();
    assert_eq!((documents.len(), xray.stats().spans_sent), (1, 2));
    let document: serde_json::Value = serde_json::from_str(&documents[0]).unwrap();
    let shown = (&document["fault"], &document["metadata"]["default"]["tail_sampling.reason"]);
    assert_eq!(shown, (&true.into(), &"fault".into()), "{document}");
    let stats = xray.tail_sampling_stats().unwrap();
    assert_eq!((stats.spans_in, stats.spans_kept, stats.spans_let_go), (4, 2, 2));
}

#[test]
fn turned_off_no_span_is_made() {
    let (xray, sink) = pipeline([("AWS_XRAY_SDK_ENABLED", "false")]);
    assert!(!xray.tracer_provider().tracer("test").start("job").is_recording());
    xray.shutdown().unwrap();
    assert_eq!((sink.take().len(), xray.stats()), (0, ExporterStats::default()));
}

#[test]
fn a_request_is_seen_before_it_ends_if_asked_for() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let received = || {
        let mut buffer = [0; 4_096];
        let length = socket.recv(&mut buffer).unwrap();
        let (_, document) = std::str::from_utf8(&buffer[..length]).unwrap().split_once('\n').unwrap();
        serde_json::from_str::<serde_json::Value>(document).unwrap()
    };
    let xray = Xray::builder()
        .with_daemon_address(socket.local_addr().unwrap().to_string())
        .with_in_progress(true)
        .build_with(&Environment::of([]));
    let mut span = xray.tracer_provider().tracer("test").start("job");
    xray.force_flush().unwrap();
    let early = received();
    assert_eq!((&early["in_progress"], early.get("end_time")), (&serde_json::json!(true), None));
    span.end();
    xray.shutdown().unwrap();
    let complete = received();
    assert_eq!((early["id"].as_str(), complete.get("in_progress")), (complete["id"].as_str(), None));
    assert_eq!(xray.stats().spans_sent, 1);
    assert_eq!(xray.in_progress_stats().map(|stats| stats.exporter.spans_sent), Some(1));
}

/// Holds everything until it is flushed, and wants to know how long a shutdown may last.
#[derive(Debug, Clone, Default)]
struct Slow {
    held: Vec<u32>,
    shut_down_within: std::sync::Arc<std::sync::Mutex<Option<Duration>>>,
}

impl crate::sink::SegmentSink for Slow {
    fn max_document_bytes(&self) -> usize {
        64_000
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        for document in documents.iter() {
            report.held(document);
            self.held.push(document.spans);
        }
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        assert!(timeout <= Duration::from_secs(5), "{timeout:?}");
        for spans in self.held.drain(..) {
            report.held_sent(Document { json: b"", spans });
        }
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        *self.shut_down_within.lock().unwrap() = Some(timeout);
        self.force_flush(timeout, report);
    }
}

#[test]
fn log_groups_are_those_of_the_code_or_else_of_lambda() {
    for (in_code, in_environment, expected) in [
        (&[][..], "/aws/lambda/orders", r#""cloudwatch_logs":[{"log_group":"/aws/lambda/orders"}]"#),
        (&["/shop"][..], "/aws/lambda/orders", r#""cloudwatch_logs":[{"log_group":"/shop"}]"#),
        (&[][..], "", r#""aws":{"xray":"#),
    ] {
        let sink = MemorySink::default();
        let taken = sink.clone();
        let xray = Xray::builder()
            .with_exporter(|exporter| exporter.with_sink(taken).with_log_groups(in_code.iter().copied()))
            .build_with(&Environment::of([("AWS_LAMBDA_LOG_GROUP_NAME", in_environment)]));
        xray.tracer_provider().tracer("test").start("job").end();
        xray.force_flush().unwrap();
        let documents = sink.take();
        assert!(documents[0].contains(expected), "{expected} in {documents:?}");
    }
}

#[test]
fn flush_and_time_for_shutdown_reach_the_sink() {
    let sink = Slow::default();
    let taken = sink.clone();
    let xray =
        Xray::builder().with_exporter(|exporter| exporter.with_sink(taken)).build_with(&Environment::of([]));
    let numbers = || (xray.stats().spans_sent, xray.stats().spans_held);
    xray.tracer_provider().tracer("test").start("job").end();
    xray.force_flush().unwrap();
    assert_eq!(numbers(), (1, 0));
    xray.tracer_provider().tracer("test").start("job").end();
    xray.tracer_provider().shutdown_with_timeout(Duration::from_secs(2)).unwrap();
    assert_eq!(numbers(), (2, 0));
    let within = sink.shut_down_within.lock().unwrap().unwrap();
    assert!(within <= Duration::from_secs(2), "{within:?}");
}

#[test]
fn nothing_is_in_progress_where_it_can_not_be() {
    for (disabled, sink) in [("true", None), ("false", Some(MemorySink::default()))] {
        let mut builder = Xray::builder().with_in_progress(true);
        if let Some(sink) = sink {
            builder = builder.with_exporter(|exporter| exporter.with_sink(sink));
        }
        let xray = builder.build_with(&Environment::of([("OTEL_SDK_DISABLED", disabled)]));
        assert_eq!(xray.in_progress_stats(), None, "disabled: {disabled}");
    }
}

#[test]
fn nothing_is_in_progress_that_tail_sampling_may_let_go() {
    let shown = |policy: TailSampling| {
        let builder = Xray::builder().with_daemon_address("127.0.0.1:9").with_in_progress(true);
        builder.with_tail_sampling(policy).build_with(&Environment::of([])).in_progress_stats().is_some()
    };
    assert!(shown(TailSampling::new().faults()), "what the sampler chose is sent in the end");
    assert!(!shown(TailSampling::new().faults().judge_sampled()));
}

#[test]
fn tail_sampling_judges_by_the_flags_of_the_document() {
    for (grpc_status, expected) in [(true, 0), (false, 1)] {
        let sink = MemorySink::default();
        let xray = Xray::builder()
            .with_exporter(|exporter| exporter.with_sink(sink.clone()).with_grpc_status(grpc_status))
            .with_sampler(Sampler::AlwaysOff)
            .with_tail_sampling(TailSampling::new().faults())
            .build_with(&Environment::of([]));
        let mut span = xray.tracer_provider().tracer("test").start("shop.Orders/Get");
        // NOT_FOUND, which is the caller's error.
        span.set_attribute(KeyValue::new("rpc.grpc.status_code", 5));
        span.set_status(Status::error(""));
        span.end();
        xray.force_flush().unwrap();
        let documents = sink.take();
        assert_eq!(documents.len(), expected, "{grpc_status}");
        assert!(documents.iter().all(|document| document.contains(r#""fault":true"#)), "{documents:?}");
    }
}

#[cfg(feature = "tower")]
#[test]
fn headers_travel_through_what_is_turned_off() {
    use std::{
        convert::Infallible,
        pin::pin,
        sync::{Arc, Mutex},
        task::Waker,
    };

    use tower_layer::Layer;
    use tower_service::Service;

    use crate::tower::{XrayClientLayer, XrayLayer};

    fn now<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(output) => output,
            std::task::Poll::Pending => panic!("it should have been ready"),
        }
    }

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
    const SAMPLED: &str = ";Parent=53995c3f42cd8ad8;Sampled=1";
    let xray = Xray::builder().with_enabled(false).build();
    let provider = xray.tracer_provider().clone();
    let outgoing =
        XrayClientLayer::new().with_tracer_provider(&provider).with_propagator(XrayPropagator::new());
    let sent = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&sent);
    let called = outgoing.layer(tower::service_fn(move |call: http::Request<String>| {
        *seen.lock().unwrap() = call.headers().get("x-amzn-trace-id").cloned();
        std::future::ready(Ok::<_, Infallible>(http::Response::new(String::new())))
    }));
    // Calls another service, within a span of its own or none.
    let handler = tower::service_fn(move |request: http::Request<String>| {
        let step = (request.uri().path() == "/step").then(|| {
            let span = provider.tracer("test").start("step");
            opentelemetry::Context::current_with_span(span).attach()
        });
        let answer = now(called.clone().call(http::Request::new(String::new())));
        drop(step);
        std::future::ready(answer)
    });
    let incoming =
        XrayLayer::new().with_tracer_provider(xray.tracer_provider()).with_propagator(XrayPropagator::new());
    let mut server = incoming.layer(handler);
    for path in ["/", "/step"] {
        for fields in ["", SAMPLED, ";Parent=53995c3f42cd8ad8;Sampled=0", ";Sampled=?", SAMPLED] {
            let header = format!("{ROOT}{fields}");
            let request = http::Request::get(path).header("x-amzn-trace-id", &header);
            let answer = now(server.call(request.body(String::new()).unwrap())).unwrap();
            assert_eq!(answer.headers()["x-amzn-trace-id"], ROOT, "nothing was decided");
            let sent = sent.lock().unwrap().take();
            assert_eq!(sent.unwrap().to_str().unwrap(), header, "{path}");
        }
    }
}

#[test]
fn dropping_the_handle_sends_what_is_queued() {
    let (xray, sink) = pipeline([]);
    xray.tracer_provider().tracer("test").start("job").end();
    drop(xray);
    assert_eq!(sink.take().len(), 1);
}
