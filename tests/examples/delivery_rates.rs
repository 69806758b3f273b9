//! How many spans arrive over UDP at a daemon-like receiver, by the rate at which they are made: `scripts/delivery-rates`.
//!
//! Traces of twenty spans go through the SDK's batch processor as everybody has it to a receiver in a process of its own,
//! which has the default socket buffer and one thread. What it has counted at the end is compared with what was made.

#![allow(clippy::expect_used, clippy::panic, reason = "a measurement that can't be done ends")]
#![allow(clippy::disallowed_methods, reason = "a load has to follow the real clock")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, UdpSocket},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_aws::xray_exporter::{XrayExporter as OtherExporter, daemon_client::XrayDaemonClient};
use opentelemetry_aws_xray::{Xray, XrayIdGenerator};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};

const SPANS_IN_A_TRACE: u64 = 20;
const RATES: [u64; 5] = [1_000, 5_000, 20_000, 50_000, 100_000];
/// The receiver has read everything when nothing more comes for so long: longer than ended spans wait for others.
const SILENCE: Duration = Duration::from_secs(7);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("--receive") {
        return receive();
    }
    let seconds =
        first.map_or(30, |seconds| seconds.parse().expect("usage: delivery_rates [SECONDS] [RATE]…"));
    let chosen: Vec<u64> = arguments.map(|rate| rate.parse().expect("a rate in spans a second")).collect();
    let rates = if chosen.is_empty() { RATES.to_vec() } else { chosen };
    println!("{seconds} seconds each, traces of {SPANS_IN_A_TRACE} spans\n");
    println!(
        "| offered spans/s | exporter | made | received | share | counted as lost |\n|---|---|---|---|---|---|"
    );
    for rate in rates {
        for exporter in [Exporter::Ours, Exporter::Other] {
            measure(exporter, rate, Duration::from_secs(seconds));
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Exporter {
    Ours,
    Other,
}

fn measure(exporter: Exporter, rate: u64, duration: Duration) {
    let receiver = Receiver::start();
    let (made, known_lost) = match exporter {
        Exporter::Other => {
            let client = XrayDaemonClient::new(receiver.address).expect("a socket");
            let provider = SdkTracerProvider::builder()
                .with_resource(Resource::builder().with_service_name("orders").build())
                .with_id_generator(XrayIdGenerator::default())
                .with_batch_exporter(OtherExporter::new(client))
                .build();
            let made = load(&provider, rate, duration);
            let _ = provider.shutdown();
            (made, String::from("not counted"))
        }
        Exporter::Ours => {
            let xray = Xray::builder()
                .with_service_name("orders")
                .with_daemon_address(receiver.address.to_string())
                .build();
            let made = load(xray.tracer_provider(), rate, duration);
            let _ = xray.shutdown();
            let stats = xray.stats();
            let lost = format!(
                "{} found the queue full, {} dropped, {} datagrams seen",
                stats.spans_missed,
                stats.spans_dropped(),
                stats.overflowed
            );
            (made, lost)
        }
    };
    let received = receiver.finish();
    let name = match exporter {
        Exporter::Ours => "this",
        Exporter::Other => "opentelemetry-aws",
    };
    let share = 100.0 * received as f64 / made as f64;
    println!("| {rate} | {name} | {made} | {received} | {share:.1} % | {known_lost} |");
}

/// Makes spans at a rate, a millisecond's worth at a time, and answers how many.
fn load(provider: &SdkTracerProvider, rate: u64, duration: Duration) -> u64 {
    let tracer = provider.tracer("load");
    let start = Instant::now();
    let mut traces = 0;
    while start.elapsed() < duration {
        let due = start.elapsed().as_micros() as u64 * rate / 1_000_000 / SPANS_IN_A_TRACE;
        while traces < due {
            e2e::trace(&tracer, SPANS_IN_A_TRACE as usize);
            traces += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    traces * SPANS_IN_A_TRACE
}

/// A receiver in a process of its own.
struct Receiver {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Receiver {
    fn start() -> Self {
        let program = std::env::current_exe().expect("our own path");
        let mut process =
            Command::new(program).arg("--receive").stdout(Stdio::piped()).spawn().expect("a second process");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its address");
        Self { process, output, address: line.trim().parse().expect("an address") }
    }

    /// How many spans came.
    fn finish(mut self) -> u64 {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("its count");
        self.process.wait().expect("its end");
        line.trim().parse().expect("a number")
    }
}

/// Reads until there has been silence for a while, then says how many spans came. Each span has one start.
fn receive() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    println!("{}", socket.local_addr().expect("an address"));
    std::io::stdout().flush().expect("a reader");
    let mut buffer = vec![0; 70_000];
    let mut spans = 0;
    while let Ok(length) = socket.recv(&mut buffer) {
        spans += starts(&buffer[..length]);
        socket.set_read_timeout(Some(SILENCE)).expect("a timeout");
    }
    println!("{spans}");
}

fn starts(datagram: &[u8]) -> u64 {
    const START: &[u8] = b"\"start_time\"";
    datagram.windows(START.len()).filter(|window| window[1] == b's' && *window == START).count() as u64
}
