//! The outbox against a simulated other side and a clock that is a number.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::{
    post::CallErrorKind,
    sink::{Document, acknowledged::Unprocessed},
};

const SECOND: Duration = Duration::from_secs(1);
const LIMITS: CallLimits =
    CallLimits { max_document_bytes: 64_000, max_documents: 4, max_call_bytes: 100_000 };

/// The document of segment `id` in trace `trace`.
fn item(trace: u32, id: u64, padding: usize) -> Item {
    let padding = "x".repeat(padding);
    let json =
        format!("{{\"trace_id\":\"1-{trace:08x}-{:024x}\",\"name\":\"{padding}\",\"id\":\"{id:016x}\"}}", 1);
    Item::new(Document { json: json.as_bytes(), spans: 1 })
}

fn outbox(documents: u64) -> Outbox {
    let mut outbox = Outbox::new(LIMITS);
    (1..=documents).for_each(|id| outbox.push(item(1, id, 0)));
    outbox
}

fn id(json: &[u8]) -> u64 {
    u64::from_be_bytes(xray_wire::peek::ids(json).unwrap().1.to_bytes())
}

/// The next call, if there is one now.
fn call(outbox: &mut Outbox, now: Duration) -> Option<(Ticket, Vec<u64>)> {
    match outbox.next(now) {
        Step::Call(ticket, documents) => Some((ticket, documents.iter().map(|json| id(json)).collect())),
        Step::Wait(_) => None,
    }
}

fn accepted() -> Answer {
    Answer::Accepted { unprocessed: Vec::new() }
}

fn failed(kind: CallErrorKind) -> Answer {
    Answer::Failed(CallError::new(kind, "broken"))
}

/// What was decided: sent, and dropped by reason.
fn fates(outbox: &mut Outbox) -> (Vec<u64>, Vec<(u64, DropReason)>) {
    let (mut sent, mut dropped) = (Vec::new(), Vec::new());
    for fate in outbox.take_fates() {
        let id = id(&fate.item().json);
        match fate {
            Fate::Sent(_) | Fate::PartlySent { .. } => sent.push(id),
            Fate::Dropped { reason, .. } => dropped.push((id, reason)),
        }
    }
    (sent, dropped)
}

#[test]
fn one_bad_document_harms_no_other() {
    let mut outbox = outbox(4);
    let mut calls = 0;
    while let Some((ticket, documents)) = call(&mut outbox, SECOND) {
        calls += 1;
        let is_bad = documents.contains(&3);
        let answer = if is_bad { failed(CallErrorKind::Status(400)) } else { accepted() };
        outbox.answered(ticket, answer, SECOND, 1.0);
    }
    let (mut sent, dropped) = fates(&mut outbox);
    sent.sort_unstable();
    assert_eq!((sent, dropped), (vec![1, 2, 4], vec![(3, DropReason::Rejected)]));
    assert_eq!(calls, 5);
    assert!(outbox.is_empty());
}

#[test]
fn a_document_that_is_refused_without_a_name_is_found() {
    let mut outbox = outbox(4);
    while let Some((ticket, documents)) = call(&mut outbox, SECOND) {
        let entry = Unprocessed { id: None, code: "InvalidSegment".into(), message: String::new() };
        let unprocessed = if documents.contains(&2) { vec![entry] } else { vec![] };
        outbox.answered(ticket, Answer::Accepted { unprocessed }, SECOND, 1.0);
    }
    let (mut sent, dropped) = fates(&mut outbox);
    sent.sort_unstable();
    assert_eq!((sent, dropped), (vec![1, 3, 4], vec![(2, DropReason::Rejected)]));
}

#[test]
fn throttled_documents_go_again_alone_and_not_for_ever() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut outbox = outbox(3);
    let entry = || Unprocessed {
        id: Some(format!("{:016x}", 2)),
        code: "ThrottledException".into(),
        message: String::new(),
    };
    for (now, expected) in
        [(minutes(0), &[1, 2, 3][..]), (minutes(1), &[2]), (minutes(14), &[2]), (minutes(15), &[2])]
    {
        let (ticket, documents) = call(&mut outbox, now).unwrap();
        assert_eq!(documents, expected);
        outbox.answered(ticket, Answer::Accepted { unprocessed: vec![entry()] }, now, 1.0);
        assert!(call(&mut outbox, now).is_none(), "not at once");
    }
    assert_eq!(fates(&mut outbox), (vec![1, 3], vec![(2, DropReason::Unanswered)]));
    assert!(outbox.is_empty());
}

#[test]
fn time_in_which_nobody_was_there_is_no_time_of_failing() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut outbox = outbox(2);
    // Of this, nobody was there from the first to the sixteenth minute.
    for (minute, kind) in [
        (0, CallErrorKind::Status(429)),
        (1, CallErrorKind::Unreachable),
        (16, CallErrorKind::Status(429)),
        (30, CallErrorKind::Status(503)),
    ] {
        let (ticket, documents) = call(&mut outbox, minutes(minute)).unwrap();
        assert_eq!(documents, [1, 2], "minute {minute}");
        outbox.answered(ticket, failed(kind), minutes(minute), 1.0);
    }
    assert_eq!(fates(&mut outbox), (vec![], vec![]));
}

#[test]
fn halves_of_what_could_not_be_taken_do_not_go_at_once() {
    let mut outbox = outbox(4);
    let mut calls = Vec::new();
    for minute in [0, 16, 32, 48] {
        let now = Duration::from_secs(60 * minute);
        let tickets: Vec<_> = std::iter::from_fn(|| Some(call(&mut outbox, now)?.0)).collect();
        calls.push(tickets.len());
        for ticket in tickets {
            outbox.answered(ticket, failed(CallErrorKind::Status(503)), now, 1.0);
        }
        assert!(call(&mut outbox, now).is_none(), "at once, after {calls:?}");
    }
    assert_eq!(calls, [1, 1, 2, 4]);
    let expected: Vec<_> = (1..=4).map(|id| (id, DropReason::Unanswered)).collect();
    assert_eq!(fates(&mut outbox), (vec![], expected));
}

#[test]
fn a_failing_call_stops_no_other() {
    let mut outbox = outbox(8);
    let (first, _) = call(&mut outbox, SECOND).unwrap();
    outbox.answered(first, failed(CallErrorKind::Timeout), SECOND, 1.0);
    let (second, documents) = call(&mut outbox, SECOND).unwrap();
    assert_eq!(documents, [5, 6, 7, 8]);
    outbox.answered(second, accepted(), SECOND, 1.0);
    assert_eq!(fates(&mut outbox).0, [5, 6, 7, 8]);
    assert!(matches!(outbox.next(SECOND), Step::Wait(Some(due)) if due == 2 * SECOND));
    assert_eq!(call(&mut outbox, 2 * SECOND).unwrap().1, [1, 2, 3, 4]);
}

#[test]
fn while_nobody_is_there_documents_wait_and_one_looks() {
    let mut outbox = outbox(8);
    let mut now = Duration::ZERO;
    let away = || failed(CallErrorKind::Unreachable);
    let calls = [call(&mut outbox, now).unwrap().0, call(&mut outbox, now).unwrap().0];
    calls.into_iter().for_each(|ticket| outbox.answered(ticket, away(), now, 1.0));
    // Longer than any number of attempts.
    for _ in 0..20 {
        assert!(call(&mut outbox, now).is_none());
        let Step::Wait(Some(look_at)) = outbox.next(now) else { panic!("no time to look") };
        now = look_at;
        let (look, _) = call(&mut outbox, now).unwrap();
        assert!(call(&mut outbox, now + 100 * SECOND).is_none(), "one looks");
        outbox.answered(look, away(), now, 1.0);
        assert!(outbox.is_away());
    }
    assert!(outbox.is_stuck(now, now + SECOND) && !outbox.is_stuck(now + SECOND, now + 2 * SECOND));
    outbox.look_now(now);
    let mut sent = HashSet::new();
    while let Some((ticket, documents)) = call(&mut outbox, now) {
        outbox.answered(ticket, accepted(), now, 1.0);
        sent.extend(documents);
    }
    assert_eq!((sent.len(), fates(&mut outbox).1.len(), outbox.is_empty()), (8, 0, true));
}

#[test]
fn what_is_too_much_goes_oldest_first_and_says_why() {
    for (is_away, reason) in [(false, DropReason::Overflow), (true, DropReason::Unreachable)] {
        let mut outbox = Outbox::new(LIMITS);
        outbox.push(item(1, 1, 0));
        if is_away {
            let (ticket, _) = call(&mut outbox, SECOND).unwrap();
            outbox.answered(ticket, failed(CallErrorKind::Unreachable), SECOND, 1.0);
        }
        let fit = MAX_BYTES as u64 / 60_000 - 1;
        (2..fit + 10).for_each(|id| outbox.push(item(1, id, 60_000)));
        let (_, dropped) = fates(&mut outbox);
        assert!(!dropped.is_empty() && outbox.bytes() <= MAX_BYTES);
        let expected: Vec<_> = (1..=dropped.len() as u64).map(|id| (id, reason)).collect();
        assert_eq!(dropped, expected);
    }
}

#[test]
fn giving_up_says_what_kept_each() {
    let mut outbox = outbox(12);
    let (first, _) = call(&mut outbox, SECOND).unwrap();
    let (late, _) = call(&mut outbox, SECOND).unwrap();
    outbox.answered(first, failed(CallErrorKind::Status(503)), SECOND, 1.0);
    outbox.give_up();
    let mut reasons: HashMap<DropReason, usize> = HashMap::new();
    fates(&mut outbox).1.into_iter().for_each(|(_, reason)| *reasons.entry(reason).or_default() += 1);
    assert_eq!(reasons, HashMap::from([(DropReason::Unanswered, 8), (DropReason::ShutDown, 4)]));
    assert!(outbox.is_empty() && outbox.bytes() == 0);
    outbox.answered(late, accepted(), SECOND, 1.0);
    assert!(outbox.take_fates().is_empty(), "counted once");
}

#[test]
fn what_is_larger_than_a_call_takes_is_dropped_at_once() {
    let mut outbox = Outbox::new(LIMITS);
    outbox.push(item(1, 1, 64_000));
    assert_eq!(fates(&mut outbox).1, [(1, DropReason::TooLarge)]);
}

fn answer() -> impl Strategy<Value = Answer> {
    let kind = prop::sample::select(vec![
        CallErrorKind::Timeout,
        CallErrorKind::Broken,
        CallErrorKind::Unreachable,
        CallErrorKind::Unresolved,
        CallErrorKind::Credentials,
        CallErrorKind::Status(400),
        CallErrorKind::Status(403),
        CallErrorKind::Status(413),
        CallErrorKind::Status(429),
        CallErrorKind::Status(500),
    ]);
    let error = (kind, prop::option::of(0u64..100)).prop_map(|(kind, seconds)| {
        Answer::Failed(CallError {
            kind,
            message: String::new(),
            retry_after: seconds.map(Duration::from_secs),
        })
    });
    let code = prop::sample::select(vec!["InvalidName", "ThrottledException", ""]);
    let entry = (prop::option::of(0u64..40), code).prop_map(|(id, code)| Unprocessed {
        id: id.map(|id| format!("{id:016x}")),
        code: code.into(),
        message: String::new(),
    });
    let accepted =
        prop::collection::vec(entry, 0..3).prop_map(|unprocessed| Answer::Accepted { unprocessed });
    let partly = (0u32..3)
        .prop_map(|rejected_spans| Answer::PartlyAccepted { rejected_spans, message: String::new() });
    prop_oneof![4 => error, 4 => accepted, 1 => partly]
}

#[derive(Debug, Clone)]
enum Move {
    Push(u32, usize),
    Call,
    Answer(prop::sample::Index, Answer),
    Pass(u64),
    Look,
    Hurry,
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (0u32..4, prop_oneof![Just(0usize), Just(200), Just(63_000), Just(65_000)]).prop_map(|(trace, size)| Move::Push(trace, size)),
        4 => Just(Move::Call),
        4 => (any::<prop::sample::Index>(), answer()).prop_map(|(index, answer)| Move::Answer(index, answer)),
        2 => (0u64..20_000).prop_map(Move::Pass),
        1 => Just(Move::Look),
        1 => Just(Move::Hurry),
    ]
}

proptest! {
    /// Over any interleaving of documents, calls and answers, each document has one fate, and no call is too large.
    #[test]
    fn nothing_is_lost_or_counted_twice(
        moves in prop::collection::vec(any_move(), 0..80),
        gives_up: bool,
        jitter in 0.0f64..=1.0,
    ) {
        let mut outbox = Outbox::new(LIMITS);
        let (mut pushed, mut now) = (0u64, Duration::ZERO);
        let mut calls: Vec<Ticket> = Vec::new();
        let mut decided = HashSet::new();
        for next in moves {
            match next {
                Move::Push(trace, padding) => {
                    pushed += 1;
                    outbox.push(item(trace, pushed, padding));
                }
                Move::Call => {
                    let has_call = outbox.has_call(now);
                    if let Step::Call(ticket, documents) = outbox.next(now) {
                        prop_assert!(has_call);
                        prop_assert!(!documents.is_empty() && documents.len() <= LIMITS.max_documents);
                        let bytes: usize = documents.iter().map(|json| json.len()).sum();
                        prop_assert!(bytes <= LIMITS.max_call_bytes || documents.len() == 1);
                        calls.push(ticket);
                    }
                }
                Move::Answer(index, answer) if !calls.is_empty() => {
                    let ticket = calls.remove(index.index(calls.len()));
                    outbox.answered(ticket, answer, now, jitter);
                }
                Move::Answer(..) => {}
                Move::Pass(millis) => now += Duration::from_millis(millis),
                Move::Look => outbox.look_now(now),
                Move::Hurry => outbox.hurry(now, now + SECOND),
            }
            for fate in outbox.take_fates() {
                prop_assert!(decided.insert(id(&fate.item().json)), "counted twice");
            }
            prop_assert!(outbox.bytes() <= MAX_BYTES);
        }
        if gives_up {
            outbox.give_up();
        }
        // Everything is decided in the end, whatever there was before.
        for _ in 0..10_000 {
            for ticket in calls.drain(..) {
                outbox.answered(ticket, accepted(), now, jitter);
            }
            match outbox.next(now) {
                Step::Call(ticket, _) => calls.push(ticket),
                Step::Wait(Some(due)) => now = now.max(due),
                Step::Wait(None) => break,
            }
        }
        for fate in outbox.take_fates() {
            prop_assert!(decided.insert(id(&fate.item().json)), "counted twice");
        }
        prop_assert_eq!(decided.len() as u64, pushed);
        prop_assert!(outbox.is_empty() && outbox.bytes() == 0);
    }
}
