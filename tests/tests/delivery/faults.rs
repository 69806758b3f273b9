//! One fault at a time, and all of them.

use std::time::{Duration, Instant};

use opentelemetry_aws_xray::DropReason;
use xray_local::{Effect, ErrorAnswer, Fault, Faults, Unprocessed};

use crate::{
    road::{Outcome, Road},
    way::Way,
};

/// Sixty traces of five spans: at least six calls, or one with OTLP.
fn deliver(way: Way, faults: Faults) -> Outcome {
    let mut road = Road::open(way, faults);
    road.end(60, 5);
    road.settle();
    road.close()
}

/// A fault that strikes two calls, or the same one twice, delays the spans and harms none.
fn strikes_twice(way: Way, what: &str, fault: impl Into<Fault>) -> Outcome {
    let what = format!("{what}, {way:?}");
    let outcome = deliver(way, Faults::default().with(fault.into().times(2)));
    outcome.assert_complete(&what);
    assert_eq!(outcome.struck, [2], "{what}");
    outcome
}

#[test]
fn answers_that_come_late() {
    Way::each(Way::ALL, |way| {
        let outcome = deliver(way, Faults::default().with(Effect::Delay(Duration::from_millis(200))));
        outcome.assert_complete("delay");
        assert_eq!(outcome.received.repeated, 0, "{way:?}");
    });
}

#[test]
fn throttled_and_asked_to_wait() {
    let wait = Duration::from_secs(1);
    Way::each(Way::ALL, |way| {
        let start = Instant::now();
        let outcome = strikes_twice(way, "429", ErrorAnswer::new(429).with_retry_after(wait));
        assert!(start.elapsed() >= wait, "{way:?}");
        assert_eq!(outcome.received.repeated, 0, "{way:?}");
    });
}

#[test]
fn internal_failure() {
    Way::each(Way::ALL, |way| drop(strikes_twice(way, "500", ErrorAnswer::new(500))));
}

#[test]
fn service_unavailable() {
    Way::each(Way::ALL, |way| drop(strikes_twice(way, "503", ErrorAnswer::new(503))));
}

#[test]
fn request_timeout() {
    Way::each(Way::ALL, |way| drop(strikes_twice(way, "408", ErrorAnswer::new(408))));
}

#[test]
fn connections_reset_before_the_body_is_read() {
    Way::each(Way::ALL, |way| drop(strikes_twice(way, "reset before", Effect::ResetBeforeBody)));
}

#[test]
fn connections_reset_after_the_body_is_read() {
    Way::each(Way::ALL, |way| drop(strikes_twice(way, "reset after", Effect::ResetAfterBody)));
}

#[test]
fn a_lost_answer_brings_documents_twice_and_counts_them_once() {
    Way::each(Way::ALL, |way| {
        let outcome = strikes_twice(way, "lost answer", Effect::LostAnswer);
        assert!(outcome.received.repeated > 0, "{way:?}");
    });
}

#[test]
fn half_an_answer_is_none() {
    // An answer of OTLP that says nothing else has no bytes that could be missing.
    Way::each(Way::SEGMENTS, |way| {
        let outcome = strikes_twice(way, "half an answer", Effect::HalfAnswer);
        assert!(outcome.received.repeated > 0, "{way:?}");
    });
}

#[test]
fn documents_that_are_not_taken_now_come_again_and_no_others() {
    Way::each(Way::SEGMENTS, |way| {
        let some = Unprocessed::new(0.2, "InternalFailure").or("Throttled");
        let received = strikes_twice(way, "unprocessed", some).received;
        assert_eq!((received.repeated, received.accepted), (0, 300), "{way:?}");
    });
}

#[test]
fn documents_that_are_never_taken_are_told_one_by_one() {
    Way::each(Way::SEGMENTS, |way| {
        let faults = Faults::default().with(Unprocessed::new(0.1, "InvalidSegment").permanent());
        let outcome = deliver(way, faults);
        outcome.assert_accounted("permanent");
        assert_eq!(outcome.received.repeated, 0, "the others are not sent again");
        assert!((5..60).contains(&outcome.told.len()), "{} of 300", outcome.told.len());
        assert_eq!(outcome.arrived.len() as u64, outcome.stats.spans_sent);
        for told in &outcome.told {
            assert_eq!((told.spans, told.reason), (1, DropReason::Rejected), "{told:?}");
            assert!(told.code == "InvalidSegment" && !told.message.is_empty(), "{told:?}");
            assert!(told.trace_id.is_some(), "{told:?}");
            let id = told.segment_id.unwrap();
            assert!(outcome.ended.contains(&id) && !outcome.arrived.contains(&id), "{told:?}");
        }
    });
}

#[test]
fn a_call_that_is_too_large_goes_in_parts() {
    Way::each(Way::SEGMENTS, |way| {
        for status in [400, 413] {
            strikes_twice(way, &status.to_string(), ErrorAnswer::new(status));
        }
    });
}

#[test]
fn what_is_refused_for_good_is_dropped_with_a_reason() {
    Way::each(Way::ALL, |way| {
        let what = format!("{way:?}");
        let outcome = deliver(way, Faults::default().with(ErrorAnswer::new(404)));
        outcome.assert_accounted(&what);
        assert_eq!(
            (outcome.stats.dropped(DropReason::Rejected), outcome.received.accepted),
            (300, 0),
            "{what}"
        );
        assert!(outcome.told.iter().all(|told| told.code == "404"), "{:?}", outcome.told[0]);
    });
}

#[test]
fn what_fails_or_is_forbidden_waits_for_better_days() {
    Way::each(Way::ALL, |way| {
        for status in [500, 503, 403] {
            let what = format!("{status}, {way:?}");
            let mut road = Road::open(way, Faults::default().with(ErrorAnswer::new(status)));
            road.end(15, 20);
            while road.xray.stats().calls_failed < 2 {
                std::thread::yield_now();
            }
            assert_eq!(road.xray.stats().spans_dropped(), 0, "{what}");
            road.local.set_faults(Faults::default());
            // The next attempt may be seconds away, and a flush does not wait for what is due after its end.
            while road.xray.stats().spans_sent < 300 {
                std::thread::yield_now();
            }
            road.close().assert_complete(&what);
        }
    });
}

/// Every fault there is. One call in six meets one; of the documents one in a hundred is refused for good.
pub(crate) fn mixed(seed: u64) -> Faults {
    let some = |fault: Fault| fault.with_share(0.02);
    Faults::default()
        .with_seed(seed)
        .with(Fault::from(Effect::Delay(Duration::from_millis(50))).with_share(0.1))
        .with(some(ErrorAnswer::new(429).with_retry_after(Duration::from_secs(1)).into()))
        .with(some(ErrorAnswer::new(500).into()))
        .with(some(ErrorAnswer::new(503).into()))
        .with(some(ErrorAnswer::new(408).into()))
        .with(some(Effect::ResetBeforeBody.into()))
        .with(some(Effect::ResetAfterBody.into()))
        .with(some(Effect::LostAnswer.into()))
        .with(some(Effect::HalfAnswer.into()))
        .with(some(Unprocessed::new(0.1, "InternalFailure").into()))
        .with(Unprocessed::new(0.01, "InvalidSegment").permanent())
}

#[test]
fn all_faults_mixed() {
    Way::each(Way::ALL, |way| {
        for seed in 1..=3 {
            let mut road = Road::open(way, mixed(seed));
            road.end(100, 5);
            road.settle();
            road.close().assert_accounted(&format!("seed {seed}, {way:?}"));
        }
    });
}
