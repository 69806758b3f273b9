//! HotROD, told in axum: four services, one trace.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use axum_hotrod::{Arguments, interrupted, start};
use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {}", with_sources(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let hotrod = start(arguments.into()).await?;
    say(&format!("{hotrod}\nCtrl-C closes it."));
    interrupted().await?;
    say(&hotrod.shutdown().await.to_string());
    Ok(())
}

/// Lines on stderr. That nobody may be listening there is no reason to end.
fn say(lines: &str) {
    let _ = writeln!(io::stderr(), "{lines}");
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
