//! The command line.

use clap::Parser;
use opentelemetry_aws_xray::DaemonAddress;
use tracing_subscriber::filter::LevelFilter;

use crate::Options;

/// HotROD, told in axum: order a ride, and follow it through four services.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Arguments {
    /// Where the frontend listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    addr: String,

    /// The X-Ray daemon to send to. If not set, xray-local is started inside.
    #[arg(long, value_name = "HOST:PORT", env = "AWS_XRAY_DAEMON_ADDRESS", value_parser = daemon)]
    daemon: Option<String>,

    /// Where xray-local listens: the one inside [default: 127.0.0.1:2000, or a free port if that is taken], or one
    /// that runs already where the daemon is, so that there are links to traces.
    #[arg(long, value_name = "HOST:PORT")]
    viewer: Option<String>,

    /// Order by itself, so many times a second: 0.1 to 1000. With more than 30, the customers' database can't keep
    /// up, which is worth watching.
    #[arg(long, value_name = "N", value_parser = per_second)]
    load: Option<f64>,

    /// Which log lines of the services to show: off, error, warn, info, debug or trace. Each carries the id of its trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: LevelFilter,
    /// Store orders on AWS: in the emulator at this URL, such as moto; without a URL, in the account of the
    /// environment.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    aws: Option<crate::Account>,

    /// Where chance begins: with the same number, the same drivers and delays come. If not set, each run differs.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// An address that the pipelines will understand. Empty is allowed: so containers unset a variable.
fn daemon(text: &str) -> Result<String, String> {
    let text = text.trim();
    if !text.is_empty() {
        text.parse::<DaemonAddress>().map_err(|error| error.to_string())?;
    }
    Ok(text.to_owned())
}

fn per_second(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.1..=1000.0).contains(&number) {
        Ok(number)
    } else {
        Err("expected a number from 0.1 to 1000".to_owned())
    }
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        Self {
            addr: arguments.addr,
            daemon: arguments.daemon.filter(|address| !address.is_empty()),
            viewer: arguments.viewer,
            load: arguments.load,
            log: arguments.log,
            #[cfg(feature = "aws")]
            aws: arguments.aws,
            seed: arguments.seed.unwrap_or_else(rand::random),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn load_has_bounds() {
        for (text, expected) in [
            ("0.1", Some(0.1)),
            ("25", Some(25.0)),
            ("1000", Some(1000.0)),
            ("0.09", None),
            ("1001", None),
            ("0", None),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("many", None),
        ] {
            assert_eq!(per_second(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_daemon_is_an_address_or_none() {
        for (daemon, expected) in [
            ("", Some(None)),
            (" ", Some(None)),
            ("127.0.0.1:2000", Some(Some("127.0.0.1:2000"))),
            ("tcp:a:1 udp:b:2", Some(Some("tcp:a:1 udp:b:2"))),
            ("what?:x", None),
        ] {
            let arguments = Arguments::try_parse_from(["hotrod", "--daemon", daemon]).ok();
            let found = arguments.map(|arguments| Options::from(arguments).daemon);
            assert_eq!(found.as_ref().map(Option::as_deref), expected, "{daemon:?}");
        }
    }
}
