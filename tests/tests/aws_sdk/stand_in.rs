//! A server that stands in for AWS, and clients that call it.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use e2e::Recorder;
use opentelemetry_aws_xray::{ContextMissing, aws_sdk::XrayInterceptor};
use tokio::net::TcpListener;

/// What is answered to one request.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: &'static str,
    /// Never answer.
    pub(crate) is_silent: bool,
}

impl Default for Reply {
    fn default() -> Self {
        let headers =
            [("content-type", "application/x-amz-json-1.0"), ("x-amzn-requestid", "REQUEST-1")].as_slice();
        Self { status: 200, headers, body: "{}", is_silent: false }
    }
}

/// The server, the clients' configuration, and what became of the spans.
pub(crate) struct StandIn {
    pub(crate) recorder: Recorder,
    pub(crate) config: SdkConfig,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<HeaderMap>>,
}

impl StandIn {
    /// Starts a server that gives these replies, one after the other, and ordinary ones after that.
    pub(crate) async fn with_replies(replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Arc::new(Script::default());
        script.replies.lock().unwrap().extend(replies);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(reply).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { recorder: Recorder::default(), config: config(address), script }
    }

    /// The interceptor that is tested.
    pub(crate) fn interceptor(&self) -> XrayInterceptor {
        XrayInterceptor::new()
            .with_tracer_provider(&self.recorder.provider)
            .with_context_missing(ContextMissing::IgnoreError)
    }

    pub(crate) fn dynamodb(&self, interceptor: XrayInterceptor) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.config).interceptor(interceptor);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    pub(crate) fn sqs(&self, interceptor: XrayInterceptor) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::config::Builder::from(&self.config).interceptor(interceptor);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(crate) fn s3(&self, interceptor: XrayInterceptor) -> aws_sdk_s3::Client {
        let config =
            aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).interceptor(interceptor);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    pub(crate) fn sns(&self, interceptor: XrayInterceptor) -> aws_sdk_sns::Client {
        let config = aws_sdk_sns::config::Builder::from(&self.config).interceptor(interceptor);
        aws_sdk_sns::Client::from_conf(config.build())
    }

    /// The headers of the requests so far.
    pub(crate) fn seen(&self) -> Vec<HeaderMap> {
        self.script.seen.lock().unwrap().clone()
    }
}

fn config(address: SocketAddr) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn reply(State(script): State<Arc<Script>>, request: Request) -> Response<Body> {
    script.seen.lock().unwrap().push(request.headers().clone());
    let Reply { status, headers, body, is_silent } =
        script.replies.lock().unwrap().pop_front().unwrap_or_default();
    if is_silent {
        // The caller goes away first.
        tokio::time::sleep(Duration::from_secs(3_600)).await;
    }
    let builder = headers
        .iter()
        .fold(Response::builder().status(status), |builder, (name, value)| builder.header(*name, *value));
    builder.body(Body::from(body)).unwrap()
}
