//! What the daemon sink tells the person who runs the application: rarely, and never what is in a document.

use std::{io, time::Duration};

use opentelemetry::otel_warn;
use xray_wire::Endpoint;

/// A warning of one kind is not repeated before this has passed.
const AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// The warnings about one endpoint.
#[derive(Debug)]
pub(super) struct Warnings {
    endpoint: String,
    last: [Option<Duration>; 5],
}

impl Warnings {
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.to_string(), last: [None; 5] }
    }

    pub(super) fn unreachable(&mut self, now: Duration) {
        if self.is_due(0, now) {
            otel_warn!(
                name: "XrayDaemon.Unreachable",
                address = self.endpoint.as_str(),
                message = "nobody listens at the X-Ray daemon's UDP port; spans are held back for a while. Is the daemon running, and is AWS_XRAY_DAEMON_ADDRESS right?"
            );
        }
    }

    pub(super) fn unresolved(&mut self, error: &io::Error, now: Duration) {
        if self.is_due(1, now) {
            otel_warn!(
                name: "XrayDaemon.Unresolved",
                address = self.endpoint.as_str(),
                error = error.to_string(),
                message = "the X-Ray daemon's host name can't be resolved; spans are held back for a while. Is AWS_XRAY_DAEMON_ADDRESS right?"
            );
        }
    }

    pub(super) fn failed(&mut self, error: &io::Error, now: Duration) {
        if self.is_due(2, now) {
            otel_warn!(
                name: "XrayDaemon.SendFailed",
                address = self.endpoint.as_str(),
                error = error.to_string(),
                message = "the operating system refused to send a datagram to the X-Ray daemon"
            );
        }
    }

    pub(super) fn stuck(&mut self, now: Duration) {
        if self.is_due(3, now) {
            otel_warn!(
                name: "XrayDaemon.Stuck",
                address = self.endpoint.as_str(),
                message = "the X-Ray daemon does not read what it is sent; spans are held back for a while. Is the daemon running?"
            );
        }
    }

    pub(super) fn overflowed(&mut self, datagrams: u64, now: Duration) {
        if self.is_due(4, now) {
            otel_warn!(
                name: "XrayDaemon.Overflowed",
                address = self.endpoint.as_str(),
                datagrams = datagrams,
                message = "the buffer of the X-Ray daemon's socket overflowed, and datagrams of this or other senders were lost; we send more slowly from now on"
            );
        }
    }

    fn is_due(&mut self, kind: usize, now: Duration) -> bool {
        let is_due = self.last[kind].is_none_or(|last| now.saturating_sub(last) >= AT_MOST_EVERY);
        if is_due {
            self.last[kind] = Some(now);
        }
        is_due
    }
}
