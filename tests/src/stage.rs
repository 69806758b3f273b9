//! HotROD on free ports with an `xray-local` that its daemon address points to.

use axum_hotrod::{Account, Options, Running, Summary};
use reqwest::{Client, header::HeaderMap};
use serde_json::Value;
use xray_local::{Snapshot, XrayLocal};

use crate::PATIENCE;

/// HotROD, running, and what it sends to.
#[derive(Debug)]
pub struct Stage {
    hotrod: Running,
    xray: XrayLocal,
    client: Client,
}

/// What HotROD answered to an order.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub json: Value,
}

/// What is left when all have stopped.
#[derive(Debug)]
pub struct Outcome {
    /// What the pipelines counted.
    pub summary: Summary,
    /// What arrived.
    pub received: Snapshot,
}

impl Stage {
    /// Starts both.
    pub async fn start() -> Self {
        Self::start_with_aws(None).await
    }

    /// Starts both; orders are stored there.
    pub async fn start_with_aws(aws: Option<Account>) -> Self {
        let xray = XrayLocal::builder().with_addr("127.0.0.1:0").start().await.unwrap();
        let options = Options {
            addr: "127.0.0.1:0".into(),
            daemon: Some(xray.addr().to_string()),
            viewer: Some(xray.addr().to_string()),
            aws,
            ..Options::default()
        };
        let hotrod = axum_hotrod::start(options).await.unwrap();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { hotrod, xray, client }
    }

    /// The URL of HotROD's front page.
    #[must_use]
    pub fn front_page(&self) -> String {
        format!("http://{}/", self.hotrod.frontend_addr)
    }

    /// What HotROD sends to.
    #[must_use]
    pub fn xray(&self) -> &XrayLocal {
        &self.xray
    }

    /// Orders a ride, with a trace header if one is given.
    pub async fn order(&self, customer: &str, trace_header: Option<&[u8]>) -> Answer {
        let url = format!("{}dispatch?customer={customer}", self.front_page());
        let mut request = self.client.get(url);
        if let Some(value) = trace_header {
            request = request.header("X-Amzn-Trace-Id", value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let json = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        Answer { status, headers, json }
    }

    /// Stops HotROD, which sends all that is left, and then the receiver, which reads all that came.
    pub async fn finish(self) -> Outcome {
        let summary = self.hotrod.shutdown().await;
        Outcome { summary, received: self.xray.shutdown().await }
    }
}

impl Answer {
    /// The id of the order's trace.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.json["trace_id"].as_str().unwrap()
    }
}
