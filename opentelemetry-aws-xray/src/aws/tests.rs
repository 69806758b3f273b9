//! Requests over the SDK's client, against a server that keeps what it is sent.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::future;
use aws_sdk_xray::{
    config::{Credentials, ProvideCredentials, SharedCredentialsProvider, http::HttpRequest},
    error::ConnectorError,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};

use super::{AwsPost, Direct};
use crate::post::{CallError, CallErrorKind, Post, PostRequest, PostResponse};
#[cfg(feature = "sampler")]
use crate::sampler::{DirectSamplingApi, SamplingApi};

const PATIENCE: Duration = Duration::from_secs(60);

/// Answers every request with the same text, on as many connections as come.
struct Server {
    address: SocketAddr,
    requests: mpsc::Receiver<Received>,
}

#[derive(Debug)]
struct Received {
    /// The request line and the headers.
    head: Vec<String>,
    body: Vec<u8>,
}

impl Server {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let sender = sender.clone();
                thread::spawn(move || serve(connection.unwrap(), answer, &sender));
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn received(&self) -> Received {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }
}

fn serve(connection: TcpStream, answer: &str, requests: &mpsc::Sender<Received>) {
    let mut reader = BufReader::new(connection);
    loop {
        let head: Vec<_> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        if head.is_empty() {
            return;
        }
        let mut received = Received { head, body: Vec::new() };
        let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
        reader.by_ref().take(length).read_to_end(&mut received.body).unwrap();
        let _ = requests.send(received);
        if answer.is_empty() {
            thread::park();
        }
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Credentials that count how often they were asked for.
#[derive(Debug, Default, Clone)]
struct Counting(Arc<AtomicUsize>);

impl ProvideCredentials for Counting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::Relaxed);
        future::ProvideCredentials::ready(Ok(Credentials::new(
            "AKID",
            "secret",
            Some("token".into()),
            None,
            "test",
        )))
    }
}

/// The application's own configuration, without what is not given.
fn config(region: Option<&'static str>, credentials: Option<Counting>) -> SdkConfig {
    let mut config = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
    config.set_region(region.map(Region::new));
    config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
    config.build()
}

/// A region and credentials that nobody checks.
pub(crate) fn test_config() -> SdkConfig {
    config(Some("eu-central-1"), Some(Counting::default()))
}

/// Credentials that never come.
#[derive(Debug)]
struct Hanging;

impl ProvideCredentials for Hanging {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

fn with_credentials(credentials: Counting) -> Direct {
    Direct::new().with_sdk_config(config(Some("eu-central-1"), Some(credentials)))
}

fn direct(url: impl Into<String>) -> AwsPost {
    AwsPost::new(with_credentials(Counting::default()).with_endpoint(url))
}

fn post(road: &AwsPost, timeout: Duration) -> Result<PostResponse, CallError> {
    let request = PostRequest {
        path: "/v1/traces",
        content_type: "application/x-protobuf",
        content_encoding: Some("gzip"),
        body: b"\x1f\x8b\0 not a text",
    };
    road.post(&request, timeout)
}

fn failure(road: &AwsPost) -> CallError {
    post(road, PATIENCE).unwrap_err()
}

#[test]
fn requests_are_signed_as_they_are_sent() {
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\n\0");
    let answer = post(&direct(server.url()), PATIENCE).unwrap();
    assert_eq!((answer.status, answer.body), (200, b"\n\0".to_vec()));
    let received = server.received();
    assert_eq!(received.head[0], "POST /v1/traces HTTP/1.1");
    assert_eq!(received.body, b"\x1f\x8b\0 not a text");
    for (name, start) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
        ("x-amz-security-token", "token"),
        ("x-amzn-xray-timestamp", "1"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKID/"),
    ] {
        assert!(received.header(name).is_some_and(|value| value.starts_with(start)), "{name}: {received:?}");
    }
    let signature = received.header("authorization").unwrap();
    for part in [
        "/eu-central-1/xray/aws4_request",
        "content-encoding;content-length;content-type;",
        "x-amz-security-token;",
    ] {
        assert!(signature.contains(part), "{signature}");
    }
    assert!(received.header("user-agent").unwrap().contains("lib/opentelemetry-aws-xray/"), "{received:?}");
}

#[test]
fn any_status_is_an_answer() {
    let answer = |status, retry_after: Option<u64>, error_type: Option<&str>, body: &str| PostResponse {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        error_type: error_type.map(Into::into),
        body: body.into(),
    };
    for (text, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", answer(200, None, None, "")),
        (
            "HTTP/1.1 429 Slow\r\nretry-after: 7\r\nx-amzn-errortype: ThrottledException\r\ncontent-length: 2\r\n\r\n{}",
            answer(429, Some(7), Some("ThrottledException"), "{}"),
        ),
        (
            "HTTP/1.1 400 Bad\r\nretry-after: later\r\ncontent-length: 4\r\n\r\nwhat",
            answer(400, None, None, "what"),
        ),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 5\r\n\r\nproxy", answer(403, None, None, "proxy")),
        ("HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n", answer(503, None, None, "")),
    ] {
        let server = Server::start(text);
        assert_eq!(post(&direct(server.url()), PATIENCE), Ok(expected), "{text}");
        server.received();
        // One attempt; the sink has its own.
        assert!(server.requests.try_recv().is_err(), "{text}");
    }
}

#[test]
fn credentials_that_have_expired_are_looked_for_anew() {
    let expired = "HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: ExpiredTokenException:http://x\r\ncontent-length: 27\r\n\r\n{\"message\": \"old security\"}";
    let denied = "HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: AccessDeniedException:http://x\r\ncontent-length: 4\r\n\r\nwhat";
    for (answer, says, asked) in [(expired, "have expired", 2), (denied, "xray:PutTraceSegments", 1)] {
        let server = Server::start(answer);
        let credentials = Counting::default();
        let road = AwsPost::new(with_credentials(credentials.clone()).with_endpoint(server.url()));
        for _ in 0..2 {
            let error = failure(&road);
            assert_eq!(error.kind, CallErrorKind::Credentials, "{error:?}");
            assert!(error.message.contains(says), "{error:?}");
        }
        assert_eq!(credentials.0.load(Ordering::Relaxed), asked, "{says}");
    }
}

#[test]
fn what_is_missing_is_said() {
    for (region, credentials, says) in [
        (Some("eu-central-1"), None, "no AWS credentials"),
        (None, Some(Counting::default()), "set AWS_REGION"),
    ] {
        let direct = Direct::new().with_sdk_config(config(region, credentials));
        let error = failure(&AwsPost::new(direct.with_endpoint("http://127.0.0.1:1")));
        assert_eq!(error.kind, CallErrorKind::Credentials, "{error:?}");
        assert!(error.message.contains(says), "{error:?}");
    }
}

#[test]
fn credentials_that_do_not_come_are_missing_before_the_call_is_over() {
    let mut config = config(Some("eu-central-1"), None).into_builder();
    config.set_credentials_provider(Some(SharedCredentialsProvider::new(Hanging)));
    let direct = Direct::new().with_sdk_config(config.build()).with_endpoint("http://127.0.0.1:1");
    let error = failure(&AwsPost::new(direct.with_request_timeout(Duration::from_millis(1_200))));
    assert_eq!(error.kind, CallErrorKind::Credentials, "{error:?}");
    assert!(error.message.contains("could not be loaded") && error.message.contains("after 1s"), "{error:?}");
}

#[test]
fn who_is_not_there_is_told_from_who_does_not_answer() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = failure(&direct(format!("http://{closed}")));
    assert_eq!(error.kind, CallErrorKind::Unreachable, "{error:?}");

    let silent = Server::start("");
    let error = post(&direct(silent.url()), Duration::from_millis(200)).unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Timeout, "{error:?}");

    let rude = Server::start("what?\r\n\r\n");
    let error = failure(&direct(rude.url()));
    assert_eq!(error.kind, CallErrorKind::Broken, "{error:?}");
}

#[test]
fn an_api_key_takes_the_place_of_a_signature_and_stays_private() {
    let keyed = |url: String| {
        let direct = Direct::new().with_sdk_config(config(Some("eu-central-1"), None));
        AwsPost::new(direct.with_api_key("hidden-key").with_endpoint(url))
    };
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(post(&keyed(server.url()), PATIENCE).unwrap().status, 200);
    assert_eq!(server.received().header("authorization"), Some("Bearer hidden-key"));

    let error = failure(&keyed("http://192.0.2.1".into()));
    assert!(error.message.contains("https:// only") && !error.message.contains("hidden"), "{error:?}");
}

#[test]
fn the_endpoint_is_that_of_the_region_and_its_partition() {
    for (region, fips, dual_stack, expected) in [
        ("eu-central-1", false, false, "xray.eu-central-1.amazonaws.com"),
        ("cn-north-1", false, false, "xray.cn-north-1.amazonaws.com.cn"),
        ("us-east-1", true, false, "xray-fips.us-east-1.amazonaws.com"),
        ("eu-central-1", false, true, "xray.eu-central-1.api.aws"),
    ] {
        let config = config(Some("sa-east-1"), Some(Counting::default())).into_builder();
        let nowhere = http_client_fn(|_, _| SharedHttpConnector::new(Nowhere));
        let direct = Direct::new().with_sdk_config(config.http_client(nowhere).build());
        let road = AwsPost::new(direct.with_region(region).with_fips(fips).with_dual_stack(dual_stack));
        let error = failure(&road);
        assert!(error.message.contains(&format!("https://{expected}/v1/traces")), "{error:?}");
    }
}

/// Sends nothing and names where it would have gone.
#[derive(Debug)]
struct Nowhere;

impl HttpConnector for Nowhere {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user(request.uri().into())))
    }
}

#[cfg(feature = "sampler")]
#[test]
fn sampling_rules_are_asked_for_with_a_signature() {
    let server = Server::start(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 28\r\n\r\n{\"SamplingRuleRecords\": [] }",
    );
    let direct = with_credentials(Counting::default()).with_endpoint(server.url());
    let page = DirectSamplingApi::new(direct).rules(None).unwrap();
    assert_eq!(page.rules.len(), 0);
    let received = server.received();
    assert_eq!(received.head[0], "POST /GetSamplingRules HTTP/1.1");
    assert!(received.header("authorization").is_some_and(|value| value.contains("/eu-central-1/xray/")));
    assert_eq!(received.body, b"{}");
}
