//! The thread that sends segments in progress.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{Resource, error::OTelSdkResult, trace::SpanExporter};

use super::waiting_room::SharedRoom;
use crate::{
    clock::{Clock, SystemClock},
    exporter::XrayExporter,
};

#[derive(Debug)]
pub(super) enum Command {
    /// A span has come in while the worker waited for one.
    Wake,
    SetResource(Resource),
    /// Until a time of [`SystemClock`], as below.
    Flush(Duration, SyncSender<OTelSdkResult>),
    Shutdown(Duration, SyncSender<OTelSdkResult>),
}

/// The thread that sends.
pub(super) struct Worker {
    room: SharedRoom,
    commands: Receiver<Command>,
    delay: Duration,
    exporter: XrayExporter,
}

impl Worker {
    pub(super) fn new(
        room: SharedRoom,
        commands: Receiver<Command>,
        delay: Duration,
        exporter: XrayExporter,
    ) -> Self {
        Self { room, commands, delay, exporter }
    }

    /// Sends what has waited long enough, and does what it is told, until it is told to stop.
    pub(super) fn run(mut self) {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        loop {
            match self.next_command() {
                Ok(Command::Wake) | Err(RecvTimeoutError::Timeout) => self.send(self.delay),
                Ok(Command::SetResource(resource)) => self.exporter.set_resource(&resource),
                Ok(Command::Flush(until, done)) => {
                    self.send(Duration::ZERO);
                    let _ = done.send(self.exporter.flush_within(until.saturating_sub(SystemClock.now())));
                }
                Ok(Command::Shutdown(until, done)) => {
                    let left = || until.saturating_sub(SystemClock.now());
                    self.exporter.begin_shutdown(left());
                    self.send(Duration::ZERO);
                    self.room.lock().close();
                    let _ = done.send(self.exporter.shutdown_with_timeout(left()));
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn next_command(&self) -> Result<Command, RecvTimeoutError> {
        let oldest = self.room.lock().oldest();
        match oldest {
            Some(since) => {
                let due = since.saturating_add(self.delay);
                self.commands.recv_timeout(due.saturating_sub(SystemClock.now()))
            }
            None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Sends what has waited for so long. Each span is taken out on its own, so that others may still end meanwhile.
    fn send(&self, delay: Duration) {
        let until = SystemClock.now();
        loop {
            let span = self.room.lock().take_due(until, delay);
            let Some(span) = span else { return };
            // What fails is counted, and told, by the exporter.
            let _ = self.exporter.export_now(vec![span]);
        }
    }
}
