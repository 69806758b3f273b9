//! Central sampling at work, as a table that is always up to date.

use std::{
    collections::VecDeque,
    error::Error,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use sampling_example::{Arguments, Running, Snapshot, start, table};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing_subscriber::filter::LevelFilter;

/// The time between two tables in a terminal, and between two looks at the counts.
const REDRAW_EVERY: Duration = Duration::from_secs(1);

/// Looks over which a rate is taken; as many lie between two tables where these follow each other on paper.
const LOOKS: usize = 5;

/// How long the rule for orders stays as it is: three reports, so that quotas settle.
const CHANGE_EVERY: Duration = Duration::from_secs(30);

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(365 * 86_400);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let duration = arguments.duration().unwrap_or(FOR_EVER);
    let mut running = start(arguments.into()).await?;
    let shown = show(&mut running, duration).await;
    running.shutdown().await;
    shown
}

/// Shows tables until it is time to end.
async fn show(running: &mut Running, duration: Duration) -> Result<(), Box<dyn Error>> {
    let is_terminal = io::stdout().is_terminal();
    let mut screen = Screen { is_terminal, looks: VecDeque::from([running.snapshot()]) };
    let mut looks = interval(REDRAW_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next_change = Instant::now() + CHANGE_EVERY;
    let end = sleep(duration);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => {
                screen.look(running.snapshot());
                return Ok(screen.draw(&running.page(), next_change)?);
            }
            interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
            now = looks.tick() => {
                if now >= next_change {
                    let changed = running.change_orders(running.snapshot().orders.other()).await;
                    // Somebody may have deleted the rule on the page.
                    changed.unwrap_or_else(|error| say(&error));
                    next_change += CHANGE_EVERY;
                }
                if screen.look(running.snapshot()) {
                    screen.draw(&running.page(), next_change)?;
                }
            }
        }
    }
}

/// The last looks at the counts, and where they are shown.
struct Screen {
    is_terminal: bool,
    /// One at least.
    looks: VecDeque<Snapshot>,
}

impl Screen {
    /// Takes in a look; answers whether it shall be shown.
    fn look(&mut self, snapshot: Snapshot) -> bool {
        self.looks.push_back(snapshot);
        if self.is_terminal {
            if self.looks.len() > LOOKS + 1 {
                self.looks.pop_front();
            }
            return true;
        }
        self.looks.len() > LOOKS
    }

    fn draw(&mut self, page: &str, next_change: Instant) -> io::Result<()> {
        let (Some(before), Some(now)) = (self.looks.front(), self.looks.back()) else { return Ok(()) };
        let left = next_change.saturating_duration_since(Instant::now()).as_secs();
        let text = format!(
            "{} s: the rule for orders is {}, and changes in {left} s. Rules and charts: {page}\n\n{}",
            now.at.as_secs(),
            now.orders,
            table(before, now)
        );
        let mut out = io::stdout().lock();
        if self.is_terminal {
            // From the upper left corner; each line up to its end, and all that is below.
            write!(out, "\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))?;
        } else {
            writeln!(out, "{text}")?;
            // The next table begins where this one ends.
            self.looks.drain(..self.looks.len() - 1);
        }
        out.flush()
    }
}

/// An error on stderr. That nobody may be listening there is no reason to end.
fn say(error: &dyn Error) {
    let _ = writeln!(io::stderr(), "error: {}", with_sources(error));
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
