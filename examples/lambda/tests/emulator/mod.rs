//! Lambda's Runtime API (Lambda developer guide, "Runtime API"), and the daemon that stands beside a function.

use std::{
    collections::HashMap,
    io::ErrorKind,
    net::UdpSocket,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, mpsc},
    task::JoinHandle,
    time::{sleep, timeout},
};
use xray_local::{Snapshot, XrayLocal};

/// The function that is emulated.
pub(crate) const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:pricing";

/// Longer than anything takes: a test that hangs shall fail.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time that a function has, unless a test says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A function, running, with an API that invokes it and a socket that receives from it.
#[derive(Debug)]
pub(crate) struct Emulator {
    function: Child,
    server: JoinHandle<()>,
    invocations: mpsc::UnboundedSender<Invocation>,
    answers: mpsc::UnboundedReceiver<Answer>,
    api: Arc<Api>,
    xray: XrayLocal,
    sent: u64,
}

/// What the function answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) request_id: String,
    /// A response, not an error.
    pub(crate) is_response: bool,
    pub(crate) body: Value,
    /// What had arrived when the answer did, and not before.
    pub(crate) documents: Vec<Value>,
}

#[derive(Debug)]
struct Invocation {
    request_id: String,
    payload: Value,
    trace_header: Option<String>,
    time_limit: Duration,
}

/// What the API's routes share.
#[derive(Debug)]
struct Api {
    invocations: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    answers: mpsc::UnboundedSender<Answer>,
    daemon: Daemon,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// Receives datagrams and hands them on to an `xray-local`. On loopback a datagram lies in the socket when the call that sent it
/// returns, so that looking there tells what was sent before.
#[derive(Debug)]
struct Daemon {
    socket: UdpSocket,
    xray: String,
    turn: Mutex<()>,
}

impl Emulator {
    /// Starts the function of this example, with more variables if there are any.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let daemon_address = socket.local_addr().unwrap().to_string();
        let daemon = Daemon { socket, xray: xray.addr().to_string(), turn: Mutex::default() };

        let (invocations, queue) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let api = Arc::new(Api {
            invocations: AsyncMutex::new(queue),
            answers: answered,
            daemon,
            running: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(answer))
            .with_state(Arc::clone(&api));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api_address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

        let mut environment = HashMap::from([
            ("AWS_LAMBDA_RUNTIME_API", api_address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "pricing"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/pricing"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0123"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_XRAY_DAEMON_ADDRESS", &daemon_address),
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
            // Nothing may go by itself while a test looks.
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ]);
        environment.extend(variables.iter().copied());
        let function = Command::new(env!("CARGO_BIN_EXE_lambda-example"))
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { function, server, invocations, answers, api, xray, sent: 0 }
    }

    /// Invokes the function and waits for what it answers.
    pub(crate) async fn invoke(&mut self, payload: Value, trace_header: Option<String>) -> Answer {
        let request_id = self.send(payload, trace_header, None);
        let answer = self.answer().await;
        assert_eq!(answer.request_id, request_id);
        answer
    }

    /// Invokes the function, which has so much time; the request's id.
    pub(crate) fn send(
        &mut self,
        payload: Value,
        trace_header: Option<String>,
        time_limit: Option<Duration>,
    ) -> String {
        self.sent += 1;
        let request_id = format!("8476a536-e9f4-11e8-9739-{:012x}", self.sent);
        let time_limit = time_limit.unwrap_or(TIME_LIMIT);
        let invocation = Invocation { request_id: request_id.clone(), payload, trace_header, time_limit };
        self.invocations.send(invocation).unwrap();
        request_id
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        timeout(PATIENCE, self.answers.recv()).await.unwrap().unwrap()
    }

    /// Waits for so many documents without an answer.
    pub(crate) async fn documents(&self, count: usize) -> Vec<Value> {
        let mut documents = Vec::new();
        let arrived = async {
            while documents.len() < count {
                documents.extend(self.api.daemon.drain());
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, arrived).await.unwrap();
        documents
    }

    /// How many invocations ran at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.api.most_at_once.load(Ordering::Relaxed)
    }

    /// Ends the function as Lambda does, without a warning, and tells what X-Ray got of so many traces.
    pub(crate) async fn finish(mut self, traces: usize) -> Snapshot {
        self.function.kill().await.unwrap();
        self.server.abort();
        let arrived = self.xray.wait_until(|snapshot| snapshot.traces.len() >= traces);
        timeout(PATIENCE, arrived).await.unwrap();
        self.xray.shutdown().await
    }
}

/// Waits for an invocation, as long as it takes.
#[allow(clippy::disallowed_methods, reason = "a deadline is a time of day")]
async fn next(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let Some(invocation) = api.invocations.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let running = api.running.fetch_add(1, Ordering::Relaxed) + 1;
    api.most_at_once.fetch_max(running, Ordering::Relaxed);
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + invocation.time_limit;
    let headers = [
        ("lambda-runtime-aws-request-id", Some(invocation.request_id)),
        ("lambda-runtime-deadline-ms", Some(deadline.as_millis().to_string())),
        ("lambda-runtime-invoked-function-arn", Some(FUNCTION_ARN.to_owned())),
        ("lambda-runtime-trace-id", invocation.trace_header),
    ];
    let headers: HeaderMap = headers
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value?).ok()?))
        })
        .collect();
    (headers, Json(invocation.payload)).into_response()
}

/// Takes `response` and `error`.
async fn answer(
    State(api): State<Arc<Api>>,
    Path((request_id, outcome)): Path<(String, String)>,
    body: Bytes,
) -> impl IntoResponse {
    api.running.fetch_sub(1, Ordering::Relaxed);
    let documents = api.daemon.drain();
    let is_response = outcome == "response";
    let body = serde_json::from_slice(&body).unwrap();
    let _ = api.answers.send(Answer { request_id, is_response, body, documents });
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" })))
}

impl Daemon {
    /// What lies in the socket. `xray-local` gets it too.
    fn drain(&self) -> Vec<Value> {
        let _turn = self.turn.lock().unwrap();
        let mut documents = Vec::new();
        let mut datagram = vec![0; 65_536];
        loop {
            let length = match self.socket.recv(&mut datagram) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return documents,
                Err(error) => panic!("{error}"),
            };
            self.socket.send_to(&datagram[..length], &self.xray).unwrap();
            let text = std::str::from_utf8(&datagram[..length]).unwrap();
            let (_header, document) = text.split_once('\n').unwrap();
            documents.push(serde_json::from_str(document).unwrap());
        }
    }
}
