//! What has to be installed, and where `scripts/peers` puts it.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What belongs to these tests and not to Cargo: the Python packages, pictures.
const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/peers");

/// The scripts with which our peers do their part.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");

/// A Python with boto3, moto and the X-Ray SDK.
#[derive(Debug)]
pub(crate) struct Python(PathBuf);

/// What drives the samplers of others.
#[derive(Debug)]
pub(crate) struct Samplers {
    python: Python,
    adot: Python,
}

/// Services that others' libraries trace.
#[derive(Debug)]
pub(crate) struct Chain(Python);

/// A library that traces a service.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hop {
    SdkPython,
    SdkNode,
    OtelPython,
    OtelNode,
}

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

/// Whether a test writes what it would otherwise compare.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests, which the crates do not know")]
pub(crate) fn rewrites() -> bool {
    std::env::var_os("E2E_HEADERS").is_some_and(|value| value == "write")
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
        command.arg(Path::new(SCRIPTS).join("python").join(name));
        command
    }
}

impl Samplers {
    /// Those in `target/peers`. The AWS Distro for OpenTelemetry demands other versions of what the tests of headers use, so it has a
    /// Python of its own.
    pub(crate) fn find() -> Result<Self, Missing> {
        let python = Python::find()?;
        let adot = Python(Path::new(DIRECTORY).join("adot/bin/python"));
        if !succeeds(Command::new(&adot.0).args(["-c", "import amazon.opentelemetry.distro"])) {
            return Err(Missing("there is no aws-opentelemetry-distro in target/peers/adot"));
        }
        let packages = "require('@opentelemetry/sampler-aws-xray'); require('aws-xray-sdk-core')";
        if !succeeds(node().args(["-e", packages])) {
            return Err(Missing("there is no Node.js with samplers in target/peers/node"));
        }
        Ok(Self { python, adot })
    }

    /// Runs the sampler of the AWS Distro for OpenTelemetry Python.
    pub(crate) fn adot_python(&self) -> Command {
        self.adot.script("adot_sampler.py")
    }

    /// Runs the sampler of the X-Ray SDK for Python.
    pub(crate) fn sdk_python(&self) -> Command {
        self.python.script("sdk_sampler.py")
    }

    /// Runs OpenTelemetry's sampler for Node.js.
    pub(crate) fn otel_node(&self) -> Command {
        node_script("otel_sampler.js")
    }

    /// Runs the sampler of the X-Ray SDK for Node.js.
    pub(crate) fn sdk_node(&self) -> Command {
        node_script("sdk_sampler.js")
    }
}

impl Chain {
    /// Those in `target/peers`.
    pub(crate) fn find() -> Result<Self, Missing> {
        let python = Python::find_with_otel()?;
        let packages = "import opentelemetry.exporter.otlp.proto.http, opentelemetry.sdk.extension.aws";
        if !succeeds(Command::new(&python.0).args(["-c", packages])) {
            return Err(Missing(
                "the Python in target/peers/venv has no OpenTelemetry SDK with OTLP over HTTP",
            ));
        }
        let packages = "require('@opentelemetry/exporter-trace-otlp-proto'); require('@opentelemetry/propagator-aws-xray'); require('aws-xray-sdk-core')";
        if !succeeds(node().args(["-e", packages])) {
            return Err(Missing(
                "there is no Node.js with OpenTelemetry and the X-Ray SDK in target/peers/node",
            ));
        }
        Ok(Self(python))
    }

    /// Runs a service that is traced by this library.
    pub(crate) fn command(&self, hop: Hop) -> Command {
        match hop {
            Hop::SdkPython => self.0.script("chain_sdk.py"),
            Hop::SdkNode => node_script("chain_sdk.js"),
            Hop::OtelPython => self.0.script("chain_otel.py"),
            Hop::OtelNode => node_script("chain_otel.js"),
        }
    }
}

impl Hop {
    /// What the service is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SdkPython => "sdk-python",
            Self::SdkNode => "sdk-node",
            Self::OtelPython => "otel-python",
            Self::OtelNode => "otel-node",
        }
    }
}

fn node_script(name: &str) -> Command {
    let mut command = node();
    command.arg(Path::new(SCRIPTS).join("node").join(name));
    command
}

/// A Node.js that finds the packages in `target/peers/node`.
fn node() -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", Path::new(DIRECTORY).join("node/node_modules"));
    command
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
