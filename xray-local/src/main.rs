//! `xray-local`: AWS X-Ray on your laptop.

use std::{error::Error, io::Write, path::PathBuf, process::ExitCode};

use clap::Parser;
use xray_local::{DEFAULT_ADDRESS, XrayLocal};

/// AWS X-Ray on your laptop: takes what the X-Ray daemon takes, shows what the console shows.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen, for UDP and TCP.
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_ADDRESS)]
    addr: String,

    /// Answer the viewer under this host name too; may be repeated. IP addresses and localhost always are.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,

    /// Ask the kernel for a UDP receive buffer of this size. The X-Ray daemon doesn't, and loses more.
    #[arg(long, value_name = "BYTES")]
    receive_buffer: Option<usize>,

    /// Refuse calls of the X-Ray API that are not signed (version 4). Whether a signature is right is not checked.
    #[arg(long)]
    require_signature: bool,

    /// Start with the sampling rules of this JSON file: a list, or what `aws xray get-sampling-rules` prints.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {}", with_sources(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut builder =
        XrayLocal::builder().with_addr(arguments.addr).with_required_signature(arguments.require_signature);
    for host in arguments.allow_host {
        builder = builder.with_allowed_host(host);
    }
    if let Some(bytes) = arguments.receive_buffer {
        builder = builder.with_receive_buffer(bytes);
    }
    if let Some(file) = arguments.rules {
        let json = std::fs::read_to_string(&file)
            .map_err(|error| format!("can't read the sampling rules in {}: {error}", file.display()))?;
        builder = builder.with_sampling_rules(json);
    }
    let xray = builder.start().await?;
    greet(&xray);
    interrupted().await?;
    let stats = xray.shutdown().await.stats;
    say(&format!(
        "stopped: {} documents accepted, {} rejected, {} datagrams overflowed",
        stats.accepted, stats.rejected, stats.overflowed
    ));
    Ok(())
}

fn greet(xray: &XrayLocal) {
    say(&format!("xray-local listens on {} (UDP and TCP)", xray.addr()));
    if !xray.addr().ip().is_loopback() {
        say("warning: this is not a loopback address: whoever reaches it can read and send traces");
    }
    say(&format!("  look at   {}/", xray.url()));
    say(&format!("  send with AWS_XRAY_DAEMON_ADDRESS={}", xray.url().trim_start_matches("http://")));
}

/// Returns at Ctrl-C or SIGTERM.
async fn interrupted() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// A line on stderr. That nobody may be listening there is no reason to end.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
