//! A steady load of requests on a sampler, ours or another's, and what it samples second by second.

use std::{collections::BTreeMap, process, time::Duration};

use opentelemetry::{KeyValue, trace::SpanKind};
use opentelemetry_aws_xray::{
    clock::{Clock, SystemClock},
    sampler::XraySampler,
};
use opentelemetry_sdk::{
    Resource,
    trace::{IdGenerator, RandomIdGenerator, SamplingDecision, ShouldSample},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::program::run;

/// The sampler fetches its rules meanwhile.
const HEAD_START: Duration = Duration::from_secs(2);

/// Requests that are made `per_second` times a second, each of them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Load {
    pub(crate) seconds: usize,
    pub(crate) per_second: usize,
    pub(crate) requests: Vec<Request>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Request {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) host: &'static str,
}

/// How many requests there were in a second, and how many of them were sampled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "(u32, u32)")]
pub(crate) struct Count {
    pub(crate) asked: u32,
    pub(crate) sampled: u32,
}

/// The counts of each second, by the name of the request.
pub(crate) type Counts = BTreeMap<String, Vec<Count>>;

impl Load {
    /// Puts it on a program that drives a sampler.
    pub(crate) async fn on(&self, program: process::Command, endpoint: &str) -> Counts {
        let mut input = json!(self);
        input["endpoint"] = json!(endpoint);
        serde_json::from_value(run(program, &input).await).unwrap()
    }

    /// Puts it on our sampler.
    pub(crate) async fn on_ours(&self, endpoint: &str) -> Counts {
        let sampler = XraySampler::builder()
            .with_resource(&Resource::builder_empty().with_service_name("shop").build())
            .with_endpoint(endpoint)
            .build();
        is_sampled(&sampler, Request { name: "first", method: "GET", path: "/first", host: "first" });
        sleep(HEAD_START).await;

        let seconds = vec![Count::default(); self.seconds];
        let mut counts: BTreeMap<_, _> =
            self.requests.iter().map(|request| (request.name.to_owned(), seconds.clone())).collect();
        let mut ticks = interval(Duration::from_secs(1) / u32::try_from(self.per_second).unwrap());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let start = SystemClock.now();
        for _ in 0..self.seconds * self.per_second {
            ticks.tick().await;
            let second = (SystemClock.now() - start).as_secs() as usize;
            for request in &self.requests {
                let count = &mut counts.get_mut(request.name).unwrap()[second.min(self.seconds - 1)];
                count.asked += 1;
                count.sampled += u32::from(is_sampled(&sampler, *request));
            }
        }
        counts
    }
}

fn is_sampled(sampler: &XraySampler, request: Request) -> bool {
    let attributes = [
        KeyValue::new("http.request.method", request.method),
        KeyValue::new("url.path", request.path),
        KeyValue::new("server.address", request.host),
    ];
    let id = RandomIdGenerator::default().new_trace_id();
    let result = sampler.should_sample(None, id, request.method, &SpanKind::Server, &attributes, &[]);
    result.decision == SamplingDecision::RecordAndSample
}

impl From<(u32, u32)> for Count {
    fn from((asked, sampled): (u32, u32)) -> Self {
        Self { asked, sampled }
    }
}

/// The sum of some seconds.
pub(crate) fn total(counts: &[Count]) -> Count {
    counts.iter().fold(Count::default(), |sum, count| Count {
        asked: sum.asked + count.asked,
        sampled: sum.sampled + count.sampled,
    })
}
