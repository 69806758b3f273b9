//! Where the traces go: to a daemon that is there, or to an `xray-local` of our own.

use std::fmt;

use xray_local::{DEFAULT_ADDRESS, StartError, XrayLocal};

/// What xray-local asks the kernel for, in bytes, so that the rush hour does not overflow it.
const RECEIVE_BUFFER: usize = 1 << 20;

/// Where the traces go.
#[derive(Debug)]
pub(crate) enum Destination {
    /// To the daemon at this address. If there is an xray-local to look at, its URL is known.
    Daemon { address: String, viewer_url: Option<String> },
    /// To an xray-local in this process. `moved` if its usual port was taken.
    Inside { xray_local: XrayLocal, moved: bool },
}

impl Destination {
    /// The daemon if its address is given; else starts an xray-local at `viewer`. If that is not given either, it
    /// is [`DEFAULT_ADDRESS`], or a free port if that is taken.
    pub(crate) async fn start(daemon: Option<String>, viewer: Option<String>) -> Result<Self, StartError> {
        if let Some(address) = daemon {
            let viewer_url = viewer.map(|viewer| format!("http://{viewer}"));
            return Ok(Self::Daemon { address, viewer_url });
        }
        if let Some(viewer) = viewer {
            return Ok(Self::Inside { xray_local: start(&viewer).await?, moved: false });
        }
        match start(DEFAULT_ADDRESS).await {
            Err(StartError::InUse { .. }) => {
                Ok(Self::Inside { xray_local: start("127.0.0.1:0").await?, moved: true })
            }
            started => Ok(Self::Inside { xray_local: started?, moved: false }),
        }
    }

    /// The address for the pipelines.
    pub(crate) fn daemon_address(&self) -> String {
        match self {
            Self::Daemon { address, .. } => address.clone(),
            // The URL's, since the address itself may be that of all interfaces, which nobody can send to.
            Self::Inside { xray_local, .. } => xray_local.url().trim_start_matches("http://").to_owned(),
        }
    }

    /// Where to look at traces, without a slash at the end.
    pub(crate) fn viewer_url(&self) -> Option<String> {
        match self {
            Self::Daemon { viewer_url, .. } => viewer_url.clone(),
            Self::Inside { xray_local, .. } => Some(xray_local.url()),
        }
    }

    pub(crate) fn xray_local(&self) -> Option<&XrayLocal> {
        match self {
            Self::Daemon { .. } => None,
            Self::Inside { xray_local, .. } => Some(xray_local),
        }
    }

    pub(crate) async fn shutdown(self) {
        if let Self::Inside { xray_local, .. } = self {
            xray_local.shutdown().await;
        }
    }
}

async fn start(address: &str) -> Result<XrayLocal, StartError> {
    XrayLocal::builder().with_addr(address).with_receive_buffer(RECEIVE_BUFFER).start().await
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon { address, .. } => write!(f, "the X-Ray daemon at {address}, as configured"),
            Self::Inside { xray_local, moved: false } => {
                write!(f, "xray-local inside, at {}", xray_local.addr())
            }
            Self::Inside { xray_local, moved: true } => write!(
                f,
                "xray-local inside, at {}: {DEFAULT_ADDRESS} is taken. (To send to what listens there, start \
                 with AWS_XRAY_DAEMON_ADDRESS={DEFAULT_ADDRESS}.)",
                xray_local.addr()
            ),
        }
    }
}
