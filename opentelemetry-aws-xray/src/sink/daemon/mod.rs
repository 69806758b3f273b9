//! The X-Ray daemon over UDP.
//!
//! UDP tells a sender nothing, but for one thing: when nobody listens at the port of a host that is up, the kernel
//! learns of it and says so on the next call on a *connected* socket. On the same machine that is at once, so each
//! datagram is followed by the question whether it bounced. What bounces is sent once more, and if that bounces too,
//! it is held back until the daemon is there again ([`HoldOver`]).

mod flow;
mod hold_over;
mod receiver;
mod route;
mod warnings;

use std::{io, sync::Arc, time::Duration};

use flow::NoTurn;
use hold_over::HoldOver;
pub(crate) use receiver::ReceiverQueue;
pub(crate) use route::resolve;
use route::{Resolve, Route, RouteError};
use warnings::Warnings;
use xray_wire::{
    Endpoint,
    limits::{MAX_DATAGRAM_BYTES, MAX_DATAGRAM_BYTES_MACOS},
    pack,
};

use super::{DOCUMENT_BUDGET, Document, Documents, MAX_SEND_WAIT, Report, SegmentSink};
use crate::{
    clock::{Clock, SystemClock},
    exporter::DropReason,
};

/// Sends documents to the X-Ray daemon over UDP: one document a datagram, no faster than its socket can take them.
///
/// A daemon in the same network namespace (Linux) is looked at: the sink sends as fast as it reads, waits
/// while its socket's buffer is half full, and learns how many datagrams found no room. A daemon elsewhere is sent to at a careful,
/// growing pace ([`Pacer`](xray_wire::pace::Pacer)).
///
/// The address may be a host name. It is resolved at the first use, again every [`RESOLVE_EVERY`](Self::RESOLVE_EVERY), and
/// whenever an address does not answer, on a thread of its own: while a resolver takes its time, the old addresses are used. A name that
/// does not resolve yet is no error. All addresses that a name has are tried.
///
/// ```
/// use opentelemetry_aws_xray::{DaemonAddress, XrayExporter, sink::DaemonSink};
///
/// // A wrong address ends the start here; `with_daemon_address` would tell it in a warning and go on.
/// let address: DaemonAddress = "tcp:daemon.internal:2001 udp:daemon.internal:2000".parse()?;
/// let exporter = XrayExporter::builder().with_sink(DaemonSink::new(address.udp)).build();
/// # drop(exporter);
/// # Ok::<(), xray_wire::ParseDaemonAddressError>(())
/// ```
#[derive(Debug)]
pub struct DaemonSink {
    route: Route,
    clock: Arc<dyn Clock>,
    held: HoldOver,
    warnings: Warnings,
    datagram: Vec<u8>,
}

/// How sending one document ended, if it did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Nobody is there: keep it for later.
    Hold(DropReason),
    /// It will never go.
    Drop(DropReason),
}

impl DaemonSink {
    /// A host name is resolved again after so long. Orchestrators move daemons about; DNS answers commonly live a minute.
    pub const RESOLVE_EVERY: Duration = route::RESOLVE_EVERY;

    /// The most bytes of documents that are held back for a daemon that is away; when there are more, the oldest are dropped.
    pub const MAX_HELD_BYTES: usize = hold_over::MAX_BYTES;

    /// A sink that sends to an endpoint. Does nothing until the first document.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self::with_parts(endpoint, Arc::new(SystemClock), Box::new(route::look_up))
    }

    fn with_parts(endpoint: Endpoint, clock: Arc<dyn Clock>, resolve: Resolve) -> Self {
        Self {
            warnings: Warnings::new(&endpoint),
            route: Route::new(endpoint, resolve),
            clock,
            held: HoldOver::default(),
            datagram: Vec::new(),
        }
    }

    /// Sends one document, not waiting for its turn beyond `until`.
    fn deliver(&mut self, document: Document<'_>, until: Duration, report: &Report) -> Result<(), Failure> {
        pack::datagram(document.json, &mut self.datagram);
        let mut attempt = 0;
        let mut waits = true;
        while attempt < self.route.attempts() {
            attempt += 1;
            let now = self.clock.now();
            let link = match self.route.link(&*self.clock) {
                Ok(link) => link,
                Err(RouteError::Unresolved(error)) => {
                    self.warnings.unresolved(&error, now);
                    return Err(Failure::Hold(DropReason::Unresolved));
                }
                Err(RouteError::Unconnected(error)) => {
                    self.warnings.failed(&error, now);
                    self.route.next_address();
                    continue;
                }
            };
            if waits {
                let mut dropped = 0;
                let turn = link.flow.wait(self.datagram.len(), until, &*self.clock, &mut dropped);
                if dropped > 0 {
                    report.overflowed(dropped);
                    self.warnings.overflowed(dropped, now);
                }
                match turn {
                    Ok(()) => {}
                    Err(NoTurn::Stuck) => {
                        self.warnings.stuck(now);
                        return Err(Failure::Hold(DropReason::Unreachable));
                    }
                    Err(NoTurn::Late) => return Err(Failure::Hold(DropReason::Overflow)),
                }
                waits = false;
            }
            match link.socket.send(&self.datagram) {
                Ok(_) if matches!(link.socket.take_error(), Ok(None)) => return Ok(()),
                // It bounced, or the kernel spoke of an older one *instead of* sending this one.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if is_too_large(&error) => return Err(Failure::Drop(DropReason::TooLarge)),
                Err(error) => {
                    self.warnings.failed(&error, now);
                    self.route.next_address();
                    continue;
                }
            }
            report.refused();
            self.route.refused();
        }
        self.warnings.unreachable(self.clock.now());
        Err(Failure::Hold(DropReason::Unreachable))
    }

    /// Sends what was held back, oldest first, and stops at the first that is refused again or has no turn by `until`; at the latest
    /// at `end`.
    fn release(&mut self, until: Duration, end: Duration, report: &Report) {
        while self.clock.now() < end
            && let Some(held) = self.held.pop()
        {
            match self.deliver(held.document(), until, report) {
                Ok(()) => report.held_sent(held.document()),
                Err(Failure::Drop(reason)) => report.held_dropped_for(held.document(), reason),
                Err(Failure::Hold(reason)) => {
                    self.held.put_back(held.because(reason));
                    return;
                }
            }
        }
    }
}

impl SegmentSink for DaemonSink {
    fn max_document_bytes(&self) -> usize {
        let datagram = if cfg!(target_os = "macos") { MAX_DATAGRAM_BYTES_MACOS } else { MAX_DATAGRAM_BYTES };
        pack::max_document_bytes(datagram).min(DOCUMENT_BUDGET)
    }

    fn send(&mut self, documents: &Documents, report: &Report) {
        self.send_within(documents, MAX_SEND_WAIT, report);
    }

    fn send_within(&mut self, documents: &Documents, wait: Duration, report: &Report) {
        let now = self.clock.now();
        let until = documents.wait_until(now, wait);
        self.route.begin_batch(now, until);
        // What has its turn at once goes even where there is no time to wait for one.
        self.release(until, Duration::MAX, report);
        // While older documents wait, there is nobody to send younger ones to.
        let mut away = self.held.reason();
        for document in documents.iter() {
            let failure = match away {
                Some(reason) => Failure::Hold(reason),
                None => match self.deliver(document, until, report) {
                    Ok(()) => {
                        report.sent(document);
                        continue;
                    }
                    Err(failure) => failure,
                },
            };
            match failure {
                Failure::Drop(reason) => report.dropped_for(document, reason),
                Failure::Hold(reason) => {
                    away = Some(reason);
                    self.held.push(document, reason, report);
                }
            }
        }
    }

    fn force_flush(&mut self, timeout: Duration, report: &Report) {
        let now = self.clock.now();
        let end = now.saturating_add(timeout);
        self.route.begin_flush(now, end);
        self.release(end, end, report);
    }

    fn shutdown(&mut self, timeout: Duration, report: &Report) {
        self.force_flush(timeout, report);
        self.held.drop_all(report);
    }
}

/// `EMSGSIZE`, for which std has no kind.
fn is_too_large(error: &io::Error) -> bool {
    const EMSGSIZE: i32 = if cfg!(windows) {
        10_040
    } else if cfg!(any(target_os = "linux", target_os = "android")) {
        90
    } else {
        40
    };
    error.raw_os_error() == Some(EMSGSIZE)
}

#[cfg(test)]
mod tests;
