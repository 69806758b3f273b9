//! The thread that makes the calls: its start, its end, and the last report.

use super::*;

#[test]
fn a_shutdown_waits_for_the_last_report() {
    let xray = Arc::new(Mutex::new(XRay { rules: VecDeque::from([default_page()]), ..XRay::default() }));
    let sampler = XraySampler::builder().with_api(FakeApi { xray: xray.clone(), _ended: None }).build();
    let handle = sampler.handle();
    assert!(!handle.status().has_ended);
    handle.shutdown();
    assert!(handle.status().has_ended);
    decide(&sampler, None, "/", 0);
    assert!(handle.status().has_ended, "no thread starts after the end");
    assert_eq!(xray.lock().unwrap().calls.len(), 0, "a thread that never ran is not waited for");

    let sampler = XraySampler::builder().with_api(FakeApi { xray: xray.clone(), _ended: None }).build();
    let handle = sampler.handle();
    decide(&sampler, None, "/", 0);
    wait_until(|| !handle.status().rules.is_empty());
    for _ in 0..5 {
        decide(&sampler, None, "/", u128::MAX);
    }
    handle.shutdown();
    let status = handle.status();
    assert_eq!((status.has_ended, status.rules.len()), (true, 1), "what was known at the end");
    // The first may have been decided by the fallback.
    assert!((5..=6).contains(&xray.lock().unwrap().counts.requests()));
}

/// An X-Ray during whose calls the sampler decides.
#[derive(Debug)]
struct BusyApi {
    fake: FakeApi,
    sampler: Arc<Mutex<Option<XraySampler>>>,
}

impl SamplingApi for BusyApi {
    fn rules(&mut self, next_token: Option<&str>) -> Result<RulesPage, SamplingApiError> {
        self.fake.rules(next_token)
    }

    fn targets(
        &mut self,
        client: ClientId,
        epoch_millis: u64,
        reports: &[Report],
    ) -> Result<Targets, SamplingApiError> {
        if let Some(sampler) = &*self.sampler.lock().unwrap() {
            decide(sampler, None, "/", u128::MAX);
        }
        self.fake.targets(client, epoch_millis, reports)
    }

    fn endpoint(&self) -> String {
        self.fake.endpoint()
    }
}

#[test]
fn no_rule_decides_while_the_last_report_is_under_way() {
    let xray = Arc::new(Mutex::new(XRay { rules: VecDeque::from([default_page()]), ..XRay::default() }));
    let shared = Arc::new(Mutex::new(None));
    let api = BusyApi { fake: FakeApi { xray: xray.clone(), _ended: None }, sampler: shared.clone() };
    let sampler = XraySampler::builder().with_api(api).build();
    let handle = sampler.handle();
    decide(&sampler, None, "/", 0);
    wait_until(|| !handle.status().rules.is_empty());
    decide(&sampler, None, "/", 0);
    *shared.lock().unwrap() = Some(sampler.clone());
    handle.shutdown();
    wait_until(|| handle.status().has_ended);
    let decided = handle.status().rules[0].decisions.requests();
    assert_eq!(xray.lock().unwrap().counts.requests(), decided);
    assert!(handle.status().fallback.unwrap().requests() > 0);
    shared.lock().unwrap().take();
}

#[test]
fn the_thread_starts_with_the_first_decision_and_ends_with_the_last_clone() {
    let xray = Arc::new(Mutex::new(XRay {
        rules: VecDeque::from([page(
            &[rule("pay", 1, "/pay/*", 0, 1.0), rule("Default", 10_000, "*", 0, 0.0)],
            "",
        )]),
        ..XRay::default()
    }));
    let (sender, ended) = mpsc::channel();
    let sampler = XraySampler::builder()
        .with_resource(&Resource::builder_empty().with_service_name("shop").build())
        .with_api(FakeApi { xray: xray.clone(), _ended: Some(sender) })
        .build();
    let handle = sampler.handle();

    let flags = TraceFlags::default();
    let unsampled = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, true, TraceState::NONE);
    let unsampled = Context::new().with_remote_span_context(unsampled);
    assert_eq!(decide(&sampler, Some(&unsampled), "/pay/1", 1).decision, SamplingDecision::Drop);
    assert_eq!(xray.lock().unwrap().calls.len(), 0, "who follows a parent needs no rules");
    decide(&sampler, None, "/", 0);
    wait_until(|| !handle.status().rules.is_empty());
    let sampled = decide(&sampler, None, "/pay/1", u128::MAX);
    assert_eq!(sampled.decision, SamplingDecision::RecordAndSample);
    assert_eq!(sampled.attributes, [KeyValue::new("aws.xray.sampling_rule", "pay")]);
    assert_eq!(decide(&sampler, None, "/", 0).decision, SamplingDecision::Drop);
    let status = handle.status();
    let names: Vec<_> = status.rules.iter().map(|rule| (rule.name.as_str(), rule.is_live)).collect();
    assert_eq!(names, [("pay", true), ("Default", true)]);
    assert_eq!((status.calls_answered, status.calls_failed, status.last_error), (1, 0, None));

    let clone = sampler.clone();
    drop(sampler);
    handle.refresh_now();
    wait_until(|| xray.lock().unwrap().calls.len() >= 2);
    drop(clone);
    assert_eq!(ended.recv_timeout(Duration::from_secs(10)), Err(mpsc::RecvTimeoutError::Disconnected));
}
