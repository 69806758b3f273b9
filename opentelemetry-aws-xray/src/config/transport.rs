//! By which road documents go to X-Ray.

use std::{fmt, str::FromStr};

/// By which road documents go to X-Ray.
///
/// ```
/// use opentelemetry_aws_xray::{Xray, config::{ParseTransportError, Transport}};
///
/// fn pipeline(transport: &str) -> Result<Xray, ParseTransportError> {
///     Ok(Xray::builder().with_transport(transport.parse()?).build())
/// }
/// assert!(pipeline("UDP").is_ok());
/// assert_eq!(Transport::default(), Transport::Udp);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Transport {
    /// `udp`: the daemon over UDP. Costs least, and nobody answers: what the daemon drops is not known here.
    #[default]
    Udp,
    /// `tcp`: the daemon's TCP port, which hands calls on to X-Ray and its answers back. What X-Ray refuses is counted and told,
    /// and what it could not take is sent again. Needs the feature `daemon-tcp`.
    #[cfg(feature = "daemon-tcp")]
    Tcp,
    /// `direct`: X-Ray itself, with AWS credentials and without a daemon. Answers count as above. Needs the feature `aws`.
    #[cfg(feature = "aws")]
    Direct,
}

impl FromStr for Transport {
    type Err = ParseTransportError;

    /// Reads the name of a transport, in any case.
    fn from_str(name: &str) -> Result<Self, ParseTransportError> {
        match name.to_ascii_lowercase().as_str() {
            "udp" => Ok(Self::Udp),
            #[cfg(feature = "daemon-tcp")]
            "tcp" => Ok(Self::Tcp),
            #[cfg(not(feature = "daemon-tcp"))]
            "tcp" => Err(ParseTransportError::NeedsFeature("daemon-tcp")),
            #[cfg(feature = "aws")]
            "direct" => Ok(Self::Direct),
            #[cfg(not(feature = "aws"))]
            "direct" => Err(ParseTransportError::NeedsFeature("aws")),
            _ => Err(ParseTransportError::Unknown),
        }
    }
}

/// The text names no transport that there is.
///
/// ```
/// use opentelemetry_aws_xray::config::{ParseTransportError, Transport};
///
/// let told = match "tcp".parse::<Transport>() {
///     Ok(transport) => format!("documents go by {transport:?}"),
///     Err(ParseTransportError::NeedsFeature(feature)) => format!("this program was built without `{feature}`"),
///     Err(error) => error.to_string(),
/// };
/// # let told_without = "this program was built without `daemon-tcp`";
/// # assert_eq!(told, if cfg!(feature = "daemon-tcp") { "documents go by Tcp" } else { told_without });
/// assert_eq!("http".parse::<Transport>(), Err(ParseTransportError::Unknown));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseTransportError {
    /// It names none.
    Unknown,
    /// It names one that this build does not have, because a feature of this crate is off.
    NeedsFeature(&'static str),
}

impl fmt::Display for ParseTransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("expected `udp`, `tcp` or `direct`"),
            Self::NeedsFeature(feature) => {
                write!(f, "this transport needs the feature `{feature}` of opentelemetry-aws-xray")
            }
        }
    }
}

impl std::error::Error for ParseTransportError {}
