//! Why HotROD could not start, and what to do about it.

use std::{error::Error, fmt, io};

/// HotROD could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else listens at the frontend's address.
    Taken {
        /// The address as it was given.
        addr: String,
    },
    /// The frontend can't listen at its address for another reason.
    Frontend {
        /// The address as it was given.
        addr: String,
        /// Why not.
        source: io::Error,
    },
    /// Another service can't listen.
    Listener(io::Error),
    /// `xray-local` did not start.
    Viewer(xray_local::StartError),
    /// The HTTP client could not be made.
    Client(reqwest::Error),
    /// AWS, or its emulator, does not let us store orders.
    #[cfg(feature = "aws")]
    Cloud(crate::CloudError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { addr } => {
                write!(
                    f,
                    "{addr} is taken: stop what listens there, or choose another address with --addr HOST:PORT"
                )
            }
            Self::Frontend { addr, .. } => write!(f, "can't listen at {addr}, which --addr sets"),
            Self::Listener(_) => f.write_str("can't listen at a free port of 127.0.0.1"),
            Self::Viewer(_) => f.write_str("can't start xray-local, whose address --viewer sets"),
            Self::Client(_) => f.write_str("can't make an HTTP client"),
            #[cfg(feature = "aws")]
            Self::Cloud(_) => f.write_str("can't store orders where --aws says"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Taken { .. } => None,
            Self::Frontend { source, .. } | Self::Listener(source) => Some(source),
            Self::Viewer(source) => Some(source),
            Self::Client(source) => Some(source),
            #[cfg(feature = "aws")]
            Self::Cloud(source) => Some(source),
        }
    }
}
