//! What can go wrong, and what to do about it.

use std::{error, fmt};

use opentelemetry_aws_xray::sampler::ParseOverridesError;

/// The example could not start, or could not change a rule.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// `xray-local` did not start.
    Viewer(xray_local::StartError),
    /// The overrides could not be read.
    Overrides(ParseOverridesError),
    /// The rule could not be changed.
    Change(reqwest::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Viewer(_) => f.write_str("can't start xray-local, whose address --addr sets"),
            Self::Overrides(_) => f.write_str("can't read the overrides"),
            Self::Change(_) => f.write_str("can't change the rule"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Viewer(source) => Some(source),
            Self::Overrides(source) => Some(source),
            Self::Change(source) => Some(source),
        }
    }
}
