//! Ids as X-Ray makes them: a trace id begins with the time of day.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::clock::epoch_seconds_coarse;

/// Makes trace ids of 4 bytes epoch seconds and 12 random bytes, and span ids of 8 random bytes.
///
/// X-Ray accepts fully random W3C ids as well; with the time in front, an id tells when its trace began, also to
/// older tools that look no further than their first and last days. Ids are never zero.
///
/// Random bytes come from the SDK's own generator: one for each thread, fast, seeded by the operating system,
/// and not for secrets. A process that forks without `exec` copies it: the thread that lives on in the child repeats
/// its parent's ids. Threads that the child starts are seeded afresh.
///
/// ```
/// use opentelemetry_aws_xray::XrayIdGenerator;
/// use opentelemetry_sdk::trace::{IdGenerator, SdkTracerProvider};
///
/// let provider = SdkTracerProvider::builder().with_id_generator(XrayIdGenerator::default()).build();
/// # drop(provider);
///
/// let [a, b, c, d, ..] = XrayIdGenerator::default().new_trace_id().to_bytes();
/// let began = u64::from(u32::from_be_bytes([a, b, c, d]));
/// let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
/// assert!(began.abs_diff(now) < 60, "an id tells when its trace began");
/// ```
#[derive(Debug, Clone, Default)]
pub struct XrayIdGenerator {
    random: RandomIdGenerator,
}

impl IdGenerator for XrayIdGenerator {
    fn new_trace_id(&self) -> TraceId {
        loop {
            let id = trace_id(epoch_seconds_coarse(), self.random.new_trace_id());
            if id != TraceId::INVALID {
                return id;
            }
        }
    }

    fn new_span_id(&self) -> SpanId {
        loop {
            let id = self.random.new_span_id();
            if id != SpanId::INVALID {
                return id;
            }
        }
    }
}

/// `random` with `seconds` as its first four bytes, big-endian.
fn trace_id(seconds: u32, random: TraceId) -> TraceId {
    const RANDOM_BITS: u32 = 96;
    let random = u128::from_be_bytes(random.to_bytes()) << u32::BITS >> u32::BITS;
    TraceId::from(u128::from(seconds) << RANDOM_BITS | random)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn a_trace_id_is_seconds_and_random_bytes() {
        let random = TraceId::from(0xffff_ffff_bd86_2e3f_e1be_46a9_9427_2793);
        assert_eq!(trace_id(0x5759_e988, random).to_string(), "5759e988bd862e3fe1be46a994272793");
        assert_eq!(trace_id(0, TraceId::from(1)).to_string(), "00000000000000000000000000000001");
    }

    #[test]
    fn ids_carry_the_time_and_differ_across_threads() {
        let ids = XrayIdGenerator::default();
        let before = epoch_seconds_coarse();
        let made: Vec<_> = (0..4)
            .map(|_| {
                let ids = ids.clone();
                thread::spawn(move || {
                    (0..1_000).map(|_| (ids.new_trace_id(), ids.new_span_id())).collect::<Vec<_>>()
                })
            })
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        let after = epoch_seconds_coarse();

        for (trace, span) in &made {
            let id = xray_wire::TraceId::from_bytes(trace.to_bytes()).unwrap();
            assert!((before..=after).contains(&id.epoch_seconds()));
            assert_ne!(*span, SpanId::INVALID);
        }
        assert_eq!(made.iter().map(|(trace, _)| trace).collect::<HashSet<_>>().len(), made.len());
        assert_eq!(made.iter().map(|(_, span)| span).collect::<HashSet<_>>().len(), made.len());
    }
}
