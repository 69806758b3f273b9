//! Starting and stopping `xray-local`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use tokio::net::lookup_host;

use crate::{
    bind::StartError,
    clock,
    faults::{Faults, Injector},
    http::App,
    listening::{Bound, Listening},
    sampling::Sampling,
    shared::SharedStore,
    store::{Limits, Snapshot, Stats},
    watched::Watched,
};

/// Where the X-Ray SDKs and exporters look for a daemon unless told otherwise.
///
/// ```
/// use xray_local::{DEFAULT_ADDRESS, XrayLocal};
///
/// let address = std::env::var("AWS_XRAY_DAEMON_ADDRESS").unwrap_or_else(|_| DEFAULT_ADDRESS.to_owned());
/// let builder = XrayLocal::builder().with_addr(address);
/// # drop(builder);
/// ```
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:2000";

/// All rules on one page: most clients read no other.
const DEFAULT_RULES_PER_PAGE: usize = 100;

/// What to start; see [`XrayLocal::builder`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use xray_local::{ErrorAnswer, Faults, XrayLocal};
///
/// let xray = XrayLocal::builder()
///     .with_addr("127.0.0.1:0")
///     .with_sampling_rules(r#"[{"RuleName": "payments", "Priority": 1, "URLPath": "/pay/*", "FixedRate": 1}]"#)
///     .with_faults(Faults::default().with(ErrorAnswer::new(503)))
///     .start()
///     .await?;
/// assert!(xray.url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing listens until `start` is awaited"]
pub struct Builder {
    address: String,
    allowed_hosts: Vec<String>,
    limits: Limits,
    receive_buffer: Option<usize>,
    requires_signature: bool,
    faults: Faults,
    sampling_rules: Option<String>,
    rules_per_page: usize,
}

/// A running `xray-local`. It stops when this is dropped; [`XrayLocal::shutdown`] also waits for what has come.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use xray_local::XrayLocal;
///
/// // In a test of an application:
/// let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
/// # let segment = r#"{"format":"json","version":1}
/// # {"name":"shop","id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","start_time":1,"end_time":2}"#;
/// # std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(segment.as_bytes(), xray.addr())?;
/// // … send requests to it, with its exporter at `xray.addr()`, …
/// let has_trace = xray.wait_until(|received| received.stats.traces == 1);
/// tokio::time::timeout(Duration::from_secs(60), has_trace).await?;
/// // … and go on with nothing in it.
/// xray.clear();
/// assert!(xray.snapshot().traces.is_empty());
/// xray.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct XrayLocal {
    address: SocketAddr,
    receive_buffer: Option<usize>,
    app: Arc<App>,
    /// `None` while it is stopped.
    listening: Option<Listening>,
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

    /// Refuses calls of the X-Ray API that carry no signature for it (version 4), as AWS does. Whether it is
    /// right can't be told without the secret key, and is not checked.
    ///
    /// Default: not required.
    pub fn with_required_signature(mut self, required: bool) -> Self {
        self.requires_signature = required;
        self
    }

    /// Starts with these faults set; see [`XrayLocal::set_faults`].
    ///
    /// Default: none.
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Starts with these sampling rules besides the one named `Default`: JSON, either a list of rules in the API's words,
    /// or what `aws xray get-sampling-rules` prints. Each needs `RuleName` and `Priority`; what it does not say matches
    /// everything, with a reservoir of 1 and a rate of 5 %. One named `Default` changes the default rule.
    ///
    /// ```
    /// use xray_local::XrayLocal;
    ///
    /// let nothing = r#"[{"RuleName": "Default", "Priority": 10000, "ReservoirSize": 0, "FixedRate": 0}]"#;
    /// let builder = XrayLocal::builder().with_sampling_rules(nothing);
    /// # drop(builder);
    /// ```
    ///
    /// Default: none.
    pub fn with_sampling_rules(mut self, json: impl Into<String>) -> Self {
        self.sampling_rules = Some(json.into());
        self
    }

    /// Puts so many rules on a page of `GetSamplingRules`, at least 1, to see whether a client follows `NextToken`.
    ///
    /// Default: 100, more than there can be.
    pub fn with_rules_per_page(mut self, rules: usize) -> Self {
        self.rules_per_page = rules;
        self
    }

    /// Binds the address and starts to listen, on the tokio runtime this is called in and on two threads for
    /// UDP. What was sent after this returns is received.
    ///
    /// # Errors
    /// [`StartError`] if the address is none, is taken, or can't be bound, or if sampling rules can't be read.
    pub async fn start(self) -> Result<XrayLocal, StartError> {
        let mut sampling = Sampling::new(self.rules_per_page, clock::now());
        if let Some(json) = &self.sampling_rules {
            let loaded = sampling.load(json, clock::now());
            loaded.map_err(|error| StartError::SamplingRules { reason: error.to_string() })?;
        }
        let address = resolve(self.address).await?;
        let bound = Bound::bind(address, self.receive_buffer)?;
        let address = bound.address;
        let store = SharedStore::new(self.limits);
        let app = Arc::new(App {
            faults: Watched::new(Injector::new(self.faults), store.clone()),
            sampling: Watched::new(sampling, store.clone()),
            store,
            requires_signature: self.requires_signature,
            address: reachable(address),
            allowed_hosts: self.allowed_hosts,
        });
        let listening = bound.serve(Arc::clone(&app)).map_err(StartError::Io)?;
        Ok(XrayLocal { address, receive_buffer: self.receive_buffer, app, listening: Some(listening) })
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

impl XrayLocal {
    /// Starts with the defaults of the setters of [`Builder`].
    pub fn builder() -> Builder {
        Builder {
            address: DEFAULT_ADDRESS.to_owned(),
            allowed_hosts: Vec::new(),
            limits: Limits::default(),
            receive_buffer: None,
            requires_signature: false,
            faults: Faults::default(),
            sampling_rules: None,
            rules_per_page: DEFAULT_RULES_PER_PAGE,
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
        self.app.store.snapshot()
    }

    /// The counts alone, without the traces.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.app.store.stats()
    }

    /// Waits until what has been received satisfies `enough`, and hands it back: for tests, inside a
    /// `tokio::time::timeout`. It is asked again after each change.
    pub async fn wait_until(&self, mut enough: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let mut changes = self.app.store.subscribe();
        loop {
            changes.mark_unchanged();
            let snapshot = self.app.store.snapshot();
            // The sender lives as long as the store that `self` holds.
            if enough(&snapshot) || changes.changed().await.is_err() {
                return snapshot;
            }
        }
    }

    /// Forgets everything received, reported and counted so far. Faults and sampling rules stay.
    pub fn clear(&self) {
        self.app.clear();
    }

    /// Sets faults in place of those before, while it runs; [`Faults::default`] takes them away.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use xray_local::{ErrorAnswer, Faults, XrayLocal};
    ///
    /// let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
    /// xray.set_faults(Faults::default().with(ErrorAnswer::new(503)));
    /// // … look at what the application makes of it …
    /// assert_eq!(xray.faults_struck(), [0]);
    /// xray.set_faults(Faults::default());
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_faults(&self, faults: Faults) {
        self.app.faults.change(|injector| *injector = Injector::new(faults));
    }

    /// How often the faults have struck since they were set, in the order of [`Faults::list`].
    #[must_use]
    pub fn faults_struck(&self) -> Vec<u64> {
        self.app.faults.read(Injector::struck)
    }

    /// Stops listening and reads what has come, as a daemon that goes away: connections are refused, datagrams
    /// answered by ICMP. What was received stays. Does nothing if it has stopped already.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut xray = xray_local::XrayLocal::builder().with_addr("127.0.0.1:0").start().await?;
    /// // A daemon that is being restarted:
    /// xray.stop_listening().await;
    /// assert!(std::net::TcpStream::connect(xray.addr()).is_err());
    /// xray.listen_again().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop_listening(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.stop().await;
        }
    }

    /// Listens again at the same address. Does nothing if it does already.
    ///
    /// # Errors
    /// [`StartError`] if somebody else has taken the address meanwhile.
    pub async fn listen_again(&mut self) -> Result<(), StartError> {
        if self.listening.is_none() {
            let bound = Bound::bind(self.address, self.receive_buffer)?;
            self.listening = Some(bound.serve(Arc::clone(&self.app)).map_err(StartError::Io)?);
        }
        Ok(())
    }

    /// Stops listening; reads what has come; hands back all there is.
    pub async fn shutdown(mut self) -> Snapshot {
        self.stop_listening().await;
        self.app.store.snapshot()
    }
}
