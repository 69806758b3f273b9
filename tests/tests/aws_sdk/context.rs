//! Which calls get a span, and what they tell the other side.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_sqs::error::DisplayErrorContext;
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_aws_xray::{ContextMissing, Xray};

use crate::stand_in::StandIn;

fn remote_parent(sampled: bool) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from_hex("5759e988bd862e3fe1be46a994272793").unwrap(),
        SpanId::from_hex("53995c3f42cd8ad8").unwrap(),
        TraceFlags::default().with_sampled(sampled),
        true,
        TraceState::default(),
    ))
}

#[tokio::test]
async fn an_unsampled_call_says_so() {
    let aws = StandIn::with_replies([]).await;
    let client = aws.sqs(aws.interceptor());
    client.list_queues().send().with_context(remote_parent(false)).await.unwrap();
    let header = aws.seen()[0]["x-amzn-trace-id"].to_str().unwrap().to_owned();
    assert!(header.starts_with("Root=1-5759e988-bd862e3fe1be46a994272793;Parent="), "{header}");
    assert!(header.ends_with(";Sampled=0"), "{header}");
    assert!(aws.recorder.documents().is_empty());
}

#[tokio::test]
async fn where_tracing_is_turned_off_calls_pass_on_what_came() {
    let aws = StandIn::with_replies([]).await;
    let xray = Xray::builder().with_enabled(false).build();
    let client = aws.sqs(aws.interceptor().with_tracer_provider(xray.tracer_provider()));
    client.list_queues().send().with_context(remote_parent(true)).await.unwrap();
    let expected = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    assert_eq!(aws.seen()[0]["x-amzn-trace-id"], expected);
}

#[tokio::test]
async fn without_a_trace_the_policy_decides() {
    for (policy, is_sent) in [(ContextMissing::IgnoreError, true), (ContextMissing::RuntimeError, false)] {
        let aws = StandIn::with_replies([]).await;
        let client = aws.sqs(aws.interceptor().with_context_missing(policy));
        let answer = client.list_queues().send().await;
        assert_eq!(answer.is_ok(), is_sent, "{policy:?}");
        if let Err(error) = answer {
            assert!(
                DisplayErrorContext(&error).to_string().contains("expected an active trace"),
                "{error:?}"
            );
        }
        assert!(aws.seen().iter().all(|headers| !headers.contains_key("x-amzn-trace-id")));
        assert_eq!(aws.seen().len(), usize::from(is_sent));
        assert!(aws.recorder.documents().is_empty());
    }
}

#[tokio::test]
async fn an_interceptor_that_is_registered_twice_makes_one_span() {
    let aws = StandIn::with_replies([]).await;
    let config = aws_sdk_sqs::config::Builder::from(&aws.config)
        .interceptor(aws.interceptor())
        .interceptor(aws.interceptor());
    let client = aws_sdk_sqs::Client::from_conf(config.build());
    aws.recorder.serve(async { drop(client.list_queues().send().await.unwrap()) }).await;
    let calls = aws.recorder.aws_calls();
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert_eq!(calls[0]["http"]["response"]["status"], 200);
}

#[tokio::test]
async fn suppressed_calls_are_left_alone() {
    let aws = StandIn::with_replies([]).await;
    let client = aws.sqs(aws.interceptor().with_context_missing(ContextMissing::RuntimeError));
    for parent in [Context::new(), remote_parent(true)] {
        let suppressed = parent.with_telemetry_suppressed();
        client.list_queues().send().with_context(suppressed).await.unwrap();
    }
    assert_eq!(aws.seen().len(), 2);
    assert!(aws.seen().iter().all(|headers| !headers.contains_key("x-amzn-trace-id")));
    assert!(aws.recorder.documents().is_empty());
}

#[tokio::test]
async fn a_presigned_request_is_no_call() {
    let aws = StandIn::with_replies([]).await;
    let client = aws.s3(aws.interceptor().with_context_missing(ContextMissing::RuntimeError));
    let expiry = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    for parent in [Context::new(), remote_parent(true)] {
        let request = client.get_object().bucket("photos").key("k").presigned(expiry.clone());
        let request = request.with_context(parent).await.unwrap();
        assert_eq!(request.headers().count(), 0, "{request:?}");
    }
    assert!(aws.recorder.documents().is_empty());
}
