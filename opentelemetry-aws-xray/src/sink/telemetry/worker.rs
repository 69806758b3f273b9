//! The thread that tells X-Ray of each minute.

use std::{
    io,
    sync::mpsc::{self, RecvTimeoutError, SyncSender},
    thread,
    time::Duration,
};

use opentelemetry::{Context, otel_warn};

use super::{
    CountingPost,
    record::{self, Counts, Reporter},
    recorder::Recorder,
};
use crate::{
    clock::epoch_seconds_coarse,
    exporter::{DropReason, ExporterStats},
    post::PostRequest,
    sink::Report,
};

/// As often as the daemon.
const EVERY: Duration = Duration::from_secs(60);

/// A request that takes longer is tried again with the next minute.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A handle to the thread, which ends with it.
#[derive(Debug)]
pub(super) struct Worker(SyncSender<Stop>);

/// Tell the last minute within the time, then say so.
#[derive(Debug)]
struct Stop {
    timeout: Duration,
    done: SyncSender<()>,
}

impl Worker {
    pub(super) fn start(road: CountingPost, reporter: Reporter, report: Report) -> io::Result<Self> {
        let (stop, stops) = mpsc::sync_channel(1);
        let mut teller = Teller { road, reporter, report, recorder: Recorder::default(), has_warned: false };
        thread::Builder::new().name("xray-telemetry".into()).spawn(move || {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            loop {
                match stops.recv_timeout(EVERY) {
                    Err(RecvTimeoutError::Timeout) => teller.end_minute(REQUEST_TIMEOUT),
                    Err(RecvTimeoutError::Disconnected) => return,
                    Ok(Stop { timeout, done }) => {
                        teller.end_minute(timeout.min(REQUEST_TIMEOUT));
                        let _ = done.send(());
                        return;
                    }
                }
            }
        })?;
        Ok(Self(stop))
    }

    /// Has the last minute told, and waits no longer than the time.
    pub(super) fn stop(self, timeout: Duration) {
        let (done, is_done) = mpsc::sync_channel(1);
        if self.0.send(Stop { timeout, done }).is_ok() {
            let _ = is_done.recv_timeout(timeout);
        }
    }
}

struct Teller {
    road: CountingPost,
    reporter: Reporter,
    report: Report,
    recorder: Recorder,
    has_warned: bool,
}

impl Teller {
    fn end_minute(&mut self, timeout: Duration) {
        self.recorder.end_minute(epoch_seconds_coarse(), counts(&self.report.stats(), &self.road));
        while self.tell(timeout) {}
    }

    /// Makes one request. Whether there may be more to tell, and somebody to tell it to.
    fn tell(&mut self, timeout: Duration) -> bool {
        let records = self.recorder.next();
        if records.is_empty() {
            return false;
        }
        let body = record::body(&records, &self.reporter);
        let request = PostRequest {
            path: "/TelemetryRecords",
            content_type: "application/json",
            content_encoding: None,
            body: body.as_bytes(),
        };
        // A failure to tell is none of the sink's work; and it would be told in the next minute, for ever.
        let reason = match self.road.uncounted().post(&request, timeout) {
            Ok(response) if (200..300).contains(&response.status) => {
                self.recorder.taken();
                return true;
            }
            Ok(response) => format!("HTTP {}", response.status),
            Err(error) => error.message,
        };
        if !self.has_warned {
            self.has_warned = true;
            otel_warn!(
                name: "XrayTelemetry.Failed",
                reason = reason.as_str(),
                message = "telemetry records could not be sent; they are tried again every minute, and this is told once"
            );
        }
        false
    }
}

fn counts(stats: &ExporterStats, road: &CountingPost) -> Counts {
    let rejected = stats.dropped(DropReason::Rejected);
    Counts {
        received: stats.spans_in,
        sent: stats.spans_sent,
        spillover: stats.spans_dropped().saturating_sub(rejected),
        rejected,
        errors: road.errors(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        post::{CallError, Post, PostResponse},
        sink::Documents,
    };

    /// May not be told anything.
    #[derive(Debug)]
    struct Forbidden;

    impl Post for Forbidden {
        fn post(&self, _: &PostRequest<'_>, _: Duration) -> Result<PostResponse, CallError> {
            Ok(PostResponse { status: 403, ..PostResponse::default() })
        }
    }

    #[test]
    fn records_that_can_not_be_sent_are_no_reason_for_another() {
        let report = Report::default();
        let mut documents = Documents::default();
        documents.push(1, |out| out.extend(b"{}"));
        documents.iter().for_each(|document| report.sent(document));
        let mut teller = Teller {
            road: CountingPost::new(Forbidden),
            reporter: Reporter::default(),
            report,
            recorder: Recorder::default(),
            has_warned: false,
        };
        for _ in 0..3 {
            teller.end_minute(REQUEST_TIMEOUT);
        }
        let waiting = teller.recorder.next();
        assert_eq!((waiting.len(), waiting[0].counts.sent, waiting[0].counts.errors.status_4xx), (1, 1, 0));
    }
}
