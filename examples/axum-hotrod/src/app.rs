//! Starting and stopping: four services, a pipeline for each, and where their traces go.

use std::{fmt, io, net::SocketAddr};

use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;
use xray_local::XrayLocal;

#[cfg(feature = "aws")]
use crate::aws::{Cloud, Orders, write_receipts};
use crate::{
    client::Client,
    customer,
    destination::Destination,
    dice::Dice,
    driver,
    error::StartError,
    frontend::{self, Frontend},
    load::{self, LoadCounts},
    route,
    server::{bind_free_port, serve},
    shutdown::Task,
    telemetry::{Pipelines, SpanCounts, Telemetry},
};

/// What to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where the frontend listens, `HOST:PORT`; port 0 takes a free one. Default: `127.0.0.1:8080`.
    pub addr: String,
    /// The X-Ray daemon to send to. Default: `None`, which starts an `xray-local` inside.
    pub daemon: Option<String>,
    /// Where that `xray-local` listens; with a daemon, where one is already, for links to traces. Default: `None`,
    /// which is `127.0.0.1:2000` or a free port for the one inside, and no links otherwise.
    pub viewer: Option<String>,
    /// Orders a second that come by themselves. Default: `None`.
    pub load: Option<f64>,
    /// Which log lines the services write to stderr. Default: none.
    pub log: LevelFilter,
    /// Where orders are stored, with the feature `aws`. Default: `None`, nowhere.
    #[cfg(feature = "aws")]
    pub aws: Option<crate::Account>,
    /// What all chance comes from: the same for the same seed. Default: 0.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addr: "127.0.0.1:8080".to_owned(),
            daemon: None,
            viewer: None,
            load: None,
            log: LevelFilter::OFF,
            #[cfg(feature = "aws")]
            aws: None,
            seed: 0,
        }
    }
}

/// HotROD, running. [`shutdown`](Self::shutdown) lets it finish what is under way; dropping it does not wait.
#[derive(Debug)]
#[non_exhaustive]
pub struct Running {
    /// Where the frontend listens.
    pub frontend_addr: SocketAddr,
    /// Where to look at traces, if that is known, without a slash at the end.
    pub viewer_url: Option<String>,
    /// Where the other services listen.
    pub services: [(&'static str, SocketAddr); 3],
    destination: Destination,
    pipelines: Pipelines,
    load: Option<Task<LoadCounts>>,
    #[cfg(feature = "aws")]
    receipts: Option<Task<()>>,
    frontend: Task<()>,
    others: [Task<()>; 3],
}

/// Starts everything. When this returns, requests are answered.
///
/// # Errors
/// [`StartError`] if an address can't be listened to.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let Options { addr, daemon, viewer, load, log, seed, .. } = options;
    #[cfg(feature = "aws")]
    let cloud = match options.aws {
        Some(account) => Some(Cloud::open(account).await.map_err(StartError::Cloud)?),
        None => None,
    };
    let frontend_listener = bind_frontend(addr).await?;
    let frontend_addr = frontend_listener.local_addr().map_err(StartError::Listener)?;
    let destination = Destination::start(daemon, viewer).await.map_err(StartError::Viewer)?;
    let viewer_url = destination.viewer_url();
    let [customer_listener, driver_listener, route_listener] =
        bind_others().await.map_err(StartError::Listener)?;
    let services = [
        ("customer", customer_listener.local_addr().map_err(StartError::Listener)?),
        ("driver", driver_listener.local_addr().map_err(StartError::Listener)?),
        ("route", route_listener.local_addr().map_err(StartError::Listener)?),
    ];

    let pipelines = ["frontend", "customer", "driver", "route"]
        .map(|service| Telemetry::new(service, &destination.daemon_address(), log));
    let [for_frontend, for_customer, for_driver, for_route] = &pipelines;
    let dice = Dice::new(seed);
    let frontend = Frontend {
        client: Client::new(&for_frontend.client_layer(), &services).map_err(StartError::Client)?,
        viewer_url: viewer_url.clone(),
        #[cfg(feature = "aws")]
        orders: cloud.as_ref().map(|cloud| Orders::new(cloud, for_frontend)),
    };
    let load = load
        .map(|per_second| {
            let client = reqwest::Client::builder().no_proxy().build().map_err(StartError::Client)?;
            let dice = dice.clone();
            Ok(Task::spawn(move |stopped| load::run(client, frontend_addr, per_second, dice, stopped)))
        })
        .transpose()?;
    let others = [
        serve(customer_listener, customer::router(for_customer, dice.clone())),
        serve(driver_listener, driver::router(for_driver, dice.clone())),
        serve(route_listener, route::router(for_route, dice)),
    ];
    let frontend = serve(frontend_listener, frontend::router(for_frontend, frontend));
    #[cfg(not(feature = "aws"))]
    let pipelines = Pipelines::new(pipelines);
    #[cfg(feature = "aws")]
    let (pipelines, receipts) = with_receipts(pipelines, cloud, &destination, log);
    Ok(Running {
        frontend_addr,
        viewer_url,
        services,
        destination,
        pipelines,
        load,
        #[cfg(feature = "aws")]
        receipts,
        frontend,
        others,
    })
}

/// Starts the service that writes receipts, where orders are stored.
#[cfg(feature = "aws")]
fn with_receipts(
    pipelines: impl Into<Vec<Telemetry>>,
    cloud: Option<Cloud>,
    destination: &Destination,
    log: LevelFilter,
) -> (Pipelines, Option<Task<()>>) {
    let mut pipelines = pipelines.into();
    let receipts = cloud.map(|cloud| {
        let telemetry = Telemetry::new("receipts", &destination.daemon_address(), log);
        let task = Task::spawn(|stopped| write_receipts(cloud, &telemetry, stopped));
        pipelines.push(telemetry);
        task
    });
    (Pipelines::new(pipelines), receipts)
}

async fn bind_frontend(addr: String) -> Result<TcpListener, StartError> {
    match TcpListener::bind(&addr).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::Taken { addr }),
        Err(source) => Err(StartError::Frontend { addr, source }),
    }
}

async fn bind_others() -> io::Result<[TcpListener; 3]> {
    Ok([bind_free_port().await?, bind_free_port().await?, bind_free_port().await?])
}

impl Running {
    /// The `xray-local` inside, if there is one.
    #[must_use]
    pub fn xray_local(&self) -> Option<&XrayLocal> {
        self.destination.xray_local()
    }

    /// Answers the requests under way, sends the traces that are left, and stops everything.
    pub async fn shutdown(self) -> Summary {
        let load = match self.load {
            Some(load) => load.stop().await,
            None => None,
        };
        // Before the others, which its last orders need.
        self.frontend.stop().await;
        #[cfg(feature = "aws")]
        if let Some(receipts) = self.receipts {
            receipts.stop().await;
        }
        for other in self.others {
            other.stop().await;
        }
        let spans = self.pipelines.shutdown().await;
        self.destination.shutdown().await;
        Summary { spans, load }
    }
}

/// What to say when it has started: what runs where, and what to click.
impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "HotROD is open. Order a ride at")?;
        writeln!(f, "  http://{}/", reachable(self.frontend_addr))?;
        if let Some(url) = &self.viewer_url {
            writeln!(f, "and see its trace at")?;
            writeln!(f, "  {url}/")?;
        }
        write!(f, "services: frontend {}", self.frontend_addr)?;
        for (name, addr) in self.services {
            write!(f, ", {name} {addr}")?;
        }
        writeln!(f)?;
        write!(f, "traces go to {}", self.destination)
    }
}

/// An address to click on: that of all interfaces is none.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(if addr.is_ipv4() { [127, 0, 0, 1].into() } else { [0, 0, 0, 0, 0, 0, 0, 1].into() });
    }
    addr
}

/// What happened from start to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    spans: SpanCounts,
    load: Option<LoadCounts>,
}

impl Summary {
    /// Spans that ended, of all services.
    #[must_use]
    pub fn spans_received(&self) -> u64 {
        self.spans.received
    }

    /// Of these, spans that were sent.
    #[must_use]
    pub fn spans_sent(&self) -> u64 {
        self.spans.sent
    }

    /// Of these, spans that were not.
    #[must_use]
    pub fn spans_dropped(&self) -> u64 {
        self.spans.dropped
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(load) = &self.load {
            writeln!(f, "load: {load}")?;
        }
        let SpanCounts { received, sent, dropped } = self.spans;
        write!(f, "stopped: {received} spans, {sent} sent, {dropped} dropped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_what_to_do_when_the_address_is_taken() {
        let taken = bind_free_port().await.unwrap();
        let addr = taken.local_addr().unwrap().to_string();
        let error = start(Options { addr: addr.clone(), ..Options::default() }).await.unwrap_err();
        let expected =
            format!("{addr} is taken: stop what listens there, or choose another address with --addr");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}
