//! What has to be installed, and where `scripts/peers` puts it.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What belongs to these tests and not to Cargo: the Python packages, pictures.
const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/peers");

/// The scripts with which our peers do their part.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/python");

/// A Python with boto3, moto and the X-Ray SDK.
#[derive(Debug)]
pub(crate) struct Python(PathBuf);

/// A chromedriver that finds a Chromium.
#[derive(Debug)]
pub(crate) struct Chromedriver;

/// Something is not installed.
#[derive(Debug)]
pub(crate) struct Missing(&'static str);

/// Whether a test that would be skipped fails.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests, which the crates do not know")]
pub(crate) fn is_required() -> bool {
    std::env::var_os("E2E_REQUIRE").is_some_and(|value| !value.is_empty())
}

/// Where a test leaves a picture for whoever wants to look.
pub(crate) fn picture(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(format!("screenshots/{name}.png"))
}

impl Python {
    /// The one in `target/peers/venv`.
    pub(crate) fn find() -> Result<Self, Missing> {
        let program = Path::new(DIRECTORY).join("venv/bin/python");
        if program.is_file() {
            Ok(Self(program))
        } else {
            Err(Missing("there is no Python in target/peers/venv"))
        }
    }

    /// The same, if it has OpenTelemetry's propagator for X-Ray.
    pub(crate) fn find_with_otel() -> Result<Self, Missing> {
        let python = Self::find()?;
        if succeeds(Command::new(&python.0).args(["-c", "import opentelemetry.propagators.aws"])) {
            Ok(python)
        } else {
            Err(Missing("the Python in target/peers/venv has no opentelemetry-propagator-aws-xray"))
        }
    }

    /// The same, if it has OpenTelemetry's definitions of OTLP.
    pub(crate) fn find_with_otlp() -> Result<Self, Missing> {
        let python = Self::find()?;
        if succeeds(Command::new(&python.0).args(["-c", "import opentelemetry.proto.trace.v1.trace_pb2"])) {
            Ok(python)
        } else {
            Err(Missing("the Python in target/peers/venv has no opentelemetry-proto"))
        }
    }

    /// A command that runs a script of the folder `python`.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.0);
        command.arg(Path::new(SCRIPTS).join(name));
        command
    }
}

impl Chromedriver {
    /// The one on the path.
    pub(crate) fn find() -> Result<Self, Missing> {
        if !succeeds(Command::new("chromedriver").arg("--version")) {
            return Err(Missing("there is no chromedriver on the path"));
        }
        if !succeeds(Command::new("chromium").arg("--version")) {
            return Err(Missing("there is no chromium on the path"));
        }
        Ok(Self)
    }

    /// A command that runs it.
    pub(crate) fn command(&self) -> Command {
        Command::new("chromedriver")
    }
}

fn succeeds(command: &mut Command) -> bool {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; scripts/peers installs it", self.0)
    }
}
