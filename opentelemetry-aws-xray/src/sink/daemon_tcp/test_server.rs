//! A server on loopback that does what it is told, and otherwise takes documents as X-Ray does.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use xray_wire::Endpoint;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers with a status line, header lines and a body, and takes nothing.
    Answer(&'static str, &'static str, String),
    /// Takes all documents but that of a segment.
    TakeBut(&'static str),
    /// Closes the connection without a word.
    Close,
    /// Never answers.
    Hang,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) connection: usize,
}

#[derive(Debug, Default)]
struct State {
    acts: VecDeque<Act>,
    received: Vec<Received>,
    taken: Vec<String>,
}

/// Does one [`Act`] for each request, as long as there are some; then takes all documents.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start(acts: Vec<Act>) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), acts)
    }

    pub(crate) fn listen(listener: TcpListener, acts: Vec<Act>) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { acts: acts.into(), ..State::default() }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(stream.unwrap(), connection, &state));
            }
        });
        Self { address, state }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint { host: self.address.ip().to_string(), port: self.address.port() }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// The documents that were taken, in the order in which they came.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.state.lock().unwrap().taken.clone()
    }
}

fn serve(mut stream: TcpStream, connection: usize, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((head, body)) = request(&mut reader) {
        let mut state = state.lock().unwrap();
        state.received.push(Received { head, body: body.clone(), connection });
        let (status, headers, answer) = match state.acts.pop_front() {
            Some(Act::Answer(status, headers, body)) => (status, headers, body),
            Some(Act::TakeBut(id)) => ("200 OK", "", state.take(&body, Some(id))),
            Some(Act::Close) => return,
            Some(Act::Hang) => {
                drop(state);
                let _ = reader.read_line(&mut String::new());
                return;
            }
            None => ("200 OK", "", state.take(&body, None)),
        };
        drop(state);
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", answer.len());
        // A client that has seen enough may have gone.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(reader.read_line(&mut head), Ok(1..)) {
            return None;
        }
    }
    let length = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok();
    let mut body = vec![0; head.lines().find_map(length)?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

impl State {
    /// Takes the documents of a call but for one, and answers as X-Ray does.
    fn take(&mut self, body: &[u8], but: Option<&str>) -> String {
        let call: Value = serde_json::from_slice(body).unwrap_or_default();
        let documents = call["TraceSegmentDocuments"].as_array().into_iter().flatten();
        for document in documents.filter_map(Value::as_str) {
            if but.is_none_or(|id| !document.contains(&format!("\"id\":\"{id}\""))) {
                self.taken.push(document.to_owned());
            }
        }
        let entry = |id: &str| json!({ "Id": id, "ErrorCode": "InvalidName", "Message": "no" });
        json!({ "UnprocessedTraceSegments": but.into_iter().map(entry).collect::<Vec<_>>() }).to_string()
    }
}
