//! Hostile spans by the thousand: no panic, no invalid document, and every span accounted for.
//! `scripts/fuzz-smoke` sends a million.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::{
    KeyValue, SpanId, TraceId,
    trace::{SpanContext, SpanKind, TraceFlags, TraceState},
};
use opentelemetry_aws_xray::{
    DropReason, ExporterStats, Redaction, Verdict, XrayExporter,
    sink::{Document, Documents, MemorySink, Report, SegmentSink},
};
use opentelemetry_sdk::{Resource, trace::SpanExporter};
use xray_wire::validate::validate;

use crate::{
    asked,
    hostile::{self, Random},
    mapping::slots,
};

/// Spans in the ordinary test run, which may be slow and unoptimised.
const SPANS: u64 = 2_000;
/// Spans that one exporter gets before another takes over, with another resource and other options.
const SPANS_AN_EXPORTER: u64 = 1_000;

#[test]
fn hostile_spans_break_nothing() {
    let number = |variable, default| asked(variable).map_or(default, |text| text.parse().unwrap());
    let (spans, seed) = (number("XRAY_FUZZ_SPANS", SPANS), number("XRAY_FUZZ_SEED", 1));
    // Validation costs more than the export: of many spans, only some documents are looked into.
    let every = (spans / 50_000).max(1);
    println!("{spans} spans, seed {seed}, every {every}th document validated");

    let mut random = Random::new(seed);
    let mut left = spans;
    let mut sum = Sum::default();
    while left > 0 {
        let spans = left.min(SPANS_AN_EXPORTER);
        left -= spans;
        sum.add(&run(spans, every, &mut random));
    }
    println!("{sum:?}");
    assert_eq!(sum.spans_in, spans);
    assert!(sum.sent > 0 && sum.dropped > 0, "expected spans of both fates, but found {sum:?}");
}

#[derive(Debug, Default)]
struct Sum {
    spans_in: u64,
    sent: u64,
    dropped: u64,
    cut: u64,
    documents: u64,
}

impl Sum {
    fn add(&mut self, stats: &ExporterStats) {
        self.spans_in += stats.spans_in;
        self.sent += stats.spans_sent;
        self.dropped += stats.spans_dropped();
        self.cut += stats.cut;
        self.documents += stats.documents_sent;
    }
}

/// Half of the exporters keep something back.
fn redaction(random: &mut Random) -> Redaction {
    if random.once_in(2) {
        return Redaction::default();
    }
    Redaction::default()
        .with_denied(random.many(3, |random| *random.pick(&["order*", "url.*", "?", "aws.*.x"])))
        .with_allowed(random.many(2, |random| *random.pick(&["*r*", "default"])))
        .with_denied_metadata(*random.pick(&["events", "default", "*"]), *random.pick(&["0", "otel.*", "a"]))
        .with_masked_sql(random.once_in(2))
        .with_anonymous_clients(random.once_in(2))
        .with_rule(|_, text| match text.len() % 7 {
            0 => Verdict::Omit,
            1 => Verdict::Replace(text.repeat(2)),
            _ => Verdict::Keep,
        })
}

/// Sends spans through an exporter of their own, in batches.
fn run(spans: u64, every: u64, random: &mut Random) -> ExporterStats {
    let sink = FuzzSink { max_document_bytes: *random.pick(&[9_186, 64_000]), every, ..FuzzSink::default() };
    let invalid = sink.invalid.clone();
    let mut exporter = XrayExporter::builder()
        .with_sink(sink)
        .with_nesting(!random.once_in(4))
        .with_split_local_roots(!random.once_in(4))
        .with_user(!random.once_in(4))
        .with_grpc_status(!random.once_in(4))
        .with_sanitized_dots(random.once_in(4))
        .with_attribute_prefixes(random.once_in(4))
        .with_metadata_namespace(*random.pick(&["", "debug", "events", "AWS.x"]))
        .with_event_subsegments(*random.pick(&[0, 0, 3]))
        .with_redaction(redaction(random))
        .with_indexed_attributes([
            "order.id",
            "order-id",
            "order/id",
            "http.route",
            "server.address",
            "aws.remote.service",
        ])
        .build();
    exporter.set_resource(&hostile::resource(random));
    let mut left = spans;
    while left > 0 {
        let size = random.below(40).min(left) + u64::from(left > 0 && random.once_in(2)).min(left);
        let batch: Vec<_> = (0..size.min(left)).map(|_| hostile::span(random)).collect();
        left -= batch.len() as u64;
        futures_executor::block_on(exporter.export(batch)).unwrap();
        assert_accounted(&exporter.stats());
    }
    exporter.shutdown().unwrap();
    let stats = exporter.stats();
    assert_accounted(&stats);
    assert_eq!(stats.spans_held, 0, "after shutdown");
    for reason in [DropReason::Internal, DropReason::TooLarge] {
        assert_eq!(stats.dropped(reason), 0, "{reason}: {stats:?}");
    }
    let invalid = invalid.lock().unwrap();
    assert!(invalid.is_empty(), "{} invalid documents:\n{}", invalid.len(), invalid.join("\n"));
    stats
}

/// No budget cuts fields of documented length, so all of them have to fit at once.
#[test]
fn a_span_full_of_long_fields_fits_into_the_smallest_datagram() {
    let long = |key| match key {
        "cloud.provider" => KeyValue::new(key, "aws"),
        "cloud.platform" => KeyValue::new(key, "aws_ecs"),
        "rpc.system.name" => KeyValue::new(key, "aws-api"),
        "db.system.name" => KeyValue::new(key, "postgresql"),
        _ => KeyValue::new(key, "x".repeat(1_000)),
    };
    let resource = Resource::builder_empty().with_attributes(hostile::RESOURCE_KEYS.map(long)).build();
    for kind in [SpanKind::Server, SpanKind::Client] {
        let mut span = hostile::span(&mut Random::new(1));
        let (flags, state) = (TraceFlags::SAMPLED, TraceState::NONE);
        span.span_context = SpanContext::new(TraceId::from(1), SpanId::from(1), flags, false, state);
        span.span_kind = kind;
        span.attributes = slots().into_iter().map(long).collect();
        let sink = MemorySink::new(9_186);
        let mut exporter = XrayExporter::builder().with_sink(sink.clone()).build();
        exporter.set_resource(&resource);
        futures_executor::block_on(exporter.export(vec![span])).unwrap();
        let stats = exporter.stats();
        assert_eq!((stats.spans_sent, stats.cut > 0), (1, true), "{stats:?}");
    }
}

fn assert_accounted(stats: &ExporterStats) {
    assert_eq!(stats.spans_in, stats.spans_sent + stats.spans_held + stats.spans_dropped(), "{stats:?}");
}

/// Looks into documents, holds some back until the next call, and drops a few.
#[derive(Debug, Default)]
struct FuzzSink {
    max_document_bytes: usize,
    every: u64,
    seen: u64,
    held: Vec<(Vec<u8>, u32)>,
    invalid: Arc<Mutex<Vec<String>>>,
}

impl FuzzSink {
    fn look_into(&self, json: &[u8]) {
        let violation = if json.len() > self.max_document_bytes {
            format!("expected at most {} bytes, but found {}", self.max_document_bytes, json.len())
        } else if self.seen.is_multiple_of(self.every)
            && let Err(violation) = validate(json)
        {
            violation.to_string()
        } else {
            return;
        };
        let start = String::from_utf8_lossy(&json[..json.len().min(3_000)]);
        // The exporter would catch a panic.
        self.invalid.lock().unwrap().push(format!("{violation}: {start}"));
    }

    fn send_held(&mut self, report: &Report) {
        for (json, spans) in self.held.drain(..) {
            report.held_sent(Document { json: &json, spans });
        }
    }
}

impl SegmentSink for FuzzSink {
    fn max_document_bytes(&self) -> usize {
        self.max_document_bytes
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.send_held(report);
        for document in documents.iter() {
            self.seen += 1;
            self.look_into(document.json);
            match self.seen % 64 {
                0 => report.dropped_for(document, DropReason::Unreachable),
                1..8 => {
                    report.held(document);
                    self.held.push((document.json.to_vec(), document.spans));
                }
                _ => report.sent(document),
            }
        }
    }

    fn shutdown(&mut self, _timeout: Duration, report: &Report) {
        self.send_held(report);
    }
}
