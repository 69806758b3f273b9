//! Starting and stopping `xray-local`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::lookup_host, sync::watch, task::JoinHandle, time::timeout};

use crate::{
    bind::{StartError, bind},
    http::{self, App},
    shared::SharedStore,
    store::{Limits, Snapshot, Stats},
    udp::UdpReceiver,
};

/// Where the X-Ray SDKs and exporters look for a daemon unless told otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:2000";

/// How long [`XrayLocal::shutdown`] waits for requests under way.
const MAX_GRACE: Duration = Duration::from_secs(2);

/// What to start; see [`XrayLocal::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing listens until `start` is awaited"]
pub struct Builder {
    address: String,
    allowed_hosts: Vec<String>,
    limits: Limits,
    receive_buffer: Option<usize>,
}

/// A running `xray-local`. It stops when this is dropped; [`XrayLocal::shutdown`] also waits for what has come.
#[derive(Debug)]
pub struct XrayLocal {
    address: SocketAddr,
    store: SharedStore,
    udp: Option<UdpReceiver>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Builder {
    /// Listens on this address, `HOST:PORT`, for both UDP and TCP. Port 0 takes a port that is free for both.
    ///
    /// What is not a loopback address can be reached, read and filled by others: there is no authentication.
    ///
    /// Default: [`DEFAULT_ADDRESS`].
    pub fn with_addr(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Answers the viewer and `/api/…` under this host name too, say the name of its container. IP addresses,
    /// `localhost` and the names below it are always answered; every other `Host` is refused, so that no web
    /// page can read traces by pointing its own name at this machine.
    ///
    /// Default: none.
    pub fn with_allowed_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }

    /// How much is held before the oldest trace goes.
    ///
    /// Default: [`Limits::default`].
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Asks the kernel for this receive buffer (`SO_RCVBUF`), in bytes; it may grant less.
    ///
    /// Default: not asked for, as the X-Ray daemon doesn't either: bursts are lost here as they are there.
    pub fn with_receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Binds the address and starts to listen, on the tokio runtime this is called in and on two threads for
    /// UDP. What was sent after this returns is received.
    ///
    /// # Errors
    /// [`StartError`] if the address is none, is taken, or can't be bound.
    pub async fn start(self) -> Result<XrayLocal, StartError> {
        let address = resolve(self.address).await?;
        let (tcp, udp) = bind(address, self.receive_buffer)?;
        let address = tcp.local_addr().map_err(StartError::Io)?;
        let listener = tokio::net::TcpListener::from_std(tcp).map_err(StartError::Io)?;
        let store = SharedStore::new(self.limits);
        let udp = UdpReceiver::start(udp, store.clone()).map_err(StartError::Io)?;
        let (stop, stopped) = watch::channel(false);
        let app = Arc::new(App {
            store: store.clone(),
            address: reachable(address),
            allowed_hosts: self.allowed_hosts,
        });
        let server = tokio::spawn(serve(listener, app, stopped));
        Ok(XrayLocal { address, store, udp: Some(udp), stop, server })
    }
}

async fn resolve(address: String) -> Result<SocketAddr, StartError> {
    let found = lookup_host(&address).await.map(|mut found| found.next());
    match found {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(StartError::Address { address, source: io::ErrorKind::NotFound.into() }),
        Err(source) => Err(StartError::Address { address, source }),
    }
}

/// The address to connect to: loopback for one that stands for all of the machine's.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn serve(listener: tokio::net::TcpListener, app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let stop = async move {
        // An error says that the sender was dropped, and `XrayLocal` with it.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    // Infallible in axum 0.8: a connection that fails ends alone.
    let _ = axum::serve(listener, http::router(app)).with_graceful_shutdown(stop).await;
}

impl XrayLocal {
    /// Starts with the defaults of the setters of [`Builder`].
    pub fn builder() -> Builder {
        Builder {
            address: DEFAULT_ADDRESS.to_owned(),
            allowed_hosts: Vec::new(),
            limits: Limits::default(),
            receive_buffer: None,
        }
    }

    /// The address it listens on, for UDP and TCP: the value for `AWS_XRAY_DAEMON_ADDRESS`.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Where to look: the URL of the viewer and of the API, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// What has been received so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    /// The counts alone, without the traces.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.store.stats()
    }

    /// Waits until what has been received satisfies `enough`, and hands it back: for tests, inside a
    /// `tokio::time::timeout`. It is asked again after each change.
    pub async fn wait_until(&self, mut enough: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let mut changes = self.store.subscribe();
        loop {
            changes.mark_unchanged();
            let snapshot = self.store.snapshot();
            // The sender lives as long as the store that `self` holds.
            if enough(&snapshot) || changes.changed().await.is_err() {
                return snapshot;
            }
        }
    }

    /// Forgets everything received and counted so far.
    pub fn clear(&self) {
        self.store.clear();
    }

    /// Stops listening; reads what has come; hands back all there is.
    pub async fn shutdown(mut self) -> Snapshot {
        self.stop.send_replace(true);
        if let Some(udp) = self.udp.take() {
            // An error says that a thread panicked, which it has told itself.
            let _ = tokio::task::spawn_blocking(move || udp.join()).await;
        }
        // Requests under way end; a connection that some client keeps open does not hold us up.
        let _ = timeout(MAX_GRACE, &mut self.server).await;
        self.store.snapshot()
    }
}

impl Drop for XrayLocal {
    fn drop(&mut self) {
        self.server.abort();
    }
}
