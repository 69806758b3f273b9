//! What X-Ray is told of a sink's work.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::{
    exporter::DropReason,
    post::{CallError, CallErrorKind, Post, PostRequest, PostResponse},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps what it is sent, or fails.
#[derive(Debug, Clone, Default)]
struct Road {
    bodies: Arc<Mutex<Vec<Value>>>,
    fails: bool,
}

impl Post for Road {
    fn post(&self, request: &PostRequest<'_>, _: Duration) -> Result<PostResponse, CallError> {
        assert_eq!((request.path, request.content_type), ("/TelemetryRecords", "application/json"));
        self.bodies.lock().unwrap().push(serde_json::from_slice(request.body).unwrap());
        if self.fails {
            return Err(CallError::new(CallErrorKind::Unreachable, "nobody is there"));
        }
        Ok(PostResponse { status: 200, ..PostResponse::default() })
    }
}

/// Sends the first document and drops all others.
#[derive(Debug)]
struct First;

impl SegmentSink for First {
    fn max_document_bytes(&self) -> usize {
        64_000
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        for (position, document) in documents.iter().enumerate() {
            match position {
                0 => report.sent(document),
                1 => report.dropped_for(document, DropReason::Rejected),
                _ => report.dropped_for(document, DropReason::Overflow),
            }
        }
    }

    fn shutdown(&mut self, _: Duration, _: &Report) {}
}

fn send(sink: &mut impl SegmentSink, report: &Report) {
    let mut documents = Documents::default();
    for spans in [4, 2, 1] {
        documents.push(spans, |out| out.extend(b"{}"));
    }
    sink.send(&documents, report);
}

#[test]
fn the_last_minute_is_told_at_shutdown() {
    let road = Road::default();
    let settings = TelemetryRecords::new().with_hostname("host").with_resource_arn("arn:aws:ecs:1");
    let mut sink = TelemetrySink::new(First, CountingPost::new(road.clone()), settings);
    let report = Report::default();
    send(&mut sink, &report);
    sink.shutdown(PATIENCE, &report);
    let mut bodies = road.bodies.lock().unwrap();
    let [body] = bodies.as_mut_slice() else { panic!("{bodies:?}") };
    assert_eq!((&body["Hostname"], &body["ResourceARN"]), (&json!("host"), &json!("arn:aws:ecs:1")));
    let record = &body["TelemetryRecords"][0];
    assert!(record["Timestamp"].as_u64() > Some(1_700_000_000), "{body}");
    for (count, expected) in
        [("SegmentsSentCount", 4), ("SegmentsRejectedCount", 2), ("SegmentsSpilloverCount", 1)]
    {
        assert_eq!(record[count], json!(expected), "{count}");
    }
}

#[test]
fn nothing_is_told_of_nothing() {
    let road = Road::default();
    let mut sink = TelemetrySink::new(First, CountingPost::new(road.clone()), TelemetryRecords::new());
    sink.shutdown(PATIENCE, &Report::default());
    assert_eq!(*road.bodies.lock().unwrap(), Vec::<Value>::new());
}

#[test]
fn who_is_away_is_not_asked_again_and_again() {
    let road = Road { fails: true, ..Road::default() };
    let mut sink = TelemetrySink::new(First, CountingPost::new(road.clone()), TelemetryRecords::new());
    let report = Report::default();
    send(&mut sink, &report);
    sink.shutdown(PATIENCE, &report);
    assert_eq!(road.bodies.lock().unwrap().len(), 1);
}
