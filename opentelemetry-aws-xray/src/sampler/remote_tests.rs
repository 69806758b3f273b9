//! The sampler and its thread, against an X-Ray that answers as told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample},
};
use xray_wire::sampling::{
    ClientId, Counts, Report, RulesPage, Schedule, Stripe, Table, Targets, rules_page, targets,
    targets_request,
};

use super::{
    control::{Control, Moment, Progress},
    process::OwnProcess,
    published::Published,
    *,
};
use crate::clock::{Clock, ManualClock};

mod control;
mod decisions;
mod http;
mod poller;

const SECOND: u64 = 1_000_000_000;

/// What X-Ray answers, and what it was asked.
#[derive(Debug, Default)]
struct XRay {
    /// Pages of rules; each call takes the next one, and the last one stays.
    rules: VecDeque<String>,
    targets: VecDeque<Result<String, &'static str>>,
    calls: Vec<String>,
    counts: Counts,
}

#[derive(Debug)]
struct FakeApi {
    xray: Arc<Mutex<XRay>>,
    _ended: Option<mpsc::Sender<()>>,
}

impl SamplingApi for FakeApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        let mut xray = self.xray.lock().unwrap();
        xray.calls.push(format!("rules {}", next_token.unwrap_or_default()));
        let page = if xray.rules.len() > 1 { xray.rules.pop_front() } else { xray.rules.front().cloned() };
        rules_page(page.unwrap_or_default().as_bytes()).map_err(|error| SamplingApiError::caused_by(&error))
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        let mut xray = self.xray.lock().unwrap();
        xray.calls.push(format!("targets {}", reports.len()));
        assert!(!targets_request(client, epoch_millis, reports).is_empty());
        let answer =
            xray.targets.pop_front().unwrap_or(Ok(NO_TARGETS.to_owned())).map_err(SamplingApiError::new)?;
        for report in reports {
            xray.counts.not_sampled += report.counts().not_sampled;
            xray.counts.sampled += report.counts().sampled;
            xray.counts.borrowed += report.counts().borrowed;
        }
        Ok(targets(answer.as_bytes()).unwrap())
    }

    fn endpoint(&self) -> String {
        "fake".to_owned()
    }
}

const NO_TARGETS: &str = r#"{"SamplingTargetDocuments":[]}"#;

fn rule(name: &str, priority: u32, path: &str, reservoir: u32, rate: f64) -> String {
    format!(
        r#"{{"SamplingRule":{{"RuleName":"{name}","Priority":{priority},"URLPath":"{path}","ReservoirSize":{reservoir},
        "FixedRate":{rate},"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","ResourceARN":"*","Version":1}}}}"#
    )
}

fn page(rules: &[String], next_token: &str) -> String {
    format!(r#"{{"SamplingRuleRecords":[{}],"NextToken":"{next_token}"}}"#, rules.join(","))
}

fn default_page() -> String {
    page(&[rule("Default", 10_000, "*", 1, 0.0)], "")
}

/// A control, and what it publishes, at a time that the test gives.
struct World {
    xray: Arc<Mutex<XRay>>,
    control: Control,
    published: Arc<Published>,
    progress: Arc<Mutex<Progress>>,
}

impl World {
    fn new(rules: &[String]) -> Self {
        let xray = Arc::new(Mutex::new(XRay { rules: rules.iter().cloned().collect(), ..XRay::default() }));
        let (published, progress) = (Arc::new(Published::new()), Arc::default());
        let control = Control::new(
            Box::new(FakeApi { xray: xray.clone(), _ended: None }),
            OwnProcess::default(),
            Schedule::new(Schedule::RULES_INTERVAL, 0),
            published.clone(),
            Arc::clone(&progress),
        );
        Self { xray, control, published, progress }
    }

    /// Steps through all that is due until then.
    fn run_until(&mut self, seconds: u64) {
        let mut now = 0;
        while now <= seconds * SECOND {
            let moment = Moment { nanos: now, epoch_millis: 1_789_000_000_000 + now / 1_000_000, random: 0 };
            now = self.control.step(moment).max(now + 1);
        }
    }

    fn step(&mut self, seconds: u64) {
        self.control.step(Moment { nanos: seconds * SECOND, epoch_millis: seconds * 1_000, random: 0 });
    }

    fn table(&self) -> Option<Arc<Table>> {
        self.progress.lock().unwrap().table.clone()
    }

    fn calls(&self) -> Vec<String> {
        self.xray.lock().unwrap().calls.drain(..).collect()
    }

    /// Lets every rule decide about a request.
    fn use_all(&self) {
        for entry in self.table().unwrap().entries() {
            entry.state.decide([0xff; 16], || 0, Stripe::shared(0));
        }
    }
}

fn decide(
    sampler: &impl ShouldSample,
    parent: Option<&Context>,
    path: &str,
    trace_id: u128,
) -> SamplingResult {
    let attributes =
        [KeyValue::new("http.request.method", "GET"), KeyValue::new("url.path", path.to_owned())];
    sampler.should_sample(parent, TraceId::from(trace_id), "span", &SpanKind::Server, &attributes, &[])
}

/// Waits until the sampler's thread has done what it does by itself.
fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        crate::clock::SystemClock.sleep(Duration::from_millis(5));
    }
    panic!("waited for ten seconds");
}
