//! Starting and stopping: an X-Ray, two instances, and their traffic.

use opentelemetry_aws_xray::Xray;
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};
use xray_local::XrayLocal;

use crate::{Error, OrdersRule, Snapshot, instance::Instance, traffic};

/// What `xray-local` asks the kernel for, in bytes, so that two pipelines at full speed do not overflow it.
const RECEIVE_BUFFER: usize = 1 << 20;

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where `xray-local` listens, `HOST:PORT`; port 0 takes a free one. Default: `127.0.0.1:2000`.
    pub addr: String,
    /// Requests a second of both instances together. Default: 200.
    pub requests_per_second: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { addr: xray_local::DEFAULT_ADDRESS.to_owned(), requests_per_second: 200 }
    }
}

/// The example, running.
#[derive(Debug)]
pub struct Running {
    xray_local: XrayLocal,
    instances: [Instance; 2],
    pipelines: [Xray; 2],
    orders: OrdersRule,
    started: Instant,
    stop: oneshot::Sender<()>,
    traffic: JoinHandle<()>,
}

/// Starts everything, on the runtime in which this is called.
///
/// # Errors
/// [`Error::Viewer`] if the address can't be listened to.
pub async fn start(options: Options) -> Result<Running, Error> {
    let orders = OrdersRule::FIRST;
    let xray_local = XrayLocal::builder()
        .with_addr(options.addr)
        .with_receive_buffer(RECEIVE_BUFFER)
        .with_sampling_rules(orders.all_rules())
        .start()
        .await
        .map_err(Error::Viewer)?;
    let (a, for_a) = Instance::new("a", &xray_local.url())?;
    let (b, for_b) = Instance::new("b", &xray_local.url())?;
    let instances = [a, b];
    let (stop, stopped) = oneshot::channel();
    let traffic = tokio::spawn(traffic::run(instances.clone(), options.requests_per_second, stopped));
    let pipelines = [for_a, for_b];
    Ok(Running { xray_local, instances, pipelines, orders, started: Instant::now(), stop, traffic })
}

impl Running {
    /// Where to see rules, clients and charts.
    #[must_use]
    pub fn page(&self) -> String {
        format!("{}/sampling", self.xray_local.url())
    }

    /// What has happened so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            at: self.started.elapsed(),
            rows: interleaved(self.instances.each_ref().map(Instance::rows)),
            orders: self.orders,
            rates_known: self.instances.each_ref().map(|instance| instance.rate_of(OrdersRule::NAME)),
            clients: self.instances.each_ref().map(|instance| (instance.name(), instance.client())),
        }
    }

    /// Changes the rule for orders, over X-Ray's API. The instances take it up with their next reports, within ten seconds.
    ///
    /// # Errors
    /// [`Error::Change`] if the rule is refused.
    pub async fn change_orders(&mut self, orders: OrdersRule) -> Result<(), Error> {
        let client = reqwest::Client::builder().no_proxy().build().map_err(Error::Change)?;
        let url = format!("{}/UpdateSamplingRule", self.xray_local.url());
        let answer = client.post(url).body(orders.update()).send().await.map_err(Error::Change)?;
        answer.error_for_status().map_err(Error::Change)?;
        self.orders = orders;
        Ok(())
    }

    /// Stops the traffic, sends the traces that are left, and stops everything.
    pub async fn shutdown(self) {
        drop(self.stop);
        // An error says that the traffic panicked, which has been told on stderr.
        let _ = self.traffic.await;
        let pipelines = self.pipelines;
        // It fails if it takes longer than five seconds, which a program that ends can't help.
        let _ = spawn_blocking(move || pipelines.iter().for_each(|xray| drop(xray.shutdown()))).await;
        self.xray_local.shutdown().await;
    }
}

/// The rows of both instances, route by route.
fn interleaved<T>([a, b]: [Vec<T>; 2]) -> Vec<T> {
    a.into_iter().zip(b).flat_map(|(a, b)| [a, b]).collect()
}
