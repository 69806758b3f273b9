//! Binding: UDP and TCP on the same address, as the X-Ray daemon does.

use std::{
    error::Error,
    fmt, io,
    net::{SocketAddr, TcpListener, UdpSocket},
};

use socket2::SockRef;

/// How often another free port is tried when its UDP twin is taken.
const FREE_PORT_ATTEMPTS: u32 = 50;

/// `xray-local` could not start.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use xray_local::{StartError, XrayLocal};
///
/// let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// let twice = XrayLocal::builder().with_addr(xray.addr().to_string()).start().await;
/// assert!(matches!(twice, Err(StartError::InUse { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not `HOST:PORT`, or its host has no address.
    Address {
        /// The address as it was given.
        address: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Another process has the address.
    InUse {
        /// The address.
        address: SocketAddr,
        /// The error of the socket.
        source: io::Error,
    },
    /// The sampling rules can't be read.
    SamplingRules {
        /// What was expected, and what was found.
        reason: String,
    },
    /// The address could not be bound for another reason, or a thread could not be started.
    Io(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { address, .. } => {
                write!(f, "expected an address like 127.0.0.1:2000, but found {address:?}")
            }
            Self::InUse { address, .. } => write!(
                f,
                "address {address} is in use: is an X-Ray daemon or another xray-local running? \
                 Stop it or choose another port"
            ),
            Self::SamplingRules { reason } => write!(f, "sampling rules: {reason}"),
            Self::Io(_) => f.write_str("xray-local could not start"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address { source, .. } | Self::InUse { source, .. } | Self::Io(source) => Some(source),
            Self::SamplingRules { .. } => None,
        }
    }
}

/// Binds both sockets; for port 0 to some port that is free for both.
pub(crate) fn bind(
    address: SocketAddr,
    receive_buffer: Option<usize>,
) -> Result<(TcpListener, UdpSocket), StartError> {
    let mut attempts_left = if address.port() == 0 { FREE_PORT_ATTEMPTS } else { 0 };
    loop {
        match bind_once(address, receive_buffer) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if attempts_left == 0 {
                    return Err(StartError::InUse { address, source: error });
                }
                attempts_left -= 1;
            }
            result => return result.map_err(StartError::Io),
        }
    }
}

fn bind_once(address: SocketAddr, receive_buffer: Option<usize>) -> io::Result<(TcpListener, UdpSocket)> {
    let tcp = TcpListener::bind(address)?;
    tcp.set_nonblocking(true)?;
    let udp = UdpSocket::bind(tcp.local_addr()?)?;
    if let Some(bytes) = receive_buffer {
        SockRef::from(&udp).set_recv_buffer_size(bytes)?;
    }
    Ok((tcp, udp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_zero_is_the_same_port_for_both() {
        let (tcp, udp) = bind(([127, 0, 0, 1], 0).into(), None).unwrap();
        assert_eq!(tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    }

    #[test]
    fn says_who_may_have_the_port() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = bind(taken.local_addr().unwrap(), None).unwrap_err();
        assert!(error.to_string().contains("is in use: is an X-Ray daemon"), "{error}");
    }
}
