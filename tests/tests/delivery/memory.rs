//! What an outage costs.

use std::fs;

use opentelemetry_aws_xray::DropReason;

use crate::{road::Road, way::Way};

/// What the outbox holds at most.
const MAX_HELD_BYTES: u64 = 8 * 1016 * 1024;

/// What all the rest may take: the SDK's queue of spans, the text of a batch, the ids that the test remembers.
const REST_BYTES: u64 = 16 * 1024 * 1024;

/// As many as fit into the queue.
const ROUND: usize = 8_000;

/// Four times as much as may be held.
const ROUNDS: usize = 8;

#[test]
fn an_outage_costs_no_more_than_its_bound() {
    let mut road = Road::open_alone(Way::Tcp);
    road.end(ROUND / 20, 20);
    road.settle();
    let stats = road.xray.stats();
    let document_bytes = stats.bytes_sent / stats.documents_sent;

    road.runtime.block_on(road.local.stop_listening());
    let before = reset_peak_bytes();
    for _ in 0..ROUNDS {
        road.end(ROUND / 20, 20);
        road.xray.force_flush().unwrap();
    }
    let stats = road.xray.stats();
    let held = stats.spans_held;
    assert!(
        held * document_bytes <= MAX_HELD_BYTES + MAX_HELD_BYTES / 50,
        "{document_bytes} bytes each, {stats:?}"
    );
    assert!(
        held * document_bytes >= MAX_HELD_BYTES / 2,
        "the room is used: {document_bytes} bytes each, {stats:?}"
    );
    assert_eq!(stats.spans_missed, 0, "{stats:?}");
    assert_eq!(stats.dropped(DropReason::Unreachable), (ROUNDS * ROUND) as u64 - held, "{stats:?}");
    if let Some((before, after)) = before.zip(peak_bytes()) {
        let grown = after.saturating_sub(before);
        assert!(grown <= MAX_HELD_BYTES + REST_BYTES, "grown by {grown} bytes");
    }

    // What is held is the latest, and arrives.
    road.runtime.block_on(road.local.listen_again()).unwrap();
    road.settle();
    let outcome = road.close();
    assert_eq!(outcome.stats.spans_sent, ROUND as u64 + held);
    assert_eq!(outcome.arrived.len() as u64, outcome.stats.spans_sent);
}

/// The most memory that the process had so far; `None` where that is not told.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// Counts from what it has now on (proc(5), `clear_refs`).
fn reset_peak_bytes() -> Option<u64> {
    fs::write("/proc/self/clear_refs", "5").ok()?;
    peak_bytes()
}
