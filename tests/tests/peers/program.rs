//! Other programs as child processes, which end with the test.

use std::process::{self, Stdio};

use e2e::PATIENCE;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Runs a program to its end. It reads JSON from its input and prints JSON.
pub(crate) async fn run(command: process::Command, input: &Value) -> Value {
    let mut child = Command::from(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // Dropped at once, which tells the program that this was all.
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).await.unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens, on loopback.
    pub(crate) port: u16,
    _child: Child,
    // Held open, or the server's next line would kill it.
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts a server that chooses a free port and prints, as chromedriver does, `… started successfully on port N.`
    pub(crate) async fn start(command: process::Command) -> Self {
        let mut child = Command::from(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = timeout(PATIENCE, announced_port(&mut stdout)).await.unwrap();
        Self { port, _child: child, _stdout: stdout }
    }
}

async fn announced_port(lines: &mut Lines<BufReader<ChildStdout>>) -> u16 {
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
}
