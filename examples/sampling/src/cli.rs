//! The command line.

use std::{ops::RangeInclusive, time::Duration};

use clap::Parser;

use crate::Options;

/// More requests than these, and a laptop is busy with nothing else.
const REQUESTS_PER_SECOND: RangeInclusive<i64> = 1..=2_000;

/// A day: who wants it longer does without.
const SECONDS: RangeInclusive<i64> = 1..=86_400;

/// Central sampling at work: two instances of a service, an X-Ray that gives them rules, and what each of them decides.
///
/// Every 30 seconds the rule for orders changes.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Arguments {
    /// Requests a second of both instances together, 1 to 2000.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(REQUESTS_PER_SECOND))]
    requests_per_second: u32,

    /// End by itself after so many seconds. If not set, Ctrl-C ends it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(SECONDS))]
    seconds: Option<u32>,

    /// Where xray-local listens, which gives the rules and shows the charts.
    #[arg(long, value_name = "HOST:PORT", default_value = xray_local::DEFAULT_ADDRESS)]
    addr: String,
}

impl Arguments {
    /// When to end, if at all.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl From<Arguments> for Options {
    fn from(Arguments { requests_per_second, addr, seconds: _ }: Arguments) -> Self {
        Self { addr, requests_per_second }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["sampling-example"]);
        assert_eq!((arguments.duration(), Options::from(arguments)), (None, Options::default()));
    }
}
